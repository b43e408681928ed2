//! The command line: one file a command.

pub mod check;
pub mod control;
#[cfg(feature = "demo")]
pub mod demo;
pub mod directory;
pub mod drain;
pub mod explain;
pub mod hello;
pub mod init;
mod init_args;
mod init_text;
pub mod kill;
pub mod override_age;
pub mod reload;
pub mod run;
pub mod sessions;
pub mod status;
pub mod sync;
mod table;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use ravelin_config::Problem;

/// Wrong usage, configuration or files.
pub const EXIT_CONFIGURATION: u8 = 2;

/// Prints problems to standard error, errors last so that they stand nearest to the prompt.
pub fn print_problems(problems: &[Problem]) {
    let mut sorted: Vec<_> = problems.iter().collect();
    sorted.sort_by_key(|problem| std::cmp::Reverse(problem.severity));
    let mut stderr = std::io::stderr().lock();
    for problem in sorted {
        // Nobody is left to tell when standard error is gone.
        let _ = writeln!(stderr, "{problem}");
    }
}

/// Prints to standard output; a closed pipe (`| head`) is no failure.
pub fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Prints one line to standard error.
pub fn print_error(text: &str) {
    // Nobody is left to tell when standard error is gone.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Whether standard output is a terminal that may be coloured.
pub fn coloured() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// The exit code for a configuration that cannot be used.
pub fn configuration_error(problems: &[Problem]) -> ExitCode {
    print_problems(problems);
    ExitCode::from(EXIT_CONFIGURATION)
}
