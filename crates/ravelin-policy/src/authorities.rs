//! The certificate authorities of a policy: trust anchors and configured intermediates, judged when they are loaded.
//!
//! What makes a certificate unfit to be an authority at all stops the start, with file and cure. What passes with time
//! (validity) is only noticed here and judged again at every decision.

use std::collections::{HashMap, HashSet};

use crate::authority_fault::authority_fault;
use crate::certificate::Certificate;
use crate::der::{self, DerReader, tag};
use crate::origin::Origin;
use crate::spec::{Notice, Problem, Source};
use crate::time;

/// One configured certificate authority.
#[derive(Debug)]
pub(crate) struct Authority {
    pub(crate) certificate: Certificate,
    pub(crate) is_anchor: bool,
    pub(crate) origin: Origin,
}

/// All of them, with what can be computed once.
#[derive(Debug, Default)]
pub(crate) struct Authorities {
    all: Vec<Authority>,
    by_subject: HashMap<Vec<u8>, Vec<usize>>,
    known_der: HashSet<Vec<u8>>,
    /// Pairs (subject, issuer) whose signature verifies. Saves a decision all but the leaf's own.
    verified: HashSet<(usize, usize)>,
}

impl Authorities {
    /// Reads and judges both lists. Every problem and notice is added; the result is only of use where no problem was.
    pub(crate) fn load(
        anchors: &[Source],
        intermediates: &[Source],
        now: i64,
        notices: &mut Vec<Notice>,
        problems: &mut Vec<Problem>,
    ) -> Authorities {
        let mut authorities = Authorities::default();
        for (sources, is_anchor) in [(anchors, true), (intermediates, false)] {
            for source in sources {
                match read_authority(source) {
                    Ok(certificate) => authorities.add(source, certificate, is_anchor, now, notices),
                    Err(problem) => problems.push(problem),
                }
            }
        }
        authorities.verify_each_other();
        let usable_anchors = authorities.all.iter().filter(|one| one.is_anchor && is_valid_at(&one.certificate, now));
        if usable_anchors.count() == 0 && problems.is_empty() {
            let text = if anchors.is_empty() {
                "no trust anchor: without one nobody could be let in. Name the root certificate in trust_anchors"
            } else {
                "every trust anchor is outside its validity: nobody could be let in. Renew one, and check the clock"
            };
            problems.push(Problem { origin: Origin::setting("trust_anchors"), text: text.to_owned() });
        }
        authorities.notice_unreachable(notices);
        authorities
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Authority> {
        self.all.iter()
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Authority> {
        self.all.get(index)
    }

    /// Indexes of the authorities of this name (canonical form).
    pub(crate) fn named(&self, subject: &[u8]) -> &[usize] {
        self.by_subject.get(subject).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether exactly this certificate is configured.
    pub(crate) fn has_der(&self, der: &[u8]) -> bool {
        self.known_der.contains(der)
    }

    /// Whether it was found at load time that `issuer` signed `subject`.
    pub(crate) fn is_verified(&self, subject: usize, issuer: usize) -> bool {
        self.verified.contains(&(subject, issuer))
    }

    fn add(&mut self, source: &Source, certificate: Certificate, is_anchor: bool, now: i64, notices: &mut Vec<Notice>) {
        if !self.known_der.insert(certificate.der.clone()) {
            notices.push(notice(source, "this certificate is configured twice; once would do".to_owned()));
            return;
        }
        if now > certificate.not_after {
            let end = time::rfc3339(certificate.not_after);
            notices
                .push(notice(source, format!("expired at {end}: nobody gets in by it. Replace it by its successor")));
        } else if now < certificate.not_before {
            let begin = time::rfc3339(certificate.not_before);
            notices.push(notice(source, format!("not valid before {begin}: nobody gets in by it until then")));
        }
        let index = self.all.len();
        self.by_subject.entry(certificate.subject.canonical.clone()).or_default().push(index);
        self.all.push(Authority { certificate, is_anchor, origin: source.origin.clone() });
    }

    fn verify_each_other(&mut self) {
        let mut verified = HashSet::new();
        for (subject_index, subject) in self.all.iter().enumerate().filter(|(_, one)| !one.is_anchor) {
            let Certificate { issuer, signature_algorithm, signed, signature, .. } = &subject.certificate;
            for &issuer_index in self.named(&issuer.canonical).iter().filter(|index| **index != subject_index) {
                let key = self.get(issuer_index).map(|issuer| &issuer.certificate.public_key);
                if key.is_some_and(|key| key.verifies(signature_algorithm, signed, signature)) {
                    verified.insert((subject_index, issuer_index));
                }
            }
        }
        self.verified = verified;
    }

    /// An intermediate that no anchor vouches for is a mistake, though not a dangerous one.
    fn notice_unreachable(&self, notices: &mut Vec<Notice>) {
        let mut reached: HashSet<usize> =
            self.all.iter().enumerate().filter(|(_, one)| one.is_anchor).map(|(index, _)| index).collect();
        // Each round reaches at least one more, or is the last.
        for _ in 0..self.all.len() {
            let more: Vec<usize> = self
                .verified
                .iter()
                .filter(|(subject, issuer)| reached.contains(issuer) && !reached.contains(subject))
                .map(|(subject, _)| *subject)
                .collect();
            if more.is_empty() {
                break;
            }
            reached.extend(more);
        }
        for (_, unreachable) in self.all.iter().enumerate().filter(|(index, _)| !reached.contains(index)) {
            let text = format!(
                "{} chains to no trust anchor of this policy: nobody gets in by it. Add the certificate of its issuer, {}",
                unreachable.certificate.label(),
                unreachable.certificate.issuer.label()
            );
            notices.push(Notice { origin: unreachable.origin.clone(), text });
        }
    }
}

/// Reads a certificate that must be fit to be an authority.
pub(crate) fn read_authority(source: &Source) -> Result<Certificate, Problem> {
    let problem = |text: String| Problem { origin: source.origin.clone(), text };
    let certificate =
        Certificate::read(&source.der).map_err(|malformed| problem(not_a_certificate(source, malformed)))?;
    match authority_fault(&certificate) {
        Some(fault) => Err(problem(format!("cannot be a certificate authority: {}", fault.detail))),
        None => Ok(certificate),
    }
}

/// Both ends included (RFC 5280 §4.1.2.5).
pub(crate) fn is_valid_at(certificate: &Certificate, now: i64) -> bool {
    (certificate.not_before..=certificate.not_after).contains(&now)
}

/// Says what the bytes are instead, where that is known.
fn not_a_certificate(source: &Source, malformed: der::Malformed) -> String {
    if source.der.is_empty() {
        return "is empty; a certificate (DER or PEM) is wanted".to_owned();
    }
    let Ok(contents) = der::only(&source.der, tag::SEQUENCE) else {
        return "is not a certificate: it is neither PEM nor DER of one".to_owned();
    };
    let mut fields = DerReader::new(contents);
    // PKCS #1, SEC 1 and PKCS #8 keys begin with a version number; a certificate with the part that is signed.
    if fields.peek() == Some(tag::INTEGER) {
        return "is a private key, not a certificate; keep it off this machine, and name the certificate".to_owned();
    }
    let begins_like_a_crl = fields.nested(tag::SEQUENCE).is_ok_and(|mut signed| {
        let _version = signed.optional(tag::INTEGER);
        signed.read(tag::SEQUENCE).is_ok() && signed.read(tag::SEQUENCE).is_ok() && signed.read(tag::UTC_TIME).is_ok()
    });
    if begins_like_a_crl {
        return "is a CRL, not a certificate; CRLs belong in revocation.crls".to_owned();
    }
    format!("is not a certificate that can be read: {}", malformed.0)
}

fn notice(source: &Source, text: String) -> Notice {
    Notice { origin: source.origin.clone(), text }
}
