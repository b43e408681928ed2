//! `ravelin drain`.

use std::process::ExitCode;

use super::control::{self, ControlArgs, EXIT_DONE};
use ravelin_ops::admin::control::Request;

/// Accept nobody any more, wait for tunnels as `limits.drain_deadline` says, end.
#[derive(clap::Args, Clone, Debug)]
pub struct DrainArgs {
    /// Where.
    #[command(flatten)]
    pub control: ControlArgs,
}

/// Begins a drain and does not wait for its end.
pub fn run(args: &DrainArgs) -> ExitCode {
    control::run(&args.control, &Request::Drain {}, |(): &()| ("draining\n".to_owned(), EXIT_DONE))
}
