//! `ravelin run`: the gateway as a process: log, signals, systemd, exit codes.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;

use super::{EXIT_CONFIGURATION, configuration_error, print_problems};
use ravelin_config::Problem;
use ravelin_gateway::gateway::Gateway;
use ravelin_gateway::operations::Operations;
use ravelin_gateway::server::{self, Running};
use ravelin_ops::log::{self};
use ravelin_ops::metrics::Metrics;
use ravelin_ops::operator::ReloadReport;
use ravelin_ops::process::clock;
use ravelin_ops::process::inherited::Inherited;
use ravelin_ops::process::notify::{Notifier, Watchdog};
use ravelin_ops::record_sink::RecordSink;

/// Arguments of `ravelin run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Runs the command: returns when the gateway has drained.
pub fn run(args: &RunArgs) -> ExitCode {
    let inherited = match Inherited::from_env() {
        Ok(inherited) => inherited,
        Err(error) => {
            let text = format!(
                "the service manager passed a socket that cannot be used: {error}. Cure: nothing but ListenStream= with an \
                 address and a port in the .socket unit"
            );
            return configuration_error(&[Problem::error(&args.config, "listeners", text)]);
        }
    };
    let (config, warnings) = match ravelin_config::load(&args.config) {
        Ok(loaded) => loaded,
        Err(problems) => return configuration_error(&problems),
    };
    let metrics = Arc::new(Metrics::new());
    let log = match log::start(&config.log, metrics.log_counters(), clock::utc) {
        Ok(log) => log,
        Err(error) => {
            print_problems(&[Problem::error(&args.config, "log", error.to_string())]);
            return ExitCode::from(EXIT_CONFIGURATION);
        }
    };
    log::report_panics();
    for warning in &warnings {
        tracing::warn!("{warning}");
    }
    let told = warnings.len();
    let sinks: Vec<Box<dyn RecordSink>> = vec![Box::new(log.clone())];
    let running = match server::start_on(inherited, (config, warnings), metrics, sinks) {
        Ok(running) => running,
        Err(problems) => {
            log.flush();
            return configuration_error(&problems);
        }
    };
    // The configuration's own come first, and are reported.
    for warning in running.gateway().generation().warnings.iter().skip(told) {
        tracing::warn!("{warning}");
    }
    for (name, address) in running.listening() {
        tracing::info!(listener = %name, %address, "listens");
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), generation = running.gateway().generation().number, "serves");
    let code = match serve(running) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "cannot wait for signals");
            ExitCode::FAILURE
        }
    };
    log.flush();
    code
}

/// Waits for signals until the gateway has drained.
fn serve(running: Running) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let served = runtime.block_on(wait_for_signals(running));
    // A reload that hangs (a dead network disk) must not hang the end of the process.
    runtime.shutdown_timeout(RELOAD_GRACE);
    served
}

async fn wait_for_signals(running: Running) -> std::io::Result<()> {
    let (mut hangup, mut terminate, mut interrupt) =
        (signal(SignalKind::hangup())?, signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let notifier = Notifier::from_env();
    notifier.ready();
    let mut watchdog = notifier.watchdog();
    // Reading files and judging every tunnel again may take longer than the manager's patience: signs of life and
    // SIGTERM do not wait for it.
    let mut reloads = JoinSet::new();
    loop {
        tokio::select! {
            () = watchdog.due() => {
                // A thread that does not answer is worth a restart by systemd: no sign of life then.
                match running.stuck_thread(watchdog.patience()).await {
                    None => watchdog.beat(),
                    Some(name) => tracing::error!(thread = %name, "does not answer; the watchdog is not fed"),
                }
            }
            _ = hangup.recv() => {
                notifier.reloading();
                hung_up(running.gateway(), running.operations(), &mut reloads);
            }
            Some(_) = reloads.join_next() => {
                if reloads.is_empty() {
                    notifier.ready();
                }
            }
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            () = running.gateway().drain_requested() => break,
        }
    }
    notifier.stopping();
    let signals = Signals { hangup, terminate, interrupt };
    drain(running, &mut watchdog, signals, reloads).await;
    Ok(())
}

/// SIGHUP: the audit file is opened anew, and everything is read anew, beside whatever else there is to do.
fn hung_up(gateway: &Gateway, operations: &Operations, reloads: &mut JoinSet<ReloadReport>) {
    gateway.reopen_sinks();
    // One that waits for the one at work will read what is there then: a third would find nothing new.
    if reloads.len() < 2 {
        let operations = operations.clone();
        reloads.spawn_blocking(move || operations.reload_for("signal", false));
    }
}

/// How long a reload may go on when everything else has ended.
const RELOAD_GRACE: Duration = Duration::from_millis(100);

/// What steers a process that drains.
struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

/// Drains; a second signal to end hurries. A hangup reloads as ever: who is denied meanwhile goes at once.
async fn drain(running: Running, watchdog: &mut Watchdog, mut signals: Signals, mut reloads: JoinSet<ReloadReport>) {
    let (gateway, operations) = (Arc::clone(running.gateway()), running.operations().clone());
    let hurry = Arc::new(AtomicBool::new(false));
    let drained = Arc::clone(&hurry);
    let mut drain = tokio::task::spawn_blocking(move || running.drain(&drained));
    loop {
        tokio::select! {
            _ = &mut drain => return,
            // A drain may be longer than the watchdog's patience, and has a deadline of its own.
            () = watchdog.due() => watchdog.beat(),
            _ = signals.terminate.recv() => hurry.store(true, Ordering::Relaxed),
            _ = signals.interrupt.recv() => hurry.store(true, Ordering::Relaxed),
            _ = signals.hangup.recv() => hung_up(&gateway, &operations, &mut reloads),
            Some(_) = reloads.join_next() => {}
        }
    }
}
