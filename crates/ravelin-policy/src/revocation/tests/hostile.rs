//! Bytes that are no CRL, or not the CRL they seem.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::maker::{Ca, der, extension, named, sequence};
use super::*;
use crate::der::tag;
use crate::revocation::parse;

const PC: &[u8] = &[0x17];

/// Covers: docs/traps.md rows 23 and 27. Each is named, and the good CRL beside it goes on.
#[test]
fn a_crl_that_cannot_be_read_is_named_and_spoils_nothing() {
    let ca = Ca::new("CORP-CA");
    let crl = || ca.crl().revoke(&[1], Some(1));
    let good = crl().build();
    let number = || extension("2.5.29.20", false, &der(tag::INTEGER, &[1]));
    let sha1 = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05, 0x05, 0x00];
    let same = |algorithm: &[u8]| {
        let algorithm = algorithm.to_vec();
        move |crl: &mut maker::Maker<'_>| {
            (crl.inner_algorithm, crl.outer_algorithm) = (algorithm.clone(), algorithm.clone());
        }
    };
    for (case, bad, words) in [
        ("nothing", vec![], "no CRL that can be read"),
        ("text", b"-----BEGIN X509 CRL-----".to_vec(), "no CRL that can be read"),
        ("an empty sequence", sequence(&[]), "no CRL that can be read"),
        ("bytes at the end", [good.clone(), vec![0]].concat(), "bytes follow the end"),
        ("an empty BIT STRING", crl().with(|crl| crl.signature = Some(vec![])).build(), "BIT STRING"),
        (
            "a BIT STRING without a signature",
            crl().with(|crl| crl.signature = Some(vec![0])).build(),
            "empty signature",
        ),
        ("half a byte of signature", crl().with(|crl| crl.signature = Some(vec![4, 0xf0])).build(), "BIT STRING"),
        (
            "two algorithms",
            crl().with(|crl| crl.outer_algorithm = sha1.to_vec()).build(),
            "two different signature algorithms",
        ),
        ("version 3", crl().with(|crl| crl.version = Some(2)).build(), "a version"),
        ("version 1 with extensions", crl().with(|crl| crl.version = None).build(), "version 1"),
        ("no issuer", crl().with(|crl| crl.issuer = sequence(&[])).build(), "empty issuer"),
        ("an extension twice", crl().with(|crl| crl.extensions.push(number())).build(), "there twice"),
        ("no extension in extensions", crl().entry(&[2], Some(sequence(&[]))).build(), "without an extension"),
        ("an empty serial number", crl().revoke(&[], None).build(), "empty serial"),
        ("a negative number", crl().number(0x80).build(), "negative CRL number"),
        ("a long number", crl().with(|crl| crl.number = Some(vec![1; 21])).build(), "more than 20 bytes"),
        (
            "a scope that contradicts itself",
            crl().scope(&[der(tag::context(1), &[0xff]), der(tag::context(2), &[0xff])]).build(),
            "contradicts itself",
        ),
        ("a scope that is none", crl().scope(&[der(tag::context(7), &[0xff])]).build(), "no CRL that can be read"),
        ("SHA-1", crl().with(same(&sha1)).build(), "RSA with SHA-1"),
        ("an algorithm nobody knows", crl().with(same(&[0x06, 0x03, 0x2a, 0x03, 0x04])).build(), "algorithm 1.2.3.4"),
        (
            "a certificate",
            sequence(&[
                sequence(&[der(tag::context_constructed(0), &[2, 1, 2])]),
                sequence(&[]),
                der(tag::BIT_STRING, &[0, 1]),
            ]),
            "no CRL that can be read",
        ),
        (
            "33 extensions",
            (0..33).fold(crl(), |crl, at| crl.extended(&format!("1.2.3.{at}"), false, &[])).build(),
            "more than 32",
        ),
    ] {
        for (crls, bad_at, good_at) in [([&bad, &good], "0", "1"), ([&good, &bad], "1", "0")] {
            let (crls, notices) = load(&crls.map(Vec::clone), &[&ca]);
            assert!(notice_of(&notices, bad_at).contains(words), "{case}: {notices:?}");
            assert_eq!(status(&crls, &ca.issued(PC), &ca), format!("good {good_at}"), "{case}");
            assert_eq!(status(&crls, &ca.issued(&[1]), &ca), "revoked keyCompromise", "{case}");
        }
        let (alone, _) = load(&[bad], &[&ca]);
        assert_eq!(status(&alone, &ca.issued(PC), &ca), "unknown", "{case}");
    }
}

/// A version 1 CRL (`openssl ca -gencrl` without extensions) has no number, and the fate of such CRLs.
#[test]
fn a_crl_of_version_1_only_revokes() {
    let ca = Ca::new("CORP-CA");
    let bare = |crl: &mut maker::Maker<'_>| (crl.version, crl.number, crl.key_identifier) = (None, None, None);
    let (crls, notices) = load(&[ca.crl().revoke(&[1], None).with(bare).build()], &[&ca]);
    assert!(notice_of(&notices, "0").contains("has no CRL number"));
    assert_eq!(status(&crls, &ca.issued(PC), &ca), "unknown");
    assert_eq!(status(&crls, &ca.issued(&[1]), &ca), "revoked unspecified");
    let (_, notices) = load(&[ca.crl().with(bare).revoke(&[1], Some(1)).build()], &[&ca]);
    assert!(notice_of(&notices, "0").contains("version 1"));
}

/// A CRL with everything in it.
struct Full {
    ca: Ca,
    der: Vec<u8>,
}

static FULL: LazyLock<Full> = LazyLock::new(|| {
    let ca = Ca::new("CORP-CA");
    let point = der(tag::context_constructed(0), &maker::address("http://pki.corp.example/one.crl"));
    let issuer = sequence(&[der(tag::context_constructed(4), &named(tag::UTF8_STRING, "CORP-CA"))]);
    let crl = ca.crl().scope(&[point]).revoke(&[1], Some(1)).revoke(&[0x7f; 20], None);
    let crl = crl.entry(&[3], Some(sequence(&[extension("2.5.29.29", true, &issuer)])));
    let der = crl.extended("1.3.6.1.4.1.311.21.4", false, &maker::time(maker::NOW)).build();
    Full { ca, der }
});

/// Covers: docs/traps.md row 27.
#[test]
fn a_crl_cut_short_anywhere_is_no_crl() {
    for length in 0..FULL.der.len() {
        assert!(parse::parse(&FULL.der[..length]).is_err(), "{length}");
    }
    assert!(parse::parse(&FULL.der).is_ok());
}

/// Covers: docs/traps.md row 27. Every single bit of a CRL is under its signature, or is the signature, or makes it no CRL.
#[test]
fn no_changed_bit_leaves_a_crl_that_calls_good() {
    let ca = Ca::new("CORP-CA");
    let good = ca.crl().revoke(&[1], Some(1)).build();
    for at in 0..good.len() * 8 {
        let mut changed = good.clone();
        changed[at / 8] ^= 1 << (at % 8);
        let (crls, notices) = load(&[changed], &[&ca]);
        assert_eq!(status(&crls, &ca.issued(PC), &ca), "unknown", "bit {at}");
        assert!(!notices.is_empty(), "bit {at}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let (crls, notices) = load(&[bytes], &[&FULL.ca]);
        prop_assert_eq!(notices.len(), 1);
        prop_assert_eq!(status(&crls, &FULL.ca.issued(PC), &FULL.ca), "unknown");
    }

    /// Pieces of a real CRL put together anew: nearer to what a parser trips over than random bytes.
    #[test]
    fn mutated_crls_are_survived_and_never_call_good(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_usize..4, any::<u8>()), 1..6),
    ) {
        let mut bytes = FULL.der.clone();
        for (one, two, kind, byte) in edits {
            let (from, to) = (one.index(bytes.len()), two.index(bytes.len()));
            match kind {
                0 => bytes[from] = byte,
                1 => bytes.insert(from, byte),
                2 => bytes.copy_within(from.min(to)..from.max(to).min(from.min(to) + 16), 0),
                _ if bytes.len() > 1 => { bytes.remove(from); }
                _ => {}
            }
        }
        let extension = maker::points(&[maker::address("http://pki.corp.example/one.crl")]);
        let certificate = CertificateToCheck { distribution_points: Some(&extension), ..FULL.ca.issued(PC) };
        for authorities in [&[&FULL.ca][..], &[]] {
            let (crls, _) = load(std::slice::from_ref(&bytes), authorities);
            let expected = if bytes == FULL.der { "unknown or good" } else { "unknown" };
            prop_assert!(expected.contains(status(&crls, &certificate, &FULL.ca).split(' ').next().unwrap_or("")));
        }
    }

    #[test]
    fn any_distribution_points_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let (crls, _) = load(std::slice::from_ref(&FULL.der), &[&FULL.ca]);
        let certificate = CertificateToCheck { distribution_points: Some(&bytes), ..FULL.ca.issued(PC) };
        prop_assert_eq!(status(&crls, &certificate, &FULL.ca), "unknown");
    }
}
