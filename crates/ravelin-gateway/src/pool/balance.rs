//! The order in which servers are tried.

use ravelin_config::Balance;

use crate::pool::state::Server;

/// A pool's order without anything to connect: for benchmarks.
#[derive(Debug)]
pub struct Order {
    balance: Balance,
    servers: Vec<Server>,
}

impl Order {
    /// Of servers by name and weight, all of them up.
    pub fn new<'n>(balance: Balance, servers: impl IntoIterator<Item = (&'n str, u32)>) -> Order {
        let nowhere = std::net::SocketAddr::from(([0, 0, 0, 0], 0));
        let servers = servers.into_iter().map(|(name, weight)| Server {
            name: name.to_owned(),
            address: nowhere,
            weight,
            state: Default::default(),
        });
        Order { balance, servers: servers.collect() }
    }

    /// The server that this identity tries first, in the pool's so-many-th turn; none where there is none.
    pub fn first(&self, identity: &str, turn: usize) -> Option<String> {
        let now = std::time::Instant::now();
        order(&self.servers, self.balance, identity, turn, |server| server.state.is_up(now))
            .into_iter()
            .next()
            .map(|server| server.name)
    }
}

/// Servers in the order in which a client should try them: the preferred first, those that are down last, none left
/// out, since trying a server that is thought down beats refusing a client.
pub(super) fn order(
    servers: &[Server],
    balance: Balance,
    identity: &str,
    turn: usize,
    is_up: impl Fn(&Server) -> bool,
) -> Vec<Server> {
    let mut ordered: Vec<Server> = match balance {
        Balance::Identity => by_identity(servers, identity),
        Balance::RoundRobin => by_turn(servers, turn),
    };
    ordered.sort_by_key(|server| !is_up(server));
    ordered
}

/// Weighted rendezvous hashing: a client finds the same server again as long as it is there, from any gateway, and a
/// server that goes moves only its own clients. Score: -weight / ln(hash), hash in (0, 1).
fn by_identity(servers: &[Server], identity: &str) -> Vec<Server> {
    let mut scored: Vec<(f64, Server)> =
        servers.iter().map(|server| (score(identity, server), server.clone())).collect();
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    scored.into_iter().map(|(_, server)| server).collect()
}

fn score(identity: &str, server: &Server) -> f64 {
    let hash = mix(fnv1a(identity.as_bytes(), fnv1a(server.name.as_bytes(), FNV_BASIS)));
    // 53 bits: the integers that a double holds exactly; never 0 nor 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    let unit = ((hash >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    -f64::from(server.weight) / unit.ln()
}

/// Weighted turns: each server holds as many places in the round as its weight.
fn by_turn(servers: &[Server], turn: usize) -> Vec<Server> {
    let round: Vec<usize> = servers
        .iter()
        .enumerate()
        .flat_map(|(index, server)| std::iter::repeat_n(index, server.weight as usize))
        .collect();
    let first = round.get(turn % round.len().max(1)).copied().unwrap_or(0);
    servers.iter().cycle().skip(first).take(servers.len()).cloned().collect()
}

/// FNV-1a: stable across versions and machines, as balancing must be; std's hasher promises neither.
fn fnv1a(bytes: &[u8], basis: u64) -> u64 {
    bytes.iter().fold(basis, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;

/// The finalizer of SplitMix64: FNV alone leaves the high bits of short names alike.
fn mix(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn servers(weights: &[(&str, u32)]) -> Vec<Server> {
        Order::new(Balance::Identity, weights.iter().copied()).servers
    }

    fn firsts(servers: &[Server], balance: Balance, clients: usize) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for client in 0..clients {
            let order = order(servers, balance, &format!("pc{client}.corp.example.com"), client, |_| true);
            assert_eq!(order.len(), servers.len(), "nobody is left out");
            *counts.entry(order[0].name.clone()).or_insert(0) += 1;
        }
        counts
    }

    #[test]
    fn identity_spreads_by_weight_and_moves_only_the_lost_servers_clients() {
        let all = servers(&[("a", 1), ("b", 1), ("c", 2)]);
        let counts = firsts(&all, Balance::Identity, 20_000);
        for (name, share) in [("a", 5_000.0), ("b", 5_000.0), ("c", 10_000.0)] {
            let got = f64::from(u32::try_from(counts[name]).unwrap());
            assert!((got - share).abs() < share * 0.05, "{name}: {got}");
        }
        let fewer = servers(&[("a", 1), ("b", 1)]);
        for client in 0..1_000 {
            let key = format!("pc{client}");
            let before = order(&all, Balance::Identity, &key, 0, |_| true)[0].name.clone();
            let after = order(&fewer, Balance::Identity, &key, 0, |_| true)[0].name.clone();
            assert!(before == "c" || before == after, "{key} moved from {before} to {after}");
        }
    }

    #[test]
    fn turns_go_round_by_weight() {
        let counts = firsts(&servers(&[("a", 1), ("b", 3)]), Balance::RoundRobin, 400);
        assert_eq!((counts["a"], counts["b"]), (100, 300));
    }

    #[test]
    fn the_down_come_last() {
        let all = servers(&[("a", 1), ("b", 1), ("c", 1)]);
        for client in 0..50 {
            let order = order(&all, Balance::Identity, &format!("pc{client}"), 0, |server| server.name != "b");
            assert_eq!(order[2].name, "b");
        }
    }
}
