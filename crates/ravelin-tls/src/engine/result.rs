//! How an engine ends a handshake.

use ravelin_policy::DecisionReport;

use super::proven::ProvenChain;
use crate::alert::Alert;
use crate::outcome::{HandshakeEnd, Negotiated};
use crate::records::Records;

/// What an engine makes of a client that was permitted and has proved to hold its key.
pub(crate) struct TerminatedHandshake {
    pub(crate) records: Records,
    /// Read from the socket and not yet opened.
    pub(crate) received: Vec<u8>,
    pub(crate) chain: ProvenChain,
    pub(crate) report: DecisionReport,
    pub(crate) negotiated: Negotiated,
}

/// What an engine makes of any other client.
pub(crate) struct RefusedHandshake {
    pub(crate) end: HandshakeEnd,
    /// The alert in `last_words`.
    pub(crate) alert: Option<Alert>,
    /// Escaped and bounded.
    pub(crate) detail: String,
    /// To be sent before the socket is closed; `None` where the socket is of no use any more.
    pub(crate) last_words: Option<Vec<u8>>,
}
