//! Purposes (extended key usage, RFC 5280 §4.2.1.12): the leaf must state them, its authorities must not rule them out.

use crate::certificate::Certificate;
use crate::decision::{Denial, Reason};
use crate::oid;
use crate::path::Path;

/// Purposes that a policy wants.
#[derive(Clone, Debug)]
pub(crate) struct Purposes {
    /// DER contents of object identifiers.
    wanted: Vec<Vec<u8>>,
    absent_allowed: bool,
}

impl Purposes {
    /// Reads dotted identifiers; every bad one is a text for an administrator.
    pub(crate) fn read(dotted: &[String], absent_allowed: bool) -> Result<Purposes, Vec<String>> {
        let mut bad = Vec::new();
        if dotted.is_empty() {
            bad.push("purposes: none is wanted; name at least client-auth".to_owned());
        }
        let mut wanted = Vec::with_capacity(dotted.len());
        for text in dotted {
            match oid::encode(text) {
                Some(oid) => wanted.push(oid),
                None => bad.push(format!(
                    "purposes: '{}' is not an object identifier such as 1.3.6.1.5.5.7.3.2",
                    crate::escape::escape(text)
                )),
            }
        }
        if bad.is_empty() { Ok(Purposes { wanted, absent_allowed }) } else { Err(bad) }
    }

    /// The purpose rule.
    ///
    /// Spec: RFC 5280 §4.2.1.12. Stricter: a leaf that states no purpose is refused unless the policy allows it, and
    /// anyExtendedKeyUsage in a leaf does not stand for another purpose (docs/src/spec-gaps.md, "purpose"). In an authority
    /// both set no bound: AD CS authorities have no such extension, and the ones that do use it as a bound.
    ///
    /// # Errors
    /// What is missing where.
    pub(crate) fn check(&self, path: &Path<'_>) -> Result<String, Denial> {
        self.check_path(path).map_err(|text| Denial::new(Reason::WrongPurpose, text))
    }

    fn check_path(&self, path: &Path<'_>) -> Result<String, String> {
        for authority in path.certificates.iter().skip(1) {
            let Some(stated) = &authority.extensions.extended_key_usage else { continue };
            let missing = self.wanted.iter().find(|&purpose| !stated.contains(purpose));
            if let Some(missing) = missing.filter(|_| !stated.iter().any(|purpose| purpose == ANY_PURPOSE)) {
                return Err(format!("{} may not issue for the purpose {}", authority.label(), plain(missing)));
            }
        }
        match path.certificates.first() {
            Some(leaf) => self.check_leaf(leaf),
            None => Err("no leaf".to_owned()),
        }
    }

    fn check_leaf(&self, leaf: &Certificate) -> Result<String, String> {
        let Some(stated) = &leaf.extensions.extended_key_usage else {
            return if self.absent_allowed {
                Ok("the leaf states no purpose, which the policy allows".to_owned())
            } else {
                Err("the leaf states no purpose (extended key usage)".to_owned())
            };
        };
        match self.wanted.iter().find(|&purpose| !stated.contains(purpose)) {
            Some(missing) => {
                let shown: Vec<String> = stated.iter().take(PURPOSES_SHOWN_MAX).map(|one| plain(one)).collect();
                Err(format!("the leaf lacks the purpose {}; it has {}", plain(missing), shown.join(", ")))
            }
            None => Ok(self.wanted.iter().map(|one| plain(one)).collect::<Vec<_>>().join(" and ")),
        }
    }
}

/// A name for the purposes that administrators know.
fn plain(purpose: &[u8]) -> String {
    let dotted = oid::dotted(purpose);
    let known = match dotted.as_str() {
        "1.3.6.1.5.5.7.3.1" => "server-auth",
        "1.3.6.1.5.5.7.3.2" => "client-auth",
        "1.3.6.1.5.5.7.3.3" => "code-signing",
        "1.3.6.1.5.5.7.3.4" => "email-protection",
        "2.5.29.37.0" => "any",
        _ => return dotted,
    };
    format!("{known} ({dotted})")
}

/// anyExtendedKeyUsage, 2.5.29.37.0.
const ANY_PURPOSE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];
/// A certificate states one to three; the detail of a denial stays below a kilobyte whatever a stranger states.
const PURPOSES_SHOWN_MAX: usize = 5;
