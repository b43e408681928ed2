//! What revocation is asked with: a certificate, and the authority that issued it.

/// A certificate authority, as far as CRLs are concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Authority<'a> {
    /// DER Name.
    pub(crate) subject: &'a [u8],
    /// DER SubjectPublicKeyInfo.
    pub(crate) spki: &'a [u8],
    /// Contents of the subject key identifier.
    pub(crate) key_identifier: Option<&'a [u8]>,
    /// Its key usage is absent or has cRLSign (RFC 5280 §6.3.3 (f)).
    pub(crate) may_sign_crls: bool,
}

/// A certificate, as far as CRLs are concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CertificateToCheck<'a> {
    /// Contents of the INTEGER.
    pub(crate) serial: &'a [u8],
    /// DER Name.
    pub(crate) issuer_name: &'a [u8],
    /// Value of the cRLDistributionPoints extension, DER.
    pub(crate) distribution_points: Option<&'a [u8]>,
    /// Its basic constraints say CA.
    pub(crate) is_authority: bool,
}
