//! The rules that a path is held against, in order, and the report they leave.

use std::time::Duration;

use rustls_pki_types::UnixTime;

use crate::certificate::Certificate;
use crate::decision::{Denial, Outcome, Reason, RuleReport};
use crate::path::{Failure, Path, Stage, check_rules};
use crate::purpose::Purposes;
use crate::revocation::{Authority, CertificateToCheck, Crls, Status};
use crate::spec::RevocationCheck;
use crate::time::{self, unix_seconds};

/// What paths are held against.
#[derive(Debug)]
pub(crate) struct PathRules {
    pub(crate) purposes: Purposes,
    pub(crate) issued_by: Option<Vec<Certificate>>,
    pub(crate) revocation: Revocation,
}

/// Revocation rules and crls, checked.
#[derive(Debug)]
pub(crate) struct Revocation {
    pub(crate) check: RevocationCheck,
    pub(crate) crls: Crls,
    pub(crate) unknown_allowed: bool,
    pub(crate) stale_grace: Duration,
}

/// What a path that passed leaves behind.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) reports: Vec<RuleReport>,
    /// The last second in which everything the path rests on holds.
    pub(crate) valid_until: i64,
}

impl PathRules {
    /// Holds one path, its signatures verified, against every rule.
    ///
    /// # Errors
    /// The first rule that is broken, with the reports of those before it.
    pub(crate) fn judge(&self, path: &Path<'_>, now: UnixTime) -> Result<Judged, Failure> {
        let mut passed = Vec::with_capacity(RULES.len());
        let mut valid_until = i64::MAX;
        let outcome = self.judge_in_order(path, now, &mut passed, &mut valid_until);
        match outcome {
            Ok(()) => Ok(Judged { reports: passed, valid_until }),
            Err((stage, reason, detail)) => Err(Failure { stage, reason, detail, passed }),
        }
    }

    fn judge_in_order(
        &self,
        path: &Path<'_>,
        now: UnixTime,
        passed: &mut Vec<RuleReport>,
        valid_until: &mut i64,
    ) -> Result<(), (Stage, Reason, String)> {
        let at = |stage| move |denial: Denial| (stage, denial.reason, denial.detail);
        check_rules(path).map_err(at(Stage::Rules))?;
        passed.push(report("path", Outcome::Passed, path.text()));

        let end = check_validity(path, unix_seconds(now)).map_err(at(Stage::Validity))?;
        *valid_until = end;
        passed.push(report("validity", Outcome::Passed, format!("until {}", time::rfc3339(end))));

        let purposes = self.purposes.check(path).map_err(at(Stage::Purpose))?;
        passed.push(report("purpose", Outcome::Passed, purposes));

        passed.push(self.check_issuer(path).map_err(at(Stage::IssuedBy))?);

        let (report, usable_until) = self.revocation.check(path, now)?;
        *valid_until = usable_until.min(end);
        passed.push(report);
        Ok(())
    }

    fn check_issuer(&self, path: &Path<'_>) -> Result<RuleReport, Denial> {
        match &self.issued_by {
            None => Ok(report("issued_by", Outcome::NotAsked, "any authority of the path".to_owned())),
            Some(allowed) => {
                let issuer = check_issued_by(path, allowed)?;
                Ok(report("issued_by", Outcome::Passed, issuer))
            }
        }
    }
}

/// The leaf's own issuer is one of these authorities, by name and key: a renewal with the same key is the same authority.
///
/// # Errors
/// Who issued it instead.
pub(crate) fn check_issued_by(path: &Path<'_>, allowed: &[Certificate]) -> Result<String, Denial> {
    let denial = |text: String| Denial::new(Reason::IssuerNotAllowed, text);
    let issuer = path.certificates.get(1).ok_or_else(|| denial("no issuer".to_owned()))?;
    if allowed.iter().any(|one| one.is_same_authority(issuer)) {
        Ok(issuer.label())
    } else {
        Err(denial(format!("the leaf was issued by {}, which is not one of issued_by", issuer.label())))
    }
}

/// Every certificate of the path, the anchor too, at this second; both ends included (RFC 5280 §4.1.2.5).
fn check_validity(path: &Path<'_>, now: i64) -> Result<i64, Denial> {
    let mut until = i64::MAX;
    for certificate in &path.certificates {
        let Certificate { not_before, not_after, .. } = **certificate;
        if now > not_after {
            let text = format!("{} expired at {}", certificate.label(), time::rfc3339(not_after));
            return Err(Denial::new(Reason::Expired, text));
        }
        if now < not_before {
            let text = format!("{} is not valid before {}", certificate.label(), time::rfc3339(not_before));
            return Err(Denial::new(Reason::NotYetValid, text));
        }
        until = until.min(not_after);
    }
    Ok(until)
}

impl Revocation {
    /// Asks the CRLs about every certificate below the anchor, or about the leaf alone. Revoked outweighs unknown wherever in
    /// the path it is found.
    fn check(&self, path: &Path<'_>, now: UnixTime) -> Result<(RuleReport, i64), (Stage, Reason, String)> {
        let count = match self.check {
            RevocationCheck::Chain => usize::MAX,
            RevocationCheck::Leaf => 1,
            RevocationCheck::Off => {
                let report = report("revocation", Outcome::NotAsked, "not checked".to_owned());
                return Ok((report, i64::MAX));
            }
        };
        let mut until = i64::MAX;
        let mut facts = Vec::new();
        let mut unclear = None;
        for (depth, (certificate, _)) in path.links().take(count).enumerate() {
            let label = certificate.label();
            let unknown = |reason, text| (Stage::RevocationUnknown, reason, format!("{label}: {text}"));
            let found = match self.status(path, depth, now) {
                Status::Good { origin, next_update, usable_until } => {
                    until = until.min(usable_until);
                    let next_update = time::rfc3339(next_update);
                    facts.push(format!(
                        "{label}: not in {} (next update {next_update})",
                        crate::escape::escape(&origin.to_string())
                    ));
                    continue;
                }
                Status::Revoked { since, reason } => {
                    let since = time::rfc3339(since);
                    return Err((
                        Stage::Revoked,
                        Reason::Revoked,
                        format!("{label} was revoked at {since} ({reason})"),
                    ));
                }
                Status::Expired { origin, next_update } => {
                    let ended = time::rfc3339(next_update);
                    let text =
                        format!("the CRL {} was to be replaced by {ended}", crate::escape::escape(&origin.to_string()));
                    unknown(Reason::CrlExpired, text)
                }
                Status::NotYetValid { origin, this_update } => {
                    let begins = time::rfc3339(this_update);
                    let text =
                        format!("the CRL {} is not valid before {begins}", crate::escape::escape(&origin.to_string()));
                    unknown(Reason::RevocationUnknown, text)
                }
                Status::Unknown { why } => unknown(Reason::RevocationUnknown, why),
            };
            facts.push(format!("{} (allowed)", found.2));
            unclear.get_or_insert(found);
        }
        match unclear {
            Some(unclear) if !self.unknown_allowed => Err(unclear),
            Some(_) | None => Ok((report("revocation", Outcome::Passed, facts.join("; ")), until)),
        }
    }

    /// What the CRLs of the issuer say, or those of the key it had before.
    ///
    /// RFC 5280 has one CRL for a name, whatever key signs it: an authority that changed its key may certify the new one with the
    /// old one (a self-issued certificate of the path) and go on signing with either. Its CRLs are asked where its own
    /// key has none. AD CS does otherwise: it keeps a CRL for each key, and one for another key says nothing; its
    /// certificates bear its version, so it is known.
    fn status(&self, path: &Path<'_>, depth: usize, now: UnixTime) -> Status {
        let mut unknown = None;
        let Some(certificate) = path.certificates.get(depth) else {
            return Status::Unknown { why: "no certificate".to_owned() };
        };
        for issuer in path.certificates.iter().skip(depth + 1) {
            let status = self.status_by(certificate, issuer, now);
            let Status::Unknown { why } = status else { return status };
            // The first word on what is missing is the one about the issuer itself.
            unknown = unknown.or(Some(why));
            if !issuer.is_self_issued() || issuer.extensions.is_of_ad_cs {
                break;
            }
        }
        Status::Unknown { why: unknown.unwrap_or_default() }
    }

    fn status_by(&self, certificate: &Certificate, issuer: &Certificate, now: UnixTime) -> Status {
        let extensions = &certificate.extensions;
        let certificate = CertificateToCheck {
            serial: &certificate.serial,
            issuer_name: &certificate.issuer.der,
            distribution_points: extensions.distribution_points.as_deref(),
            is_authority: extensions.basic_constraints.is_some_and(|constraints| constraints.is_authority),
        };
        self.crls.status(&certificate, &crl_issuer(issuer), now, self.stale_grace)
    }
}

/// An authority as revocation sees it.
pub(crate) fn crl_issuer(certificate: &Certificate) -> Authority<'_> {
    Authority {
        subject: &certificate.subject.der,
        spki: &certificate.public_key.spki,
        key_identifier: certificate.extensions.subject_key_identifier.as_deref(),
        may_sign_crls: certificate.extensions.key_usage.is_none_or(|usage| usage.crl_signing()),
    }
}

/// The rule in whose report a failure belongs.
pub(crate) fn rule_of(stage: Stage) -> &'static str {
    match stage {
        Stage::Issuer | Stage::Length | Stage::Algorithm | Stage::Signature | Stage::Rules => "path",
        Stage::Validity => "validity",
        Stage::Purpose => "purpose",
        Stage::IssuedBy => "issued_by",
        Stage::RevocationUnknown | Stage::Revoked => "revocation",
    }
}

/// One line of the report.
pub(crate) fn report(rule: &'static str, outcome: Outcome, detail: String) -> RuleReport {
    RuleReport { rule, outcome, detail }
}

/// Names of all rules, in the order of judgement: that of [`crate::Decision::rules`].
pub const RULES: &[&str] =
    &["shape", "path", "validity", "purpose", "issued_by", "revocation", "names", "deny_list", "account"];
