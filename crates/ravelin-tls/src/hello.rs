//! Looks at a ClientHello before any engine has seen a byte.

use tokio::net::TcpStream;

use crate::accept::HandshakeFailure;

/// The fields of a ClientHello that choices are made from.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ClientHello {
    /// What the client wrote as server name.
    pub server_name: ServerName,
    /// Offered suites, in order.
    pub suites: Vec<u16>,
    /// `supported_versions`, else the legacy version alone.
    pub versions: Vec<u16>,
    /// `supported_groups`.
    pub groups: Vec<u16>,
    /// `signature_algorithms`.
    pub signature_schemes: Vec<u16>,
}

/// The server name as sent.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum ServerName {
    /// No server_name extension.
    #[default]
    Absent,
    /// A DNS name: lower case, without trailing dot.
    Dns(String),
    /// Anything else (IP literal, NUL, two names, not a DNS name): never matches a site. Escaped for the record.
    Unusable(String),
}

/// A hello and the very bytes it was read from: the engine gets them first.
#[derive(Clone, Debug)]
pub struct PeekedHello {
    /// The parsed fields.
    pub hello: ClientHello,
    /// Every byte read from the socket so far.
    pub bytes: Vec<u8>,
}

/// Reads until the ClientHello is whole, split over any number of segments and records. The first bytes are looked at
/// at once: what is not a TLS handshake record is refused without waiting for more.
///
/// # Errors
/// Not TLS, too large, malformed, closed. The alert was sent where the peer spoke TLS.
pub async fn read(stream: &mut TcpStream) -> Result<PeekedHello, HandshakeFailure> {
    let _ = stream;
    unimplemented!("owner: ravelin-tls")
}
