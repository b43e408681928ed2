//! CRLs that are not complete.

use super::maker::{Ca, DAY, NOW, address, der, extension, named, oid, points, sequence};
use super::*;
use crate::der::tag;

const PC: &[u8] = &[0x17];
const ONE: &str = "http://pki.corp.example/one.crl";
const TWO: &str = "http://pki.corp.example/two.crl";

fn point(name: &[u8]) -> Vec<u8> {
    der(tag::context_constructed(0), name)
}

fn flag(number: u8) -> Vec<u8> {
    der(tag::context(number), &[0xff])
}

fn some_reasons() -> Vec<u8> {
    der(tag::context(3), &[0x01, 0x60])
}

/// Covers: docs/traps.md rows 30 and 33 (the decision in it): none of these calls a certificate good, and each, if the issuer signed it, calls one revoked.
#[test]
fn a_crl_that_is_not_complete_is_never_taken_for_one() {
    let ca = Ca::new("CORP-CA");
    let other = named(tag::UTF8_STRING, "OTHER-CA");
    let directory_names = |name: &[u8]| sequence(&[der(tag::context_constructed(4), name)]);
    let foreign = |name: &[u8]| sequence(&[extension("2.5.29.29", true, &directory_names(name))]);
    let odd = || sequence(&[extension("2.16.840.1.101.2.1.12.2", true, &[5, 0])]);
    let crl = || ca.crl();
    for (case, crl, words) in [
        ("delta", crl().extended("2.5.29.27", true, &der(tag::INTEGER, &[1])), "is a delta CRL"),
        ("indirect", crl().scope(&[flag(4)]), "is an indirect CRL"),
        ("some reasons", crl().scope(&[some_reasons()]), "is only for some reasons"),
        ("some reasons of a point", crl().scope(&[point(&address(ONE)), some_reasons()]), "is only for some reasons"),
        ("unknown critical", crl().extended("2.16.840.1.101.2.1.12.2", true, &[5, 0]), "2.16.840.1.101.2.1.12.2"),
        ("unknown critical in an entry", crl().entry(&[9], Some(odd())), "2.16.840.1.101.2.1.12.2"),
        ("no next update", crl().with(|crl| crl.next_update = None), "states no next update"),
        ("no number", crl().with(|crl| crl.number = None), "has no CRL number"),
        (
            "a critical number",
            crl().with(|crl| crl.number = None).extended("2.5.29.20", true, &der(tag::INTEGER, &[1])),
            "has a critical CRL number",
        ),
        ("ends before it begins", crl().dates(NOW - DAY, NOW - 2 * DAY), "before its this update"),
        ("entries of its own by name", crl().entry(&[9], Some(foreign(&ca.name))), "is an indirect CRL"),
    ] {
        let (crls, notices) = load(&[crl.revoke(&[1], Some(1)).build()], &[&ca]);
        assert!(notice_of(&notices, "0").contains(words), "{case}: {notices:?}");
        assert_eq!(status(&crls, &ca.issued(PC), &ca), "unknown", "{case}");
        assert_eq!(status(&crls, &ca.issued(&[1]), &ca), "revoked keyCompromise", "{case}");
        assert!(!crls.has_crl_of(&ca.authority()) && crls.describe().is_empty(), "{case}");
    }
    // Entries that follow one of another issuer are of that issuer.
    let (crls, _) =
        load(&[crl().revoke(&[1], None).entry(&[2], Some(foreign(&other))).revoke(&[3], None).build()], &[&ca]);
    assert_eq!(status(&crls, &ca.issued(&[1]), &ca), "revoked unspecified");
    assert_eq!(status(&crls, &ca.issued(&[2]), &ca), "unknown");
    assert_eq!(status(&crls, &ca.issued(&[3]), &ca), "unknown");
    // A CRL of attribute certificates says nothing about certificates.
    let (crls, notices) = load(&[crl().scope(&[flag(5)]).revoke(&[1], None).build()], &[&ca]);
    assert!(notice_of(&notices, "0").contains("attribute certificates"));
    assert_eq!(status(&crls, &ca.issued(&[1]), &ca), "unknown");
}

/// Covers: docs/traps.md row 30. One CRL that cannot be used spoils none beside it.
#[test]
fn beside_a_complete_crl_they_only_add() {
    let ca = Ca::new("CORP-CA");
    let complete = || ca.crl().revoke(&[1], None).build();
    for (case, aside) in [
        ("delta", ca.crl().number(2).extended("2.5.29.27", true, &der(tag::INTEGER, &[1])).revoke(&[2], Some(1))),
        ("some reasons", ca.crl().number(2).scope(&[some_reasons()]).revoke(&[2], Some(1))),
        ("no next update", ca.crl().number(2).with(|crl| crl.next_update = None).revoke(&[2], Some(1))),
        ("partition", ca.crl().number(2).scope(&[point(&address(ONE))]).revoke(&[2], Some(1))),
    ] {
        let (crls, _) = load(&[aside.build(), complete()], &[&ca]);
        assert_eq!(status(&crls, &ca.issued(PC), &ca), "good 1", "{case}");
        assert_eq!(status(&crls, &ca.issued(&[1]), &ca), "revoked unspecified", "{case}");
        assert_eq!(status(&crls, &ca.issued(&[2]), &ca), "revoked keyCompromise", "{case}");
    }
    // What a delta CRL takes back is still on the complete CRL, which decides.
    let lifted = ca.crl().number(2).extended("2.5.29.27", true, &der(tag::INTEGER, &[1])).revoke(&[1], Some(8)).build();
    let hold = ca.crl().revoke(&[1], Some(6)).build();
    let (crls, _) = load(&[lifted, hold], &[&ca]);
    assert_eq!(status(&crls, &ca.issued(&[1]), &ca), "revoked certificateHold");
}

/// Covers: docs/traps.md row 26.
#[test]
fn any_distribution_point_of_the_certificate_may_match() {
    let ca = Ca::new("CORP-CA");
    let of_one = ca.crl().scope(&[point(&address(ONE))]).build();
    let of_two = ca.crl().scope(&[point(&address(TWO))]).revoke(&[1], Some(1)).build();
    let both_names = [address(ONE), address(TWO)];
    let in_one_point = der(
        tag::context_constructed(0),
        &[der(tag::context(6), ONE.as_bytes()), der(tag::context(6), TWO.as_bytes())].concat(),
    );
    let reasons = |name: &[u8]| sequence(&[sequence(&[point(name), der(tag::context(1), &[0x01, 0x60])])]);
    let crl_issuer = |name: &[u8]| der(tag::context_constructed(2), &der(tag::context_constructed(4), name));
    let other = named(tag::UTF8_STRING, "OTHER-CA");
    for (case, crls, extension, expected) in [
        ("the first", vec![&of_one], Some(points(&both_names)), "good 0"),
        ("the second", vec![&of_two], Some(points(&both_names)), "good 0"),
        ("two names of one point", vec![&of_two], Some(points(std::slice::from_ref(&in_one_point))), "good 0"),
        ("another", vec![&of_two], Some(points(&[address(ONE)])), "unknown"),
        ("no extension", vec![&of_two], None, "unknown"),
        ("none of its points, and a complete CRL", vec![&of_two, &of_one], Some(points(&[address(ONE)])), "good 1"),
        (
            "scheme and host without case",
            vec![&of_one],
            Some(points(&[address("HTTP://PKI.Corp.example/one.crl")])),
            "good 0",
        ),
        ("path with case", vec![&of_one], Some(points(&[address("http://pki.corp.example/ONE.crl")])), "unknown"),
        ("a point for some reasons", vec![&of_one], Some(reasons(&address(ONE))), "unknown"),
        (
            "a point of another issuer",
            vec![&of_one],
            Some(sequence(&[sequence(&[point(&address(ONE)), crl_issuer(&other)])])),
            "unknown",
        ),
        (
            "a point that names our issuer",
            vec![&of_one],
            Some(sequence(&[sequence(&[point(&address(ONE)), crl_issuer(&ca.name)])])),
            "good 0",
        ),
        ("garbage", vec![&of_one], Some(vec![0x30, 0x05, 0x00]), "unknown"),
        ("empty", vec![&of_one], Some(sequence(&[])), "unknown"),
    ] {
        let (crls, notices) = load(&crls.into_iter().cloned().collect::<Vec<_>>(), &[&ca]);
        assert_eq!(notices, [], "{case}");
        let certificate = CertificateToCheck { distribution_points: extension.as_deref(), ..ca.issued(PC) };
        assert_eq!(status(&crls, &certificate, &ca), expected, "{case}");
    }
    // The partition that the certificate does not name hides no revocation.
    let (crls, _) = load(&[of_one, of_two], &[&ca]);
    let extension = points(&[address(ONE)]);
    let certificate = CertificateToCheck { distribution_points: Some(&extension), ..ca.issued(&[1]) };
    assert_eq!(status(&crls, &certificate, &ca), "revoked keyCompromise");
    assert_eq!(crls.describe().len(), 2);
}

#[test]
fn points_named_by_directory() {
    let ca = Ca::new("CORP-CA");
    let full = |name: &[u8]| der(tag::context_constructed(0), &der(tag::context_constructed(4), name));
    let rdn = |text: &str| sequence(&[oid("2.5.4.3"), der(tag::UTF8_STRING, text.as_bytes())]);
    let relative = |text: &str| der(tag::context_constructed(1), &rdn(text));
    let mut below = ca.name[2..].to_vec();
    below.extend(der(tag::SET, &rdn("CRL 1")));
    let below = der(tag::SEQUENCE, &below);
    for (case, of_crl, of_certificate, expected) in [
        ("full names", full(&below), Some(full(&below)), "good 0"),
        ("relative names", relative("CRL 1"), Some(relative("crl  1")), "good 0"),
        ("relative against full", relative("CRL 1"), Some(full(&below)), "good 0"),
        ("another relative name", relative("CRL 2"), Some(full(&below)), "unknown"),
        ("the issuer's own name needs no point", full(&ca.name), None, "good 0"),
    ] {
        let (crls, _) = load(&[ca.crl().scope(&[point(&of_crl)]).build()], &[&ca]);
        let extension = of_certificate.map(|name| points(&[name]));
        let certificate = CertificateToCheck { distribution_points: extension.as_deref(), ..ca.issued(PC) };
        assert_eq!(status(&crls, &certificate, &ca), expected, "{case}");
    }
}

#[test]
fn crls_for_one_kind_of_certificate() {
    let ca = Ca::new("CORP-CA");
    for (case, number, is_authority, expected) in [
        ("users' CRL for a computer", 1, false, "good 0"),
        ("users' CRL for an authority", 1, true, "unknown"),
        ("authorities' CRL for a computer", 2, false, "unknown"),
        ("authorities' CRL for an authority", 2, true, "good 0"),
    ] {
        let (crls, _) = load(&[ca.crl().scope(&[flag(number)]).build()], &[&ca]);
        assert_eq!(status(&crls, &CertificateToCheck { is_authority, ..ca.issued(PC) }, &ca), expected, "{case}");
    }
    // The two together, as some authorities publish them: each decides for its own.
    let both = [ca.crl().scope(&[flag(1)]).build(), ca.crl().scope(&[flag(2)]).build()];
    let (crls, notices) = load(&both, &[&ca]);
    assert_eq!(notices, []);
    assert_eq!(status(&crls, &ca.issued(PC), &ca), "good 0");
    assert_eq!(status(&crls, &CertificateToCheck { is_authority: true, ..ca.issued(PC) }, &ca), "good 1");
}

#[test]
fn why_nobody_knows() {
    let (ca, other) = (Ca::new("CORP-CA"), Ca::new("CORP-CA"));
    let sources = [
        ca.crl().scope(&[point(&address(ONE))]).build(),
        ca.crl().extended("2.5.29.27", true, &der(tag::INTEGER, &[1])).build(),
        other.crl().build(),
    ];
    let (crls, _) = load(&sources, &[&ca]);
    let answer = crls.status(&ca.issued(PC), &ca.authority(), at(NOW), Duration::ZERO);
    let expected = "the CRL in 0 is for a distribution point that the certificate does not name; \
                    the CRL in 1 is a delta CRL; the CRL in 2 is of another key";
    assert_eq!(answer, Status::Unknown { why: expected.to_owned() });
}
