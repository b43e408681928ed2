//! Peers on real loopback sockets.

use super::PATIENCE;
use super::toy::Toy;
use crate::{Codec, Counters, Limits, Options, PlainCodec, RelayReport, Side, run_with};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Plain,
    Toy,
}

impl Kind {
    pub(crate) fn codec(self) -> Box<dyn Codec> {
        match self {
            Self::Plain => Box::new(PlainCodec),
            Self::Toy => Box::new(Toy::new(16_384)),
        }
    }
}

/// How a peer saw its connection end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// A fatal alert, then FIN.
    Alert,
    /// What a clean end is on this kind of side: FIN, after its mark if it has one.
    Clean,
    /// FIN without the mark.
    Fin,
    Reset,
}

/// A client or a server, outside the relay.
pub(crate) struct Outside {
    pub(crate) stream: TcpStream,
    pub(crate) kind: Kind,
    codec: Box<dyn Codec>,
    wire: Vec<u8>,
    /// Received and not asked for yet.
    ahead: Vec<u8>,
    /// How it ended, where that came with the last bytes.
    end: Option<End>,
}

pub(crate) async fn connected() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (outside, inside) = tokio::join!(TcpStream::connect(address), listener.accept());
    (outside.unwrap(), inside.unwrap().0)
}

pub(crate) async fn side(kind: Kind) -> (Outside, Side) {
    let (stream, inside) = connected().await;
    let outside = Outside { stream, kind, codec: kind.codec(), wire: Vec::new(), ahead: Vec::new(), end: None };
    (outside, Side { stream: inside, codec: kind.codec(), received: Vec::new(), opened: Vec::new() })
}

/// A running tunnel, seen from within.
pub(crate) struct Running {
    pub(crate) counters: Arc<Counters>,
    pub(crate) stop: oneshot::Sender<()>,
    relay: JoinHandle<RelayReport>,
}

pub(crate) async fn start(client: Kind, server: Kind, limits: Limits) -> (Outside, Outside, Running) {
    start_with(side(client).await, side(server).await, limits, Options::default())
}

pub(crate) fn start_with(
    (client, client_side): (Outside, Side),
    (server, server_side): (Outside, Side),
    limits: Limits,
    options: Options,
) -> (Outside, Outside, Running) {
    let counters = Arc::new(Counters::default());
    let (stop, stopped) = oneshot::channel();
    let stopped = async {
        if stopped.await.is_err() {
            std::future::pending().await
        }
    };
    let relay = tokio::spawn(run_with(client_side, server_side, limits, options, Arc::clone(&counters), stopped));
    (client, server, Running { counters, stop, relay })
}

impl Running {
    /// The report, which must come by itself.
    pub(crate) async fn report(self) -> RelayReport {
        let report = timeout(PATIENCE, self.relay).await.expect("the tunnel ends").expect("without a panic");
        let counted = (self.counters.to_client(), self.counters.to_server());
        assert_eq!(counted, (report.to_client_bytes, report.to_server_bytes), "counters and report agree");
        report
    }

    pub(crate) async fn stop(self) -> RelayReport {
        let Self { counters, stop, relay } = self;
        stop.send(()).expect("still running");
        let (stop, _) = oneshot::channel();
        Self { counters, stop, relay }.report().await
    }

    pub(crate) fn abort(self) {
        self.relay.abort();
    }
}

impl Outside {
    pub(crate) async fn send(&mut self, plaintext: &[u8]) {
        let mut sealed = vec![0; self.codec.sealed_len_max(plaintext.len())];
        let done = self.codec.seal(plaintext, &mut sealed).expect("no limit");
        assert_eq!(done.consumed, plaintext.len());
        self.send_raw(&sealed[..done.produced]).await;
    }

    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) {
        timeout(PATIENCE, self.stream.write_all(bytes)).await.expect("the relay reads").expect("and is there");
    }

    /// The clean end of this side's stream.
    pub(crate) async fn end(&mut self) {
        self.mark_end().await;
        self.fin().await;
    }

    pub(crate) async fn mark_end(&mut self) {
        let mut mark = Vec::new();
        self.codec.seal_end(&mut mark);
        self.send_raw(&mark).await;
    }

    pub(crate) async fn fin(&mut self) {
        self.stream.shutdown().await.expect("still connected");
    }

    pub(crate) fn reset(self) {
        self.stream.set_zero_linger().expect("a socket");
    }

    /// Exactly `len` bytes of plaintext.
    pub(crate) async fn receive(&mut self, len: usize) -> Vec<u8> {
        let mut plaintext = Vec::new();
        while plaintext.len() < len {
            assert_eq!(self.receive_some(&mut plaintext).await, None, "after {} of {len} bytes", plaintext.len());
        }
        assert_eq!(plaintext.len(), len);
        plaintext
    }

    /// Exactly `len` bytes of plaintext out of a stream of more.
    pub(crate) async fn receive_exact(&mut self, len: usize) -> Vec<u8> {
        while self.ahead.len() < len {
            let mut plaintext = std::mem::take(&mut self.ahead);
            self.end = self.receive_some(&mut plaintext).await;
            assert!(self.end.is_none() || plaintext.len() >= len, "{:?} before {len} bytes", self.end);
            self.ahead = plaintext;
        }
        let rest = self.ahead.split_off(len);
        std::mem::replace(&mut self.ahead, rest)
    }

    /// The bare socket, blocking.
    pub(crate) fn detach(self) -> std::net::TcpStream {
        let stream = self.stream.into_std().expect("a socket");
        stream.set_nonblocking(false).expect("a socket");
        stream
    }

    /// All there is, and how it ended.
    pub(crate) async fn receive_all(&mut self) -> (Vec<u8>, End) {
        let mut plaintext = std::mem::take(&mut self.ahead);
        if let Some(end) = self.end.take() {
            return (plaintext, end);
        }
        loop {
            if let Some(end) = self.receive_some(&mut plaintext).await {
                return (plaintext, end);
            }
        }
    }

    async fn receive_some(&mut self, plaintext: &mut Vec<u8>) -> Option<End> {
        let mut read = [0; 65_536];
        let outcome = timeout(PATIENCE, self.stream.read(&mut read)).await.expect("bytes or an end");
        match outcome {
            Ok(0) => return Some(if self.kind == Kind::Plain { End::Clean } else { End::Fin }),
            Ok(count) => self.wire.extend_from_slice(&read[..count]),
            Err(error) => return Some(reset(&error)),
        }
        let mut opened = vec![0; self.wire.len()];
        match self.codec.open(&mut self.wire, &mut opened, &mut Vec::new()) {
            Ok(done) => {
                plaintext.extend_from_slice(&opened[..done.produced]);
                self.wire.drain(..done.consumed);
                if !done.ended {
                    return None;
                }
                assert!(self.wire.is_empty(), "bytes after the mark of the end");
                Some(self.after_mark(End::Clean).await)
            }
            Err(_) => Some(self.after_mark(End::Alert).await),
        }
    }

    /// The mark is followed by FIN, not by a reset that would take it back.
    async fn after_mark(&mut self, end: End) -> End {
        let mut byte = [0];
        match timeout(PATIENCE, self.stream.read(&mut byte)).await.expect("FIN follows the mark") {
            Ok(0) => end,
            Ok(_) => panic!("bytes after the mark of the end"),
            Err(error) => reset(&error),
        }
    }
}

fn reset(error: &io::Error) -> End {
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    End::Reset
}

/// Waits for what must come about by itself.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let waited = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, waited).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}
