//! Process matters: the clock, files, threads, memory, and the service manager.

pub mod clock;
pub mod files;
pub mod inherited;
pub mod memory;
pub mod notify;
pub mod secret_files;
pub mod threads;
pub mod watch;
