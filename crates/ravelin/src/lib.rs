//! Where it meets: configuration, listeners, the session pipeline, pools, live authorization, admin, command line.
//!
//! A session flows one way: `listener` → `session` (on a handshake thread) → `tunnel` (on a relay thread) → one record.

pub mod admin;
pub mod audit;
pub mod cli;
pub mod clock;
pub mod config;
mod directory;
mod draft;
mod files;
mod front;
pub mod gateway;
pub mod generation;
mod iana;
pub mod inherited;
mod legacy;
mod listener;
mod live;
pub mod log;
#[cfg(test)]
mod manual;
pub mod memory;
pub mod metrics;
pub mod notify;
pub mod operations;
pub mod operator;
mod packed;
pub mod pool;
mod publish;
pub mod record;
mod reload;
#[cfg(test)]
mod samples;
pub mod server;
mod session;
mod sync;
mod threads;
mod tunnel;
mod watch;
