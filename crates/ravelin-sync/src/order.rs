//! What one fetch is reported, over its standard input: where, who as, and since when.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// One fetch of one domain from one controller.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FetchOrder {
    /// The controller's name, which its certificate must have.
    pub host: String,
    /// Where it is met; `None`: at whatever address the name has.
    pub address: Option<SocketAddr>,
    /// The port, where the name is looked up.
    pub port: u16,
    /// TLS begins within LDAP instead of before it.
    pub start_tls: bool,
    /// Authorities that its certificate must come from, DER.
    pub roots: Vec<Vec<u8>>,
    /// Who asks.
    pub login: Login,
    /// The distinguished name of the domain.
    pub base: String,
    /// Changes since then are enough.
    pub since: Option<Mark>,
}

/// Who asks.
#[derive(Deserialize, Serialize)]
pub(crate) enum Login {
    /// A simple bind.
    Password {
        /// `reader@corp.example.com`, or a distinguished name.
        name: String,
        /// Never empty (RFC 4513 §5.1.2: that would be nobody, and succeed).
        password: Zeroizing<Vec<u8>>,
    },
    /// A certificate in the TLS handshake, which Active Directory takes for a bind ([MS-ADTS] §5.1.1.2).
    Certificate {
        /// Leaf first, DER.
        chain: Vec<Vec<u8>>,
        /// PEM.
        key: Zeroizing<Vec<u8>>,
    },
}

/// How far a controller's changes are known. Update sequence numbers are each controller's own: they say nothing elsewhere, nor
/// after it was restored from a backup, which gives it another invocation.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Mark {
    /// highestCommittedUSN before anything else was asked.
    pub usn: u64,
    /// invocationId.
    pub invocation: Vec<u8>,
}

impl Mark {
    /// Whether changes since this mark are all that is missing at a controller that stands at `now`.
    pub(crate) fn reaches(&self, now: &Mark) -> bool {
        self.invocation == now.invocation && self.usn <= now.usn
    }
}

impl FetchOrder {
    /// As JSON. Wiped when dropped; set aside in one piece, so that growing leaves no copy behind.
    pub(crate) fn to_json(&self) -> Zeroizing<Vec<u8>> {
        let secret = match &self.login {
            Login::Password { name, password } => name.len() + password.len(),
            Login::Certificate { chain, key } => chain.iter().map(Vec::len).sum::<usize>() + key.len(),
        };
        let bytes = self.roots.iter().map(Vec::len).sum::<usize>() + secret + self.host.len() + self.base.len();
        let mut json = Zeroizing::new(Vec::with_capacity(bytes * JSON_BYTES_EACH + OTHER_BYTES));
        // Into memory, of values that JSON has: it cannot fail.
        let _ = serde_json::to_writer(&mut *json, self);
        json
    }
}

/// Some hundred authorities; as numbers in JSON a byte takes up to four.
pub(crate) const ORDER_BYTES_MAX: usize = 2 << 20;
/// `\u0000` is the longest that a byte becomes; numbers are shorter.
const JSON_BYTES_EACH: usize = 6;
/// Names of fields, numbers, an invocation.
const OTHER_BYTES: usize = 4096;
