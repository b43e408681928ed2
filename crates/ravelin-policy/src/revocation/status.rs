//! What the CRLs say of one certificate.

use std::time::Duration;

use rustls_pki_types::UnixTime;

use super::crl::{self, Crl};
use super::crls::Crls;
use super::query::{Authority, CertificateToCheck};
use super::serials::{self, Entry};
use super::words;
use crate::name;
use crate::origin::Origin;
use crate::time::unix_seconds;

/// What the CRLs say of one certificate. Times are Unix seconds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Status {
    /// The newest CRL that is complete for the certificate does not have it.
    Good {
        /// File of the CRL.
        origin: Origin,
        next_update: i64,
        /// Its next update and the grace: from then on the CRL says nothing any more.
        usable_until: i64,
    },
    /// A CRL that the issuer signed has it.
    Revoked {
        since: i64,
        /// Name of the reason in RFC 5280 §5.3.1.
        reason: &'static str,
    },
    /// No CRL says.
    Unknown {
        /// In plain words, with the CRLs that might have.
        why: String,
    },
    /// The newest CRL is past its next update and the grace.
    Expired { origin: Origin, next_update: i64 },
    /// There are only CRLs whose this update is still to come.
    NotYetValid { origin: Origin, this_update: i64 },
}

impl Crls {
    /// What the CRLs that `issuer` signed say of a certificate it issued. Pure: the same CRLs and arguments give the
    /// same answer.
    pub(crate) fn status(
        &self,
        certificate: &CertificateToCheck<'_>,
        issuer: &Authority<'_>,
        now: UnixTime,
        stale_grace: Duration,
    ) -> Status {
        self.status_under(certificate, &[*issuer], now, stale_grace)
    }

    /// As [`Crls::status`], for an issuer that has its CRLs signed by another key under its own name (PKITS 4.4.19):
    /// `signers` are the authorities whose CRLs count. The caller vouches for each as for an issuer: a verified path,
    /// not revoked, the same anchor (RFC 5280 §6.3.3 (f)). Where the issuer's own key may sign CRLs it must be the
    /// only one, or a renewed authority's CRL for one key would pass for that of the other.
    pub(crate) fn status_under(
        &self,
        certificate: &CertificateToCheck<'_>,
        signers: &[Authority<'_>],
        now: UnixTime,
        stale_grace: Duration,
    ) -> Status {
        let now = unix_seconds(now);
        let Ok(issuer) = name::canonical(certificate.issuer_name) else {
            return Status::Unknown { why: "the name of the issuer cannot be read".to_owned() };
        };
        if serials::normalized(certificate.serial).is_empty() {
            return Status::Unknown { why: "the certificate has no serial number".to_owned() };
        }
        let Some(crls) = self.by_issuer.get(&issuer) else {
            return Status::Unknown { why: words::no_crl(certificate.issuer_name) };
        };
        let of_name = signers.iter().filter(|signer| name::canonical(signer.subject).is_ok_and(|name| name == issuer));
        let signed: Vec<Vec<&Crl>> = of_name
            .map(|signer| crls.iter().map(AsRef::as_ref).filter(|crl: &&Crl| crl.is_signed_by(signer)).collect())
            .collect();

        let revoked = signed.iter().filter_map(|crls| revoked(crls, certificate, now)).min_by_key(Entry::weight);
        if let Some(Entry { since, reason }) = revoked {
            return Status::Revoked { since, reason: words::reason(reason) };
        }
        let newest = signed.iter().flat_map(|crls| {
            let covering = crls.iter().copied().filter(|crl| crl.covers(certificate).is_ok());
            crl::by_scope(covering).into_iter().filter_map(|group| crl::deciding(&group, now)).collect::<Vec<_>>()
        });
        let grace = i64::try_from(stale_grace.as_secs()).unwrap_or(i64::MAX);
        let answer = newest.map(|crl| crl.answer(now, grace)).min_by_key(Status::preference);
        answer.unwrap_or_else(|| Status::Unknown { why: words::no_usable_crl(certificate, signers, crls, &signed) })
    }
}

impl Status {
    /// CRLs of different scopes may speak for one certificate: the one that helps most counts, and of those the one
    /// that lasts longest. Never used on [`Status::Revoked`], which outweighs all.
    fn preference(&self) -> (u8, i64) {
        match self {
            Status::Revoked { .. } => (0, 0),
            Status::Good { usable_until, .. } => (1, usable_until.saturating_neg()),
            Status::Expired { next_update, .. } => (2, next_update.saturating_neg()),
            Status::NotYetValid { this_update, .. } => (3, *this_update),
            Status::Unknown { .. } => (4, 0),
        }
    }
}

impl Crl {
    /// Can it call this certificate good? Where not, why, as the rest of a sentence about the CRL.
    pub(super) fn covers(&self, certificate: &CertificateToCheck<'_>) -> Result<(), &'static str> {
        match (&self.set_aside, &self.scope) {
            (Some(set_aside), _) => Err(words::set_aside_short(set_aside)),
            (None, Some(scope)) => scope.covers(certificate),
            (None, None) => Ok(()),
        }
    }

    /// What it says of a certificate that it covers and does not have.
    fn answer(&self, now: i64, grace: i64) -> Status {
        let origin = self.origin.clone();
        let usable_until = self.next_update.saturating_add(grace);
        if now < self.this_update {
            Status::NotYetValid { origin, this_update: self.this_update }
        } else if now > usable_until {
            Status::Expired { origin, next_update: self.next_update }
        } else {
            Status::Good { origin, next_update: self.next_update, usable_until }
        }
    }
}

/// When and why a certificate was revoked, by CRLs of one key: any of them, set aside, old and not yet begun ones too.
/// Revoked stays revoked (RFC 5280 §5.3.1); a hold alone may be lifted, by a later CRL that no longer has it.
fn revoked(crls: &[&Crl], certificate: &CertificateToCheck<'_>, now: i64) -> Option<Entry> {
    let lifted_after = |crl: &Crl| {
        crls.iter().any(|later| {
            later.this_update > crl.this_update
                && later.this_update <= now
                && later.covers(certificate).is_ok()
                && later.serials.find(certificate.serial).is_none()
        })
    };
    let found = crls.iter().filter_map(|crl| {
        let entry = crl.serials.find(certificate.serial)?;
        (entry.is_final() || !lifted_after(crl)).then_some(entry)
    });
    found.min_by_key(Entry::weight)
}
