//! Why a certificate cannot be a certificate authority, whatever the time: asked of configured ones at a start and of those
//! that clients send.

use crate::certificate::{Certificate, Version, Weakness};
use crate::decision::{Denial, Reason};
use crate::oid;

/// Why this certificate cannot be an issuer, now or ever; `None` where it can (RFC 5280 §6.1.4 k, n, o).
///
/// Anchors are asked the same: RFC 5280 §6.1.1 (d) leaves that open, and an anchor that is a leaf or a key from before
/// the flood is a mistake worth telling.
pub(crate) fn authority_fault(certificate: &Certificate) -> Option<Denial> {
    let malformed = |text: &str| Some(Denial::new(Reason::MalformedCertificate, text.to_owned()));
    if let Some(Weakness(weakness)) = certificate.public_key.weakness {
        return Some(Denial::new(Reason::WeakKey, format!("it has {weakness}")));
    }
    if certificate.version != Version::V3 {
        return malformed("it is not an X.509 version 3 certificate");
    }
    if let Some(fault) = unknown_critical(certificate) {
        return Some(fault);
    }
    if certificate.subject.is_empty() {
        return malformed("its subject is empty");
    }
    if !certificate.extensions.basic_constraints.is_some_and(|constraints| constraints.is_authority) {
        return malformed("it is not marked as a certificate authority (basicConstraints)");
    }
    if certificate.extensions.key_usage.is_some_and(|usage| !usage.certificate_signing()) {
        return malformed("its key may not sign certificates (keyUsage)");
    }
    None
}

/// The first extension that is critical and not known, as a denial (RFC 5280 §4.2).
pub(crate) fn unknown_critical(certificate: &Certificate) -> Option<Denial> {
    let extension = oid::dotted(certificate.extensions.unknown_critical.as_ref()?);
    Some(Denial::new(
        Reason::MalformedCertificate,
        format!("it has the critical extension {extension}, which is not known"),
    ))
}
