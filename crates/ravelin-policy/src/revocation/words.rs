//! What administrators read about CRLs. Texts complete the sentence that begins with the file.

use std::sync::Arc;

use super::crl::{Crl, Unsigned};
use super::parse::{Parsed, SetAside};
use super::query::{Authority, CertificateToCheck};
use crate::certificate::{RSA_BITS_MAX, RSA_BITS_MIN};
use crate::der::Malformed;
use crate::escape::escape_name;
use crate::name;
use crate::time::rfc3339;

/// Bytes that are no CRL.
pub(super) fn unreadable(Malformed(cause): Malformed) -> String {
    format!("is no CRL that can be read ({cause}) and is left out; fetch it again, or remove the file")
}

/// A CRL that can call certificates revoked, and none good.
pub(super) fn set_aside(issuer: &str, why: &SetAside) -> String {
    let cure = match why {
        SetAside::AttributeCertificates => "it is left out; remove the file",
        SetAside::CriticalNumber => "have the authority publish CRLs as RFC 5280 wants them",
        SetAside::Delta => {
            "it cannot replace the complete CRL, which must be there too (AD CS: certutil -crl publishes both; the \
             delta CRL is the file with a plus sign)"
        }
        SetAside::EndsBeforeItBegins => "have the authority publish a new one, after looking at its clock",
        SetAside::Indirect => "add the CRL that the authority publishes for its own certificates",
        SetAside::NoNextUpdate => "have the authority publish CRLs with a next update",
        SetAside::NoNumber => {
            "have the authority number its CRLs (OpenSSL: crlnumber and crl_extensions in its configuration)"
        }
        SetAside::SomeReasons => "add the CRL for all reasons",
        SetAside::UnknownCritical(_) => "have the authority publish CRLs without this extension",
    };
    let extension = if let SetAside::UnknownCritical(id) = why { format!(" {id}") } else { String::new() };
    let attributes = *why == SetAside::AttributeCertificates;
    let consequence = if attributes { "" } else { "certificates in it are refused, but it calls none good; " };
    format!("the CRL of {issuer} {}{extension}: {consequence}{cure}", set_aside_short(why))
}

/// The same, as the rest of a sentence about the CRL.
pub(super) fn set_aside_short(why: &SetAside) -> &'static str {
    match why {
        SetAside::AttributeCertificates => "is for attribute certificates",
        SetAside::CriticalNumber => "has a critical CRL number, which RFC 5280 forbids",
        SetAside::Delta => "is a delta CRL",
        SetAside::EndsBeforeItBegins => "has a next update before its this update",
        SetAside::Indirect => "is an indirect CRL, which may have certificates of other authorities",
        SetAside::NoNextUpdate => "states no next update, so that nobody can tell whether it is current",
        SetAside::NoNumber => "has no CRL number, so that nobody can tell a newer one from an older",
        SetAside::SomeReasons => "is only for some reasons of revocation",
        SetAside::UnknownCritical(_) => "has a critical extension that ravelin does not know",
    }
}

/// A CRL behind which no configured authority stands.
pub(super) fn of_no_authority(issuer: &str, why: Unsigned) -> String {
    match why {
        Unsigned::NoSuchName => format!(
            "the CRL of {issuer} belongs to no certificate authority of this policy and is not used (it would be for \
             clients that send that authority's certificate); add the authority to intermediates, or remove the file"
        ),
        Unsigned::NotAllowed => format!(
            "the CRL of {issuer} is not used, because the key usage of that authority's certificate does not allow it \
             to sign CRLs (cRLSign)"
        ),
        Unsigned::OtherKey => format!(
            "the CRL of {issuer} is not signed by that authority's key in this policy and is not used for it; an \
             authority that was renewed with a new key has a certificate and a CRL for each key: add the certificate \
             that belongs to this CRL, or remove the file"
        ),
        Unsigned::WeakKey => format!(
            "the CRL of {issuer} is not used, because that authority's RSA key is not of {RSA_BITS_MIN} to {RSA_BITS_MAX} bits; renew the \
             authority with a larger key"
        ),
    }
}

/// A CRL that a newer one of the same issuer, key and scope replaces.
pub(super) fn older_than(older: &Crl, newest: &Crl) -> String {
    format!(
        "the CRL of {} of {} is older than that in {} (of {}): it calls no certificate good, but what it calls revoked \
         stays out; remove the file",
        older.issuer,
        rfc3339(older.this_update),
        newest.origin,
        rfc3339(newest.this_update)
    )
}

/// A CRL that expired, will soon, or is not valid yet.
pub(super) fn age(issuer: &str, crl: &Parsed<'_>, now: i64) -> Option<String> {
    let next_update = crl.next_update?;
    let life = next_update.saturating_sub(crl.this_update);
    if now < crl.this_update {
        return Some(format!(
            "the CRL of {issuer} is not valid before {}: look at the clocks of this machine and of the authority",
            rfc3339(crl.this_update)
        ));
    }
    if now > next_update {
        return Some(format!(
            "the CRL of {issuer} expired at {} and counts only within stale_grace; publish and fetch a new one",
            rfc3339(next_update)
        ));
    }
    // An authority that says when it publishes the next CRL has planned the overlap; else the last fifth is late.
    let late_from = crl.next_publish.unwrap_or(next_update.saturating_sub(life / LATE_SHARE_OF_LIFE));
    (now > late_from).then(|| {
        format!("the CRL of {issuer} expires at {}, and its successor should be here by now", rfc3339(next_update))
    })
}

/// A CRL of the generation before that goes on.
pub(super) fn kept(crl: &Crl) -> String {
    format!(
        "the CRL of {} that was read before (of {}, next update {}) goes on counting, because there is no newer one of \
         that authority and key now; if that is meant, restart",
        crl.issuer,
        rfc3339(crl.this_update),
        rfc3339(crl.next_update)
    )
}

/// There is no CRL of the issuer's name.
pub(super) fn no_crl(issuer_name: &[u8]) -> String {
    format!("there is no CRL of {}", shown(issuer_name))
}

/// There are CRLs of the issuer's name, and none can call the certificate good. `signed` are those of each signer.
pub(super) fn no_usable_crl(
    certificate: &CertificateToCheck<'_>,
    signers: &[Authority<'_>],
    crls: &[Arc<Crl>],
    signed: &[Vec<&Crl>],
) -> String {
    if signers.iter().all(|signer| !signer.may_sign_crls) {
        let issuer = shown(certificate.issuer_name);
        return format!("{issuer} may not sign CRLs: its key usage lacks cRLSign");
    }
    let reasons: Vec<String> = crls
        .iter()
        .take(CRLS_NAMED_MAX)
        .map(|crl| {
            let ours = signed.iter().flatten().any(|signed| std::ptr::eq(*signed, crl.as_ref()));
            let why = if ours { crl.covers(certificate).err().unwrap_or("is not used") } else { "is of another key" };
            format!("the CRL in {} {why}", crl.origin)
        })
        .collect();
    reasons.join("; ")
}

/// A DER Name for a text: RFC 4514, printable ASCII, and not too long.
pub(super) fn shown(issuer_name: &[u8]) -> String {
    escape_name(&name::rfc4514(issuer_name).unwrap_or_default())
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

/// An alarm from a fifth of its life on gives a weekly CRL a day and a half.
const LATE_SHARE_OF_LIFE: i64 = 5;
/// An authority has one CRL a key, rarely a second key: four tell the whole story, and the detail stays below two kilobytes.
const CRLS_NAMED_MAX: usize = 4;

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
        assert_eq!(shown(&name("a\u{202e}\u{fc}\n")), "CN=a\\E2\\80\\AE\\C3\\BC\\0A");
        let long = shown(&name(&"x\u{202e}".repeat(300)));
        assert!(long.ends_with("...") && long.len() <= crate::escape::ESCAPED_CHARACTERS_MAX, "{}", long.len());
    }
}
