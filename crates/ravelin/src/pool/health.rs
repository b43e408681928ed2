//! Probes: whether a server takes a TCP connection.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, Interval, sleep_until, timeout};

use crate::config::{HealthConfig, PoolConfig};
use crate::gateway::Gateway;

use super::Server;

/// Probes in a row that must fail before a server counts as down; one that succeeds brings it back.
const DOWN_AFTER: u32 = 2;

/// Probes every pool of the generation in force when it is due, for as long as the gateway runs. On every beat it looks for
/// those that are new.
pub(crate) async fn probe_forever(gateway: Arc<Gateway>, mut beat: Interval) {
    let mut due: std::collections::HashMap<(String, std::net::SocketAddr), (Instant, u32)> = Default::default();
    loop {
        let (generation, now) = (gateway.generation(), Instant::now());
        let mut probes = tokio::task::JoinSet::new();
        for (pool, config) in &generation.config.pools {
            let HealthConfig::Tcp { every } = config.health else { continue };
            for server in gateway.pools.servers(pool, config) {
                let entry = due.entry((pool.clone(), server.address)).or_insert((now, 0));
                if entry.0 > now {
                    continue;
                }
                entry.0 = now + every;
                let (pool, deadline, failed) = (pool.clone(), config.connect_deadline.min(every), entry.1);
                probes.spawn(async move { (probe(&server, deadline).await, pool, server, failed) });
            }
        }
        while let Some(done) = probes.join_next().await {
            let Ok((reached, pool, server, failed)) = done else { continue };
            let failed = if reached { 0 } else { failed.saturating_add(1) };
            if let Some(entry) = due.get_mut(&(pool.clone(), server.address)) {
                entry.1 = failed;
            }
            let up = failed < DOWN_AFTER;
            server.state.probed(up);
            gateway.metrics.server_checked(&pool, &server.name, reached);
            gateway.metrics.server_up(&pool, &server.name, up);
        }
        due.retain(|(pool, address), _| is_probed(&generation.config.pools, pool, *address));
        let next = due.values().map(|(next, _)| *next).min();
        tokio::select! {
            _ = beat.tick() => {}
            () = sleep_until(next.unwrap_or(now)), if next.is_some() => {}
        }
    }
}

async fn probe(server: &Server, deadline: Duration) -> bool {
    matches!(timeout(deadline, TcpStream::connect(server.address)).await, Ok(Ok(_)))
}

fn is_probed(
    pools: &std::collections::BTreeMap<String, PoolConfig>,
    pool: &str,
    address: std::net::SocketAddr,
) -> bool {
    pools.get(pool).is_some_and(|config| {
        config.health != HealthConfig::Off && config.servers.iter().any(|server| server.address == address)
    })
}
