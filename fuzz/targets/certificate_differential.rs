//! Any bytes as a certificate: what the policy's reader accepts, x509-parser accepts too, and finds the same in it.
//!
//! The other way round is no promise: the policy's reader is the stricter one (`crates/ravelin-policy/src/certificate`).
//! Where x509-parser refuses what the policy accepts, or cannot say what it found, an entry of [`EXCEPTIONS`] says why that is
//! right.

use ravelin_policy::{InspectedCertificate, InspectedName, inspect};
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::nom;
use x509_parser::oid_registry::{
    OID_X509_EXT_BASIC_CONSTRAINTS, OID_X509_EXT_EXTENDED_KEY_USAGE, OID_X509_EXT_SUBJECT_ALT_NAME,
};
use x509_parser::prelude::FromDer as _;

/// A case in which x509-parser may refuse what the policy accepts: how it is told, and why that is right.
struct Exception {
    holds: fn(&InspectedCertificate, &[u8]) -> bool,
    reason: &'static str,
}

const EXCEPTIONS: [Exception; 1] = [Exception {
    holds: |ours, data| [key_algorithm(ours), signature_algorithm(data)].into_iter().any(has_unreadable_parameters),
    reason: "The policy compares an algorithm, parameters included, byte by byte with those it accepts, and reads none: another \
             one is refused as weak_key whatever its parameters are.",
}];

/// `data` is a certificate in DER. Panics where a promise is broken.
pub(crate) fn run(data: &[u8]) {
    let Ok(ours) = inspect(data) else { return };
    let theirs = match X509Certificate::from_der(data) {
        Ok((rest, theirs)) => {
            assert!(rest.is_empty(), "x509-parser leaves {} bytes", rest.len());
            theirs
        }
        Err(error) => return assert_excepted(&ours, data, &error),
    };
    assert_eq!(theirs.tbs_certificate.raw_serial(), ours.serial, "serial number");
    assert_eq!(theirs.issuer().as_raw(), ours.issuer, "issuer");
    assert_eq!(theirs.subject().as_raw(), ours.subject, "subject");
    let validity = theirs.validity();
    assert_eq!(validity.not_before.timestamp(), ours.not_before, "notBefore");
    assert_eq!(validity.not_after.timestamp(), ours.not_after, "notAfter");
    assert_eq!(theirs.public_key().raw, ours.spki, "SubjectPublicKeyInfo");
    assert_extensions(&theirs, &ours);
}

fn assert_excepted(ours: &InspectedCertificate, data: &[u8], error: &nom::Err<X509Error>) {
    let excepted = EXCEPTIONS.iter().any(|exception| (exception.holds)(ours, data));
    let reasons = EXCEPTIONS.map(|exception| exception.reason).join("\n");
    assert!(excepted, "x509-parser refuses what the policy accepts: {error}; not excepted by:\n{reasons}");
}

/// Contents of the key's AlgorithmIdentifier.
fn key_algorithm(ours: &InspectedCertificate) -> Option<&[u8]> {
    element(element(&ours.spki)?.0).map(|(algorithm, _)| algorithm)
}

/// Contents of the AlgorithmIdentifier behind what is signed.
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (_signed, rest) = element(element(certificate)?.0)?;
    element(rest).map(|(algorithm, _)| algorithm)
}

fn has_unreadable_parameters(algorithm: Option<&[u8]>) -> bool {
    let parameters = algorithm.and_then(element).map(|(_identifier, parameters)| parameters);
    parameters.is_some_and(|parameters| !parameters.is_empty() && element(parameters).is_none())
}

/// The contents of the first DER element, and what is behind it. `None` where there is none, or one of a tag of several bytes.
fn element(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match usize::from(*first) {
        short @ 0..=0x7f => (short, rest),
        long @ 0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(long - 0x80)?;
            (length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    if tag & 0x1f == 0x1f { None } else { rest.split_at_checked(length) }
}

fn assert_extensions(theirs: &X509Certificate<'_>, ours: &InspectedCertificate) {
    let mut seen = (false, false, false);
    for extension in theirs.extensions() {
        let parsed = extension.parsed_extension();
        if extension.oid == OID_X509_EXT_BASIC_CONSTRAINTS {
            seen.0 = true;
            let (is_authority, path_length) = ours.basic_constraints.expect("basic constraints");
            if let ParsedExtension::BasicConstraints(found) = parsed {
                assert_eq!(found.ca, is_authority, "cA");
                assert_eq!(found.path_len_constraint, path_length, "pathLenConstraint");
            } else {
                // x509-parser has 32 bits for a path length; what exceeds them constrains nothing, and the policy says so.
                assert!(path_length.is_none(), "basic constraints: {parsed:?}");
            }
        } else if extension.oid == OID_X509_EXT_EXTENDED_KEY_USAGE {
            seen.1 = true;
            let ParsedExtension::ExtendedKeyUsage(found) = parsed else { panic!("extended key usage: {parsed:?}") };
            assert_usages(found, ours.extended_key_usage.as_deref().expect("extended key usage"));
        } else if extension.oid == OID_X509_EXT_SUBJECT_ALT_NAME {
            seen.2 = true;
            let ParsedExtension::SubjectAlternativeName(found) = parsed else {
                panic!("alternative names: {parsed:?}")
            };
            let own = ours.alternative_names.as_deref().expect("alternative names");
            assert_eq!(found.general_names.len(), own.len(), "alternative names");
            for (their, own) in found.general_names.iter().zip(own) {
                assert!(is_same_name(their, own), "{their:?} is {own:?}");
            }
        }
    }
    let own = (ours.basic_constraints.is_some(), ours.extended_key_usage.is_some(), ours.alternative_names.is_some());
    assert_eq!(seen, own, "which extensions there are");
}

/// x509-parser sorts purposes into flags and a rest: each flag is there exactly if its identifier is, and nothing else is left.
fn assert_usages(found: &x509_parser::extensions::ExtendedKeyUsage<'_>, own: &[Vec<u8>]) {
    let mut left = own.len();
    let mut count = |identifier: &[u8]| {
        let count = own.iter().filter(|one| *one == identifier).count();
        left -= count;
        count > 0
    };
    for (flag, identifier) in [
        (found.any, &[0x55, 0x1d, 0x25, 0x00][..]),
        (found.server_auth, &[0x2b, 6, 1, 5, 5, 7, 3, 1]),
        (found.client_auth, &[0x2b, 6, 1, 5, 5, 7, 3, 2]),
        (found.code_signing, &[0x2b, 6, 1, 5, 5, 7, 3, 3]),
        (found.email_protection, &[0x2b, 6, 1, 5, 5, 7, 3, 4]),
        (found.time_stamping, &[0x2b, 6, 1, 5, 5, 7, 3, 8]),
        (found.ocsp_signing, &[0x2b, 6, 1, 5, 5, 7, 3, 9]),
    ] {
        assert_eq!(count(identifier), flag, "purpose {identifier:02x?}");
    }
    assert_eq!(found.other.len(), left, "other purposes");
    for other in &found.other {
        assert!(own.iter().any(|one| one == other.as_bytes()), "purpose {other}");
    }
}

/// Whether both found the same name. Text of another encoding than UTF-8 is `Invalid` there and bytes here, and compared as such.
#[allow(clippy::wildcard_enum_match_arm, reason = "names of two forms are never the same")]
fn is_same_name(their: &GeneralName<'_>, own: &InspectedName) -> bool {
    match (their, own) {
        (GeneralName::DNSName(text), InspectedName::Dns(bytes))
        | (GeneralName::RFC822Name(text), InspectedName::Mail(bytes))
        | (GeneralName::URI(text), InspectedName::Uri(bytes)) => text.as_bytes() == bytes,
        (GeneralName::IPAddress(address), InspectedName::Ip(bytes)) => address == bytes,
        (GeneralName::DirectoryName(_), InspectedName::Directory) => true,
        (GeneralName::OtherName(_, _), InspectedName::Other(tag)) => tag & 0x1f == 0,
        (GeneralName::X400Address(_), InspectedName::Other(tag)) => tag & 0x1f == 3,
        (GeneralName::EDIPartyName(_), InspectedName::Other(tag)) => tag & 0x1f == 5,
        (GeneralName::RegisteredID(_), InspectedName::Other(tag)) => tag & 0x1f == 8,
        (GeneralName::Invalid(tag, data), InspectedName::Dns(bytes)) => tag.0 == 2 && data == bytes,
        (GeneralName::Invalid(tag, data), InspectedName::Mail(bytes)) => tag.0 == 1 && data == bytes,
        (GeneralName::Invalid(tag, data), InspectedName::Uri(bytes)) => tag.0 == 6 && data == bytes,
        // A directory name, or one of the rare forms, that x509-parser cannot take apart.
        (GeneralName::Invalid(tag, _), InspectedName::Directory) => tag.0 == 4,
        (GeneralName::Invalid(tag, _), InspectedName::Other(own)) => tag.0 == u32::from(own & 0x1f),
        _ => false,
    }
}
