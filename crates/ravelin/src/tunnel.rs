//! Hands an admitted session to a relay thread and writes down how its tunnel ended.

use std::io;
use std::net::TcpStream as StdTcpStream;
use std::sync::Arc;

use ravelin_relay::{
    Codec, CodecError, Frame, Limits, OpenProgress, PlainCodec, RelayEnd, RelayReport, SealProgress, Side,
};
use ravelin_tls::{Records, RecordsError, TlsStream};
use tokio::net::TcpStream;

use crate::draft::{Draft, Ending};
use crate::gateway::Gateway;
use crate::live::LiveEntry;
use crate::pool::{Connected, Server, ServerStream};
use crate::record::SessionEnd;

/// Two sides that have exchanged heads.
pub(crate) struct Tunnel {
    client: TlsStream,
    /// Bytes of the client's stream that came with its head.
    client_early: Vec<u8>,
    server: ServerStream,
    /// Bytes of the server's stream that came with its head.
    server_early: Vec<u8>,
    target: Server,
}

impl Tunnel {
    /// From what the heads' exchange left.
    pub(crate) fn new(client: TlsStream, client_early: Vec<u8>, connected: Connected, server_early: Vec<u8>) -> Tunnel {
        let Connected { stream, server } = connected;
        Tunnel { client, client_early, server: stream, server_early, target: server }
    }
}

/// Moves both sockets to a relay thread, which relays until the end and writes the record.
pub(crate) fn hand_over(gateway: &Arc<Gateway>, tunnel: Tunnel, entry: LiveEntry, draft: Draft) {
    let draft = draft.tunnel_begins();
    entry.session.set_server(&tunnel.target.name);
    let client = tls_side(tunnel.client, tunnel.client_early);
    let server = match tunnel.server {
        ServerStream::Plain(tcp) => release(tcp).map(|tcp| Parts {
            tcp,
            codec: Box::new(PlainCodec),
            received: Vec::new(),
            opened: tunnel.server_early,
        }),
        ServerStream::Tls(tls) => tls_side(*tls, tunnel.server_early),
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
        tunnel.target.state.count_tunnel(),
        gateway.metrics.tunnel(&entry.session.site, &tunnel.target.name, Arc::clone(&entry.session.counters) as _),
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
        RelayEnd::Stopped => {
            let (end, detail) = entry.session.stop.cause().unwrap_or((SessionEnd::Shutdown, String::new()));
            Ending::new(end, detail)
        }
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
