//! What administrators read about lists. Texts complete the sentence that begins with the file.

use std::sync::Arc;

use super::crl::{List, Unsigned};
use super::parse::{Parsed, SetAside};
use super::query::{Authority, CertificateToCheck};
use crate::der::Malformed;
use crate::name;
use crate::time::rfc3339;

/// Bytes that are no list.
pub(super) fn unreadable(Malformed(cause): Malformed) -> String {
    format!("is no revocation list that can be read ({cause}) and is left out; fetch it again, or remove the file")
}

/// A list that can call certificates revoked, and none good.
pub(super) fn set_aside(issuer: &str, why: &SetAside) -> String {
    let cure = match why {
        SetAside::AttributeCertificates => "it is left out; remove the file",
        SetAside::CriticalNumber => "have the authority publish lists as RFC 5280 wants them",
        SetAside::Delta => {
            "it cannot replace the complete list, which must be there too (AD CS: certutil -crl publishes both; the \
             delta list is the file with a plus sign)"
        }
        SetAside::EndsBeforeItBegins => "have the authority publish a new one, after looking at its clock",
        SetAside::Indirect => "add the list that the authority publishes for its own certificates",
        SetAside::NoNextUpdate => "have the authority publish lists with a next update",
        SetAside::NoNumber => {
            "have the authority number its lists (OpenSSL: crlnumber and crl_extensions in its configuration)"
        }
        SetAside::SomeReasons => "add the list for all reasons",
        SetAside::UnknownCritical(_) => "have the authority publish lists without this extension",
    };
    let extension = if let SetAside::UnknownCritical(id) = why { format!(" {id}") } else { String::new() };
    let attributes = *why == SetAside::AttributeCertificates;
    let consequence = if attributes { "" } else { "certificates in it are refused, but it calls none good; " };
    format!("the list of {issuer} {}{extension}: {consequence}{cure}", set_aside_short(why))
}

/// The same, as the rest of a sentence about the list.
pub(super) fn set_aside_short(why: &SetAside) -> &'static str {
    match why {
        SetAside::AttributeCertificates => "is for attribute certificates",
        SetAside::CriticalNumber => "has a critical CRL number, which RFC 5280 forbids",
        SetAside::Delta => "is a delta list",
        SetAside::EndsBeforeItBegins => "has a next update before its this update",
        SetAside::Indirect => "is an indirect list, which may have certificates of other authorities",
        SetAside::NoNextUpdate => "states no next update, so that nobody can tell whether it is current",
        SetAside::NoNumber => "has no CRL number, so that nobody can tell a newer one from an older",
        SetAside::SomeReasons => "is only for some reasons of revocation",
        SetAside::UnknownCritical(_) => "has a critical extension that ravelin does not know",
    }
}

/// A list behind which no configured authority stands.
pub(super) fn of_no_authority(issuer: &str, why: Unsigned) -> String {
    match why {
        Unsigned::NoSuchName => format!(
            "the list of {issuer} belongs to no certificate authority of this policy and is not used (it would be for \
             clients that send that authority's certificate); add the authority to intermediates, or remove the file"
        ),
        Unsigned::NotAllowed => format!(
            "the list of {issuer} is not used, because the key usage of that authority's certificate does not allow it \
             to sign lists (cRLSign)"
        ),
        Unsigned::OtherKey => format!(
            "the list of {issuer} is not signed by that authority's key in this policy and is not used for it; an \
             authority that was renewed with a new key has a certificate and a list for each key: add the certificate \
             that belongs to this list, or remove the file"
        ),
        Unsigned::WeakKey => format!(
            "the list of {issuer} is not used, because that authority's RSA key is not of 2048 to 4096 bits; renew the \
             authority with a larger key"
        ),
    }
}

/// A list that a newer one of the same issuer, key and scope replaces.
pub(super) fn older_than(older: &List, newest: &List) -> String {
    format!(
        "the list of {} of {} is older than that in {} (of {}): it calls no certificate good, but what it calls revoked \
         stays out; remove the file",
        older.issuer,
        rfc3339(older.this_update),
        newest.origin,
        rfc3339(newest.this_update)
    )
}

/// A list that has ended, will soon, or has not begun.
pub(super) fn age(issuer: &str, list: &Parsed<'_>, now: i64) -> Option<String> {
    let next_update = list.next_update?;
    let life = next_update.saturating_sub(list.this_update);
    if now < list.this_update {
        return Some(format!(
            "the list of {issuer} begins only at {}: look at the clocks of this machine and of the authority",
            rfc3339(list.this_update)
        ));
    }
    if now > next_update {
        return Some(format!(
            "the list of {issuer} ended at {} and counts only within stale_grace; publish and fetch a new one",
            rfc3339(next_update)
        ));
    }
    // An authority that says when it publishes the next list has planned the overlap; else the last fifth is late.
    let late_from = list.next_publish.unwrap_or(next_update.saturating_sub(life / LATE_SHARE_OF_LIFE));
    (now > late_from).then(|| {
        format!("the list of {issuer} ends at {}, and its successor should be here by now", rfc3339(next_update))
    })
}

/// A list of the generation before that goes on.
pub(super) fn kept(list: &List) -> String {
    format!(
        "the list of {} that was read before (of {}, next update {}) goes on counting, because there is no newer one of \
         that authority and key now; if that is meant, restart",
        list.issuer,
        rfc3339(list.this_update),
        rfc3339(list.next_update)
    )
}

/// There is no list of the issuer's name.
pub(super) fn no_list(issuer_name: &[u8]) -> String {
    format!("there is no list of {}", shown(issuer_name))
}

/// There are lists of the issuer's name, and none can call the certificate good. `signed` are those of each signer.
pub(super) fn no_usable_list(
    certificate: &CertificateToCheck<'_>,
    signers: &[Authority<'_>],
    lists: &[Arc<List>],
    signed: &[Vec<&List>],
) -> String {
    if signers.iter().all(|signer| !signer.may_sign_lists) {
        let issuer = shown(certificate.issuer_name);
        return format!("{issuer} may not sign lists: its key usage lacks cRLSign");
    }
    let reasons: Vec<String> = lists
        .iter()
        .take(LISTS_NAMED_MAX)
        .map(|list| {
            let ours = signed.iter().flatten().any(|signed| std::ptr::eq(*signed, list.as_ref()));
            let why = if ours { list.covers(certificate).err().unwrap_or("is not used") } else { "is of another key" };
            format!("the list in {} {why}", list.origin)
        })
        .collect();
    reasons.join("; ")
}

/// A DER Name for a text: RFC 4514, ASCII alone, and not too long. (`crate::escape` would hide every `=`.)
pub(super) fn shown(issuer_name: &[u8]) -> String {
    let name = name::rfc4514(issuer_name).unwrap_or_default();
    let mut shown = String::new();
    for character in name.chars() {
        if shown.len() >= NAME_OCTETS_MAX {
            shown.push_str("...");
            break;
        }
        match character {
            ' '..='~' => shown.push(character),
            other => shown.extend(other.escape_unicode()),
        }
    }
    shown
}

/// Names of RFC 5280 §5.3.1.
pub(super) fn reason(code: u8) -> &'static str {
    match code {
        0 => "unspecified",
        1 => "keyCompromise",
        2 => "cACompromise",
        3 => "affiliationChanged",
        4 => "superseded",
        5 => "cessationOfOperation",
        6 => "certificateHold",
        8 => "removeFromCRL",
        9 => "privilegeWithdrawn",
        10 => "aACompromise",
        _ => "a reason that RFC 5280 does not know",
    }
}

/// An alarm from a fifth of its life on gives a weekly list a day and a half.
const LATE_SHARE_OF_LIFE: i64 = 5;
/// As much as `crate::escape` lets through, less what may follow the last character.
const NAME_OCTETS_MAX: usize = crate::escape::ESCAPED_CHARACTERS_MAX - 16;
/// A detail string stays short.
const LISTS_NAMED_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_names_every_cause() {
        let manual = include_str!("../../../../docs/src/revocation.md");
        let causes = [
            SetAside::AttributeCertificates,
            SetAside::CriticalNumber,
            SetAside::Delta,
            SetAside::EndsBeforeItBegins,
            SetAside::Indirect,
            SetAside::NoNextUpdate,
            SetAside::NoNumber,
            SetAside::SomeReasons,
            SetAside::UnknownCritical(String::new()),
        ];
        for cause in causes {
            // The manual gives the beginning, up to the first comma.
            let text = set_aside_short(&cause);
            let beginning = text.split(',').next().unwrap_or(text);
            assert!(manual.contains(&format!("| {beginning} |")), "{beginning}");
        }
    }

    #[test]
    fn names_are_bounded_and_plain() {
        use crate::der::tag;
        let name = |text: &str| {
            let wrap = |tag: u8, value: &[u8]| {
                [&[tag, 0x82], &u16::try_from(value.len()).unwrap_or(0).to_be_bytes()[..], value].concat()
            };
            let plain = |tag: u8, value: &[u8]| [&[tag, u8::try_from(value.len()).unwrap_or(0)], value].concat();
            let sized = |tag: u8, value: &[u8]| if value.len() < 128 { plain(tag, value) } else { wrap(tag, value) };
            let attribute = [plain(tag::OID, name::COMMON_NAME), sized(tag::UTF8_STRING, text.as_bytes())].concat();
            sized(tag::SEQUENCE, &sized(tag::SET, &sized(tag::SEQUENCE, &attribute)))
        };
        assert_eq!(shown(&name("CORP-CA")), "CN=CORP-CA");
        assert_eq!(shown(&name("a\u{202e}\u{fc}\n")), "CN=a\\u{202e}\\u{fc}\\0A");
        let long = shown(&name(&"x\u{202e}".repeat(300)));
        assert!(long.ends_with("...") && long.len() <= crate::escape::ESCAPED_CHARACTERS_MAX, "{}", long.len());
    }
}
