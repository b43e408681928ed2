//! What a site offers to its clients.

use crate::identity::{IdentityProblem, ServerIdentity};

/// A protocol version that a site may be bounded by.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum TlsVersion {
    /// TLS 1.2.
    V1_2,
    /// TLS 1.3.
    V1_3,
}

/// What a site is made from.
pub struct SiteTlsSpec {
    /// RSA and ECDSA side by side; picked by what the client can verify.
    pub identities: Vec<ServerIdentity>,
    /// Oldest version.
    pub min: TlsVersion,
    /// Newest version.
    pub max: TlsVersion,
    /// Subjects (DER) to hint in CertificateRequest; empty: no hints (as schannel servers since 2012).
    pub authority_hints: Vec<Vec<u8>>,
}

/// One site's TLS side of one generation: immutable, shared.
pub struct SiteTls {}

impl SiteTls {
    /// Builds it or says everything that stops it.
    ///
    /// # Errors
    /// No identity, an impossible version range, …
    pub fn build(spec: SiteTlsSpec) -> Result<SiteTls, Vec<IdentityProblem>> {
        let _ = spec;
        Ok(SiteTls {})
    }
}
