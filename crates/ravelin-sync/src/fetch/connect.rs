//! From an order to a stream that its controller is at the other end of.

use std::io::{self, BufReader};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Instant;

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use super::message;
use super::stream::{ControllerStream, STEP, Timed, is_late};
use crate::failure::{FetchFailure, FetchProblem};
use crate::order::{FetchOrder, Login};

/// Connects, and verifies who is there.
pub(super) fn connect(order: &FetchOrder) -> Result<ControllerStream, FetchProblem> {
    let config = config(order)?;
    let name = ServerName::try_from(order.host.clone());
    let name =
        name.map_err(|_| FetchProblem::new(FetchFailure::Tls, format!("{} is no name of a server", order.host)))?;
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
    Ok(ControllerStream::Tls(Box::new(StreamOwned::new(connection, timed))))
}

fn dial(order: &FetchOrder) -> Result<TcpStream, FetchProblem> {
    let unreachable = |text: String| FetchProblem::new(FetchFailure::Unreachable, text);
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
    let mut stream = BufReader::new(ControllerStream::Plain(timed));
    message::start_tls(&mut stream)?;
    if !stream.buffer().is_empty() {
        return Err(tls("something came between StartTLS and TLS"));
    }
    match stream.into_inner() {
        ControllerStream::Plain(timed) => Ok(timed),
        ControllerStream::Tls(_) => Err(tls("TLS has begun already")),
    }
}

fn config(order: &FetchOrder) -> Result<Arc<ClientConfig>, FetchProblem> {
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
        return FetchProblem::new(FetchFailure::Timeout, format!("no TLS handshake within {STEP:?}"));
    }
    FetchProblem::new(FetchFailure::Unreachable, format!("the connection broke in the TLS handshake: {error}"))
}

fn tls(text: &str) -> FetchProblem {
    FetchProblem::new(FetchFailure::Tls, text)
}

/// A name with more is no controller's.
const ADDRESSES_MAX: usize = 8;
