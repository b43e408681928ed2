//! The gateway: admission, listeners, the session pipeline, pools, live authorization, reload.
//!
//! A session flows one way: `listener` → `session` (on a handshake thread) → its tunnel (on a relay thread) → one record.

mod admission;
mod descriptors;
pub mod gateway;
mod housekeeping;
mod listener;
pub mod operations;
pub mod pool;
mod reload;
pub mod server;
pub mod session;
pub mod trust;
