//! From an order to a stream that its controller is at the other end of.

use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use super::ldap;
use crate::failure::{Failure, FetchProblem};
use crate::order::{Login, Order};

/// TCP whose every read and write ends by a deadline that whoever asks sets anew for each question.
pub(super) struct Timed {
    tcp: TcpStream,
    deadline: Instant,
}

/// The way to a controller.
pub(super) enum Stream {
    /// Before StartTLS, and for nothing else.
    Plain(Timed),
    /// Verified.
    Tls(Box<StreamOwned<ClientConnection, Timed>>),
}

impl Timed {
    /// What is left until the deadline.
    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tcp.set_read_timeout(Some(self.left()?))?;
        self.tcp.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.tcp.set_write_timeout(Some(self.left()?))?;
        self.tcp.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

impl Stream {
    /// Whatever is asked next is answered by then, or not at all.
    pub(super) fn set_deadline(&mut self, deadline: Instant) {
        match self {
            Stream::Plain(timed) => timed.deadline = deadline,
            Stream::Tls(tls) => tls.sock.deadline = deadline,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(timed) => timed.read(buffer),
            Stream::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(timed) => timed.write(buffer),
            Stream::Tls(tls) => tls.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Plain(timed) => timed.flush(),
            Stream::Tls(tls) => tls.flush(),
        }
    }
}

/// Connects, and verifies who is there.
pub(super) fn connect(order: &Order) -> Result<Stream, FetchProblem> {
    let config = config(order)?;
    let name = ServerName::try_from(order.host.clone());
    let name = name.map_err(|_| FetchProblem::new(Failure::Tls, format!("{} is no name of a server", order.host)))?;
    let tcp = dial(order)?;
    let mut timed = Timed { tcp, deadline: Instant::now() + STEP };
    if order.start_tls {
        timed = start_tls(timed)?;
    }
    timed.deadline = Instant::now() + STEP;
    let mut connection = ClientConnection::new(config, name).map_err(|error| tls(&error.to_string()))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut timed).map_err(|error| handshake_problem(&error))?;
    }
    Ok(Stream::Tls(Box::new(StreamOwned::new(connection, timed))))
}

fn dial(order: &Order) -> Result<TcpStream, FetchProblem> {
    let unreachable = |text: String| FetchProblem::new(Failure::Unreachable, text);
    let addresses: Vec<SocketAddr> = match order.address {
        Some(address) => vec![address],
        None => (order.host.as_str(), order.port)
            .to_socket_addrs()
            .map_err(|error| unreachable(format!("the name {} is not found: {error}", order.host)))?
            .take(ADDRESSES_MAX)
            .collect(),
    };
    let mut last = unreachable(format!("the name {} has no address", order.host));
    for address in addresses {
        match TcpStream::connect_timeout(&address, STEP) {
            Ok(tcp) => {
                tcp.set_nodelay(true).map_err(|error| unreachable(error.to_string()))?;
                return Ok(tcp);
            }
            Err(error) => last = unreachable(format!("{address}: {error}")),
        }
    }
    Err(last)
}

/// Asks for TLS within LDAP. What the server sent beyond its answer was sent by whoever is on the way, and would be taken for
/// what comes under TLS (CVE-2011-0411): then there is no going on.
fn start_tls(timed: Timed) -> Result<Timed, FetchProblem> {
    let mut stream = BufReader::new(Stream::Plain(timed));
    ldap::start_tls(&mut stream)?;
    if !stream.buffer().is_empty() {
        return Err(tls("something came between StartTLS and TLS"));
    }
    match stream.into_inner() {
        Stream::Plain(timed) => Ok(timed),
        Stream::Tls(_) => Err(tls("TLS has begun already")),
    }
}

fn config(order: &Order) -> Result<Arc<ClientConfig>, FetchProblem> {
    let mut roots = RootCertStore::empty();
    for root in &order.roots {
        roots.add(CertificateDer::from(root.as_slice()).into_owned()).map_err(|error| tls(&error.to_string()))?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| tls(&error.to_string()))?
        .with_root_certificates(roots);
    let mut config = match &order.login {
        Login::Password { .. } => builder.with_no_client_auth(),
        Login::Certificate { chain, key } => {
            let chain = chain.iter().map(|der| CertificateDer::from(der.as_slice()).into_owned()).collect();
            let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| tls("the certificate's key cannot be read"))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| tls(&error.to_string()))?
        }
    };
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

fn handshake_problem(error: &io::Error) -> FetchProblem {
    let kind = error.kind();
    if kind == io::ErrorKind::InvalidData {
        return tls(&error.to_string());
    }
    if is_late(kind) {
        return FetchProblem::new(Failure::Timeout, format!("no TLS handshake within {STEP:?}"));
    }
    FetchProblem::new(Failure::Unreachable, format!("the connection broke in the TLS handshake: {error}"))
}

/// Whether a deadline has passed: a socket says so in either way (socket(7), SO_RCVTIMEO).
pub(super) fn is_late(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

fn tls(text: &str) -> FetchProblem {
    FetchProblem::new(Failure::Tls, text)
}

/// For each of TCP, TLS and bind. On a busy link to another continent they take one.
pub(super) const STEP: Duration = Duration::from_secs(5);
/// A name with more is no controller's.
const ADDRESSES_MAX: usize = 8;
