//! Starts a gateway and stops it: threads, listeners, housekeeping.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::time::{Interval, MissedTickBehavior, interval_at};

use crate::admin::{self, AdminHandle};
use crate::audit::Audit;
use crate::clock;
use crate::config::{Config, Problem, Severity};
use crate::gateway::{Gateway, RecordSink};
use crate::generation;
use crate::inherited::Inherited;
use crate::listener::Listeners;
use crate::memory::{self, Trimmer};
use crate::metrics::Metrics;
use crate::operations::Operations;
use crate::pool;
use crate::record::{SessionEnd, SessionRecord};
use crate::reload;
use crate::sync;
use crate::threads::{Pool, Thread};
use crate::watch::{Retry, Watcher};

/// Descriptors besides sessions: listeners, logs, admin, files of a reload, runtimes.
const DESCRIPTORS_RESERVED: u64 = 256;
/// How often changed files and run-out permits are looked for; together with [`Watcher`]'s second look a revocation is
/// noticed within two seconds, and its tunnels are gone within five.
const HOUSEKEEPING: Duration = Duration::from_secs(1);
/// After the drain deadline: what close_notify and the last records may take.
const CLOSE_GRACE: Duration = Duration::from_secs(2);
/// A drain looks this often whether the last session has gone.
const DRAIN_LOOK: Duration = Duration::from_millis(20);

/// A running gateway. Dropping it stops it without a drain.
pub struct Running {
    gateway: Arc<Gateway>,
    operations: Operations,
    admin: Option<AdminHandle>,
    accept: Option<Thread>,
    keeper: Option<Thread>,
    workers: Vec<Thread>,
}

/// Starts a gateway from a loaded configuration and its warnings. `sinks` get every session record, besides metrics and
/// audit file.
///
/// # Errors
/// Everything that is wrong with the configuration, its files, the addresses or the limits. Nothing runs then.
pub fn start(
    loaded: (Config, Vec<Problem>),
    metrics: Arc<Metrics>,
    sinks: Vec<Box<dyn RecordSink>>,
) -> Result<Running, Vec<Problem>> {
    start_on(Inherited::default(), loaded, metrics, sinks)
}

/// [`start`], on sockets of the service manager where it passed some.
///
/// # Errors
/// As [`start`].
pub fn start_on(
    inherited: Inherited,
    (config, warnings): (Config, Vec<Problem>),
    metrics: Arc<Metrics>,
    mut sinks: Vec<Box<dyn RecordSink>>,
) -> Result<Running, Vec<Problem>> {
    // Before the files are read: what changes while they are is noticed, and read again.
    let watcher = Watcher::new(&generation::named_files(&config));
    let mut generation = generation::build(&config, 1, clock::now())?;
    if !generation.directories.is_empty() {
        // Reading a snapshot takes three times what its index keeps.
        memory::give_back();
    }
    let listeners = Listeners::new(inherited);
    generation.warnings.splice(0..0, warnings.into_iter().chain(listeners.unclaimed(&config)));
    let at_start = |key: &str, text: String| vec![Problem::error(&config.file, key, text)];
    descriptors_suffice(&config).map_err(|text| at_start("limits.sessions", text))?;

    let opened = listeners.open(&config).map_err(|(name, address, error)| {
        at_start(&format!("listeners.{name}.bind"), format!("cannot listen on {address}: {error}"))
    })?;
    if let Some(path) = &config.log.audit {
        let audit = Audit::start(path, metrics.audit_records_dropped().clone());
        let audit = audit.map_err(|error| at_start("log.audit", format!("no thread to be had: {error}")))?;
        sinks.push(Box::new(audit));
    }
    let threads = |kind: &str, count: usize, linger: Duration| -> Result<Vec<Thread>, Vec<Problem>> {
        (0..count)
            .map(|index| Thread::start(&format!("{kind}-{index}"), linger))
            .collect::<Result<_, _>>()
            .map_err(|error| at_start("threads", format!("no thread to be had: {error}")))
    };
    let mut workers = threads("handshake", config.threads.handshake, Duration::ZERO)?;
    let handshake_pool = Pool::new(&workers);
    let relays = threads("relay", config.threads.relay, config.threads.linger)?;
    let relay_pool = Pool::new(&relays);
    workers.extend(relays);
    let mut single = threads("keeper", 1, Duration::ZERO)?;
    single.extend(threads("accept", 1, Duration::ZERO)?);
    let (accept, keeper) = (single.pop(), single.pop());
    let handle_of = |thread: &Option<Thread>| thread.as_ref().map(|thread| thread.handle().clone());
    let (Some(accept_handle), Some(keeper_handle)) = (handle_of(&accept), handle_of(&keeper)) else {
        return Err(at_start("threads", "no thread to be had".to_owned()));
    };

    let gateway = Arc::new(Gateway::new(generation, sinks, metrics, listeners, handshake_pool, relay_pool));
    let operations = Operations::new(Arc::clone(&gateway), accept_handle.clone());
    let admin = admin::serve(&config.admin, Arc::new(operations.clone()), Arc::clone(&gateway.metrics))
        .map_err(|error| at_start("admin", error.to_string()))?;
    if let Some(address) = admin.listen() {
        operations.set_admin_listen(address);
        tracing::info!(%address, "admin interface listens");
    }
    gateway.tell_metrics();
    gateway.listeners.apply(opened, &config, &gateway, &accept_handle);
    let crowded = workers.iter().chain(&accept).chain(&keeper).map(|thread| thread.handle().clone()).collect();
    keep_house(&gateway, &operations, watcher, &keeper_handle, crowded);
    Ok(Running { gateway, operations, admin: Some(admin), accept, keeper, workers })
}

/// Everything that a start would find wrong or worth a word, short of opening the addresses: for `check`.
pub fn problems_of_start(config: &Config) -> Vec<Problem> {
    let mut problems = sync::problems_of_start(config);
    if config.listeners.is_empty() {
        // A file of the companion's own.
        return problems;
    }
    problems.extend(match generation::build(config, 1, clock::now()) {
        Ok(generation) => generation.warnings,
        Err(problems) => problems,
    });
    if let Err(text) = descriptors_suffice(config) {
        // The unit that starts the gateway may give more than this shell has.
        let mut problem = Problem::error(&config.file, "limits.sessions", text);
        problem.severity = Severity::Warning;
        problems.push(problem);
    }
    problems
}

impl Running {
    /// What an operator may ask.
    pub fn operations(&self) -> &Operations {
        &self.operations
    }

    /// What its threads share.
    pub fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    /// Every listener's name with each of its addresses as bound.
    pub fn listening(&self) -> Vec<(String, SocketAddr)> {
        let generation = self.gateway.generation();
        let names = generation.config.listeners.keys();
        names.flat_map(|name| self.addresses(name).into_iter().map(|address| (name.clone(), address))).collect()
    }

    /// Addresses of a listener as bound.
    pub fn addresses(&self, listener: &str) -> Vec<SocketAddr> {
        self.gateway.listeners.bound(listener)
    }

    /// Address of the admin interface.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().and_then(AdminHandle::listen)
    }

    /// The name of a thread that does not run an empty task within `patience`, if there is one.
    pub async fn stuck_thread(&self, patience: Duration) -> Option<String> {
        let threads = self.workers.iter().chain(&self.accept).chain(&self.keeper);
        let answers: Vec<_> = threads.map(|thread| (thread.name(), thread.handle().spawn(async {}))).collect();
        let deadline = tokio::time::Instant::now() + patience;
        for (name, answer) in answers {
            if tokio::time::timeout_at(deadline, answer).await.is_err() {
                return Some(name.to_owned());
            }
        }
        None
    }

    /// Drains and stops: no new clients; tunnels have `drain_deadline` to end, the rest is closed with close_notify.
    /// `hurry` ends the waiting early. Blocks.
    pub fn drain(self, hurry: &AtomicBool) {
        self.gateway.request_drain();
        self.gateway.listeners.close();
        let deadline = Instant::now() + self.gateway.generation().config.limits.drain_deadline;
        tracing::info!(tunnels = self.gateway.live.len(), "draining");
        while self.gateway.sessions() > 0 && Instant::now() < deadline && !hurry.load(Ordering::Relaxed) {
            std::thread::sleep(DRAIN_LOOK);
        }
        self.stop();
    }

    /// Closes what is left with close_notify and stops. Blocks for a moment.
    pub fn stop(mut self) {
        self.stop_in_place();
    }

    fn stop_in_place(&mut self) {
        self.gateway.request_drain();
        self.gateway.listeners.close();
        for session in self.gateway.live.all() {
            session.stop.set(SessionEnd::Shutdown, "the gateway shut down");
        }
        let deadline = Instant::now() + CLOSE_GRACE;
        while !self.gateway.live.is_empty() && Instant::now() < deadline {
            std::thread::sleep(DRAIN_LOOK);
        }
        for thread in self.accept.take().into_iter().chain(self.workers.drain(..)).chain(self.keeper.take()) {
            thread.stop();
        }
        if let Some(admin) = self.admin.take() {
            admin.shutdown();
        }
        self.gateway.flush_sinks();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.accept.is_some() {
            self.stop_in_place();
        }
    }
}

impl RecordSink for Audit {
    fn record(&self, record: &SessionRecord) {
        self.write(record);
    }

    fn event(&self, fields: &[(&'static str, serde_json::Value)]) {
        self.write_event(fields);
    }

    fn trouble(&self) -> Option<String> {
        Audit::trouble(self)
    }

    fn reopen(&self) {
        Audit::reopen(self);
    }

    fn flush(&self) {
        // What the disk does not take by then is lost with the process; it was counted as trouble before.
        let _ = Audit::flush(self, CLOSE_GRACE);
    }
}

/// Runs for as long as the gateway does: health probes, permits that ran out, changed files. Each by itself, so that a
/// file that hangs (a dead network disk) or breaks its reader keeps no permit alive.
fn keep_house(
    gateway: &Arc<Gateway>,
    operations: &Operations,
    watcher: Watcher,
    keeper: &Handle,
    threads: Vec<Handle>,
) {
    let _entered = keeper.enter();
    let first = tokio::time::Instant::now() + HOUSEKEEPING;
    keeper.spawn(pool::probe_forever(Arc::clone(gateway), beat(first)));
    let expiring = Arc::clone(gateway);
    keeper.spawn(on_every(beat(first), "the look for permits that ran out", move || {
        let run_out = expiring.live.run_out(clock::now());
        if !run_out.is_empty() {
            expiring.judge_again(&run_out, "expiry");
        }
    }));
    let (crowd, trimmer) = (Arc::clone(gateway), Mutex::new(Trimmer::default()));
    keeper.spawn(on_every(beat(first), "the look for memory to give back", move || {
        if trimmer.lock().unwrap_or_else(PoisonError::into_inner).look(crowd.sessions(), Instant::now()) {
            memory::give_back_of(&threads);
        }
    }));
    let (gateway, operations, looks) =
        (Arc::clone(gateway), operations.clone(), Mutex::new((watcher, Retry::default())));
    keeper.spawn(on_every(beat(first), "the look for changed files", move || {
        // A look that panicked is made again as a whole.
        let mut looks = looks.lock().unwrap_or_else(PoisonError::into_inner);
        let (watcher, retry) = &mut *looks;
        let changed = watcher.look(&gateway.watched_files());
        let was_refused = gateway.was_reload_refused();
        if changed || !was_refused {
            *retry = Retry::default();
        } else {
            retry.refused(Instant::now());
        }
        let is_time = changed || (watcher.is_at_rest() && retry.is_due(Instant::now()));
        if is_time {
            retry.begins(Instant::now());
            operations.reload_for(if changed { reload::FILE } else { reload::RETRY }, false);
        }
    }));
}

/// A beat a second. All of one first beat come together, however long the work takes: a silent gateway wakes once.
fn beat(first: tokio::time::Instant) -> Interval {
    let mut beat = interval_at(first, HOUSEKEEPING);
    beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
    beat
}

/// Does a piece of work on every beat for ever, one at a time, on a thread that may block. A panic of it is told, and the
/// work goes on.
async fn on_every(mut beat: Interval, what: &'static str, work: impl Fn() + Send + Sync + 'static) {
    let work = Arc::new(work);
    loop {
        beat.tick().await;
        let (work, is_wanted) = (Arc::clone(&work), Arc::new(AtomicBool::new(true)));
        let wanted = Arc::clone(&is_wanted);
        let once = move || {
            if wanted.load(Ordering::Relaxed) {
                work();
            }
        };
        // Where the system has no thread to give, tokio panics, and keeps the work for the next that it gets.
        let Ok(begun) = catch_unwind(AssertUnwindSafe(|| tokio::task::spawn_blocking(once))) else {
            is_wanted.store(false, Ordering::Relaxed);
            tracing::error!("{what} cannot be begun: there is no thread for it; it is tried again");
            continue;
        };
        match begun.await {
            Ok(()) => {}
            Err(error) if error.is_panic() => tracing::error!("{what} broke off; it is tried again"),
            // The runtime ends.
            Err(_) => return,
        }
    }
}

/// Raises the limit of open descriptors to what `limits.sessions` needs, or says what is missing.
pub(crate) fn descriptors_suffice(config: &Config) -> Result<(), String> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let sessions = u64::try_from(config.limits.sessions).unwrap_or(u64::MAX);
    let needed = sessions.saturating_mul(2).saturating_add(DESCRIPTORS_RESERVED);
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let maximum = if limit.maximum.is_none_or(|maximum| maximum >= needed) { limit.maximum } else { Some(needed) };
    let raised = Rlimit { current: Some(needed), maximum };
    setrlimit(Resource::Nofile, raised).map_err(|_| {
        let has = limit.maximum.or(limit.current).unwrap_or(u64::MAX);
        let fits = has.saturating_sub(DESCRIPTORS_RESERVED) / 2;
        format!(
            "{sessions} sessions need {needed} descriptors (2 a session and {DESCRIPTORS_RESERVED}); the system gives {has}. \
             Cure: LimitNOFILE={needed} in the unit (or ulimit -n), or sessions = {fits}"
        )
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[tokio::test]
    async fn housekeeping_survives_a_panic() {
        let looks = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&looks);
        let keeping = tokio::spawn(on_every(beat(tokio::time::Instant::now()), "a test", move || {
            assert!(counted.fetch_add(1, Ordering::Relaxed) > 0, "the first look panics");
        }));
        let deadline = Instant::now() + Duration::from_secs(20);
        while looks.load(Ordering::Relaxed) < 2 {
            assert!(Instant::now() < deadline && !keeping.is_finished(), "nobody looks any more");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        keeping.abort();
    }
}
