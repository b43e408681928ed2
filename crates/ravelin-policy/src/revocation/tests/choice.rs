//! Which of several CRLs counts.

use super::maker::{Ca, DAY, Key, NOW, named, rsa_spki_of_bits};
use super::*;
use crate::der::tag;

const PC: &[u8] = &[0x17];

/// Covers: docs/traps.md row 31, and the estate of a certificate authority that was renewed with a new key.
#[test]
fn each_key_of_a_renewed_authority_has_its_own_crl() {
    let (old, new) = (Ca::new("CORP-CA"), Ca::new("CORP-CA"));
    let (of_old, of_new) = (old.crl().revoke(&[1], Some(1)).build(), new.crl().number(9).revoke(&[2], Some(4)).build());
    for (crls, old_at, new_at) in [([&of_old, &of_new], "0", "1"), ([&of_new, &of_old], "1", "0")] {
        let (crls, notices) = load(&crls.map(Vec::clone), &[&old, &new]);
        assert_eq!(notices, [], "nothing is odd about such an estate");
        assert_eq!(crls.describe().len(), 2);
        for (issuer, serial, expected) in [
            (&old, 3, format!("good {old_at}")),
            (&new, 3, format!("good {new_at}")),
            (&old, 1, "revoked keyCompromise".to_owned()),
            (&new, 2, "revoked superseded".to_owned()),
            // A serial number says nothing under another key.
            (&old, 2, format!("good {old_at}")),
            (&new, 1, format!("good {new_at}")),
        ] {
            assert_eq!(status(&crls, &issuer.issued(&[serial]), issuer), expected);
        }
    }
    // The CRL of one key alone does not speak for the other, whether that is configured or sent by a client.
    for authorities in [&[&old, &new][..], &[&new]] {
        let (crls, _) = load(std::slice::from_ref(&of_new), authorities);
        assert_eq!(status(&crls, &old.issued(PC), &old), "unknown");
        assert_eq!(status(&crls, &new.issued(PC), &new), "good 0");
        assert!(crls.has_crl_of(&new.authority()) && !crls.has_crl_of(&old.authority()));
    }
}

/// Covers: docs/traps.md row 31.
#[test]
fn a_crl_of_another_key_is_ignored_and_blocks_nothing() {
    let (ours, forger) = (Ca::new("CORP-CA"), Ca::new("CORP-CA"));
    let good = ours.crl().number(1).revoke(&[1], None).build();
    for (case, forged) in [
        ("a newer CRL that frees everybody", forger.crl().number(100).build()),
        (
            "one that claims our key",
            forger.crl().number(100).with(|l| l.key_identifier = ours.key_identifier.clone()).build(),
        ),
        ("one that names no key", forger.crl().number(100).with(|l| l.key_identifier = None).build()),
        ("one that revokes everybody", forger.crl().number(100).revoke(PC, Some(1)).build()),
    ] {
        let (crls, notices) = load(&[forged.clone(), good.clone()], &[&ours]);
        assert!(notice_of(&notices, "0").contains("not signed by that authority's key"), "{case}");
        assert_eq!(status(&crls, &ours.issued(PC), &ours), "good 1", "{case}");
        assert_eq!(status(&crls, &ours.issued(&[1]), &ours), "revoked unspecified", "{case}");
        let (alone, _) = load(&[forged], &[&ours]);
        assert_eq!(status(&alone, &ours.issued(PC), &ours), "unknown", "{case}");
        assert_eq!(alone.describe(), []);
    }
}

#[test]
fn the_key_identifier_helps_and_never_decides_alone() {
    let ca = Ca::new("CORP-CA");
    let other_identifier = || Some(vec![9; 20]);
    for (case, crl, expected) in [
        ("the same", ca.crl().build(), "good 0"),
        ("none in the CRL", ca.crl().with(|crl| crl.key_identifier = None).build(), "good 0"),
        ("another one", ca.crl().with(|crl| crl.key_identifier = other_identifier()).build(), "unknown"),
    ] {
        let (crls, _) = load(&[crl], &[&ca]);
        assert_eq!(status(&crls, &ca.issued(PC), &ca), expected, "{case}");
    }
    // The same key under a certificate with another identifier (a cross certificate) is the same key.
    let (crls, _) = load(&[ca.crl().build()], &[&ca]);
    let cross = Authority { key_identifier: Some(&[9; 20]), ..ca.authority() };
    assert_eq!(short(&crls.status(&ca.issued(PC), &cross, at(NOW), Duration::ZERO)), "good 0");
}

/// Covers: docs/traps.md row 25.
#[test]
fn a_serial_number_counts_under_its_issuer_alone() {
    let (one, two) = (Ca::new("CORP-CA1"), Ca::new("CORP-CA2"));
    let (crls, _) = load(&[one.crl().revoke(PC, None).build(), two.crl().build()], &[&one, &two]);
    assert_eq!(status(&crls, &one.issued(PC), &one), "revoked unspecified");
    assert_eq!(status(&crls, &two.issued(PC), &two), "good 1");
    // An issuer that is not the certificate's is no answer at all.
    assert_eq!(status(&crls, &one.issued(PC), &two), "unknown");
}

/// Covers: docs/traps.md row 28.
#[test]
fn an_older_crl_never_replaces_a_newer_one() {
    let ca = Ca::new("CORP-CA");
    let old = || ca.crl().number(7).dates(NOW - 9 * DAY, NOW + 90 * DAY);
    let new = || ca.crl().number(8).dates(NOW - 2 * DAY, NOW + 5 * DAY);
    let long = |bytes: &'static [u8]| move |crl: &mut maker::Maker<'_>| crl.number = Some(bytes.to_vec());
    for (case, older, newer) in [
        ("by number", old().build(), new().build()),
        ("by number, against the date", old().dates(NOW - DAY, NOW + DAY).build(), new().build()),
        ("numbers of two lengths", old().with(long(&[0x00, 0xff])).build(), new().with(long(&[0x01, 0x00])).build()),
        ("the same number: by date", old().number(8).build(), new().build()),
    ] {
        for (crls, newer_at, older_at) in [([&older, &newer], "1", "0"), ([&newer, &older], "0", "1")] {
            let (crls, notices) = load(&crls.map(Vec::clone), &[&ca]);
            assert_eq!(status(&crls, &ca.issued(PC), &ca), format!("good {newer_at}"), "{case}");
            assert!(notice_of(&notices, older_at).contains("is older than"), "{case}");
            assert_eq!(crls.describe().len(), 1, "{case}");
            assert_eq!(crls.describe()[0].origin.to_string(), newer_at, "{case}");
        }
    }
    let (crls, notices) = load(&[new().build(), new().build()], &[&ca]);
    assert_eq!(status(&crls, &ca.issued(PC), &ca), "good 0", "the same file twice");
    assert_eq!((notices, crls.describe().len()), (vec![], 1));
    // The newest decides even where an older one lasts longer.
    let (crls, _) = load(&[old().build(), new().dates(NOW - 3 * DAY, NOW - DAY).build()], &[&ca]);
    assert_eq!(status(&crls, &ca.issued(PC), &ca), "expired 1");
}

/// What an authority once revoked stays out, whatever CRL says so; a hold may be lifted by a later CRL.
#[test]
fn revoked_stays_out() {
    let ca = Ca::new("CORP-CA");
    let old = || ca.crl().number(7).dates(NOW - 20 * DAY, NOW - 13 * DAY);
    let new = || ca.crl().number(8);
    for (case, older, newer, expected) in [
        ("on an older CRL", old().revoke(PC, Some(1)), new(), "revoked keyCompromise"),
        ("without a reason", old().revoke(PC, None), new(), "revoked unspecified"),
        ("a lifted hold", old().revoke(PC, Some(6)), new(), "good 1"),
        ("a hold that goes on", old().revoke(PC, Some(6)), new().revoke(PC, Some(6)), "revoked certificateHold"),
        ("a hold that became final", old().revoke(PC, Some(6)), new().revoke(PC, Some(1)), "revoked keyCompromise"),
        ("a new hold", old(), new().revoke(PC, Some(6)), "revoked certificateHold"),
        (
            "on a CRL that has not begun",
            old(),
            new().dates(NOW + DAY, NOW + 9 * DAY).revoke(PC, Some(1)),
            "revoked keyCompromise",
        ),
        (
            "lifted by a CRL that has not begun",
            old().revoke(PC, Some(6)),
            new().dates(NOW + DAY, NOW + 9 * DAY),
            "revoked certificateHold",
        ),
        ("removeFromCRL outside a delta CRL", new().revoke(PC, Some(8)), old(), "revoked removeFromCRL"),
        ("a reason nobody knows", old(), new().revoke(PC, Some(99)), "revoked a reason that RFC 5280 does not know"),
    ] {
        let (crls, _) = load(&[older.build(), newer.build()], &[&ca]);
        assert_eq!(status(&crls, &ca.issued(PC), &ca), expected, "{case}");
    }
    let (crls, _) = load(&[old().revoke(PC, Some(1)).build()], &[&ca]);
    assert_eq!(
        crls.status(&ca.issued(PC), &ca.authority(), at(NOW), Duration::ZERO),
        Status::Revoked { since: NOW - 2 * DAY, reason: "keyCompromise" },
    );
}

/// Covers: docs/traps.md row 32.
#[test]
fn an_authority_without_a_crl_is_unknown_and_can_be_named() {
    let (issuing, root) = (Ca::new("CORP-CA"), Ca::new("CORP-ROOT"));
    let (crls, notices) = load(&[issuing.crl().build()], &[&issuing, &root]);
    assert_eq!(notices, []);
    assert!(crls.has_crl_of(&issuing.authority()) && !crls.has_crl_of(&root.authority()));
    let Status::Unknown { why } = crls.status(&root.issued(PC), &root.authority(), at(NOW), Duration::ZERO) else {
        panic!("unknown")
    };
    assert_eq!(why, "there is no CRL of CN=CORP-ROOT");
}

/// RFC 5280 §6.3.3 (f).
#[test]
fn an_authority_that_may_not_sign_crls_signs_none() {
    let ca = Ca { may_sign_crls: false, ..Ca::new("CORP-CA") };
    let (crls, notices) = load(&[ca.crl().build()], &[&ca]);
    assert!(notice_of(&notices, "0").contains("cRLSign"));
    assert_eq!(status(&crls, &ca.issued(PC), &ca), "unknown");
    assert_eq!(crls.describe(), []);
}

/// PKITS 4.4.19 and 4.4.20: certificates and CRLs of one name are signed by two keys.
#[test]
fn a_key_for_crls_alone_counts_where_the_caller_vouches_for_it() {
    let signs_certificates = Ca { may_sign_crls: false, ..Ca::new("CORP-CA") };
    let signs_crls = Ca::new("CORP-CA");
    let (crls, _) = load(&[signs_crls.crl().revoke(&[2], None).build()], &[&signs_certificates, &signs_crls]);
    for (serial, expected) in [(1, "good 0"), (2, "revoked unspecified")] {
        let serial = [serial];
        let certificate = signs_certificates.issued(&serial);
        assert_eq!(status(&crls, &certificate, &signs_certificates), "unknown");
        let under = crls.status_under(&certificate, &[signs_crls.authority()], at(NOW), Duration::ZERO);
        assert_eq!(short(&under), expected);
    }
}

/// A CRL of an authority that only clients send is verified when the first such client comes.
#[test]
fn an_authority_sent_by_a_client_is_verified_at_the_decision() {
    let root = Ca::new("CORP-ROOT");
    let sent = Ca::new("CORP-CA");
    let (crls, notices) = load(&[sent.crl().revoke(&[2], None).build(), root.crl().build()], &[&root]);
    assert!(notice_of(&notices, "0").contains("belongs to no certificate authority of this policy"));
    assert_eq!(crls.describe().len(), 1, "not in use until then");
    for _ in 0..2 {
        assert_eq!(status(&crls, &sent.issued(PC), &sent), "good 0");
        assert_eq!(status(&crls, &sent.issued(&[2]), &sent), "revoked unspecified");
    }
    let crl = &crls.by_issuer[&crate::name::canonical(&sent.name).unwrap()][0];
    assert_eq!(crl.authenticity.keys_met(), 1);
    // Others of the name get nothing, and the memory for them is bounded.
    for _ in 0..20 {
        let stranger = Ca { key_identifier: None, ..Ca::new("CORP-CA") };
        assert_eq!(status(&crls, &stranger.issued(PC), &stranger), "unknown");
    }
    assert!(crl.authenticity.keys_met() <= 8);
    assert_eq!(status(&crls, &sent.issued(PC), &sent), "good 0");
}

/// Covers: docs/traps.md row 46, for CRLs.
#[test]
fn names_that_differ_in_case_spaces_and_type_are_the_same() {
    let ca = Ca { name: named(tag::UTF8_STRING, "Corp  Issuing ca"), ..Ca::new("x") };
    let crl = ca.crl().with(|crl| crl.issuer = named(tag::PRINTABLE_STRING, "CORP ISSUING CA")).build();
    let (crls, notices) = load(&[crl], &[&ca]);
    assert_eq!(notices, []);
    assert_eq!(status(&crls, &ca.issued(PC), &ca), "good 0");
}

#[test]
fn keys_of_other_sizes_sign_nothing() {
    let ca = Ca::new("CORP-CA");
    for (bits, words) in [(1024, "2048 to 4096 bits"), (8192, "2048 to 4096 bits"), (2048, "not signed by")] {
        let weak = Ca { spki: rsa_spki_of_bits(bits), key_identifier: None, ..Ca::new("CORP-CA") };
        let (crls, notices) = load(&[ca.crl().build()], &[&weak]);
        assert!(notice_of(&notices, "0").contains(words), "{bits}: {notices:?}");
        assert_eq!(status(&crls, &weak.issued(PC), &weak), "unknown");
    }
}

#[test]
fn every_accepted_algorithm_verifies() {
    use aws_lc_rs::signature::*;
    use rustls_pki_types::{AlgorithmIdentifier, alg_id};
    let absent_parameters = AlgorithmIdentifier::from_slice(&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11]);
    for (case, key) in [
        ("Ed25519", Key::ed25519()),
        ("P-256", Key::p256()),
        ("P-384", Key::ec(&ECDSA_P384_SHA384_ASN1_SIGNING, alg_id::ECDSA_P384, alg_id::ECDSA_SHA384)),
        ("P-521", Key::ec(&ECDSA_P521_SHA512_ASN1_SIGNING, alg_id::ECDSA_P521, alg_id::ECDSA_SHA512)),
        ("P-521 with SHA-256", Key::ec(&ECDSA_P521_SHA256_ASN1_SIGNING, alg_id::ECDSA_P521, alg_id::ECDSA_SHA256)),
        ("RSA, SHA-256", Key::rsa(&RSA_PKCS1_SHA256, alg_id::RSA_PKCS1_SHA256)),
        ("RSA, SHA-256, no parameters", Key::rsa(&RSA_PKCS1_SHA256, absent_parameters)),
        ("RSA, SHA-384", Key::rsa(&RSA_PKCS1_SHA384, alg_id::RSA_PKCS1_SHA384)),
        ("RSA, SHA-512", Key::rsa(&RSA_PKCS1_SHA512, alg_id::RSA_PKCS1_SHA512)),
        ("PSS, SHA-256", Key::rsa(&RSA_PSS_SHA256, alg_id::RSA_PSS_SHA256)),
        ("PSS, SHA-384", Key::rsa(&RSA_PSS_SHA384, alg_id::RSA_PSS_SHA384)),
        ("PSS, SHA-512", Key::rsa(&RSA_PSS_SHA512, alg_id::RSA_PSS_SHA512)),
    ] {
        let ca = Ca::with_key("CORP-CA", key);
        let mut broken = ca.crl().build();
        *broken.last_mut().unwrap() ^= 1;
        for (authorities, when) in [(&[&ca][..], "at load"), (&[], "at the decision")] {
            let (crls, _) = load(&[ca.crl().build()], authorities);
            assert_eq!(status(&crls, &ca.issued(PC), &ca), "good 0", "{case} {when}");
            let (crls, _) = load(&[broken.clone()], authorities);
            assert_eq!(status(&crls, &ca.issued(PC), &ca), "unknown", "{case} {when}");
        }
    }
}
