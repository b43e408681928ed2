//! Terminates TLS for one client.

use std::sync::Arc;

use ravelin_policy::{Decision, PresentedChain};
use tokio::net::TcpStream;

use crate::alert::Alert;
use crate::hello::PeekedHello;
use crate::site::SiteTls;
use crate::stream::TlsStream;

/// Who judges a certificate list in the middle of the handshake. Called at most once a handshake, never for an empty list
/// of a client that was asked and sent none (that is `no_certificate` without any judgement).
pub trait Judge: Send + Sync {
    /// Yes or no, with the reason that picks the alert.
    fn judge(&self, chain: &PresentedChain) -> Decision;
}

/// Which library terminated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Engine {
    /// rustls with aws-lc-rs.
    Rustls,
}

/// What was agreed, as closed-set labels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Negotiated {
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: &'static str,
    /// IANA name.
    pub suite: &'static str,
    /// The engine.
    pub engine: Engine,
}

/// A finished handshake: the client has proved to hold the leaf's key.
pub struct Accepted {
    /// Ready for the request head.
    pub stream: TlsStream,
    /// The list the client proved.
    pub chain: PresentedChain,
    /// What the judge said in the handshake: a permit, or there would be no `Accepted`.
    pub decision: Decision,
    /// What was agreed.
    pub negotiated: Negotiated,
}

/// A handshake that came to nothing. The alert was sent, and had its time to arrive, before this is returned.
#[derive(Debug)]
pub struct HandshakeFailure {
    /// What kind.
    pub end: HandshakeEnd,
    /// The alert we sent, if any.
    pub alert_sent: Option<Alert>,
    /// The facts, escaped, bounded.
    pub detail: String,
}

/// Kinds of handshake that came to nothing.
#[derive(Debug)]
pub enum HandshakeEnd {
    /// The judge said no (or the client had no certificate: then a decision with `no_certificate`).
    Denied(Box<Decision>),
    /// The protocol was broken, by bytes or by a failed proof of the key, or the client gave up with an alert of its own.
    Failed,
    /// Client and site share no version, suite, group or signature scheme.
    NoCommonSuite,
    /// The socket broke or closed.
    Socket(std::io::Error),
}

/// Runs the handshake. Total time is the caller's: wrap in a timeout.
///
/// # Errors
/// See [`HandshakeFailure`].
pub async fn accept(
    stream: TcpStream,
    hello: PeekedHello,
    site: &SiteTls,
    judge: Arc<dyn Judge>,
) -> Result<Accepted, HandshakeFailure> {
    let _ = (stream, hello, site, judge);
    unimplemented!("owner: ravelin-tls")
}

/// Sends one fatal alert to a client that no engine has met (an unknown server name, say) and lets it arrive.
pub async fn refuse(stream: TcpStream, hello: &PeekedHello, alert: Alert) {
    let _ = (stream, hello, alert);
}
