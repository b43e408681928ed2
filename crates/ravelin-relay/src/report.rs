//! What a tunnel was, reported when it ended.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How a tunnel ended and what it carried: complete however it ended.
///
/// A byte of plaintext is *handed* to a side when `send(2)` on that side's socket has taken the last byte of the record
/// that it was sealed in (where sealing changes no length, as on a plain side: the byte itself). The kernel has it then;
/// whether the peer got it, only the peer knows: a reset may take back what it had not acknowledged. Bytes that were read
/// and not handed on are not counted.
#[derive(Debug)]
pub struct RelayReport {
    /// The first thing that ended it.
    pub end: RelayEnd,
    /// Plaintext bytes handed to the client's socket.
    pub to_client_bytes: u64,
    /// Plaintext bytes handed to the server's socket.
    pub to_server_bytes: u64,
    /// From the call to what ended it; closing is not counted.
    pub duration: Duration,
}

/// How a tunnel ended: the first thing that ended it. Labels are the record's.
#[derive(Debug)]
pub enum RelayEnd {
    /// The client ended cleanly first, and both sides are done; or it ended cleanly and then reset the connection, which
    /// says that it takes no more of the server's bytes.
    ClientClosed,
    /// The client's stream ended without close_notify.
    ClientCut,
    /// The client's connection broke: reset, bad record, alert.
    ClientFailed(io::Error),
    /// Nothing moved for `idle`, or one half was closed for `half_closed_idle`.
    Idle,
    /// A key may seal no more records.
    KeyLimit,
    /// `lifetime` is over.
    MaxLifetime,
    /// The server ended cleanly first, and both sides are done; or it ended cleanly and then reset the connection.
    ServerClosed,
    /// The server's stream ended without close_notify.
    ServerCut,
    /// The server's connection broke.
    ServerFailed(io::Error),
    /// The caller's stop came.
    Stopped,
}

/// Running byte counts, readable while the tunnel lives.
#[derive(Debug, Default)]
pub struct Counters {
    pub(crate) to_client: AtomicU64,
    pub(crate) to_server: AtomicU64,
}

impl Counters {
    /// Plaintext bytes handed to the client's socket so far.
    pub fn to_client(&self) -> u64 {
        self.to_client.load(Ordering::Relaxed)
    }
    /// Plaintext bytes handed to the server's socket so far.
    pub fn to_server(&self) -> u64 {
        self.to_server.load(Ordering::Relaxed)
    }
}
