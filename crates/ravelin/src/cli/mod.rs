//! The command line: one file a command.

pub mod check;
pub mod control;
pub mod drain;
pub mod init;
mod init_text;
pub mod kill;
pub mod reload;
pub mod sessions;
pub mod status;
mod table;
