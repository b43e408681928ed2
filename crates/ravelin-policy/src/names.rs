//! Which names a leaf may bear.
//!
//! The rule for several names (docs/decisions/0006-several-names.md): every DNS name of the leaf must be a plain one, none may be
//! denied, and every one must be allowed. One allowed name among others would be enough for the certificate authority,
//! but then the name in a record could be one that nobody allowed.
//!
//! The common name counts only where the leaf has no subject alternative name at all (RFC 6125 §6.4.4); the CN attribute
//! itself, never text that looks like one. Names of other forms (mail, URI, address, user principal name) never match.

use crate::certificate::{Certificate, GeneralName};
use crate::decision::{Denial, Outcome, Reason};
use crate::der::{self, DerReader, tag};
use crate::dns_name::{are_labels, is_dns_name};
use crate::name;
use crate::spec::NameRules;

/// Checked name rules.
#[derive(Debug)]
pub(crate) enum Names {
    Any,
    Listed { allow: Vec<Pattern>, deny: Vec<Pattern> },
}

/// `pc.corp.example.com`, or `*.corp.example.com` for exactly one label; lower case.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Pattern {
    any_first_label: bool,
    /// What must be equal: after `*.` where there is one.
    name: String,
}

/// A leaf whose names pass.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Named {
    pub(crate) outcome: Outcome,
    pub(crate) detail: String,
    /// Lower case, in order. The first is the identity.
    pub(crate) names: Vec<String>,
}

impl Names {
    /// Reads the patterns; every bad one is a text for an administrator.
    pub(crate) fn read(rules: &NameRules) -> Result<Names, Vec<String>> {
        let NameRules::Listed { allow, deny } = rules else { return Ok(Names::Any) };
        let mut bad = Vec::new();
        let mut read = |patterns: &[String]| {
            let mut good = Vec::with_capacity(patterns.len());
            for text in patterns {
                match Pattern::read(text) {
                    Ok(pattern) => good.push(pattern),
                    Err(why) => bad.push(format!("names: '{}' {why}", crate::escape::escape(text))),
                }
            }
            good
        };
        let (allow, deny) = (read(allow), read(deny));
        if bad.is_empty() { Ok(Names::Listed { allow, deny }) } else { Err(bad) }
    }

    /// Whether nobody can pass.
    pub(crate) fn admits_nobody(&self) -> bool {
        matches!(self, Names::Listed { allow, .. } if allow.is_empty())
    }

    /// The name rule.
    ///
    /// # Errors
    /// A name that is malformed, missing, or not allowed.
    pub(crate) fn check(&self, leaf: &Certificate) -> Result<Named, Denial> {
        refuse_hidden_bytes(leaf)?;
        let Names::Listed { allow, .. } = self else {
            let names = dns_names(leaf).unwrap_or_default();
            return Ok(Named { outcome: Outcome::NotAsked, detail: "any name passes".to_owned(), names });
        };
        let names = dns_names(leaf)?;
        for one in &names {
            if !allow.iter().any(|pattern| pattern.matches(one)) {
                return Err(denial(Reason::NameNotAllowed, format!("'{one}' is not on the allow list")));
            }
        }
        let detail = format!("allowed: {}", bounded_list(&names));
        Ok(Named { outcome: Outcome::Passed, detail, names })
    }

    /// The deny list's part about names, which outweighs the allow list.
    pub(crate) fn denied<'a>(&self, names: &'a [String]) -> Option<&'a str> {
        let Names::Listed { deny, .. } = self else { return None };
        names.iter().find(|one| deny.iter().any(|pattern| pattern.matches(one))).map(String::as_str)
    }

    pub(crate) fn has_denied(&self) -> bool {
        matches!(self, Names::Listed { deny, .. } if !deny.is_empty())
    }
}

impl Pattern {
    fn read(text: &str) -> Result<Pattern, &'static str> {
        let (any_first_label, name) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if name.contains('*') {
            return Err("has a wildcard elsewhere than as its whole first label (*.corp.example.com)");
        }
        if !name.is_ascii() {
            return Err("is not ASCII; write an international name in its xn-- form");
        }
        if name.ends_with('.') {
            return Err("ends with a dot; leave it out");
        }
        // Behind a wildcard one label will do: a domain may have one.
        if !are_labels(name.as_bytes()) || !(any_first_label || name.contains('.')) {
            return Err("is not a DNS name (pc.corp.example.com) or a pattern (*.corp.example.com)");
        }
        Ok(Pattern { any_first_label, name: name.to_ascii_lowercase() })
    }

    /// `name` is plain and lower case.
    fn matches(&self, name: &str) -> bool {
        if !self.any_first_label {
            return self.name == name;
        }
        name.split_once('.').is_some_and(|(first, rest)| !first.is_empty() && rest == self.name)
    }
}

/// The DNS names among the alternative names, lower case, good or bad, as the certificate has them: for records.
pub(crate) fn presented_dns_names(leaf: &Certificate) -> Vec<String> {
    let names = leaf.extensions.subject_alternative_name.iter().flatten().filter_map(dns_bytes);
    names.map(|bytes| String::from_utf8_lossy(bytes).to_ascii_lowercase()).collect()
}

/// The DNS names of the leaf, lower case: those of the alternative names, or the common name where there are none at all.
fn dns_names(leaf: &Certificate) -> Result<Vec<String>, Denial> {
    let presented: Vec<Vec<u8>> = match &leaf.extensions.subject_alternative_name {
        Some(names) => names.iter().filter_map(dns_bytes).map(<[u8]>::to_vec).collect(),
        None => common_names(leaf).into_iter().map(String::into_bytes).collect(),
    };
    if presented.is_empty() {
        let text = match &leaf.extensions.subject_alternative_name {
            Some(_) => "no dNSName among the alternative names (the common name does not count beside them)",
            None => "neither alternative names nor a common name",
        };
        return Err(denial(Reason::NameMissing, text.to_owned()));
    }
    if leaf.extensions.subject_alternative_name.is_none() && presented.len() > 1 {
        return Err(denial(Reason::NameMalformed, "more than one common name".to_owned()));
    }
    presented
        .into_iter()
        .map(|bytes| {
            // Latin-1, so that every byte shows in the detail.
            let text: String = bytes.iter().map(|&byte| char::from(byte.to_ascii_lowercase())).collect();
            if is_dns_name(&bytes) {
                Ok(text)
            } else {
                let text = format!("'{}' is not a plain DNS name", crate::escape::escape(&text));
                Err(denial(Reason::NameMalformed, text))
            }
        })
        .collect()
}

/// NUL in any text of the leaf: a program that reads it as a C string sees another name than this one does. It has no
/// innocent use, so it is refused whether or not that name is asked for (CVE-2009-2408 and its heirs).
fn refuse_hidden_bytes(leaf: &Certificate) -> Result<(), Denial> {
    let malformed = |form: &str| Err(denial(Reason::NameMalformed, format!("a NUL in a {form}")));
    if common_names(leaf).iter().any(|one| one.contains('\0')) {
        return malformed("common name");
    }
    for one in leaf.extensions.subject_alternative_name.iter().flatten() {
        let has_nul = match one {
            GeneralName::Dns(text) | GeneralName::Mail(text) | GeneralName::Uri(text) => text.contains(&0),
            GeneralName::Other(_, contents) => principal_name(contents).is_some_and(|text| text.contains(&0)),
            GeneralName::Directory(_) | GeneralName::Ip(_) => false,
        };
        if has_nul {
            return malformed(one.form());
        }
    }
    Ok(())
}

/// The bytes of a user principal name (`otherName` 1.3.6.1.4.1.311.20.2.3 with a UTF8String).
fn principal_name(other_name: &[u8]) -> Option<&[u8]> {
    let mut fields = DerReader::new(other_name);
    if fields.read(tag::OID).ok()? != PRINCIPAL_NAME {
        return None;
    }
    der::only(fields.read(tag::context_constructed(0)).ok()?, tag::UTF8_STRING).ok()
}

fn dns_bytes(name: &GeneralName) -> Option<&[u8]> {
    match name {
        GeneralName::Dns(bytes) => Some(bytes),
        GeneralName::Directory(_)
        | GeneralName::Ip(_)
        | GeneralName::Mail(_)
        | GeneralName::Other(_, _)
        | GeneralName::Uri(_) => None,
    }
}

/// Values of the CN attribute. A subject that can be read once can be read again.
fn common_names(leaf: &Certificate) -> Vec<String> {
    name::values(&leaf.subject.der, name::COMMON_NAME).unwrap_or_default()
}

/// The first few of plain names.
fn bounded_list(names: &[String]) -> String {
    let shown = names.iter().take(NAMES_SHOWN_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES_SHOWN_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn denial(reason: Reason, detail: String) -> Denial {
    Denial { reason, detail }
}

/// Three of at most 256 characters each keep a detail below a kilobyte.
const NAMES_SHOWN_MAX: usize = 3;
const PRINCIPAL_NAME: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x14, 0x02, 0x03];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, matches) in [
            ("pc.corp.example", "pc.corp.example", true),
            ("PC.Corp.Example", "pc.corp.example", true),
            ("pc.corp.example", "xpc.corp.example", false),
            ("*.corp.example", "pc.corp.example", true),
            ("*.corp.example", "a.pc.corp.example", false),
            ("*.corp.example", "corp.example", false),
            ("*.corp.example", "pc.evilcorp.example", false),
            ("*.corp.example", "pc.corp.example.evil.test", false),
            ("*.corp", "pc.corp", true),
        ] {
            assert_eq!(Pattern::read(pattern).unwrap().matches(name), matches, "{pattern} on {name}");
        }
    }

    #[test]
    fn bad_patterns() {
        for pattern in [
            "",
            "*",
            "*.",
            "**.corp.example",
            "p*.corp.example",
            "pc.*.example",
            "*.*.example",
            "corp",
            "pc..example",
            ".corp.example",
            "pc.corp.example.",
            "pc corp.example",
            "m\u{fc}ller.example",
            "pc.corp.example\0",
            "a/b.example",
        ] {
            assert!(Pattern::read(pattern).is_err(), "{pattern}");
        }
        let rules =
            NameRules::Listed { allow: vec!["*".to_owned()], deny: vec!["ok.example".to_owned(), "a b".to_owned()] };
        assert_eq!(Names::read(&rules).unwrap_err().len(), 2);
    }

    #[test]
    fn plain_dns_names() {
        for (name, plain) in [
            ("pc17.corp.example", true),
            ("PC_17-a.corp.example", true),
            ("pc17", false),
            ("*.corp.example", false),
            ("pc17.corp.example.", false),
            ("pc17..example", false),
            ("pc17.corp.example\0.evil.example", false),
            ("a,DNS:b.example", false),
            ("pc\u{f6}.example", false),
            ("pc 17.example", false),
            ("", false),
        ] {
            assert_eq!(is_dns_name(name.as_bytes()), plain, "{name}");
        }
        let long = |labels: usize| vec!["a".repeat(62); labels].join(".");
        assert!(is_dns_name(long(4).as_bytes()) && !is_dns_name(format!("{}.aa", long(4)).as_bytes()));
        assert!(!is_dns_name(format!("{}.example", "a".repeat(64)).as_bytes()));
    }
}
