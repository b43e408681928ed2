//! What the tests share.

pub mod gate;

pub use gate::{Gate, Setup, replace, wait};

/// Unix seconds.
pub fn unix_now() -> i64 {
    ravelin_lab::clock::now()
}
