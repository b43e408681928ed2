//! A connected server, and what it answers to the gateway's own request.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use ravelin_iphttps::{Progress, ResponseParser};
use ravelin_ops::record::{Ending, SessionEnd};
use ravelin_tls::TlsStream;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::pool::state::Server;
use crate::trust::site::Site;

/// Read in one go while the server's head is read: a head of a DirectAccess server has some 200 bytes. What follows it is
/// kept for the tunnel.
const HEAD_READ_BYTES: usize = 4 * 1024;

/// The way to a server.
pub(crate) enum ServerStream {
    /// Plain HTTP (offload).
    Plain(TcpStream),
    /// TLS (bridge).
    Tls(Box<TlsStream>),
}

/// A server that took the connection for a site. Only [`crate::pool::connect`] makes one.
pub struct ConnectedServer {
    stream: ServerStream,
    server: Server,
    site: Arc<Site>,
}

/// A server that answered the request with 200. Only [`ConnectedServer::ask`] makes one.
pub(crate) struct AnsweredServer {
    stream: ServerStream,
    server: Server,
    head: Vec<u8>,
    early_bytes: Vec<u8>,
}

/// Why a connected server gave no tunnel.
#[derive(Debug)]
pub(crate) enum ServerProblem {
    /// The connection broke.
    Broken(io::Error),
    /// It ended before the answer was whole.
    Closed,
    /// No whole answer within this time.
    Late(Duration),
    /// A head that is no legal answer.
    Malformed { label: &'static str, text: String },
    /// Another status than 200.
    Status { status: u16, reason: String },
}

impl ConnectedServer {
    pub(super) fn new(stream: ServerStream, server: Server, site: Arc<Site>) -> ConnectedServer {
        ConnectedServer { stream, server, site }
    }

    /// The server's name.
    pub(crate) fn name(&self) -> &str {
        &self.server.name
    }

    /// Sends the gateway's own request head and waits for a 200.
    ///
    /// # Errors
    /// See [`ServerProblem`].
    pub(crate) async fn ask(mut self, deadline: Duration) -> Result<AnsweredServer, ServerProblem> {
        let exchange = async {
            self.stream.write_all(&self.site.server_head).await.map_err(ServerProblem::Broken)?;
            read_response(&mut self.stream).await
        };
        let (head, early_bytes) = timeout(deadline, exchange).await.map_err(|_| ServerProblem::Late(deadline))??;
        Ok(AnsweredServer { stream: self.stream, server: self.server, head, early_bytes })
    }
}

impl AnsweredServer {
    /// The server's head, as it sent it.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// The stream, the server, and what it sent after its head.
    pub(crate) fn into_parts(self) -> (ServerStream, Server, Vec<u8>) {
        (self.stream, self.server, self.early_bytes)
    }
}

impl ServerProblem {
    /// As the end of a session.
    pub(crate) fn ending(&self) -> Ending {
        let end = match self {
            ServerProblem::Broken(_) | ServerProblem::Closed | ServerProblem::Late(_) => SessionEnd::ServerFailed,
            ServerProblem::Malformed { .. } | ServerProblem::Status { .. } => SessionEnd::ServerRefused,
        };
        Ending::new(end, self.to_string())
    }
}

impl fmt::Display for ServerProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServerProblem::Broken(error) => write!(f, "before its answer: {error}"),
            ServerProblem::Closed => f.write_str("closed before its answer was whole"),
            ServerProblem::Late(deadline) => write!(f, "no answer to the request within {deadline:?}"),
            ServerProblem::Malformed { label, text } => write!(f, "{label}: {text}"),
            ServerProblem::Status { status, reason } => write!(f, "status {status} {reason}"),
        }
    }
}

async fn read_response(stream: &mut ServerStream) -> Result<(Vec<u8>, Vec<u8>), ServerProblem> {
    let mut parser = ResponseParser::new();
    let mut buffer = vec![0; HEAD_READ_BYTES];
    loop {
        let read = stream.read(&mut buffer).await.map_err(ServerProblem::Broken)?;
        if read == 0 {
            return Err(ServerProblem::Closed);
        }
        let bytes = buffer.get(..read).unwrap_or_default();
        match parser.push(bytes) {
            Ok(Progress::NeedMore) => {}
            Ok(Progress::Complete(head, consumed)) if head.status == 200 => {
                return Ok((head.bytes, bytes.get(consumed..).unwrap_or_default().to_vec()));
            }
            Ok(Progress::Complete(head, _)) => {
                return Err(ServerProblem::Status { status: head.status, reason: head.reason });
            }
            Err(error) => return Err(ServerProblem::Malformed { label: error.label(), text: error.to_string() }),
        }
    }
}

impl ServerStream {
    /// Sends all of it.
    ///
    /// # Errors
    /// The connection broke.
    pub(crate) async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            ServerStream::Plain(tcp) => tokio::io::AsyncWriteExt::write_all(tcp, bytes).await,
            ServerStream::Tls(tls) => tls.write_all(bytes).await,
        }
    }

    /// Reads what has come; 0 is the end.
    ///
    /// # Errors
    /// The connection broke, or was cut.
    pub(crate) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            ServerStream::Plain(tcp) => tokio::io::AsyncReadExt::read(tcp, buffer).await,
            ServerStream::Tls(tls) => tls.read(buffer).await,
        }
    }
}
