//! What is known of every server: up or down, failures in a row, tunnels.
//!
//! It outlives generations: it is kept by pool, name and address.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ravelin_config::{Config, PoolConfig};

/// Failures in a row, within [`EJECT_WITHIN`], after which a server is passed over for [`EJECT_FOR`]. A single refused
/// connection is no verdict: the next client tries again at once.
const EJECT_AFTER: u32 = 5;
/// See [`EJECT_AFTER`].
const EJECT_WITHIN: Duration = Duration::from_secs(10);
/// As long as the window that led to it.
const EJECT_FOR: Duration = Duration::from_secs(10);

/// The state of every server, across generations.
#[derive(Debug, Default)]
pub struct Pools {
    states: Mutex<HashMap<(String, String, SocketAddr), Arc<ServerState>>>,
    turns: Mutex<HashMap<String, Arc<AtomicUsize>>>,
}

/// One server of one generation's pool.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    /// Its name in the pool.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) address: SocketAddr,
    /// Its share.
    pub(crate) weight: u32,
    /// What is known of it.
    pub(crate) state: Arc<ServerState>,
}

/// What is known of a server.
#[derive(Debug)]
pub(crate) struct ServerState {
    /// What the last probes said; up until they say otherwise.
    probed_up: AtomicBool,
    tunnels: AtomicUsize,
    failures: Mutex<Failures>,
}

#[derive(Debug, Default)]
struct Failures {
    in_a_row: u32,
    first: Option<Instant>,
    ejected_until: Option<Instant>,
}

impl Pools {
    /// The servers of a pool, with their states.
    pub(crate) fn servers(&self, pool: &str, config: &PoolConfig) -> Vec<Server> {
        let mut states = lock(&self.states);
        config
            .servers
            .iter()
            .map(|server| {
                let key = (pool.to_owned(), server.name.clone(), server.address);
                let state = Arc::clone(states.entry(key).or_default());
                Server { name: server.name.clone(), address: server.address, weight: server.weight, state }
            })
            .collect()
    }

    /// The pool's turn, for round-robin.
    pub(super) fn turn(&self, pool: &str) -> usize {
        let turns = Arc::clone(lock(&self.turns).entry(pool.to_owned()).or_default());
        turns.fetch_add(1, Ordering::Relaxed)
    }

    /// Forgets servers that the configuration no longer has.
    pub(crate) fn retain(&self, config: &Config) {
        let known = |pool: &str, name: &str, address: SocketAddr| {
            config
                .pools
                .get(pool)
                .is_some_and(|pool| pool.servers.iter().any(|server| server.name == name && server.address == address))
        };
        lock(&self.states).retain(|(pool, name, address), _| known(pool, name, *address));
        lock(&self.turns).retain(|pool, _| config.pools.contains_key(pool));
    }
}

impl Default for ServerState {
    fn default() -> Self {
        ServerState { probed_up: AtomicBool::new(true), tunnels: AtomicUsize::new(0), failures: Mutex::default() }
    }
}

impl ServerState {
    /// Whether clients should be sent to it.
    pub(crate) fn is_up(&self, now: Instant) -> bool {
        self.probed_up.load(Ordering::Relaxed) && lock(&self.failures).ejected_until.is_none_or(|until| now >= until)
    }

    /// Tunnels it has.
    pub(crate) fn tunnels(&self) -> usize {
        self.tunnels.load(Ordering::Relaxed)
    }

    /// Counts a tunnel in, until the guard drops.
    pub(crate) fn count_tunnel(self: &Arc<Self>) -> TunnelCount {
        self.tunnels.fetch_add(1, Ordering::Relaxed);
        TunnelCount(Arc::clone(self))
    }

    /// Notes what the probes say.
    pub(super) fn probed(&self, up: bool) {
        self.probed_up.store(up, Ordering::Relaxed);
    }

    pub(super) fn succeeded(&self) {
        *lock(&self.failures) = Failures::default();
    }

    pub(super) fn failed(&self, now: Instant) {
        let mut failures = lock(&self.failures);
        if failures.first.is_none_or(|first| now.duration_since(first) > EJECT_WITHIN) {
            *failures = Failures { in_a_row: 0, first: Some(now), ejected_until: failures.ejected_until };
        }
        failures.in_a_row += 1;
        if failures.in_a_row >= EJECT_AFTER {
            *failures = Failures { ejected_until: Some(now + EJECT_FOR), ..Failures::default() };
        }
    }
}

/// A tunnel counted in.
#[derive(Debug)]
pub(crate) struct TunnelCount(Arc<ServerState>);

impl Drop for TunnelCount {
    fn drop(&mut self) {
        self.0.tunnels.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Every lock here guards a step that cannot leave half a change, so a panic elsewhere does not poison it.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ejection_needs_failures_in_a_row() {
        let state = ServerState::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        for _ in 0..4 {
            state.failed(at(0));
        }
        assert!(state.is_up(at(0)), "four are no verdict");
        state.succeeded();
        for _ in 0..4 {
            state.failed(at(1));
        }
        assert!(state.is_up(at(1)), "a success in between starts anew");
        state.failed(at(1));
        assert!(!state.is_up(at(2)));
        assert!(state.is_up(at(11)), "it gets another chance");
        for second in [20, 29, 38, 47, 56] {
            state.failed(at(second));
        }
        assert!(state.is_up(at(56)), "five in a minute are not five in ten seconds");
    }
}
