//! The vocabulary of a handshake: who judges it, what was agreed, and how it failed.

use ravelin_policy::{Decision, PresentedChain};

use crate::alert::Alert;

/// Who judges a certificate chain in the middle of the handshake. Called at most once a handshake: with the chain as it
/// was presented, before the client has proved to hold its key; or, for a client that was asked and sent none, with the
/// empty chain, whose denial (`no_certificate`) is then the handshake's end.
pub trait Judge: Send + Sync {
    /// Yes or no, with the reason that picks the alert.
    fn judge(&self, chain: &PresentedChain) -> Decision;
}

/// Which library terminated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Engine {
    /// rustls with aws-lc-rs.
    Rustls,
    /// OpenSSL, for what rustls lacks: null encryption, old suites and old versions.
    OpenSsl,
}

impl Engine {
    /// `rustls` or `openssl`.
    pub fn label(self) -> &'static str {
        match self {
            Engine::Rustls => "rustls",
            Engine::OpenSsl => "openssl",
        }
    }
}

/// What was agreed, as closed-set labels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Negotiated {
    /// `TLSv1.0` to `TLSv1.3`.
    pub version: &'static str,
    /// IANA name.
    pub suite: &'static str,
    /// The engine.
    pub engine: Engine,
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
    /// The judge said no (or the client had no certificate: then a decision with `no_certificate`). The client has not
    /// proved to hold the key of what it presented.
    Denied(Box<Decision>),
    /// The protocol was broken, by bytes or by a failed proof of the key, or the client gave up with an alert of its own.
    Failed,
    /// Client and site share no version, suite, group or signature scheme.
    NoCommonSuite,
    /// The socket broke or closed.
    Socket(std::io::Error),
}
