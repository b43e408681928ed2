//! `ravelin sync`: fetches computer accounts from domain controllers and writes the snapshot that gateways read.
//!
//! ```text
//! reader (one a domain)   order of controllers > fetch (a process each time) > LDIF > state
//! table                   all states together > snapshot, written atomically, its serial number rising
//! ```
//!
//! - What a controller sends is read twice: in the process that fetches, which may die of it, and here by the reader of LDIF.
//! - Every fetch is whole or nothing. A domain whose controllers are away keeps what is known of it, and ages by itself.
//! - A refused password is tried again after an hour, or when it is another one (`refused_password.rs`).
//! - Nothing here listens but the pages for metrics and health.

mod backoff;
mod child;
mod domain_reader;
mod failure;
pub mod fetch;
mod order;
mod pages;
pub mod publish;
mod refused_password;
mod settings;
mod state;
mod table;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ravelin_feeds::snapshot::SigningKey;
use tokio::sync::watch;
use zeroize::Zeroizing;

use backoff::jittered;
pub use child::COMMAND as FETCH_COMMAND;
use domain_reader::DomainReader;
use failure::FetchFailure;
pub use pages::SyncPages;
use table::DomainTable;

use crate::publish::Publisher;
use ravelin_config::{Config, Problem, SyncConfig};
use ravelin_ops::metrics::SyncMetrics;
use ravelin_ops::process::files::{self, FileProblems};
use ravelin_ops::process::secret_files::warn_of_readers;

/// A companion that is ready to fetch.
pub struct Sync {
    config: SyncConfig,
    table: Arc<Mutex<DomainTable>>,
    metrics: Arc<SyncMetrics>,
}

/// Everything that a start would find wrong with the files, for `check`.
pub fn problems_of_start(config: &Config) -> Vec<Problem> {
    let Some(sync) = &config.sync else { return Vec::new() };
    let mut problems = FileProblems::default();
    let _ = open(sync, &mut problems);
    problems.into_inner()
}

/// Reads what the configuration names.
fn open(config: &SyncConfig, problems: &mut FileProblems) -> Option<DomainTable> {
    settings::check(config, problems);
    let signer = match &config.signing_key {
        None => None,
        Some(path) => {
            warn_of_readers(path, "sync.signing_key", problems);
            let pem = Zeroizing::new(files::read(path, "sync.signing_key", problems)?);
            match SigningKey::from_pem(&pem) {
                Ok(key) => Some(key),
                Err(problem) => {
                    problems.error(path, "sync.signing_key", problem.to_string());
                    return None;
                }
            }
        }
    };
    match Publisher::open(config.snapshot.clone(), signer, config.max_shrink) {
        Ok((publisher, before)) => {
            let names = config.domains.iter().map(|domain| domain.domain.clone()).collect();
            let refresh_s = i64::try_from(config.refresh.as_secs()).unwrap_or(i64::MAX);
            Some(DomainTable::new(names, publisher, before, refresh_s))
        }
        Err(why) => {
            problems.error(&config.snapshot, "sync.snapshot", why.to_string());
            None
        }
    }
}

impl Sync {
    /// With what the configuration names, and warnings.
    ///
    /// # Errors
    /// Something cannot be read.
    pub fn new(config: SyncConfig, metrics: Arc<SyncMetrics>) -> Result<(Sync, Vec<Problem>), Vec<Problem>> {
        let mut problems = FileProblems::default();
        let table = open(&config, &mut problems);
        match table {
            Some(table) if problems.errors() == 0 => {
                let sync = Sync { config, table: Arc::new(Mutex::new(table)), metrics };
                Ok((sync, problems.into_inner()))
            }
            Some(_) | None => Err(problems.into_inner()),
        }
    }

    /// Metrics for a configuration.
    pub fn metrics(config: &SyncConfig) -> Arc<SyncMetrics> {
        let results: Vec<&str> = std::iter::once("ok").chain(FetchFailure::ALL.map(FetchFailure::label)).collect();
        Arc::new(SyncMetrics::new(config, &results))
    }

    /// What is served of it.
    pub fn pages(&self) -> Arc<SyncPages> {
        let names = self.config.domains.iter().map(|domain| domain.domain.clone()).collect();
        Arc::new(SyncPages::new(names, Arc::clone(&self.table), Arc::clone(&self.metrics), self.config.resync))
    }

    /// Fetches every domain once, whole.
    ///
    /// # Errors
    /// A line for each domain that was not fetched, and for a snapshot that was not written. The others are in it.
    pub async fn once(&self) -> Result<(), Vec<String>> {
        let mut problems = Vec::new();
        for mut reader in self.readers() {
            if let Err(problem) = reader.round(true).await {
                problems.push(format!("{}: {problem}", reader.domain()));
            }
        }
        problems.extend(self.metrics.trouble().map(|why| format!("snapshot not written: {why}")));
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Fetches for as long as it is polled. A change of `again` fetches everything at once.
    pub async fn run(&self, again: &watch::Receiver<u64>) {
        let mut domains = tokio::task::JoinSet::new();
        for reader in self.readers() {
            domains.spawn(read_for_ever(reader, self.config.poll, self.config.resync, again.clone()));
        }
        while let Some(ended) = domains.join_next().await {
            // They do not end by themselves, and what may panic in one runs on another thread.
            tracing::error!(broke = ended.is_err(), "a domain is read no more");
        }
    }

    fn readers(&self) -> Vec<DomainReader> {
        let readers = (0..self.config.domains.len()).filter_map(|index| {
            DomainReader::new(index, &self.config, Arc::clone(&self.table), Arc::clone(&self.metrics))
        });
        readers.collect()
    }
}

async fn read_for_ever(mut reader: DomainReader, poll: Duration, resync: Duration, mut again: watch::Receiver<u64>) {
    let mut whole_due = Instant::now();
    loop {
        let whole = Instant::now() >= whole_due;
        let wait = match reader.round(whole).await {
            Ok(round) => {
                if round.whole {
                    whole_due = Instant::now() + jittered(resync);
                }
                jittered(poll)
            }
            // Told where it was met. A refused password waits for a change of its file, which costs nothing to look for.
            Err(problem) if problem.failure == FetchFailure::BindRefused => poll,
            Err(_) => reader.next_try(Instant::now()).max(RETRY_MIN),
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            Ok(()) = again.changed() => whole_due = Instant::now(),
        }
    }
}

/// Between two rounds that fail: a controller that refuses connections answers at once.
const RETRY_MIN: Duration = Duration::from_secs(2);
