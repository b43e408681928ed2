//! Which engine takes a client: decided from its ClientHello, before any engine has seen a byte.

use crate::hello::ClientHello;
use crate::site::SiteTls;
use crate::wire;

/// Which engine takes a client, or why none does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum EngineChoice {
    /// rustls: whenever it can serve the client.
    Rustls,
    /// OpenSSL: only where the site allows it.
    OpenSsl,
    /// Client and site have nothing in common.
    None {
        /// What is missing, in words.
        why: String,
    },
}

impl SiteTls {
    /// Chooses. Pure: the same hello at the same site always meets the same engine.
    pub fn choose(&self, hello: &ClientHello) -> EngineChoice {
        if hello.versions.iter().all(|version| *version < wire::TLS12) {
            return EngineChoice::None { why: "offers nothing newer than TLS 1.1".to_owned() };
        }
        EngineChoice::Rustls
    }
}

impl ClientHello {
    /// Whether it offers null suites and nothing that encrypts (signalling values and GREASE aside).
    pub fn null_only(&self) -> bool {
        let mut suites = self.suites.iter().filter(|suite| !is_no_suite(**suite)).peekable();
        suites.peek().is_some() && suites.all(|suite| NULL_SUITES.contains(suite))
    }
}

/// Signalling values (RFC 5746, RFC 7507) and GREASE (RFC 8701).
fn is_no_suite(suite: u16) -> bool {
    let [high, low] = suite.to_be_bytes();
    matches!(suite, 0x00ff | 0x5600) || (high == low && low & 0x0f == 0x0a)
}

/// `TLS_RSA_WITH_NULL_SHA256`, `TLS_RSA_WITH_NULL_SHA`, and the older and ECDH relatives that encrypt as little.
const NULL_SUITES: &[u16] = &[0x003b, 0x0002, 0x0001, 0xc001, 0xc006, 0xc00b, 0xc010, 0xc015];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_only_is_told_from_null_too() {
        for (suites, expected) in [
            (&[0x003b, 0x0002][..], true),
            (&[0x0a0a, 0x003b, 0x00ff], true),
            (&[0x003b, 0x5600], true),
            (&[0x003b, 0x002f], false),
            (&[0x003b, 0x1301], false),
            (&[0x002f], false),
            (&[0x00ff], false),
            (&[], false),
        ] {
            let hello = ClientHello { suites: suites.to_vec(), ..ClientHello::default() };
            assert_eq!(hello.null_only(), expected, "{suites:04x?}");
        }
    }
}
