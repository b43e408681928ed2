//! A DirectAccess server stand-in: speaks MS-IPHTTPS §3.2 over TLS or plain HTTP, misbehaves on demand, remembers everything.
//!
//! ```no_run
//! # async fn example(estate: ravelin_lab::pki::Estate) -> std::io::Result<()> {
//! use ravelin_lab::server::{Behaviour, Body, ServerSpec};
//!
//! let server = ServerSpec::tls(&estate.server).body(Body::Echo).start().await?;
//! server.behave(Behaviour::Answer(b"HTTP/1.1 503 Service Unavailable\r\n\r\n".to_vec()));
//! // … a client comes through the gateway to server.address() …
//! let visits = server.wait_until("one refused visit", |visits| visits.len() == 1 && visits[0].end.is_some()).await;
//! assert!(visits[0].head.starts_with(b"POST /IPHTTPS HTTP/1.1\r\n"));
//! # Ok(())
//! # }
//! ```
//!
//! - A [`Visit`] is there as soon as a connection is accepted: "never reached the server" is `visits().is_empty()`.
//! - Runs on the tokio runtime that starts it. Dropping [`Server`] ends everything, open connections with a bare FIN.

mod connection;
mod router;
mod visit;

use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc};
use tokio::task::{JoinHandle, JoinSet};

use crate::client::Versions;
use crate::pki::{Authority, Issued, Key};
use crate::stream::Stream;

pub(crate) use router::Router;
pub use router::{ECHO_IDENTIFIER, SERVER_IDENTIFIER, SOURCE_IDENTIFIER, source_request};
pub use visit::Visit;
use visit::Visits;

/// What a stand-in is. Start from [`ServerSpec::tls`] or [`ServerSpec::plain`].
#[derive(Clone, Debug)]
pub struct ServerSpec {
    bind: SocketAddr,
    identity: Option<(Vec<Vec<u8>>, Key)>,
    client_authority: Option<Authority>,
    versions: Versions,
    prefix: Ipv6Addr,
    behaviour: Behaviour,
    body: Body,
}

/// What a stand-in does up to its response head.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// Checks the head as http.sys would, answers 200 and goes on with its [`Body`].
    Accept,
    /// Reads the head, sends these bytes (a refusal, garbage, nothing) and closes cleanly.
    Answer(Vec<u8>),
    /// Reads the head, sends these bytes in place of the usual head and goes on with its [`Body`].
    AnswerAndServe(Vec<u8>),
    /// Ends right after the TCP connection came up.
    EndAtOnce(Ending),
    /// Ends when the head was read.
    EndAfterHead(Ending),
    /// Reads the head and never answers.
    Hang,
    /// Accepts TCP and does nothing at all.
    Silent,
}

/// What a stand-in does with the tunnel.
#[derive(Clone, Debug)]
pub enum Body {
    /// Reads everything to the client's end, then sends this and closes: only a half-closed tunnel carries it.
    AnswerAtEnd(Vec<u8>),
    /// Sends so many bytes of [`crate::bulk::Pattern`] (the seed is the visit's number), and counts and hashes what it gets.
    Bulk {
        /// Bytes.
        send: u64,
    },
    /// Speaks IPv6: router advertisement, duplicate address detection, ping; see [`ECHO_IDENTIFIER`] and [`source_request`].
    DirectAccess,
    /// Sends back every byte.
    Echo,
    /// Gives the connection away; its visit never ends.
    HandOver(mpsc::UnboundedSender<Stream>),
    /// Reads nothing, until told to end.
    Stall,
}

/// How a stand-in ends a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    /// close_notify, then FIN. Over plain HTTP: FIN.
    CloseNotify,
    /// A bare FIN.
    Fin,
    /// A reset.
    Reset,
}

impl ServerSpec {
    /// Over TLS, on a free port of 127.0.0.1, speaking IPv6 to its clients.
    pub fn tls(identity: &Issued) -> ServerSpec {
        ServerSpec::tls_chain(identity.chain(), &identity.key)
    }

    /// The same with certificates (DER, leaf first) and a key.
    pub fn tls_chain(chain: Vec<Vec<u8>>, key: &Key) -> ServerSpec {
        ServerSpec { identity: Some((chain, key.clone())), ..ServerSpec::plain() }
    }

    /// Over plain HTTP, as a server behind a terminating device.
    pub fn plain() -> ServerSpec {
        ServerSpec {
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            identity: None,
            client_authority: None,
            versions: Versions::Both,
            prefix: Ipv6Addr::new(0x2001, 0xdb8, 0xda, 1, 0, 0, 0, 0),
            behaviour: Behaviour::Accept,
            body: Body::DirectAccess,
        }
    }

    /// Another address to listen on.
    #[must_use]
    pub fn bind(self, address: SocketAddr) -> Self {
        ServerSpec { bind: address, ..self }
    }

    /// Demands a client certificate of this authority (the gateway's own, in mode bridge).
    #[must_use]
    pub fn demand_certificate(self, authority: &Authority) -> Self {
        ServerSpec { client_authority: Some(authority.clone()), ..self }
    }

    /// Speaks only these TLS versions.
    #[must_use]
    pub fn versions(self, versions: Versions) -> Self {
        ServerSpec { versions, ..self }
    }

    /// The /64 it advertises; each server of a cluster has its own.
    #[must_use]
    pub fn prefix(self, prefix: Ipv6Addr) -> Self {
        ServerSpec { prefix, ..self }
    }

    /// What it does up to its response head.
    #[must_use]
    pub fn behaviour(self, behaviour: Behaviour) -> Self {
        ServerSpec { behaviour, ..self }
    }

    /// What it does with the tunnel.
    #[must_use]
    pub fn body(self, body: Body) -> Self {
        ServerSpec { body, ..self }
    }

    /// Listens and serves.
    ///
    /// # Errors
    /// The address cannot be bound, or certificate and key do not fit.
    pub async fn start(self) -> io::Result<Server> {
        let tls = self.identity.as_ref().map(|(chain, key)| self.tls_config(chain, key)).transpose()?;
        let listener = TcpListener::bind(self.bind).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            tls: tls.map(Arc::new),
            router: Router::new(self.prefix),
            manners: Mutex::new((self.behaviour, self.body)),
            visits: Visits::default(),
            orders: broadcast::Sender::new(ORDERS_MAX),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Server { address, shared, accepting })
    }

    fn tls_config(&self, chain: &[Vec<u8>], key: &Key) -> io::Result<ServerConfig> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let versions = match self.versions {
            Versions::Both => rustls::DEFAULT_VERSIONS,
            Versions::Tls12 => &[&rustls::version::TLS12],
            Versions::Tls13 => &[&rustls::version::TLS13],
        };
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions);
        let builder = builder.map_err(io::Error::other)?;
        let builder = match &self.client_authority {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                let anchor = authority.path().last().cloned().unwrap_or_default();
                roots.add(CertificateDer::from(anchor)).map_err(io::Error::other)?;
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.map_err(io::Error::other)?)
            }
        };
        let chain = chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.pkcs8_der().to_vec()));
        builder.with_single_cert(chain, key).map_err(io::Error::other)
    }
}

/// A running stand-in.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every connection so far, in the order of their acceptance.
    pub fn visits(&self) -> Vec<Visit> {
        self.shared.visits.all()
    }

    /// Connections so far.
    pub fn visit_count(&self) -> usize {
        self.shared.visits.count()
    }

    /// Tunnels that are open now.
    pub fn tunnels(&self) -> usize {
        self.visits().iter().filter(|visit| visit.accepted && visit.end.is_none()).count()
    }

    /// Waits for a state, ten seconds at most, and returns the visits of that moment.
    ///
    /// # Panics
    /// If it does not come.
    #[expect(clippy::panic, reason = "this is an assertion")]
    pub async fn wait_until(&self, what: &str, condition: impl Fn(&[Visit]) -> bool) -> Vec<Visit> {
        match tokio::time::timeout(visit::WAIT_MAX, self.shared.visits.wait_until(condition)).await {
            Ok(visits) => visits,
            Err(_) => panic!("the server waited in vain for {what}; it saw {:#?}", self.visits()),
        }
    }

    /// Changes what new connections meet up to the response head.
    pub fn behave(&self, behaviour: Behaviour) {
        self.shared.manners.lock().unwrap_or_else(PoisonError::into_inner).0 = behaviour;
    }

    /// Changes what new tunnels meet.
    pub fn serve(&self, body: Body) {
        self.shared.manners.lock().unwrap_or_else(PoisonError::into_inner).1 = body;
    }

    /// Ends all connections that are open now.
    pub fn end_all(&self, ending: Ending) {
        let _ = self.shared.orders.send(Order::End(ending));
    }

    /// Sends these bytes into all tunnels that are open now.
    pub fn send_all(&self, bytes: &[u8]) {
        let _ = self.shared.orders.send(Order::Send(bytes.to_vec()));
    }

    /// Stops listening and ends everything: the port is free when this returns. Open connections end with a bare FIN; for
    /// another end call [`Server::end_all`] and wait for it.
    pub async fn stop(mut self) {
        self.accepting.abort();
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

#[derive(Debug)]
struct Shared {
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    manners: Mutex<(Behaviour, Body)>,
    visits: Visits,
    orders: broadcast::Sender<Order>,
}

#[derive(Clone, Debug)]
enum Order {
    End(Ending),
    Send(Vec<u8>),
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => {
                let number = shared.visits.begin(peer);
                // Ready for orders before anybody can know of the visit and give one.
                let orders = shared.orders.subscribe();
                connections.spawn(connection::serve(tcp, number, orders, Arc::clone(&shared)));
            }
            // Out of descriptors, mostly: others end, then there are some.
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Orders that a connection may be behind before it misses some.
const ORDERS_MAX: usize = 64;
/// Out of descriptors: a pause, so that accepting does not spin.
const ACCEPT_PAUSE: std::time::Duration = std::time::Duration::from_millis(20);
