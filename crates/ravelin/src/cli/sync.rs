//! `ravelin sync`: the companion as a process: log, signals, systemd, exit codes.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{EXIT_CONFIGURATION, configuration_error, print_error, print_problems};
use ravelin_config::{Problem, SyncConfig};
use ravelin_ops::admin;
use ravelin_ops::log;
use ravelin_ops::process::clock;
use ravelin_ops::process::notify::Notifier;
use ravelin_sync::{Sync, SyncPages};

/// Arguments of `ravelin sync`.
#[derive(Args, Debug)]
pub struct SyncArgs {
    /// The configuration: a file with `[sync]` alone is enough
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Fetch everything once, write the snapshot, and leave: 0 where all went well, 1 where something did not
    #[arg(long)]
    once: bool,
}

/// The hidden command that fetches; see `ravelin_sync`.
pub const FETCH: &str = ravelin_sync::FETCH_COMMAND;

/// Runs the hidden command.
pub fn fetch() -> ExitCode {
    ravelin_sync::fetch::run()
}

/// Runs the command.
pub fn run(args: &SyncArgs) -> ExitCode {
    let (config, warnings) = match ravelin_config::load_sync(&args.config) {
        Ok(loaded) => loaded,
        Err(problems) => return configuration_error(&problems),
    };
    // The table was demanded.
    let Some(sync_config) = config.sync else { return ExitCode::from(EXIT_CONFIGURATION) };
    let metrics = Sync::metrics(&sync_config);
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
    let sync = match Sync::new(sync_config.clone(), metrics) {
        Ok((sync, warnings)) => {
            for warning in &warnings {
                tracing::warn!("{warning}");
            }
            sync
        }
        Err(problems) => {
            log.flush();
            return configuration_error(&problems);
        }
    };
    let code = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let code = runtime.block_on(run_async(&sync, &sync_config, args));
            // What is being read is of no use any more.
            runtime.shutdown_timeout(LAST_WORK);
            code
        }
        Err(error) => {
            tracing::error!(%error, "no runtime to be had");
            ExitCode::FAILURE
        }
    };
    log.flush();
    code
}

async fn run_async(sync: &Sync, config: &SyncConfig, args: &SyncArgs) -> ExitCode {
    if args.once {
        return match sync.once().await {
            Ok(()) => ExitCode::SUCCESS,
            Err(problems) => {
                problems.iter().for_each(|problem| print_error(&format!("error: {problem}")));
                ExitCode::FAILURE
            }
        };
    }
    let pages = sync.pages();
    let served = config.listen.map(|address| admin::serve_pages("sync.listen", address, pages.clone())).transpose();
    let served = match served {
        Ok(served) => served,
        Err(error) => return configuration_error(&[Problem::error(&args.config, "sync.listen", error.to_string())]),
    };
    if let Some(address) = served.as_ref().and_then(admin::AdminHandle::listen) {
        tracing::info!(%address, "metrics and health are served");
    }
    let ended = serve(sync, &pages).await;
    drop(served);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "cannot wait for signals");
            ExitCode::FAILURE
        }
    }
}

/// Fetches until a signal ends it. A hangup fetches everything at once.
async fn serve(sync: &Sync, pages: &SyncPages) -> std::io::Result<()> {
    let (mut hangup, mut terminate, mut interrupt) =
        (signal(SignalKind::hangup())?, signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let notifier = Notifier::from_env();
    // Not only when the first fetch is done: a controller that is away is no reason to restart us.
    notifier.ready();
    let mut watchdog = notifier.watchdog();
    let (again, asked) = watch::channel(0_u64);
    let running = sync.run(&asked);
    tokio::pin!(running);
    let mut told = tokio::time::interval(TOLD_EVERY);
    loop {
        tokio::select! {
            () = &mut running => return Ok(()),
            // This thread runs everything that does not block; it is alive when it comes here.
            () = watchdog.due() => watchdog.beat(),
            _ = told.tick() => notifier.status(&status(pages)),
            _ = hangup.recv() => again.send_modify(|count| *count = count.wrapping_add(1)),
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    notifier.stopping();
    Ok(())
}

/// One line for `systemctl status`.
fn status(pages: &SyncPages) -> String {
    let ages = pages.ages();
    let domain = |(domain, age): (&String, &Option<i64>)| match age {
        Some(age) => format!("{domain} {age} s old"),
        None => format!("{domain} unknown"),
    };
    let domains: Vec<String> = ages.iter().map(domain).collect();
    let ready = if pages.unready(&ages).is_empty() { "" } else { ", not ready: see /readyz and the log" };
    format!("{}{ready}", domains.join(", "))
}

/// The service manager wants a sign of life within half its watchdog time.
const TOLD_EVERY: Duration = Duration::from_secs(10);
/// As for a gateway's reload.
const LAST_WORK: Duration = Duration::from_millis(100);
