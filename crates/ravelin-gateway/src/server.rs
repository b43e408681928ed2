//! Starts a gateway and stops it: threads, listeners, housekeeping.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::descriptors::descriptors_suffice;
use crate::gateway::Gateway;
use crate::housekeeping;
use crate::listener::{Accepting, Listeners};
use crate::operations::Operations;
use crate::trust::generation;
use crate::trust::named_files::named_files;
use ravelin_config::{Config, Problem, Severity};
use ravelin_ops::admin::{self, AdminHandle};
use ravelin_ops::audit::Audit;
use ravelin_ops::metrics::Metrics;
use ravelin_ops::process::clock;
use ravelin_ops::process::inherited::Inherited;
use ravelin_ops::process::memory::{self};
use ravelin_ops::process::threads::{Thread, ThreadPool};
use ravelin_ops::process::watch::Watcher;
use ravelin_ops::record::{Ending, SessionEnd};
use ravelin_ops::record_sink::RecordSink;

/// After the drain deadline: what close_notify and the last records may take. A socket that takes a close_notify takes it at
/// once; what waits longer is not read any more.
pub const CLOSE_GRACE: Duration = Duration::from_secs(2);
/// A drain looks this often whether the last session has gone: a tenth of the 0.2 s that docs/rules.md rule 14 gives it.
const DRAIN_LOOK: Duration = Duration::from_millis(20);

/// A running gateway. Dropping it stops it without a drain.
pub struct Running {
    gateway: Arc<Gateway>,
    listeners: Arc<Listeners>,
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
    let watcher = Watcher::new(&named_files(&config));
    let mut generation = generation::build(&config, 1, clock::now())?;
    if !generation.directories.is_empty() {
        // Reading a snapshot takes three times what its index keeps.
        memory::give_back();
    }
    let listeners = Arc::new(Listeners::new(inherited));
    generation.warnings.splice(0..0, warnings.into_iter().chain(listeners.unclaimed(&config)));
    let at_start = |key: &str, text: String| vec![Problem::error(&config.file, key, text)];
    descriptors_suffice(&config).map_err(|problem| at_start("limits.sessions", problem.to_string()))?;

    let opened = listeners.open(&config).map_err(|problem| at_start(&problem.key(), problem.to_string()))?;
    if let Some(path) = &config.log.audit {
        let audit = Audit::start(path, metrics.audit_records_dropped().clone());
        let audit = audit.map_err(|error| at_start("log.audit", format!("no thread to be had: {error}")))?;
        sinks.push(Box::new(audit));
    }
    let threads = |kind: &str, count: usize, linger: Duration| -> Result<Vec<Thread>, Vec<Problem>> {
        (0..count)
            .map(|index| {
                let linger = (!linger.is_zero()).then_some(move || ravelin_relay::linger(linger));
                Thread::start(&format!("{kind}-{index}"), linger)
            })
            .collect::<Result<_, _>>()
            .map_err(|error| at_start("threads", format!("no thread to be had: {error}")))
    };
    let mut workers = threads("handshake", config.threads.handshake, Duration::ZERO)?;
    let handshake_pool = ThreadPool::new(&workers);
    let relays = threads("relay", config.threads.relay, config.threads.linger)?;
    let relay_pool = ThreadPool::new(&relays);
    workers.extend(relays);
    let mut single = threads("keeper", 1, Duration::ZERO)?;
    single.extend(threads("accept", 1, Duration::ZERO)?);
    let (accept, keeper) = (single.pop(), single.pop());
    let handle_of = |thread: &Option<Thread>| thread.as_ref().map(|thread| thread.handle().clone());
    let (Some(accept_handle), Some(keeper_handle)) = (handle_of(&accept), handle_of(&keeper)) else {
        return Err(at_start("threads", "no thread to be had".to_owned()));
    };

    let gateway = Arc::new(Gateway::new(generation, sinks, metrics, handshake_pool, relay_pool));
    let accepting = Accepting { listeners: Arc::clone(&listeners), thread: accept_handle };
    let operations = Operations::new(Arc::clone(&gateway), accepting.clone());
    let admin = admin::serve(&config.admin, Arc::new(operations.clone()), Arc::clone(&gateway.metrics))
        .map_err(|error| at_start("admin", error.to_string()))?;
    if let Some(address) = admin.listen() {
        operations.set_admin_listen(address);
        tracing::info!(%address, "admin interface listens");
    }
    gateway.update_metrics();
    accepting.apply(opened, &config, &gateway);
    let crowded = workers.iter().chain(&accept).chain(&keeper).map(|thread| thread.handle().clone()).collect();
    housekeeping::start(&gateway, &operations, watcher, &keeper_handle, crowded);
    Ok(Running { gateway, listeners, operations, admin: Some(admin), accept, keeper, workers })
}

/// Everything that a start would find wrong or worth a warning, short of opening the addresses: for `check`.
pub fn problems_of_start(config: &Config) -> Vec<Problem> {
    if config.listeners.is_empty() {
        // A file of the companion's own.
        return Vec::new();
    }
    let mut problems = match generation::build(config, 1, clock::now()) {
        Ok(generation) => generation.warnings,
        Err(problems) => problems,
    };
    if let Err(problem) = descriptors_suffice(config) {
        // The unit that starts the gateway may give more than this shell has.
        let mut problem = Problem::error(&config.file, "limits.sessions", problem.to_string());
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
        self.listeners.bound(listener)
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
        self.listeners.close();
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
        self.listeners.close();
        for session in self.gateway.live.all() {
            session.stop.set(Ending::new(SessionEnd::Shutdown, "the gateway shut down"));
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
