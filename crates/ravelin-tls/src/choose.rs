//! Which engine takes a client: decided from its ClientHello, before any engine has seen a byte.
//!
//! rustls whenever it can serve the client. OpenSSL only where the site allows it: for a client that rustls cannot
//! serve, or that offers null suites where they are preferred. What each can serve is worked out by its own rules; a
//! test holds the answer against what the engines do with the same hello.

mod openssl;
mod rustls;

use std::fmt::Write;

use crate::alert::Alert;
use crate::hello::client_hello::ClientHello;
use crate::legacy::{NullEncryption, TlsVersion};
use crate::site::SiteTls;
use crate::site::offer::Offer;

/// Which engine takes a client, or why none does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum EngineChoice {
    /// rustls: whenever it can serve the client.
    Rustls,
    /// OpenSSL: only where the site allows it.
    OpenSsl,
    /// Client and site have nothing in common.
    None {
        /// What is missing, as text with the client's offer, bounded.
        why: String,
    },
}

/// The choice with what follows from it.
pub(crate) enum Choice<'a> {
    Rustls,
    OpenSsl(&'a Offer),
    None { why: String, alert: Alert },
}

impl SiteTls {
    /// Chooses. Pure: the same hello at the same site always gets the same engine.
    pub fn choose(&self, hello: &ClientHello) -> EngineChoice {
        match self.choice(hello) {
            Choice::Rustls => EngineChoice::Rustls,
            Choice::OpenSsl(_) => EngineChoice::OpenSsl,
            Choice::None { why, .. } => EngineChoice::None { why },
        }
    }

    pub(crate) fn choice(&self, hello: &ClientHello) -> Choice<'_> {
        let by_rustls = rustls::can_serve(self, hello);
        if by_rustls && self.null_encryption != NullEncryption::Prefer {
            return Choice::Rustls;
        }
        let by_openssl = openssl::serving(self, hello);
        if let Some((offer, suite)) = by_openssl
            && (!by_rustls || suite.is_null())
        {
            return Choice::OpenSsl(offer);
        }
        if by_rustls {
            return Choice::Rustls;
        }
        if self.shares_a_version(hello) {
            return Choice::None { why: self.nothing_shared(hello), alert: Alert::HANDSHAKE_FAILURE };
        }
        let offered = hello.versions.iter().copied().max();
        let newest = offered.map_or_else(|| "no version".to_owned(), version_text);
        let why = match hello.versions.iter().all(|version| *version < self.min.code()) {
            true => format!("offers nothing newer than {newest}, the site begins at {}", version_text(self.min.code())),
            false => format!("offers {newest}, the site ends at {}", version_text(self.max.code())),
        };
        Choice::None { why, alert: Alert::PROTOCOL_VERSION }
    }

    fn shares_a_version(&self, hello: &ClientHello) -> bool {
        rustls::version(self, hello).is_some() || openssl::version(self, hello).is_some()
    }

    fn nothing_shared(&self, hello: &ClientHello) -> String {
        let mut why = match hello.null_only() {
            true => "offers null suites only".to_owned(),
            false => "shares no suite, group or signature scheme with the site".to_owned(),
        };
        why.push_str(": offers");
        for suite in hello.suites.iter().take(SUITES_REPORTED_MAX) {
            // Writing to a string does not fail.
            let _ = write!(why, " {suite:04x}");
        }
        if hello.suites.len() > SUITES_REPORTED_MAX {
            let _ = write!(why, " and {} more", hello.suites.len() - SUITES_REPORTED_MAX);
        }
        why
    }
}

impl ClientHello {
    /// Whether it offers null suites and nothing that encrypts (signalling values and GREASE aside).
    pub fn null_only(&self) -> bool {
        let mut suites = self.suites.iter().filter(|suite| !is_no_suite(**suite)).peekable();
        suites.peek().is_some() && suites.all(|suite| NULL_SUITES.contains(suite))
    }
}

fn version_text(code: u16) -> String {
    let known = [TlsVersion::V1_0, TlsVersion::V1_1, TlsVersion::V1_2, TlsVersion::V1_3];
    match known.iter().find(|version| version.code() == code) {
        Some(version) => version.name().to_owned(),
        None => format!("version {code:#06x}"),
    }
}

/// Signalling values (RFC 5746, RFC 7507) and GREASE (RFC 8701).
fn is_no_suite(suite: u16) -> bool {
    let [high, low] = suite.to_be_bytes();
    matches!(suite, 0x00ff | 0x5600) || (high == low && low & 0x0f == 0x0a)
}

/// `TLS_RSA_WITH_NULL_SHA256`, `TLS_RSA_WITH_NULL_SHA`, and the older and ECDH relatives that encrypt as little.
const NULL_SUITES: &[u16] = &[0x003b, 0x0002, 0x0001, 0xc001, 0xc006, 0xc00b, 0xc010, 0xc015];

/// Windows is known to send up to 28 suites: all of them fit, and a hostile hello fills no record.
const SUITES_REPORTED_MAX: usize = 32;

#[cfg(test)]
mod tests;
