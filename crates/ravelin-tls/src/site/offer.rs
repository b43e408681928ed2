//! What the OpenSSL engine may do for a site.

use rustls::NamedGroup;

use crate::suites::{KeyKind, Suite};

/// What OpenSSL may offer with one of the site's certificates.
pub(crate) struct Offer {
    pub(crate) key: KeyKind,
    /// The curve of an ECDSA key.
    pub(crate) curve: Option<NamedGroup>,
    /// Allowed by the site, fit for the key, preferred first. Never empty.
    pub(crate) suites: Vec<&'static Suite>,
    #[cfg(feature = "legacy-tls")]
    pub(crate) context: openssl::ssl::SslContext,
}

/// X25519, P-256, P-384: the engine's groups, by their code points.
pub(crate) const GROUPS: &[u16] = &[0x001d, 0x0017, 0x0018];
