//! What RFC 5280 §6.1 asks of the certificates of a path, signatures and validity apart.

use super::certification_path::Path;
use super::{constraints, policies};
use crate::authority_fault::unknown_critical;
use crate::certificate::{Certificate, Version};
use crate::decision::{Denial, Reason};

/// Judges a path whose signatures hold.
///
/// # Errors
/// The first rule that is broken.
pub(crate) fn check_rules(path: &Path<'_>) -> Result<(), Denial> {
    if let Some(leaf) = path.certificates.first() {
        check_leaf(leaf)?;
    }
    for (certificate, _) in path.links() {
        check_serial(certificate)?;
    }
    check_lengths(path)?;
    constraints::check(path)?;
    policies::check(path)
}

/// A machine's certificate is no authority, and its key may sign a handshake.
fn check_leaf(leaf: &Certificate) -> Result<(), Denial> {
    let malformed = |text: &str| Err(Denial::new(Reason::MalformedCertificate, format!("the leaf {text}")));
    if leaf.version != Version::V3 {
        return malformed("is not an X.509 version 3 certificate");
    }
    if let Some(fault) = unknown_critical(leaf) {
        return Err(Denial::new(fault.reason, format!("the leaf: {}", fault.detail)));
    }
    let extensions = &leaf.extensions;
    if extensions.basic_constraints.is_some_and(|constraints| constraints.is_authority) {
        return malformed("is marked as a certificate authority");
    }
    if extensions.name_constraints.is_some() {
        return malformed("has name constraints, which only an authority may have");
    }
    match extensions.key_usage {
        // RFC 5280 §4.2.1.3: keyCertSign only together with cA.
        Some(usage) if usage.certificate_signing() => malformed("may sign certificates (keyUsage) and is no authority"),
        Some(usage) if !usage.digital_signature() => Err(Denial::new(
            Reason::WrongPurpose,
            "the leaf's key may not make digital signatures (keyUsage)".to_owned(),
        )),
        Some(_) | None => Ok(()),
    }
}

/// Zero is no serial number (RFC 5280 §4.1.2.2). Negative ones are: §4.1.2.2 asks to handle them, and NIST PKITS 4.4.14 does.
fn check_serial(certificate: &Certificate) -> Result<(), Denial> {
    if certificate.serial.iter().all(|&byte| byte == 0) {
        let text = format!("{} has the serial number zero", certificate.label());
        return Err(Denial::new(Reason::MalformedCertificate, text));
    }
    Ok(())
}

/// pathLenConstraint: authorities that are not self-issued between this one and the leaf (RFC 5280 §4.2.1.9, §6.1.4 l, m).
fn check_lengths(path: &Path<'_>) -> Result<(), Denial> {
    let mut below = 0_u32;
    for authority in path.certificates.iter().skip(1) {
        let allowed = authority.extensions.basic_constraints.and_then(|constraints| constraints.path_length);
        if let Some(allowed) = allowed.filter(|&allowed| below > allowed) {
            let text = format!("{below} authorities below {}, which allows {allowed}", authority.label());
            return Err(Denial::new(Reason::ChainTooLong, text));
        }
        if !authority.is_self_issued() {
            below += 1;
        }
    }
    Ok(())
}
