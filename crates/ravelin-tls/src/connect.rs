//! TLS to a DirectAccess server (bridging).

use std::io;

use tokio::net::TcpStream;

use crate::identity::{IdentityProblem, ServerIdentity};
use crate::stream::TlsStream;

/// How the gateway meets a server over TLS.
pub struct UpstreamTlsSpec {
    /// Authorities a server's certificate must come from, DER with origins for messages. Never empty, never the system's.
    pub authorities: Vec<(String, Vec<u8>)>,
    /// The name to verify and to send as SNI.
    pub server_name: String,
    /// A certificate of our own, where the server asks for one.
    pub client_identity: Option<ServerIdentity>,
}

/// Built once a generation.
pub struct UpstreamTls {}

impl UpstreamTls {
    /// Builds it or says what stops it.
    ///
    /// # Errors
    /// No authority, a bad name, …
    pub fn build(spec: UpstreamTlsSpec) -> Result<UpstreamTls, Vec<IdentityProblem>> {
        let _ = spec;
        Ok(UpstreamTls {})
    }
}

/// Handshake as a client. Total time is the caller's.
///
/// # Errors
/// The socket broke, the server's certificate does not verify (`InvalidData`, with the cause in words).
pub async fn connect(tcp: TcpStream, upstream: &UpstreamTls) -> io::Result<TlsStream> {
    let _ = (tcp, upstream);
    Err(io::ErrorKind::Unsupported.into())
}
