//! Each file holds one kind of promise; `maker` makes the CRLs.

mod certificate;
mod choice;
mod hostile;
mod kinds;
mod maker;
mod openssl;
mod pkits;
mod reload;
mod scale;
mod times;

use std::time::Duration;

use rustls_pki_types::UnixTime;

use super::{Authority, CertificateToCheck, Crls, Status};
use crate::Origin;
use crate::{Notice, Source};
use maker::{Ca, NOW};

fn at(unix_seconds: i64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(unix_seconds).unwrap()))
}

/// Loads CRLs whose files are called `0`, `1`, …
fn load(crls: &[Vec<u8>], authorities: &[&Ca]) -> (Crls, Vec<Notice>) {
    let sources: Vec<Source> = crls
        .iter()
        .enumerate()
        .map(|(at, der)| Source { origin: Origin::file(at.to_string()), der: der.clone() })
        .collect();
    let authorities: Vec<Authority<'_>> = authorities.iter().map(|ca| ca.authority()).collect();
    Crls::load(&sources, &authorities, at(NOW))
}

/// The answer in short: `good 0`, `revoked keyCompromise`, `unknown`, `expired 1`, `not_yet_valid 0`.
fn short(status: &Status) -> String {
    match status {
        Status::Good { origin, .. } => format!("good {origin}"),
        Status::Revoked { reason, .. } => format!("revoked {reason}"),
        Status::Unknown { .. } => "unknown".to_owned(),
        Status::Expired { origin, .. } => format!("expired {origin}"),
        Status::NotYetValid { origin, .. } => format!("not_yet_valid {origin}"),
    }
}

fn status(crls: &Crls, certificate: &CertificateToCheck<'_>, issuer: &Ca) -> String {
    short(&crls.status(certificate, &issuer.authority(), at(NOW), Duration::ZERO))
}

/// The one notice about a file.
fn notice_of<'a>(notices: &'a [Notice], origin: &str) -> &'a str {
    let mut of_file = notices.iter().filter(|notice| notice.origin.to_string() == origin);
    let first = of_file.next().unwrap_or_else(|| panic!("no notice about {origin} in {notices:?}"));
    assert_eq!(of_file.next(), None, "one notice about {origin}");
    &first.text
}
