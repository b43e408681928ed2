//! An IP-HTTPS client (MS-IPHTTPS §3.1), well-behaved or not.
//!
//! ```no_run
//! # async fn example(gateway: std::net::SocketAddr, estate: ravelin_lab::pki::Estate) {
//! use ravelin_lab::client::Client;
//! use ravelin_lab::end::{End, alert};
//!
//! let client = || Client::new(gateway, "da.corp.example.test").trust(&estate.root);
//! let mut tunnel = client().certificate(&estate.clients.healthy).connect().await.unwrap();
//! tunnel.ping().await.unwrap();
//! assert_eq!(client().certificate(&estate.clients.revoked).refused().await, End::Alert(alert::CERTIFICATE_REVOKED));
//! # }
//! ```
//!
//! Every wait is bounded by [`Client::deadline`]; when it passes, the answer is [`End::Timeout`].

mod tls;
mod tunnel;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::{ClientConfig, Connection, SignatureScheme};
use rustls_pki_types::ServerName;
use tokio::net::{TcpSocket, TcpStream};

use crate::end::End;
use crate::hello;
use crate::pki::{Authority, Issued, Key};
use crate::stream::{Pace, Stream};

pub use tls::Hints;
pub use tunnel::Tunnel;

/// What a client does. Cheap to clone; each [`Client::connect`] is a new connection.
#[derive(Clone, Debug)]
pub struct Client {
    address: SocketAddr,
    from: Option<IpAddr>,
    server_name: String,
    tls: Option<tls::TlsSpec>,
    head: Head,
    hello_pace: Option<Pace>,
    hello_records: Option<usize>,
    head_pace: Option<Pace>,
    deadline: Duration,
    /// Built at the first handshake; shared with clones until a setting of TLS changes.
    config: Arc<OnceLock<Arc<ClientConfig>>>,
}

#[derive(Clone, Debug)]
enum Head {
    Legal { path: String, host: Option<String> },
    Bytes(Vec<u8>),
}

/// TLS versions that a client offers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Versions {
    /// 1.2 and 1.3.
    Both,
    /// 1.2 only.
    Tls12,
    /// 1.3 only.
    Tls13,
}

impl Client {
    /// A well-behaved client without a certificate that accepts any server certificate. `server_name` is sent as SNI and
    /// as `Host`.
    pub fn new(address: SocketAddr, server_name: &str) -> Client {
        Client {
            address,
            from: None,
            server_name: server_name.to_owned(),
            tls: Some(tls::TlsSpec::default()),
            head: Head::Legal { path: "/IPHTTPS".to_owned(), host: None },
            hello_pace: None,
            hello_records: None,
            head_pace: None,
            deadline: DEADLINE,
            config: Arc::default(),
        }
    }

    /// Plain HTTP, as a terminating device speaks it to a server.
    #[must_use]
    pub fn without_tls(self) -> Self {
        Client { tls: None, ..self }
    }

    /// Shows this certificate with its authorities (without the root), as Windows does.
    #[must_use]
    pub fn certificate(self, issued: &Issued) -> Self {
        self.chain(issued.chain(), &issued.key)
    }

    /// Shows this certificate alone.
    #[must_use]
    pub fn certificate_alone(self, issued: &Issued) -> Self {
        self.chain(vec![issued.certificate_der.clone()], &issued.key)
    }

    /// Shows any list of certificates and signs with any key, the right one or not. A key without a private half is replaced
    /// by another: the signature is then wrong, which a server that judges the list first never notices.
    #[must_use]
    pub fn chain(self, chain: Vec<Vec<u8>>, key: &Key) -> Self {
        self.change_tls(|tls| tls.certificate = Some((chain, key.clone())))
    }

    /// Shows no certificate.
    #[must_use]
    pub fn without_certificate(self) -> Self {
        self.change_tls(|tls| tls.certificate = None)
    }

    /// Verifies the server's certificate and name against this authority.
    #[must_use]
    pub fn trust(self, authority: &Authority) -> Self {
        self.trust_der(authority.certificate_der())
    }

    /// The same with the authority's certificate, DER.
    #[must_use]
    pub fn trust_der(self, authority: &[u8]) -> Self {
        self.change_tls(|tls| tls.trust = Some(authority.to_vec()))
    }

    /// Sends no SNI. `Host` stays.
    #[must_use]
    pub fn without_sni(self) -> Self {
        self.change_tls(|tls| tls.sni = false)
    }

    /// Offers only these TLS versions.
    #[must_use]
    pub fn versions(self, versions: Versions) -> Self {
        self.change_tls(|tls| tls.versions = versions)
    }

    /// Claims to verify only these signatures of a server: makes a server choose between RSA and ECDSA.
    #[must_use]
    pub fn verifies(self, schemes: &[SignatureScheme]) -> Self {
        self.change_tls(|tls| tls.schemes = Some(schemes.to_vec()))
    }

    /// Offers these application protocols.
    #[must_use]
    pub fn alpn(self, protocols: &[&str]) -> Self {
        self.change_tls(|tls| tls.alpn = protocols.iter().map(|name| name.as_bytes().to_vec()).collect())
    }

    /// Keeps tickets and session ids, and offers them at the next connection of this client or its clones, with early data if
    /// the server allows it. A setting of TLS made after this call begins with an empty memory.
    #[must_use]
    pub fn remembering(self) -> Self {
        self.change_tls(|tls| tls.remembering = true)
    }

    /// Sends records of at most so many bytes, headers included: 32 to 16,389 (rustls' own bounds).
    #[must_use]
    pub fn record_bytes(self, bytes: usize) -> Self {
        self.change_tls(|tls| tls.record_bytes = Some(bytes))
    }

    /// Another path than `/IPHTTPS`.
    #[must_use]
    pub fn path(self, path: &str) -> Self {
        let host = if let Head::Legal { host, .. } = self.head { host } else { None };
        Client { head: Head::Legal { path: path.to_owned(), host }, ..self }
    }

    /// Another `Host` than the server name.
    #[must_use]
    pub fn host(self, host: &str) -> Self {
        let path = if let Head::Legal { path, .. } = self.head { path } else { "/IPHTTPS".to_owned() };
        Client { head: Head::Legal { path, host: Some(host.to_owned()) }, ..self }
    }

    /// Sends these bytes instead of a request head.
    #[must_use]
    pub fn head(self, bytes: impl AsRef<[u8]>) -> Self {
        Client { head: Head::Bytes(bytes.as_ref().to_vec()), ..self }
    }

    /// Connects from this address (all of 127.0.0.0/8 works on loopback).
    #[must_use]
    pub fn from(self, address: impl Into<IpAddr>) -> Self {
        Client { from: Some(address.into()), ..self }
    }

    /// Sends the ClientHello in pieces.
    #[must_use]
    pub fn hello_pace(self, bytes: usize, wait: Duration) -> Self {
        Client { hello_pace: Some(Pace { bytes, wait }), ..self }
    }

    /// Sends the ClientHello in TLS records of at most so many bytes.
    #[must_use]
    pub fn hello_records(self, bytes: usize) -> Self {
        Client { hello_records: Some(bytes), ..self }
    }

    /// Sends the request head in pieces, each a TLS record.
    #[must_use]
    pub fn head_pace(self, bytes: usize, wait: Duration) -> Self {
        Client { head_pace: Some(Pace { bytes, wait }), ..self }
    }

    /// Bounds every wait: connect, handshake, head, and each read of the tunnel. Ten seconds unless told.
    #[must_use]
    pub fn deadline(self, deadline: Duration) -> Self {
        Client { deadline, ..self }
    }

    /// Everything up to the tunnel.
    ///
    /// # Errors
    /// What came instead.
    pub async fn connect(&self) -> Result<Tunnel, End> {
        let mut tunnel = self.handshake().await?;
        // The refusal of a TLS 1.3 client is read after its head was sent, or could no longer be sent.
        let _ = self.bounded(self.send_head(&tunnel)).await;
        tunnel.read_response().await?;
        Ok(tunnel)
    }

    /// Everything up to the tunnel, which must not come.
    ///
    /// # Panics
    /// If it comes.
    #[track_caller]
    #[expect(clippy::panic, reason = "this is an assertion")]
    pub fn refused(&self) -> impl Future<Output = End> {
        let caller = std::panic::Location::caller();
        async move {
            match self.connect().await {
                Ok(_) => panic!("{caller}: expected a refusal, got a tunnel"),
                Err(end) => end,
            }
        }
    }

    /// TCP and TLS, then nothing: no request head. With TLS 1.3 the server may still refuse; the next read tells.
    ///
    /// # Errors
    /// What came instead.
    pub async fn handshake(&self) -> Result<Tunnel, End> {
        let tcp = self.tcp().await?;
        let stream = match &self.tls {
            None => Stream::plain(tcp),
            Some(spec) => {
                let mut stream = Stream::tls(tcp, Connection::from(self.connection(spec)?));
                self.bounded(stream.handshake(|writer, flight| self.send_hello(writer, flight))).await?;
                stream
            }
        };
        Ok(Tunnel::new(stream, self.deadline))
    }

    /// TCP, then nothing: a silent client, or one whose bytes the test writes itself.
    ///
    /// # Errors
    /// What came instead.
    pub async fn silent(&self) -> Result<Tunnel, End> {
        Ok(Tunnel::new(Stream::plain(self.tcp().await?), self.deadline))
    }

    /// The request head of this client.
    ///
    /// # Errors
    /// Path or host that no head can hold; use [`Client::head`] for those.
    pub fn head_bytes(&self) -> Result<Vec<u8>, End> {
        match &self.head {
            Head::Bytes(bytes) => Ok(bytes.clone()),
            Head::Legal { path, host } => {
                let host = host.as_ref().unwrap_or(&self.server_name);
                ravelin_iphttps::write_request_head(path, host).map_err(|error| End::Broken(error.to_string()))
            }
        }
    }

    /// A ClientHello of this client: one record, new at each call.
    ///
    /// # Errors
    /// TLS is off, or its settings do not fit.
    pub fn hello(&self) -> Result<Vec<u8>, End> {
        let spec = self.tls.as_ref().ok_or_else(|| End::Broken("TLS is off".to_owned()))?;
        let mut hello = Vec::new();
        self.connection(spec)?.write_tls(&mut hello).map_err(|error| End::Broken(error.to_string()))?;
        Ok(hello)
    }

    async fn tcp(&self) -> Result<TcpStream, End> {
        let unreachable = |error: std::io::Error| End::Unreachable(error.to_string());
        let socket =
            if self.address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(unreachable)?;
        if let Some(from) = self.from {
            socket.bind(SocketAddr::new(from, 0)).map_err(unreachable)?;
        }
        self.bounded(async { socket.connect(self.address).await.map_err(unreachable) }).await
    }

    fn connection(&self, spec: &tls::TlsSpec) -> Result<rustls::ClientConnection, End> {
        let config = match self.config.get() {
            Some(config) => Arc::clone(config),
            None => {
                let config = spec.config()?;
                Arc::clone(self.config.get_or_init(|| config))
            }
        };
        let name = ServerName::try_from(self.server_name.clone()).map_err(|error| End::Broken(error.to_string()))?;
        rustls::ClientConnection::new(config, name).map_err(|error| End::of_tls(&error))
    }

    async fn send_hello(&self, writer: crate::stream::Writer, flight: Vec<u8>) -> Result<(), End> {
        let flight = match self.hello_records {
            Some(bytes) => hello::split_records(&flight, bytes),
            None => flight,
        };
        let Some(pace) = self.hello_pace else { return writer.write_raw(&flight).await };
        for piece in flight.chunks(pace.bytes.max(1)) {
            writer.write_raw(piece).await?;
            tokio::time::sleep(pace.wait).await;
        }
        Ok(())
    }

    async fn send_head(&self, tunnel: &Tunnel) -> Result<(), End> {
        let head = self.head_bytes()?;
        match self.head_pace {
            Some(pace) => tunnel.stream.writer.write_paced(&head, pace).await,
            None => tunnel.stream.writer.write_all(&head).await,
        }
    }

    async fn bounded<T>(&self, work: impl Future<Output = Result<T, End>>) -> Result<T, End> {
        tokio::time::timeout(self.deadline, work).await.unwrap_or(Err(End::Timeout))
    }

    fn change_tls(mut self, change: impl FnOnce(&mut tls::TlsSpec)) -> Self {
        change(self.tls.get_or_insert_default());
        self.config = Arc::default();
        self
    }
}

/// Long against everything on loopback, short against a test run.
const DEADLINE: Duration = Duration::from_secs(10);
