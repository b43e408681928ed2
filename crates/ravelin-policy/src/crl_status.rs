//! What metrics and `status` say of a CRL.

use crate::origin::Origin;

/// One CRL in use.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CrlStatus {
    /// The file.
    pub origin: Origin,
    /// Issuer, RFC 4514.
    pub issuer: String,
    /// CRL number, decimal, where it has one.
    pub number: Option<String>,
    /// Unix seconds.
    pub this_update: i64,
    /// Unix seconds.
    pub next_update: i64,
    /// Revoked certificates in it.
    pub entries: usize,
}
