//! The process that speaks to a domain controller: one order in, LDIF out, and its end.
//!
//! Everything that a hostile or broken server could do is done to this process alone. It has limits of its own, no file, no
//! configuration and nothing of its parent's environment; what it says is believed only whole, and read by a strict reader.

mod confine;
mod connect;
mod conversation;
mod domain;
mod message;
mod refusal;
mod stream;

use std::io::{BufWriter, Read, Write};
use std::process::ExitCode;

use ravelin_feeds::ldif;
use zeroize::Zeroizing;

use crate::failure::{FetchFailure, FetchProblem};
use crate::order::{FetchOrder, ORDER_BYTES_MAX};

/// Runs it: an order in JSON on standard input, LDIF on standard output, what went wrong on standard error and in the exit code.
pub fn run() -> ExitCode {
    let outcome = confine::confine().and_then(|()| read_order()).and_then(|order| {
        let mut out = BufWriter::with_capacity(OUT_BYTES, std::io::stdout().lock());
        domain::fetch(&order, &mut out)?;
        ldif::write_end(&mut out).and_then(|()| out.flush()).map_err(|error| domain::gone(&error))
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            // Without a parent there is nobody to tell.
            let _ = writeln!(std::io::stderr().lock(), "{}", problem.text);
            ExitCode::from(problem.failure.exit_code())
        }
    }
}

fn read_order() -> Result<FetchOrder, FetchProblem> {
    let wrong = |text: String| FetchProblem::new(FetchFailure::Crashed, text);
    // Set aside in one piece: growing would leave copies of a password behind.
    let mut json = Zeroizing::new(Vec::with_capacity(ORDER_BYTES_MAX + 1));
    let read = std::io::stdin().lock().take(ORDER_BYTES_MAX as u64).read_to_end(&mut json);
    read.map_err(|error| wrong(format!("the order cannot be read: {error}")))?;
    serde_json::from_slice(&json)
        .map_err(|_| wrong("this is run by `ravelin sync`, and takes its orders alone".to_owned()))
}

/// A pipe holds as much.
const OUT_BYTES: usize = 64 * 1024;
