//! Health checks: whether a server takes a TCP connection.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, sleep_until};

use crate::trust::generation::Generation;
use ravelin_config::HealthConfig;
use ravelin_ops::metrics::Metrics;

use crate::pool::probe;
use crate::pool::state::{Pools, Server};

/// Probes in a row that must fail before a server counts as down; one that succeeds brings it back. One lost SYN is no verdict.
const DOWN_AFTER: u32 = 2;

/// A server of a pool: the pool's name, its own, its address.
type Key = (String, String, SocketAddr);

struct Probed {
    due: Instant,
    is_running: bool,
    /// In a row.
    failed: u32,
}

/// A probe that has come to its end: whether the server was reached.
type Outcome = (Key, Server, bool);

/// Probes every pool of the generation in force when it is due, for as long as the gateway runs; none waits for another.
/// On every beat it looks for servers that are new.
pub(crate) async fn check_forever(
    in_force: impl Fn() -> Arc<Generation>,
    pools: Arc<Pools>,
    metrics: Arc<Metrics>,
    mut beat: Interval,
) {
    let (mut probed, mut probes) = (HashMap::new(), JoinSet::new());
    loop {
        let now = Instant::now();
        begin(&pools, &metrics, &in_force(), now, &mut probed, &mut probes);
        let next = probed.values().filter(|probed| !probed.is_running).map(|probed| probed.due).min();
        tokio::select! {
            _ = beat.tick() => {}
            () = sleep_until(next.unwrap_or(now)), if next.is_some() => {}
            Some(done) = probes.join_next() => match done {
                Ok(outcome) => note(&metrics, outcome, &mut probed),
                // Whose it was is not known any more.
                Err(_) => probed.clear(),
            },
        }
    }
}

/// Begins the probes that are due, forgets servers that are gone or no longer probed, and updates which are up.
fn begin(
    pools: &Pools,
    metrics: &Metrics,
    generation: &Generation,
    now: Instant,
    probed: &mut HashMap<Key, Probed>,
    probes: &mut JoinSet<Outcome>,
) {
    let mut kept = HashMap::with_capacity(probed.len());
    for (pool, config) in &generation.config.pools {
        for server in pools.servers(pool, config) {
            metrics.set_server_up(pool, &server.name, server.state.is_up(now.into_std()));
            let HealthConfig::Tcp { every } = config.health else {
                // Nobody would ever say again that it is up.
                server.state.probed(true);
                continue;
            };
            let key = (pool.clone(), server.name.clone(), server.address);
            let mut entry = probed.remove(&key).unwrap_or(Probed { due: now, is_running: false, failed: 0 });
            if !entry.is_running && entry.due <= now {
                entry = Probed { due: now + every, is_running: true, ..entry };
                let (key, deadline) = (key.clone(), config.connect_deadline.min(every));
                probes.spawn(async move {
                    let reached = probe::takes_tcp(server.address, deadline).await;
                    (key, server, reached)
                });
            }
            kept.insert(key, entry);
        }
    }
    *probed = kept;
}

fn note(metrics: &Metrics, (key, server, reached): Outcome, probed: &mut HashMap<Key, Probed>) {
    // One that is gone meanwhile has no state to change and no metric.
    let Some(entry) = probed.get_mut(&key) else { return };
    entry.is_running = false;
    entry.failed = if reached { 0 } else { entry.failed.saturating_add(1) };
    server.state.probed(entry.failed < DOWN_AFTER);
    metrics.server_checked(&key.0, &key.1, reached);
}
