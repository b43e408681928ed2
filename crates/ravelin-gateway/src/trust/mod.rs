//! Everything a decision needs, and the live tunnels that were decided by it.

pub mod directory;
pub mod generation;
pub mod live;
