//! The CRLs of NIST PKITS, read where they lie; nothing of them is copied here.

use std::path::Path;

use super::certificate::Certificate;
use super::*;
use crate::Origin;

/// 2015-12-13: between the beginning (2010) and the end (2030) of nearly everything in the suite.
const MIDDLE: i64 = 1_450_000_000;

/// Covers: PKITS 4.4 as far as CRLs go, and that every CRL is read or set aside for its stated reason.
#[test]
fn crls_of_pkits() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/pkits-subset.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED lists_of_pkits: {} is not there", path.display());
        return;
    };
    let data: serde_json::Value = serde_json::from_str(&text).unwrap();
    let certificates = decoded(&data["certs"]);
    let crls = decoded(&data["crls"]);
    assert_eq!(crls.len(), 45);
    let authorities: Vec<Certificate> = certificates
        .iter()
        .map(|(name, der)| Certificate::read(name, der))
        .filter(|found| found.is_authority)
        .collect();
    let known: Vec<Authority<'_>> = authorities.iter().map(Certificate::authority).collect();

    // What is not simply used, and why.
    for (name, der) in &crls {
        let source = [Source { origin: Origin::file(name), der: der.clone() }];
        let (loaded, notices) = Crls::load(&source, &known, at(MIDDLE));
        let expected = match name.as_str() {
            "DSACACRL" | "DSAParametersInheritedCACRL" => Some("DSA with SHA-1"),
            "BadCRLSignatureCACRL" => Some("a BIT STRING that is not whole bytes"),
            "BadCRLIssuerNameCACRL" => Some("belongs to no certificate authority"),
            "UnknownCRLExtensionCACRL" | "UnknownCRLEntryExtensionCACRL" => Some("2.16.840.1.101.2.1.12.2"),
            "OldCRLnextUpdateCACRL" | "pre2000CRLnextUpdateCACRL" => Some("counts only within stale_grace"),
            "keyUsageCriticalcRLSignFalseCACRL" | "keyUsageNotCriticalcRLSignFalseCACRL" => Some("cRLSign"),
            // Its issuer is no certificate authority, so that it is not among those known here.
            "basicConstraintsCriticalcAFalseCACRL"
            | "basicConstraintsNotCriticalcAFalseCACRL"
            | "MissingbasicConstraintsCACRL" => Some("belongs to no certificate authority"),
            // A name that no certificate of the suite has.
            "TwoCRLsCABadCRL" => Some("belongs to no certificate authority"),
            _ => None,
        };
        match expected {
            None => assert_eq!((notices.as_slice(), loaded.describe().len()), (&[][..], 1), "{name}"),
            Some(words) => assert!(notice_of(&notices, name).contains(words), "{name}: {notices:?}"),
        }
    }

    // All of them at once, as an administrator would put them into one folder.
    let sources: Vec<Source> =
        crls.iter().map(|(name, der)| Source { origin: Origin::file(name), der: der.clone() }).collect();
    let (crls, _) = Crls::load(&sources, &known, at(MIDDLE));
    for (leaf, issuer, expected) in [
        ("ValidCertificatePathTest1EE", "GoodCACert", "good GoodCACRL"),
        ("GoodCACert", "TrustAnchorRootCertificate", "good TrustAnchorRootCRL"),
        ("InvalidMissingCRLTest1EE", "NoCRLCACert", "unknown"),
        ("RevokedsubCACert", "GoodCACert", "revoked keyCompromise"),
        ("InvalidRevokedEETest3EE", "GoodCACert", "revoked keyCompromise"),
        ("InvalidBadCRLSignatureTest4EE", "BadCRLSignatureCACert", "unknown"),
        ("InvalidBadCRLIssuerNameTest5EE", "BadCRLIssuerNameCACert", "unknown"),
        ("InvalidWrongCRLTest6EE", "WrongCRLCACert", "unknown"),
        ("ValidTwoCRLsTest7EE", "TwoCRLsCACert", "good TwoCRLsCAGoodCRL"),
        ("InvalidUnknownCRLEntryExtensionTest8EE", "UnknownCRLEntryExtensionCACert", "revoked keyCompromise"),
        ("InvalidUnknownCRLExtensionTest9EE", "UnknownCRLExtensionCACert", "revoked keyCompromise"),
        ("InvalidUnknownCRLExtensionTest10EE", "UnknownCRLExtensionCACert", "unknown"),
        ("InvalidOldCRLnextUpdateTest11EE", "OldCRLnextUpdateCACert", "expired OldCRLnextUpdateCACRL"),
        ("Invalidpre2000CRLnextUpdateTest12EE", "pre2000CRLnextUpdateCACert", "expired pre2000CRLnextUpdateCACRL"),
        (
            "ValidGeneralizedTimeCRLnextUpdateTest13EE",
            "GeneralizedTimeCRLnextUpdateCACert",
            "good GeneralizedTimeCRLnextUpdateCACRL",
        ),
        ("ValidNegativeSerialNumberTest14EE", "NegativeSerialNumberCACert", "good NegativeSerialNumberCACRL"),
        ("InvalidNegativeSerialNumberTest15EE", "NegativeSerialNumberCACert", "revoked keyCompromise"),
        ("ValidLongSerialNumberTest16EE", "LongSerialNumberCACert", "good LongSerialNumberCACRL"),
        ("ValidLongSerialNumberTest17EE", "LongSerialNumberCACert", "good LongSerialNumberCACRL"),
        ("InvalidLongSerialNumberTest18EE", "LongSerialNumberCACert", "revoked keyCompromise"),
    ] {
        let leaf = Certificate::read(leaf, &certificates[leaf]);
        let issuer = Certificate::read(issuer, &certificates[issuer]);
        let answer = crls.status(&leaf.to_check(), &issuer.authority(), at(MIDDLE), Duration::ZERO);
        assert_eq!(short(&answer), expected, "{}", leaf.label);
    }
    // 4.4.19 to 4.4.21: one name, a key for certificates and a key for CRLs.
    for (leaf, certificates_by, crls_by, signer_status, expected) in [
        (
            "ValidSeparateCertificateandCRLKeysTest19EE",
            "SeparateCertificateandCRLKeysCertificateSigningCACert",
            "SeparateCertificateandCRLKeysCRLSigningCert",
            "good TrustAnchorRootCRL",
            "good SeparateCertificateandCRLKeysCRL",
        ),
        (
            "InvalidSeparateCertificateandCRLKeysTest20EE",
            "SeparateCertificateandCRLKeysCertificateSigningCACert",
            "SeparateCertificateandCRLKeysCRLSigningCert",
            "good TrustAnchorRootCRL",
            "revoked keyCompromise",
        ),
        (
            "InvalidSeparateCertificateandCRLKeysTest21EE",
            "SeparateCertificateandCRLKeysCA2CertificateSigningCACert",
            "SeparateCertificateandCRLKeysCA2CRLSigningCert",
            "revoked keyCompromise",
            "good SeparateCertificateandCRLKeysCA2CRL",
        ),
    ] {
        let read = |name: &str| Certificate::read(name, &certificates[name]);
        let (leaf, issuer, signer) = (read(leaf), read(certificates_by), read(crls_by));
        let root = read("TrustAnchorRootCertificate");
        assert!(!issuer.may_sign_crls && signer.may_sign_crls);
        let alone = crls.status(&leaf.to_check(), &issuer.authority(), at(MIDDLE), Duration::ZERO);
        assert_eq!(short(&alone), "unknown");
        // The caller must vouch for the signer: in 4.4.21 it cannot.
        let vouched = crls.status(&signer.to_check(), &root.authority(), at(MIDDLE), Duration::ZERO);
        assert_eq!(short(&vouched), signer_status);
        let under = crls.status_under(&leaf.to_check(), &[signer.authority()], at(MIDDLE), Duration::ZERO);
        assert_eq!(short(&under), expected);
    }
}

/// Base64 DER by name.
fn decoded(table: &serde_json::Value) -> std::collections::BTreeMap<String, Vec<u8>> {
    let decode = |text: &str| {
        let mut bits = 0_u32;
        let mut held = 0;
        let mut bytes = Vec::new();
        for byte in text.bytes().filter(|byte| *byte != b'=') {
            let value = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => panic!("not base64"),
            };
            bits = (bits << 6) | u32::from(value);
            held += 6;
            if held >= 8 {
                held -= 8;
                bytes.push(u8::try_from((bits >> held) & 0xff).unwrap());
            }
        }
        bytes
    };
    table.as_object().unwrap().iter().map(|(name, text)| (name.clone(), decode(text.as_str().unwrap()))).collect()
}
