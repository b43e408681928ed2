//! The running gateway: what its threads share.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use rustls_pki_types::UnixTime;
use serde_json::Value;
use tokio::sync::Notify;

use crate::admission::{Admission, WaitingPlace};
use crate::pool::Pools;
use crate::trust::generation::Generation;
use crate::trust::judge_again::{self, WithdrawnSession};
use crate::trust::live::{Live, LiveSession};
use crate::trust::named_files::named_files;
use ravelin_ops::metrics::Metrics;
use ravelin_ops::operator::ReloadReport;
use ravelin_ops::process::clock;
use ravelin_ops::process::threads::ThreadPool;
use ravelin_ops::record::{SessionEnd, SessionRecord};
use ravelin_ops::record_sink::RecordSink;

/// Unauthenticated connections that were asked to make room where all sessions were taken, and have not gone yet: a handshake thread that is
/// busy takes a moment. A part of the descriptors that are kept for everything but sessions.
const LEAVING_MAX: usize = 64;

/// What every thread of the gateway shares.
pub struct Gateway {
    /// The configuration file; read again at a reload.
    pub config_file: PathBuf,
    /// When it started.
    pub started: UnixTime,
    /// Live sessions.
    pub(crate) live: Arc<Live>,
    /// Servers' states.
    pub(crate) pools: Arc<Pools>,
    /// The metrics.
    pub(crate) metrics: Arc<Metrics>,
    reloading: Mutex<()>,
    last_reload: Mutex<Option<ReloadReport>>,
    watched_besides: Mutex<Vec<PathBuf>>,
    generation: ArcSwap<Generation>,
    admission: Arc<Admission>,
    sinks: Vec<Box<dyn RecordSink>>,
    handshake_threads: ThreadPool,
    relay_threads: ThreadPool,
    sessions: AtomicUsize,
    next_session: AtomicU64,
    draining: AtomicBool,
    drain_requested: Notify,
}

impl Gateway {
    pub(crate) fn new(
        generation: Generation,
        sinks: Vec<Box<dyn RecordSink>>,
        metrics: Arc<Metrics>,
        handshake_threads: ThreadPool,
        relay_threads: ThreadPool,
    ) -> Gateway {
        Gateway {
            config_file: generation.config.file.clone(),
            started: clock::now(),
            live: Arc::default(),
            pools: Arc::default(),
            metrics,
            reloading: Mutex::default(),
            last_reload: Mutex::default(),
            watched_besides: Mutex::default(),
            generation: ArcSwap::from_pointee(generation),
            admission: Arc::default(),
            sinks,
            handshake_threads,
            relay_threads,
            sessions: AtomicUsize::new(0),
            next_session: AtomicU64::new(1),
            draining: AtomicBool::new(false),
            drain_requested: Notify::new(),
        }
    }

    /// The generation in force.
    pub fn generation(&self) -> Arc<Generation> {
        self.generation.load_full()
    }

    /// Puts a generation in force and judges every live tunnel by it.
    pub(crate) fn put_in_force(&self, next: Generation) -> Vec<WithdrawnSession> {
        self.generation.store(Arc::new(next));
        self.pools.retain(&self.generation().config);
        self.judge_again(&self.live.all(), "reload")
    }

    /// Judges live sessions again under the generation in force; those it denies are on their way out.
    pub(crate) fn judge_again(&self, sessions: &[Arc<LiveSession>], trigger: &'static str) -> Vec<WithdrawnSession> {
        self.metrics.reevaluated(trigger);
        judge_again::judge_again(sessions, || self.generation(), clock::now())
    }

    /// Takes a new connection in, or says which limit forbids it.
    ///
    /// # Errors
    /// `session_limit`, `source_limit`, `rate_limited`.
    pub(crate) fn enter(&self, client: IpAddr, session: u64) -> Result<WaitingPlace, SessionEnd> {
        let generation = self.generation();
        let limits = &generation.config.limits;
        // The newcomer is counted already.
        let sessions = self.sessions.load(Ordering::Relaxed).saturating_sub(1);
        if sessions >= limits.sessions.saturating_add(LEAVING_MAX) {
            return Err(SessionEnd::SessionLimit);
        }
        self.admission.enter(client, session, limits, sessions >= limits.sessions, Instant::now())
    }

    /// Connections without a permit.
    pub fn handshakes_in_flight(&self) -> usize {
        self.admission.waiting()
    }

    /// Sessions, tunnels included.
    pub fn sessions(&self) -> usize {
        self.sessions.load(Ordering::Relaxed)
    }

    /// Counts a session in and gives its number.
    pub(crate) fn count_session_in(&self) -> u64 {
        self.sessions.fetch_add(1, Ordering::Relaxed);
        self.next_session.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn count_session_out(&self) {
        self.sessions.fetch_sub(1, Ordering::Relaxed);
    }

    /// Writes the one record of a session: metrics first, then log and audit.
    pub(crate) fn write_record(&self, record: &SessionRecord) {
        if record.end == SessionEnd::InternalError {
            self.metrics.session_panicked();
        }
        self.metrics.observe(record);
        for sink in &self.sinks {
            sink.record(record);
        }
    }

    /// Writes down what an operator did.
    pub(crate) fn write_event(&self, fields: &[(&'static str, Value)]) {
        self.sinks.iter().for_each(|sink| sink.event(fields));
    }

    /// Why records are being lost.
    pub(crate) fn sink_troubles(&self) -> Vec<String> {
        self.sinks.iter().filter_map(|sink| sink.trouble()).collect()
    }

    /// What `/metrics` shows.
    pub fn metrics_page(&self) -> String {
        self.metrics.render()
    }

    /// SIGHUP: files of sinks may have been rotated away.
    pub fn reopen_sinks(&self) {
        self.sinks.iter().for_each(|sink| sink.reopen());
    }

    /// Brings what sinks have taken to its file.
    pub(crate) fn flush_sinks(&self) {
        self.sinks.iter().for_each(|sink| sink.flush());
    }

    /// The runtime of the next handshake thread.
    pub(crate) fn handshake_thread(&self) -> tokio::runtime::Handle {
        self.handshake_threads.next()
    }

    /// The runtime of the next relay thread.
    pub(crate) fn relay_thread(&self) -> tokio::runtime::Handle {
        self.relay_threads.next()
    }

    /// Whether a drain has begun.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Asks for a drain; the owner of the process carries it out.
    pub fn request_drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.drain_requested.notify_one();
    }

    /// Resolves when somebody asks for a drain.
    pub async fn drain_requested(&self) {
        self.drain_requested.notified().await;
    }

    /// One reload at a time.
    pub(crate) fn reloading(&self) -> MutexGuard<'_, ()> {
        // A reload that panicked leaves no half of a generation: it is swapped in one step. It is made again.
        self.reloading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last reload that was not a dry run.
    pub(crate) fn last_reload(&self) -> Option<ReloadReport> {
        self.last_reload.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether that was refused.
    pub(crate) fn was_reload_refused(&self) -> bool {
        let last = self.last_reload.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().is_some_and(|last| !last.accepted)
    }

    pub(crate) fn set_last_reload(&self, report: ReloadReport) {
        *self.last_reload.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
    }

    /// Has these files looked at besides those of the generation in force: what a configuration names that is refused, since
    /// the file that it lacks may still come.
    pub(crate) fn watch_besides(&self, files: Vec<PathBuf>) {
        *self.watched_besides.lock().unwrap_or_else(PoisonError::into_inner) = files;
    }

    /// Every file and folder whose change may make another generation.
    pub(crate) fn watched_files(&self) -> Vec<PathBuf> {
        let mut files = named_files(&self.generation().config);
        files.extend(self.watched_besides.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        // In one order: what is watched for another reason than before has not changed.
        files.sort();
        files.dedup();
        files
    }
}
