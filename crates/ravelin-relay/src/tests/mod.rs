//! The relay's promises, over real loopback sockets and over a transport that cuts reads and writes at will.

mod closing;
mod ends_are_passed_on;
mod limits_end_tunnels;
mod mock;
mod net;
mod pressure_stays_bounded;
mod splits_change_nothing;
mod toy;

use crate::{Limits, RelayEnd};
use std::time::Duration;

/// Limits that no test reaches by accident.
const LIMITS: Limits =
    Limits { idle: Duration::from_secs(600), half_closed_idle: Duration::from_secs(60), lifetime: None };

/// No awaited condition takes this long on any machine that is alive.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes that differ at every offset for a long way, so that a loss or a swap shows.
fn pattern(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// The end as the record's label would say it.
fn label(end: &RelayEnd) -> &'static str {
    match end {
        RelayEnd::ClientClosed => "client_closed",
        RelayEnd::ClientCut => "client_cut",
        RelayEnd::ClientFailed(_) => "client_failed",
        RelayEnd::Idle => "idle",
        RelayEnd::KeyLimit => "key_limit",
        RelayEnd::MaxLifetime => "max_lifetime",
        RelayEnd::ServerClosed => "server_closed",
        RelayEnd::ServerCut => "server_cut",
        RelayEnd::ServerFailed(_) => "server_failed",
        RelayEnd::Stopped => "stopped",
    }
}
