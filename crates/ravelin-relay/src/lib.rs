//! Moves bytes between an admitted client and its DirectAccess server.
//!
//! - Each direction ends on its own: a clean end of one side is passed on to the other, and the way back stays open.
//! - A cut is never made to look like a clean end; [`ending`](RelayEnd) by one table, and a socket that is closed in
//!   any way not in the table (a panic, a dropped future, a killed process) is reset.
//! - No byte is lost, doubled or reordered, however reads and writes are cut.
//! - A tunnel holds no buffer while idle. While a side does not take what it is owed, the other is not read: one
//!   buffer's worth is held, and TCP tells the sender.
//! - A busy tunnel takes turns with the others of its thread.
//! - The report is complete however the tunnel ended.
//!
//! Meant for one current-thread tokio runtime per relay thread, whose tunnels share one set of buffers; it works on
//! any tokio runtime with I/O and time. Such a thread may call [`linger`] whenever it wakes, so that small packets merge.
//!
//! Absent by design: certificates, configuration, logging, wall-clock time, `unsafe`.
#![forbid(unsafe_code)]

mod buffers;
mod close;
mod codec;
mod direction;
mod ending;
mod in_place;
mod inspect;
mod limits;
mod outlet;
mod pace;
mod peer;
mod plain;
mod report;
mod step;
mod transport;
mod tunnel;
mod unsent;

#[cfg(test)]
mod tests;

pub use close::PassCutAs;
pub use codec::{Codec, CodecError, Frame, OpenProgress, SealProgress};
pub use inspect::{Direction, Inspect, NoInspector};
pub use limits::Limits;
pub use pace::linger;
pub use plain::PlainCodec;
pub use report::{Counters, RelayEnd, RelayReport};

use close::{Remains, close};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use transport::Transport;
use tunnel::{Over, Start, Tunnel};

/// One side of a tunnel, as the handshake left it.
pub struct Side {
    /// The socket, registered with the runtime that calls [`run`].
    pub stream: tokio::net::TcpStream,
    /// Plain or TLS.
    pub codec: Box<dyn Codec>,
    /// Bytes read from the socket and not yet opened.
    pub received: Vec<u8>,
    /// Plaintext opened from this side and not yet passed to the other.
    pub opened: Vec<u8>,
}

/// What a caller may choose besides [`Limits`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<I = NoInspector> {
    /// Sees the plaintext.
    pub inspector: I,
    /// How an end without its mark is shown to the other side.
    pub pass_cut_as: PassCutAs,
}

/// Relays until both sides are done, something breaks, a limit is reached or `stop` resolves (both sides then get a
/// clean end, after what was already read is passed on as far as the sockets take it at once).
///
/// When the tunnel is over, the call lasts on for as long as closing takes: up to 500 ms for a peer to take a
/// close_notify or an alert, up to `half_closed_idle` for one to take the last bytes of the other that was cut (`stop`
/// ends that wait). `duration` does not count it. Sockets are closed when it returns.
pub fn run(
    client: Side,
    server: Side,
    limits: Limits,
    counters: Arc<Counters>,
    stop: impl Future<Output = ()>,
) -> impl Future<Output = RelayReport> {
    run_with(client, server, limits, Options::<NoInspector>::default(), counters, stop)
}

/// [`run`] with [`Options`].
pub fn run_with<I: Inspect>(
    client: Side,
    server: Side,
    limits: Limits,
    options: Options<I>,
    counters: Arc<Counters>,
    stop: impl Future<Output = ()>,
) -> impl Future<Output = RelayReport> {
    let split = |side: Side| {
        let Side { stream, codec, received, opened } = side;
        (stream, Start { codec, received, opened })
    };
    relay(Box::new(Given { client: split(client), server: split(server), limits, options, counters }), stop)
}

/// What a relay is given. It comes boxed: a future has room for its arguments until it ends, also when it has moved them
/// elsewhere.
struct Given<T, I> {
    client: (T, Start),
    server: (T, Start),
    limits: Limits,
    options: Options<I>,
    counters: Arc<Counters>,
}

/// Frees the box at once; a box that is moved out of in place lives as long as its variable.
#[expect(clippy::boxed_local, reason = "that is what it is for")]
fn unbox<V>(boxed: Box<V>) -> V {
    *boxed
}

/// [`run_with`] over any transport.
async fn relay<T: Transport, I: Inspect>(given: Box<Given<T, I>>, stop: impl Future<Output = ()>) -> RelayReport {
    let Given { client: (client, client_start), server: (server, server_start), limits, options, counters } =
        unbox(given);
    let mut stop = pin!(stop);
    let (patience, pass_cut_as) = (limits.half_closed_idle, options.pass_cut_as);
    let mut tunnel = Tunnel::new((&client, client_start), (&server, server_start), limits, options.inspector, counters);
    let ending = tunnel.relay(stop.as_mut()).await;
    let Over { duration, counters, client_outlet, to_client_owed, server_outlet, to_server_owed } = tunnel.over();
    let client = Remains { transport: client, outlet: client_outlet, owed: to_client_owed };
    let server = Remains { transport: server, outlet: server_outlet, owed: to_server_owed };
    // Boxed: what is needed only at the end takes no room in an idle tunnel.
    let (to_client_bytes, to_server_bytes) =
        Box::pin(close(client, server, &ending, patience, pass_cut_as, stop)).await;
    counters.to_client.store(to_client_bytes, Ordering::Relaxed);
    counters.to_server.store(to_server_bytes, Ordering::Relaxed);
    RelayReport { end: ending.into(), to_client_bytes, to_server_bytes, duration }
}
