//! What holds the tree itself in order; the behaviour tests are in `tests/it`.

pub mod house;
