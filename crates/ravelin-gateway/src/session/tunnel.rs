//! Hands an admitted session to a relay thread and records how its tunnel ended.

use std::io;
use std::net::TcpStream as StdTcpStream;
use std::sync::Arc;

use ravelin_relay::{
    Codec, CodecError, Frame, Limits, OpenProgress, PlainCodec, RelayEnd, RelayReport, SealProgress, Side,
};
use ravelin_tls::{Records, RecordsError, TlsStream};
use tokio::net::TcpStream;

use crate::gateway::Gateway;
use crate::pool::{RenewedTunnel, ServerStream};
use crate::session::draft::Draft;
use crate::trust::live::LiveEntry;
use ravelin_ops::record::Ending;
use ravelin_ops::record::SessionEnd;

/// Two sides that have exchanged heads: what the relay starts from.
///
/// ```
/// use ravelin_gateway::pool::RenewedTunnel;
/// use ravelin_gateway::session::tunnel::Tunnel;
/// use ravelin_tls::TlsStream;
///
/// fn begin(client: TlsStream, early: Vec<u8>, renewed: RenewedTunnel) -> Tunnel {
///     Tunnel::new(client, early, renewed)
/// }
/// ```
///
/// An authorization of before the server's answer will not do:
///
/// ```compile_fail,E0308
/// use ravelin_gateway::session::tunnel::Tunnel;
/// use ravelin_gateway::trust::authorized::Authorized;
/// use ravelin_tls::TlsStream;
///
/// fn begin(client: TlsStream, early: Vec<u8>, authorized: Authorized) -> Tunnel {
///     Tunnel::new(client, early, authorized)
/// }
/// ```
pub struct Tunnel {
    client: TlsStream,
    /// Bytes of the client's stream that came with its head.
    client_early: Vec<u8>,
    renewed: RenewedTunnel,
}

impl Tunnel {
    /// From what the exchange of heads left. A tunnel begins with nothing but a [`RenewedTunnel`].
    pub fn new(client: TlsStream, client_early: Vec<u8>, renewed: RenewedTunnel) -> Tunnel {
        Tunnel { client, client_early, renewed }
    }
}

/// Moves both sockets to a relay thread, which relays until the end and writes the record.
pub(crate) fn hand_over(gateway: &Arc<Gateway>, tunnel: Tunnel, draft: Draft) {
    let draft = draft.tunnel_begins();
    let (entry, server) = tunnel.renewed.into_parts();
    let (server_stream, target, server_early) = server.into_parts();
    entry.session.set_server(&target.name);
    let client = tls_side(tunnel.client, tunnel.client_early);
    let server = match server_stream {
        ServerStream::Plain(tcp) => release(tcp).map(|tcp| Parts {
            tcp,
            codec: Box::new(PlainCodec),
            received: Vec::new(),
            opened: server_early,
        }),
        ServerStream::Tls(tls) => tls_side(*tls, server_early),
    };
    let sides = match (client, server) {
        (Ok(client), Ok(server)) => Ok((client, server)),
        (Err(error), _) => Err((SessionEnd::ClientFailed, error)),
        (_, Err(error)) => Err((SessionEnd::ServerFailed, error)),
    };
    let (client, server) = match sides {
        Ok(sides) => sides,
        Err((end, error)) => {
            return draft.finish(Ending::new(end, error.to_string()), entry.session.judged_by(), (0, 0));
        }
    };
    let limits = {
        let limits = &gateway.generation().config.limits;
        Limits { idle: limits.idle, half_closed_idle: limits.half_closed_idle, lifetime: limits.lifetime }
    };
    let counts = (
        target.state.count_tunnel(),
        gateway.metrics.tunnel(&entry.session.site, &target.name, Arc::clone(&entry.session) as _),
    );
    // Boxed: a task has room for what it is given until it ends, also when it has passed it on.
    let given = Box::new((client, server, limits));
    gateway.relay_thread().spawn(async move {
        let (client, server, limits) = match register(given) {
            Ok(registered) => registered,
            Err(ending) => {
                let generation = entry.session.judged_by();
                drop((counts, entry));
                return draft.finish(ending, generation, (0, 0));
            }
        };
        let (session, counters) = (Arc::clone(&entry.session), Arc::clone(&entry.session.counters));
        let report = ravelin_relay::run(client, server, limits, counters, session.stop.requested()).await;
        let bytes = (report.to_client_bytes, report.to_server_bytes);
        let (ending, generation) = (ending_of(report, &entry), entry.session.judged_by());
        drop((counts, entry));
        draft.finish(ending, generation, bytes);
    });
}

/// Both sides as this thread's own.
#[expect(clippy::boxed_local, reason = "the box is freed here, and not when the tunnel ends")]
fn register(given: Box<(Parts, Parts, Limits)>) -> Result<(Side, Side, Limits), Ending> {
    let (client, server, limits) = *given;
    let failed = |end| move |error: io::Error| Ending::new(end, error.to_string());
    let client = client.register().map_err(failed(SessionEnd::ClientFailed))?;
    Ok((client, server.register().map_err(failed(SessionEnd::ServerFailed))?, limits))
}

fn ending_of(report: RelayReport, entry: &LiveEntry) -> Ending {
    match report.end {
        RelayEnd::ClientClosed => Ending::new(SessionEnd::ClientClosed, ""),
        RelayEnd::ClientCut => Ending::new(SessionEnd::ClientCut, "the client's stream ended without close_notify"),
        RelayEnd::ClientFailed(error) => Ending::new(SessionEnd::ClientFailed, error.to_string()),
        RelayEnd::Idle => Ending::new(SessionEnd::Idle, ""),
        RelayEnd::KeyLimit => Ending::new(SessionEnd::KeyLimit, "a TLS key reached the most records it may protect"),
        RelayEnd::MaxLifetime => Ending::new(SessionEnd::MaxLifetime, ""),
        RelayEnd::ServerClosed => Ending::new(SessionEnd::ServerClosed, ""),
        RelayEnd::ServerCut => Ending::new(SessionEnd::ServerCut, "the server's stream ended without close_notify"),
        RelayEnd::ServerFailed(error) => Ending::new(SessionEnd::ServerFailed, error.to_string()),
        RelayEnd::Stopped => entry.session.stop.cause().unwrap_or_else(|| Ending::new(SessionEnd::Shutdown, "")),
    }
}

/// One side on its way between two runtimes: a socket belongs to the runtime that registered it.
struct Parts {
    tcp: StdTcpStream,
    codec: Box<dyn Codec>,
    received: Vec<u8>,
    opened: Vec<u8>,
}

impl Parts {
    fn register(self) -> io::Result<Side> {
        let Parts { tcp, codec, received, opened } = self;
        Ok(Side { stream: TcpStream::from_std(tcp)?, codec, received, opened })
    }
}

fn tls_side(stream: TlsStream, early: Vec<u8>) -> io::Result<Parts> {
    let parts = stream.into_parts();
    let mut opened = early;
    opened.extend_from_slice(&parts.opened);
    Ok(Parts { tcp: release(parts.tcp)?, codec: Box::new(TlsCodec(parts.records)), received: parts.received, opened })
}

fn release(tcp: TcpStream) -> io::Result<StdTcpStream> {
    tcp.into_std()
}

/// TLS records as the relay wants them.
struct TlsCodec(Records);

impl Codec for TlsCodec {
    fn open(
        &mut self,
        input: &mut [u8],
        plaintext: &mut [u8],
        reply: &mut Vec<u8>,
    ) -> Result<OpenProgress, CodecError> {
        let opened = self.0.open(input, plaintext, reply).map_err(codec_error)?;
        Ok(OpenProgress { consumed: opened.consumed, produced: opened.produced, ended: opened.ended })
    }

    fn seal(&mut self, plaintext: &[u8], output: &mut [u8]) -> Result<SealProgress, CodecError> {
        let sealed = self.0.seal(plaintext, output).map_err(codec_error)?;
        Ok(SealProgress { consumed: sealed.consumed, produced: sealed.produced })
    }

    fn frame(&self, records: usize) -> Option<Frame> {
        self.0.frame(records).map(|frame| Frame { front: frame.front, back: frame.back })
    }

    fn seal_in_place(&mut self, record: &mut [u8]) -> Result<(), CodecError> {
        self.0.seal_in_place(record).map_err(codec_error)
    }

    fn seal_end(&mut self, output: &mut Vec<u8>) {
        self.0.seal_end(output);
    }

    fn marks_end(&self) -> bool {
        true
    }

    fn sealed_len_max(&self, plaintext_len: usize) -> usize {
        self.0.sealed_len_max(plaintext_len)
    }
}

fn codec_error(error: RecordsError) -> CodecError {
    match error {
        RecordsError::Broken(what) => CodecError::Broken(what),
        RecordsError::KeyLimit => CodecError::KeyLimit,
    }
}
