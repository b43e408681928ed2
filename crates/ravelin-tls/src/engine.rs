//! Engines: libraries that terminate TLS. One interface, so that which of them took a client makes no difference to
//! anything but its `engine` label.

#[cfg(feature = "legacy-tls")]
mod gate;
mod judging;
#[cfg(feature = "legacy-tls")]
pub(crate) mod openssl;
mod proof;
mod resolver;
pub(crate) mod rustls;

use ravelin_policy::{Decision, PresentedChain};

use crate::alert::Alert;
use crate::outcome::{HandshakeEnd, Negotiated};
use crate::records::Records;

/// What an engine makes of a client that was permitted and has proved to hold its key.
pub(crate) struct Terminated {
    pub(crate) records: Records,
    /// Read from the socket and not yet opened.
    pub(crate) received: Vec<u8>,
    pub(crate) chain: PresentedChain,
    pub(crate) decision: Decision,
    pub(crate) negotiated: Negotiated,
}

/// What an engine makes of any other client.
pub(crate) struct Refused {
    pub(crate) end: HandshakeEnd,
    /// What `last_words` tell.
    pub(crate) alert: Option<Alert>,
    /// Escaped and bounded.
    pub(crate) detail: String,
    /// To be sent before the socket is closed; `None` where the socket is of no use any more.
    pub(crate) last_words: Option<Vec<u8>>,
}
