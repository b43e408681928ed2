//! The shape check: what a certificate list may look like before any path is searched or any signature verified.
//!
//! It costs what reading the list costs, and no public-key operation: a stranger can send a hundred certificate
//! authorities that issue one another and gets his refusal for the price of counting them (docs/rules.md rule 2).

use rustls_pki_types::CertificateDer;

use crate::authorities::Authorities;
use crate::certificate::{Certificate, Weakness};
use crate::decision::{Denial, Reason};

/// A certificate list of good shape.
#[derive(Debug)]
pub(crate) struct Shaped {
    pub(crate) leaf: Certificate,
    /// What was sent beside the leaf and is not configured anyway, in the order sent.
    pub(crate) sent: Vec<Certificate>,
}

impl Shaped {
    /// For the report.
    pub(crate) fn text(&self) -> String {
        match self.sent.len() {
            0 => "the leaf alone".to_owned(),
            1 => "the leaf and one authority that is not configured".to_owned(),
            more => format!("the leaf and {more} authorities that are not configured"),
        }
    }
}

/// A refusal, and the leaf as far as it could be read.
#[derive(Debug)]
pub(crate) struct Misshapen {
    pub(crate) denial: Denial,
    pub(crate) leaf: Option<Box<Certificate>>,
}

/// Judges the list by its shape.
///
/// # Errors
/// The first broken bound. Those of the whole list come before those of single certificates, the leaf's before the others'.
pub(crate) fn check(list: &[CertificateDer<'_>], authorities: &Authorities) -> Result<Shaped, Misshapen> {
    let without_leaf = |denial| Misshapen { denial, leaf: None };
    let Some((leaf_der, others)) = list.split_first() else {
        return Err(without_leaf(denial(Reason::NoCertificate, "the client sent no certificate".to_owned())));
    };
    let leaf = read_leaf(leaf_der).map_err(without_leaf)?;
    match check_others(list, &leaf, others, authorities) {
        Ok(sent) => Ok(Shaped { leaf, sent }),
        Err(denial) => Err(Misshapen { denial, leaf: Some(Box::new(leaf)) }),
    }
}

fn read_leaf(der: &[u8]) -> Result<Certificate, Denial> {
    if der.len() > LEAF_BYTES_MAX {
        let text = format!("the leaf has {} bytes, {LEAF_BYTES_MAX} are allowed", der.len());
        return Err(denial(Reason::MalformedCertificate, text));
    }
    Certificate::read(der)
        .map_err(|malformed| denial(Reason::MalformedCertificate, format!("the leaf has {}", malformed.0)))
}

fn check_others(
    list: &[CertificateDer<'_>],
    leaf: &Certificate,
    others: &[CertificateDer<'_>],
    authorities: &Authorities,
) -> Result<Vec<Certificate>, Denial> {
    let bytes: usize = list.iter().map(|der| der.len()).sum();
    if bytes > LIST_BYTES_MAX {
        let text = format!("the list has {bytes} bytes, {LIST_BYTES_MAX} are allowed");
        return Err(denial(Reason::ChainTooLong, text));
    }
    let unknown: Vec<_> = others.iter().filter(|der| !authorities.has_der(der)).take(SENT_MAX + 1).collect();
    if unknown.len() > SENT_MAX {
        let text = format!("more than {SENT_MAX} certificates beside the leaf that are not configured");
        return Err(denial(Reason::ChainTooLong, text));
    }
    check_leaf(leaf)?;
    let sent = unknown.into_iter().map(|der| read_sent(der)).collect::<Result<Vec<_>, _>>()?;
    for one in &sent {
        let alike = sent.iter().filter(|other| other.subject.canonical == one.subject.canonical).count();
        if alike > SENT_OF_ONE_SUBJECT_MAX {
            let text = format!("{alike} certificates of one subject, {SENT_OF_ONE_SUBJECT_MAX} are allowed");
            return Err(denial(Reason::ChainTooLong, text));
        }
    }
    let issuer = &leaf.issuer.canonical;
    if authorities.named(issuer).is_empty() && !sent.iter().any(|one| one.subject.canonical == *issuer) {
        let issuer = leaf.issuer.label();
        let text = format!("issuer {issuer} is neither configured nor in the list the client sent");
        return Err(denial(Reason::UnknownIssuer, text));
    }
    Ok(sent)
}

fn check_leaf(leaf: &Certificate) -> Result<(), Denial> {
    let weakness = leaf.public_key.weakness.or(leaf.signature_algorithm.weakness);
    if let Some(Weakness(weakness)) = weakness {
        return Err(denial(Reason::WeakKey, format!("the leaf has {weakness}")));
    }
    Ok(())
}

fn read_sent(der: &CertificateDer<'_>) -> Result<Certificate, Denial> {
    if der.len() > SENT_BYTES_MAX {
        let text = format!("a certificate beside the leaf has {} bytes, {SENT_BYTES_MAX} are allowed", der.len());
        return Err(denial(Reason::MalformedCertificate, text));
    }
    let certificate = Certificate::read(der).map_err(|malformed| {
        denial(Reason::MalformedCertificate, format!("a certificate beside the leaf has {}", malformed.0))
    })?;
    // A root that is sent along and not configured helps nobody and harms nobody: many old ones sign themselves with
    // SHA-1. A path that needs its signature is refused for it there.
    let signature_weakness = certificate.signature_algorithm.weakness.filter(|_| !certificate.is_self_issued());
    if let Some(Weakness(weakness)) = certificate.public_key.weakness.or(signature_weakness) {
        return Err(denial(Reason::WeakKey, format!("{} has {weakness}", certificate.label())));
    }
    Ok(certificate)
}

fn denial(reason: Reason, detail: String) -> Denial {
    Denial { reason, detail }
}

/// The largest leaf of AD CS with every extension has 2.5 KB (RSA 4096 key and signature).
const LEAF_BYTES_MAX: usize = 8 * 1024;
/// A certificate authority names no machines; 2 KB is much.
const SENT_BYTES_MAX: usize = 4 * 1024;
/// The leaf, four others and a configured root or two that are sent along.
const LIST_BYTES_MAX: usize = 32 * 1024;
/// Two issuing tiers, and a cross-certificate for each.
const SENT_MAX: usize = 4;
/// A certificate authority and its renewal.
const SENT_OF_ONE_SUBJECT_MAX: usize = 2;
