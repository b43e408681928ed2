//! Name constraints (RFC 5280 §4.2.1.10): what an authority of the path may name.
//!
//! - Enforced whether the extension is critical or not: whoever wrote it meant it.
//! - A constraint on a form that is not processed (otherName, where Microsoft keeps user principal names; x400Address,
//!   ediPartyName, registeredID) refuses every name of that form below it.
//! - A constraint of a known form that cannot be understood refuses everything; a name of a constrained form that cannot
//!   be understood refuses its certificate.
//! - A leaf without alternative names is judged by its common name too where that could be taken for a DNS name, since
//!   the name rules would take it for one.

use super::certification_path::Path;
use crate::certificate::{Certificate, GeneralName, NameConstraints};
use crate::decision::{Denial, Reason};
use crate::name;

/// Holds every name of the path against every constraint above it.
///
/// # Errors
/// Which authority does not allow which certificate.
pub(super) fn check(path: &Path<'_>) -> Result<(), Denial> {
    check_names(path).map_err(|text| Denial::new(Reason::NameConstraint, text))
}

fn check_names(path: &Path<'_>) -> Result<(), String> {
    for (depth, authority) in path.certificates.iter().enumerate().skip(1) {
        let Some(constraints) = &authority.extensions.name_constraints else { continue };
        let bases = constraints.permitted.iter().chain(&constraints.excluded);
        if let Some(malformed) = bases.into_iter().find(|base| !is_well_formed(base)) {
            return Err(format!("{} has a malformed constraint on {}", authority.label(), malformed.form()));
        }
        for (below, certificate) in path.certificates.iter().take(depth).enumerate() {
            // RFC 5280 §6.1.3 b: an authority that renews itself names nobody new.
            if below > 0 && certificate.is_self_issued() {
                continue;
            }
            check_certificate(certificate, below == 0, constraints)
                .map_err(|text| format!("{} may not name {}: {text}", authority.label(), certificate.label()))?;
        }
    }
    Ok(())
}

/// Whether a constraint can be understood. One that cannot refuses everything, whether or not there is a name of its form.
fn is_well_formed(base: &GeneralName) -> bool {
    match base {
        GeneralName::Directory(_) | GeneralName::Other(_, _) => true,
        GeneralName::Dns(base) => is_dns_base(base),
        GeneralName::Ip(base) => is_range(base),
        GeneralName::Mail(base) => match split_mailbox(base) {
            Some((_, host)) => is_host(host),
            None => is_host_base(base),
        },
        GeneralName::Uri(base) => is_host_base(base),
    }
}

fn check_certificate(certificate: &Certificate, is_leaf: bool, constraints: &NameConstraints) -> Result<(), String> {
    for name in names(certificate, is_leaf)? {
        for excluded in constraints.excluded.iter().filter(|one| one.is_of_form(&name)) {
            if lies_within(&name, excluded, Subtree::Excluded)? {
                return Err(format!("a {} is excluded", name.form()));
            }
        }
        let mut is_constrained = false;
        let mut is_permitted = false;
        for permitted in constraints.permitted.iter().filter(|one| one.is_of_form(&name)) {
            is_constrained = true;
            is_permitted |= lies_within(&name, permitted, Subtree::Permitted)?;
        }
        if is_constrained && !is_permitted {
            return Err(format!("a {} is outside what is permitted", name.form()));
        }
    }
    Ok(())
}

/// All names that constraints apply to.
fn names(certificate: &Certificate, is_leaf: bool) -> Result<Vec<GeneralName>, String> {
    let mut names = certificate.extensions.subject_alternative_name.clone().unwrap_or_default();
    if !certificate.subject.is_empty() {
        names.push(GeneralName::Directory(certificate.subject.canonical.clone()));
    }
    let subject_values = |kind| {
        name::values(&certificate.subject.der, kind).map_err(|malformed| format!("the subject has {}", malformed.0))
    };
    // RFC 5280 §4.2.1.10: mail addresses in the subject are under rfc822Name constraints.
    names.extend(subject_values(name::EMAIL_ADDRESS)?.into_iter().map(|mail| GeneralName::Mail(mail.into_bytes())));
    if is_leaf && certificate.extensions.subject_alternative_name.is_none() {
        let common_names = subject_values(name::COMMON_NAME)?;
        let like_dns = common_names.into_iter().filter(|one| crate::dns_name::is_dns_name(one.as_bytes()));
        names.extend(like_dns.map(|one| GeneralName::Dns(one.into_bytes())));
    }
    Ok(names)
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Subtree {
    Excluded,
    Permitted,
}

/// Both are of the same form.
fn lies_within(name: &GeneralName, base: &GeneralName, subtree: Subtree) -> Result<bool, String> {
    match (name, base) {
        (GeneralName::Directory(name), GeneralName::Directory(base)) => Ok(name.starts_with(base)),
        (GeneralName::Dns(name), GeneralName::Dns(base)) => dns_lies_within(name, base, subtree),
        (GeneralName::Ip(name), GeneralName::Ip(base)) => ip_lies_within(name, base),
        (GeneralName::Mail(name), GeneralName::Mail(base)) => mail_lies_within(name, base),
        (GeneralName::Uri(name), GeneralName::Uri(base)) => uri_lies_within(name, base),
        (GeneralName::Directory(_), _)
        | (GeneralName::Dns(_), _)
        | (GeneralName::Ip(_), _)
        | (GeneralName::Mail(_), _)
        | (GeneralName::Other(_, _), _)
        | (GeneralName::Uri(_), _) => Err(format!("constraints on {} cannot be judged", base.form())),
    }
}

/// "Any DNS name that can be constructed by simply adding zero or more labels to the left-hand side." A leading dot, which
/// RFC 5280 does not know and Windows' own authorities are reported to write, asks for at least one label.
fn dns_lies_within(name: &[u8], base: &[u8], subtree: Subtree) -> Result<bool, String> {
    let (wildcard, name) = match name.strip_prefix(b"*.") {
        Some(rest) => (true, rest),
        None => (false, name),
    };
    let (base, at_least_one) = match base.strip_prefix(b".") {
        Some(rest) => (rest, true),
        None => (base, false),
    };
    if !is_host(name) {
        return Err("a dNSName is malformed".to_owned());
    }
    if base.is_empty() {
        return Ok(true);
    }
    let labels_added = labels_above(name, base);
    Ok(match (wildcard, subtree) {
        (false, _) => labels_added.is_some_and(|added| added > 0 || !at_least_one),
        // Everything that the wildcard stands for has at least one label more than `name`.
        (true, Subtree::Permitted) => labels_added.is_some(),
        // Something that it stands for may lie below the constraint (CVE-2025-61727).
        (true, Subtree::Excluded) => labels_added.is_some() || labels_above(base, name).is_some(),
    })
}

/// Labels, with or without a leading dot; nothing at all stands for every name.
fn is_dns_base(base: &[u8]) -> bool {
    base.is_empty() || is_host_base(base)
}

/// How many labels `name` has to the left of `base`; `None` where it does not end in it. Case does not count.
fn labels_above(name: &[u8], base: &[u8]) -> Option<usize> {
    let (left, right) = name.split_at_checked(name.len().checked_sub(base.len())?)?;
    if !right.eq_ignore_ascii_case(base) {
        return None;
    }
    match left.split_last() {
        None => Some(0),
        Some((b'.', labels)) => Some(labels.split(|&byte| byte == b'.').count()),
        Some(_) => None,
    }
}

/// Address and mask of one family; the mask is a prefix (RFC 4632).
fn is_range(base: &[u8]) -> bool {
    let (_, mask) = base.split_at(base.len() / 2);
    let mask_bits = mask.iter().fold(0_u128, |bits, &byte| (bits << 8) | u128::from(byte));
    let host_bits = mask_bits ^ (u128::MAX >> (128 - (8 * mask.len()).clamp(1, 128)));
    matches!(base.len(), 8 | 32) && host_bits & host_bits.wrapping_add(1) == 0
}

fn ip_lies_within(name: &[u8], base: &[u8]) -> Result<bool, String> {
    if !matches!(name.len(), 4 | 16) {
        return Err("an iPAddress is malformed".to_owned());
    }
    let (network, mask) = base.split_at(base.len() / 2);
    let masked = |bytes: &[u8]| bytes.iter().zip(mask).map(|(byte, mask)| byte & mask).collect::<Vec<u8>>();
    // An address of the other family is outside.
    Ok(name.len() == network.len() && masked(name) == masked(network))
}

/// `user@host` is one mailbox, `host` all of a host, `.domain` all hosts below it.
fn mail_lies_within(name: &[u8], base: &[u8]) -> Result<bool, String> {
    let mailbox = split_mailbox(name).filter(|(_, host)| is_host(host));
    let (local, host) = mailbox.ok_or("an rfc822Name is malformed")?;
    Ok(match split_mailbox(base) {
        Some((base_local, base_host)) => local == base_local && host.eq_ignore_ascii_case(base_host),
        None => host_lies_within(host, base),
    })
}

/// The host of the URI: `host` is exactly it, `.domain` all hosts below it. A URI without a host, or with an address for
/// one, must be refused (RFC 5280 §4.2.1.10).
fn uri_lies_within(name: &[u8], base: &[u8]) -> Result<bool, String> {
    let host = uri_host(name).ok_or("a uniformResourceIdentifier has no host name")?;
    Ok(host_lies_within(host, base))
}

fn host_lies_within(host: &[u8], base: &[u8]) -> bool {
    match base.strip_prefix(b".") {
        Some(domain) => labels_above(host, domain).is_some_and(|added| added > 0),
        None => host.eq_ignore_ascii_case(base),
    }
}

/// A host, or a dot and the domain of all hosts below it.
fn is_host_base(base: &[u8]) -> bool {
    is_host(base.strip_prefix(b".").unwrap_or(base))
}

/// At the last `@`: the local part may be quoted and hold another.
fn split_mailbox(mailbox: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = mailbox.iter().rposition(|&byte| byte == b'@')?;
    let (local, host) = (mailbox.get(..at)?, mailbox.get(at + 1..)?);
    (!local.is_empty() && local.iter().all(|byte| byte.is_ascii_graphic())).then_some((local, host))
}

/// The authority part without user and port (RFC 3986 §3.2), where it is a name.
fn uri_host(uri: &[u8]) -> Option<&[u8]> {
    let colon = uri.iter().position(|&byte| byte == b':')?;
    let after = uri.get(colon + 1..)?.strip_prefix(b"//")?;
    let authority = after.split(|byte| matches!(byte, b'/' | b'?' | b'#')).next()?;
    let host_and_port = authority.rsplit(|&byte| byte == b'@').next()?;
    let host = host_and_port.split(|&byte| byte == b':').next()?;
    // A last label of digits makes an address, or something that passes for one.
    let last_label = host.rsplit(|&byte| byte == b'.').next()?;
    (is_host(host) && !last_label.iter().all(u8::is_ascii_digit)).then_some(host)
}

/// Labels of letters, digits, `-` and `_`, none empty.
fn is_host(host: &[u8]) -> bool {
    crate::dns_name::are_labels(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Covers: docs/traps.md row 43; RFC 5280 §4.2.1.10.
    #[test]
    fn dns_names() {
        for (name, base, permitted, excluded) in [
            ("pc.corp.example", "corp.example", Some(true), Some(true)),
            ("PC.Corp.Example", "corp.EXAMPLE", Some(true), Some(true)),
            ("corp.example", "corp.example", Some(true), Some(true)),
            ("evilcorp.example", "corp.example", Some(false), Some(false)),
            ("corp.example.evil", "corp.example", Some(false), Some(false)),
            ("pc.corp.example", ".corp.example", Some(true), Some(true)),
            ("corp.example", ".corp.example", Some(false), Some(false)),
            ("pc.corp.example", "", Some(true), Some(true)),
            ("*.corp.example", "corp.example", Some(true), Some(true)),
            ("*.corp.example", ".corp.example", Some(true), Some(true)),
            ("*.example", "corp.example", Some(false), Some(true)),
            ("*.corp.example", "pc.corp.example", Some(false), Some(true)),
            ("*.other.example", "corp.example", Some(false), Some(false)),
            ("pc.*.example", "example", None, None),
            ("pc\0.corp.example", "corp.example", None, None),
            ("pc.corp.example.", "corp.example", None, None),
            ("", "corp.example", None, None),
            ("pc.corp.example", ".", None, None),
            ("pc.corp.example", "*.example", None, None),
        ] {
            let check = |subtree| {
                let judged = dns_lies_within(name.as_bytes(), base.as_bytes(), subtree).ok();
                judged.filter(|_| is_dns_base(base.as_bytes()))
            };
            assert_eq!(check(Subtree::Permitted), permitted, "{name} in permitted {base}");
            assert_eq!(check(Subtree::Excluded), excluded, "{name} in excluded {base}");
        }
    }

    #[test]
    fn addresses() {
        let v6 = |last: u8| [[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, last]].concat();
        let v6_range = [[v6(0), vec![0xff; 8]].concat(), vec![0; 8]].concat();
        for (case, name, base, expected) in [
            ("inside", vec![10, 1, 2, 3], vec![10, 0, 0, 0, 255, 0, 0, 0], Some(true)),
            ("outside", vec![11, 1, 2, 3], vec![10, 0, 0, 0, 255, 0, 0, 0], Some(false)),
            ("all", vec![11, 1, 2, 3], vec![0; 8], Some(true)),
            ("one host", vec![10, 0, 0, 1], vec![10, 0, 0, 1, 255, 255, 255, 255], Some(true)),
            ("mask with a hole", vec![10, 1, 2, 3], vec![10, 0, 0, 0, 255, 0, 255, 0], None),
            ("v6 inside", v6(7), v6_range.clone(), Some(true)),
            ("other family", vec![10, 1, 2, 3], v6_range, Some(false)),
            ("five bytes", vec![10, 1, 2, 3, 4], vec![10, 0, 0, 0, 255, 0, 0, 0], None),
            ("range of nothing", vec![10, 1, 2, 3], vec![], None),
            ("odd range", vec![10, 1, 2, 3], vec![10, 0, 0, 255, 0, 0, 0], None),
        ] {
            assert_eq!(ip_lies_within(&name, &base).ok().filter(|_| is_range(&base)), expected, "{case}");
        }
    }

    #[test]
    fn mailboxes() {
        for (name, base, expected) in [
            ("a@host.example", "a@host.example", Some(true)),
            ("a@HOST.example", "a@host.EXAMPLE", Some(true)),
            ("A@host.example", "a@host.example", Some(false)),
            ("a@host.example", "host.example", Some(true)),
            ("a@sub.host.example", "host.example", Some(false)),
            ("a@sub.host.example", ".host.example", Some(true)),
            ("a@host.example", ".host.example", Some(false)),
            ("a@b@host.example", "host.example", Some(true)),
            ("host.example", "host.example", None),
            ("@host.example", "host.example", None),
            ("a@host.example", "", None),
        ] {
            let judged = mail_lies_within(name.as_bytes(), base.as_bytes()).ok();
            let judged = judged.filter(|_| is_well_formed(&GeneralName::Mail(base.as_bytes().to_vec())));
            assert_eq!(judged, expected, "{name} in {base}");
        }
    }

    #[test]
    fn resource_identifiers() {
        for (name, base, expected) in [
            ("http://host.example/x", "host.example", Some(true)),
            ("http://HOST.example:8080?x", "host.example", Some(true)),
            ("http://user@host.example", "host.example", Some(true)),
            ("http://host.example@evil.example/", "host.example", Some(false)),
            ("http://sub.host.example", "host.example", Some(false)),
            ("http://sub.host.example", ".host.example", Some(true)),
            ("http://host.example", ".host.example", Some(false)),
            ("http://10.0.0.1/", "10.0.0.1", None),
            ("http://[::1]/", "host.example", None),
            ("urn:host.example", "host.example", None),
            ("host.example", "host.example", None),
            ("http://host.example", "", None),
        ] {
            let judged = uri_lies_within(name.as_bytes(), base.as_bytes()).ok();
            let judged = judged.filter(|_| is_well_formed(&GeneralName::Uri(base.as_bytes().to_vec())));
            assert_eq!(judged, expected, "{name} in {base}");
        }
    }
}
