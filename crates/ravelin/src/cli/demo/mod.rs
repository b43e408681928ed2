//! `ravelin demo`: a whole estate in one process, nothing to install.
//!
//! A real gateway with a real configuration file, in front of two DirectAccess stand-ins; a scripted set of clients, each
//! allowed or refused for its own reason. What the table shows is read from the session records, as `log` shows them.

mod directory;
mod estate;
mod records;
mod script;
mod table;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use ravelin_lab::client::Tunnel;
use tokio::signal::unix::{SignalKind, signal};

use super::{coloured, print, print_problems};
use estate::DemoEstate;
use ravelin_config::Problem;
use ravelin_gateway::server::{self, Running};
use ravelin_ops::metrics::Metrics;
use records::DemoRecords;

/// Arguments of `ravelin demo`.
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// Leave when the table is printed
    #[arg(long)]
    once: bool,
}

/// Runs the command: 0 when every client met its expected end.
pub fn run(args: &DemoArgs) -> ExitCode {
    match demo(args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            match failure {
                Failure::Configuration(problems) => print_problems(&problems),
                Failure::System(error) => super::print_error(&format!("the demo cannot run here: {error}")),
            }
            ExitCode::FAILURE
        }
    }
}

enum Failure {
    Configuration(Vec<Problem>),
    System(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::System(error)
    }
}

fn demo(args: &DemoArgs) -> Result<bool, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let estate = runtime.block_on(DemoEstate::build())?;
    let records = DemoRecords::default();
    let loaded = ravelin_config::load(&estate.config_file()).map_err(Failure::Configuration)?;
    let running = server::start(loaded, Arc::new(Metrics::new()), vec![Box::new(records.clone())])
        .map_err(Failure::Configuration)?;
    let outcome = runtime.block_on(show(args, &estate, &running, &records));
    running.stop();
    Ok(outcome?)
}

async fn show(args: &DemoArgs, estate: &DemoEstate, running: &Running, records: &DemoRecords) -> io::Result<bool> {
    let address = running
        .addresses("edge")
        .first()
        .copied()
        .ok_or_else(|| io::Error::other("the demo's listener has no address"))?;
    print(&table::heading(address, coloured()));
    let mut all_expected = true;
    let mut visits_expected = 0;
    let mut pausing: Option<Tunnel> = None;
    for step in script::steps(estate, address) {
        let seen = records.len();
        let (row, tunnel) = step.run(|| records.after(seen)).await;
        all_expected &= row.as_expected();
        visits_expected += usize::from(row.admitted());
        print(&table::row(&row, coloured()));
        pausing = pausing.or(tunnel);
    }
    let visits = estate.visits();
    all_expected &= visits == visits_expected;
    print(&table::closing(all_expected, visits, visits_expected, coloured()));
    if !args.once {
        print(&table::invitation(running.admin_address(), &estate.control_socket(), coloured()));
        // When it cannot be waited for, leaving at once is all there is.
        let _ = until_asked_to_end().await;
    }
    drop(pausing);
    Ok(all_expected)
}

/// Ctrl-C is the way out, but the estate's folder goes also when the process is ended otherwise.
async fn until_asked_to_end() -> io::Result<()> {
    let (mut hangup, mut terminate) = (signal(SignalKind::hangup())?, signal(SignalKind::terminate())?);
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = hangup.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::script::Row;

    #[test]
    fn a_row_is_as_expected_only_when_both_sides_agree() {
        let row = |end: &str, worked| Row {
            client: "pc".to_owned(),
            expected: "revoked",
            ended: end.to_owned(),
            detail: String::new(),
            client_saw: String::new(),
            tunnel_worked: worked,
        };
        assert!(row("revoked", false).as_expected());
        assert!(!row("expired", false).as_expected());
        assert!(!row("revoked", true).as_expected(), "refused, yet it had a tunnel");
    }
}
