//! The deny list: certificates and keys that never pass, however good their papers are.

use crate::authorities::read_authority;
use crate::certificate::Certificate;
use crate::digest::sha256_hex;
use crate::origin::Origin;
use crate::path::Path;
use crate::spec::{DenyList, Problem};

/// The deny list, checked.
#[derive(Debug, Default)]
pub(crate) struct Denied {
    serials: Vec<DeniedCertificate>,
    /// Lower-case hex.
    spki_sha256: Vec<String>,
}

/// A serial number is unique for its issuer only: name and key of that belong to it (docs/traps.md row 25).
#[derive(Debug)]
struct DeniedCertificate {
    issuer: Certificate,
    /// See [`Certificate::serial_text`].
    serial: String,
}

impl Denied {
    /// Reads the list. What cannot be read is a problem: an entry that silently matches nothing would let in whom it names.
    pub(crate) fn load(list: &DenyList, problems: &mut Vec<Problem>) -> Denied {
        let mut denied = Denied::default();
        for entry in &list.serials {
            match (read_authority(&entry.issuer), serial_digits(&entry.serial)) {
                (Ok(issuer), Some(serial)) => denied.serials.push(DeniedCertificate { issuer, serial }),
                (Err(problem), _) => problems.push(problem),
                (Ok(_), None) => problems.push(problem(format!(
                    "serial number '{}' is not hex digits without separators, as certutil shows it",
                    crate::escape::escape(&entry.serial)
                ))),
            }
        }
        for hash in &list.spki_sha256 {
            let lower = hash.to_ascii_lowercase();
            if lower.len() == 64 && lower.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                denied.spki_sha256.push(lower);
            } else {
                let shown = crate::escape::escape(hash);
                problems
                    .push(problem(format!("'{shown}' is not the SHA-256 of a public key: 64 hex digits are wanted")));
            }
        }
        denied
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.serials.is_empty() && self.spki_sha256.is_empty()
    }

    /// Why the path is denied, if it is. Any certificate of it counts, the anchor's key too.
    pub(crate) fn find(&self, path: &Path<'_>) -> Option<String> {
        for (subject, issuer) in path.links() {
            let serial = subject.serial_text();
            if self.serials.iter().any(|one| one.serial == serial && one.issuer.is_same_authority(issuer)) {
                return Some(format!(
                    "{} with serial number {serial} of {} is on the deny list",
                    subject.label(),
                    issuer.label()
                ));
            }
        }
        if self.spki_sha256.is_empty() {
            return None;
        }
        path.certificates.iter().find_map(|certificate| {
            let hash = sha256_hex(&certificate.public_key.spki);
            let denied = self.spki_sha256.contains(&hash);
            denied.then(|| format!("the public key of {} (SHA-256 {hash}) is on the deny list", certificate.label()))
        })
    }
}

/// Hex digits without leading zeros, lower case; `None` where there is something else or nothing.
fn serial_digits(text: &str) -> Option<String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let sign = if digits.len() < text.len() { "-" } else { "" };
    let lower = digits.trim_start_matches('0').to_ascii_lowercase();
    Some(format!("{sign}{}", if lower.is_empty() { "0" } else { &lower }))
}

fn problem(text: String) -> Problem {
    Problem { origin: Origin::setting("deny"), text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_as_administrators_write_them() {
        for (text, digits) in [
            ("5B2D", Some("5b2d")),
            ("005b2d", Some("5b2d")),
            ("0", Some("0")),
            ("-1", Some("-1")),
            ("", None),
            ("-", None),
            ("5b:2d", None),
            ("0x5b", None),
            (" 5b", None),
        ] {
            assert_eq!(serial_digits(text).as_deref(), digits, "{text}");
        }
    }
}
