//! Paths: which authorities count, and which certificates they may vouch for.

use ravelin_lab::clock::DAY;
use ravelin_lab::pki::{
    CertificateSpec, GeneralName, Key, KeyId, KeyType, Name, SignatureAlgorithm, StringType, der, key_usage,
};

use super::*;

fn leaf() -> CertificateSpec {
    CertificateSpec::client("pc1.corp.example.test")
}

fn authority(name: &str) -> CertificateSpec {
    CertificateSpec::authority(Name::cn(name))
}

fn root() -> Authority {
    Authority::root("Root", NOW)
}

/// Start from a good issuing authority, change one thing. Sent by the client, so that nothing is refused at the start.
#[test]
fn issuing_authorities() {
    let root = root();
    let policy = build(spec(&root));
    let good = || authority("Issuing");
    for (case, issuing, expected) in [
        ("good", good(), Ok(())),
        ("without key usage", good().without_key_usage(), Ok(())),
        ("without key identifiers", good().subject_key_id(KeyId::Omitted).authority_key_id(KeyId::Omitted), Ok(())),
        ("other key identifier", good().authority_key_id(KeyId::These(vec![1, 2, 3])), Ok(())),
        ("path length 0", good().basic_constraints(true, Some(0)), Ok(())),
        ("last valid second", good().not_after(NOW), Ok(())),
        ("first valid second", good().not_before(NOW), Ok(())),
        ("expired", good().not_after(NOW - 1), Err(Reason::Expired)),
        ("not yet valid", good().not_before(NOW + 1), Err(Reason::NotYetValid)),
        ("no basic constraints", good().without_basic_constraints(), Err(Reason::MalformedCertificate)),
        ("CA:FALSE", good().basic_constraints(false, None), Err(Reason::MalformedCertificate)),
        (
            "may not sign certificates",
            good().key_usage(key_usage::DIGITAL_SIGNATURE | key_usage::CRL_SIGN),
            Err(Reason::MalformedCertificate),
        ),
        ("version 1", good().version_1(), Err(Reason::MalformedCertificate)),
        ("unknown critical extension", good().extension("1.2.3", true, vec![5, 0]), Err(Reason::MalformedCertificate)),
        ("unknown extension", good().extension("1.2.3", false, vec![5, 0]), Ok(())),
        ("for servers only", good().purposes(&[purpose::SERVER_AUTH]), Err(Reason::WrongPurpose)),
        ("for clients", good().purposes(&[purpose::CLIENT_AUTH]), Ok(())),
        ("for any purpose", good().purposes(&[purpose::ANY]), Ok(())),
        ("serial number zero", good().serial(&[0]), Err(Reason::MalformedCertificate)),
        ("negative serial number", good().serial(&[0xff]), Ok(())),
        ("serial number of 21 bytes", good().serial(&[0x11; 21]), Err(Reason::MalformedCertificate)),
        ("tampered", good().tampered(), Err(Reason::BadSignature)),
        ("RSA 1024", good().key(Key::public_rsa(1024)), Err(Reason::WeakKey)),
        ("RSA 16384", good().key(Key::public_rsa(16384)), Err(Reason::WeakKey)),
    ] {
        // What cannot sign is stood in for by another key: the refusal comes before any signature is looked at.
        let can_sign = issuing.key.has_private_half();
        let issuing = root.issue_authority(issuing);
        let signer = if can_sign { issuing } else { issuing.with_key(KeyType::P256) };
        check_issued(case, &policy, &signer.issue(leaf()), expected);
    }
}

/// Covers: docs/traps.md rows 42 and 52.
#[test]
fn leaves() {
    let root = root();
    let policy = build(spec(&root));
    for (case, leaf, expected) in [
        ("good", leaf(), Ok(())),
        ("last valid second", leaf().not_after(NOW), Ok(())),
        ("one second later", leaf().not_after(NOW - 1), Err(Reason::Expired)),
        ("first valid second", leaf().not_before(NOW), Ok(())),
        ("one second early", leaf().not_before(NOW + 1), Err(Reason::NotYetValid)),
        ("no purpose", leaf().without_purposes(), Err(Reason::WrongPurpose)),
        ("mail only", leaf().purposes(&[purpose::EMAIL]), Err(Reason::WrongPurpose)),
        ("any purpose", leaf().purposes(&[purpose::ANY]), Err(Reason::WrongPurpose)),
        ("several purposes", leaf().purposes(&[purpose::SERVER_AUTH, purpose::CLIENT_AUTH]), Ok(())),
        ("empty purposes", leaf().purposes(&[]), Err(Reason::MalformedCertificate)),
        ("no key usage", leaf().without_key_usage(), Ok(())),
        ("no signatures", leaf().key_usage(key_usage::KEY_ENCIPHERMENT), Err(Reason::WrongPurpose)),
        (
            "signs certificates",
            leaf().key_usage(key_usage::DIGITAL_SIGNATURE | key_usage::KEY_CERT_SIGN),
            Err(Reason::MalformedCertificate),
        ),
        ("CA:FALSE", leaf().basic_constraints(false, None), Ok(())),
        ("CA:TRUE", leaf().basic_constraints(true, None), Err(Reason::MalformedCertificate)),
        ("version 1", leaf().version_1(), Err(Reason::MalformedCertificate)),
        ("unknown critical extension", leaf().extension("1.2.3", true, vec![5, 0]), Err(Reason::MalformedCertificate)),
        (
            "security identifier twice",
            leaf().sid("S-1-5-21-1-2-3-4").sid_again("S-1-5-21-1-2-3-5"),
            Err(Reason::MalformedCertificate),
        ),
        (
            "name constraints",
            leaf().name_constraints(&[GeneralName::dns("example.test")], &[]),
            Err(Reason::MalformedCertificate),
        ),
        ("tampered", leaf().tampered(), Err(Reason::BadSignature)),
        ("another issuer's name", leaf().issuer(Name::cn("Nobody")), Err(Reason::UnknownIssuer)),
        ("serial number zero", leaf().serial(&[0]), Err(Reason::MalformedCertificate)),
        ("serial number of 20 bytes", leaf().serial(&[0x7f; 20]), Ok(())),
        ("RSA 2040", leaf().key(Key::public_rsa(2040)), Err(Reason::WeakKey)),
        ("RSA 16384", leaf().key(Key::public_rsa(16384)), Err(Reason::WeakKey)),
        ("P-384", leaf().key(KeyType::P384), Ok(())),
        ("P-521", leaf().key(KeyType::P521), Ok(())),
        ("Ed25519", leaf().key(KeyType::Ed25519), Ok(())),
        ("RSA 2048", leaf().key(Key::shared(KeyType::Rsa2048, 1)), Ok(())),
    ] {
        check_issued(case, &policy, &root.issue(leaf), expected);
    }
    let root_as_leaf = [root.certificate_der()];
    check("the anchor itself", &policy, &root_as_leaf, Err(Reason::MalformedCertificate));
    let twin = ravelin_lab::pki::self_signed(leaf().subject(root.name().clone()).key(root.key().clone()), NOW);
    check_issued("with the anchor's key and name", &policy, &twin, Ok(()));
    check("garbage", &policy, &[b"\x30\x03abc"], Err(Reason::MalformedCertificate));
    let mut trailing = root.issue(leaf()).certificate_der;
    trailing.push(0);
    check("bytes behind it", &policy, &[trailing], Err(Reason::MalformedCertificate));
}

trait SidAgain {
    fn sid_again(self, sid: &str) -> Self;
}

impl SidAgain for CertificateSpec {
    /// A second security identifier extension.
    fn sid_again(self, sid: &str) -> Self {
        let value = der::explicit(0, &der::octet_string(sid.as_bytes()));
        let name = [der::oid("1.3.6.1.4.1.311.25.2.1"), value].concat();
        self.extension("1.3.6.1.4.1.311.25.2", false, der::sequence(&[der::implicit_constructed(0, &name)]))
    }
}

#[test]
fn signature_algorithms() {
    let rsa = Authority::root_from(authority("Root").key(Key::shared(KeyType::Rsa2048, 1)), NOW);
    let ecdsa = root();
    use SignatureAlgorithm as S;
    for (root, algorithm, expected) in [
        (&rsa, S::RsaSha256, Ok(())),
        (&rsa, S::RsaSha384, Ok(())),
        (&rsa, S::RsaSha512, Ok(())),
        (&rsa, S::RsaPssSha256, Ok(())),
        (&rsa, S::RsaPssSha384, Ok(())),
        (&rsa, S::RsaPssSha512, Ok(())),
        (&rsa, S::RsaSha1, Err(Reason::WeakKey)),
        (&ecdsa, S::EcdsaSha256, Ok(())),
        (&ecdsa, S::EcdsaSha384, Ok(())),
        (&ecdsa, S::EcdsaSha512, Ok(())),
        (&ecdsa, S::EcdsaSha1, Err(Reason::WeakKey)),
    ] {
        let policy = build(spec(root));
        check_issued(&format!("{algorithm:?}"), &policy, &root.issue(leaf().signature(algorithm)), expected);
        // An authority signed so is as good, or as bad.
        let issuing = root.issue_authority(authority("Issuing").signature(algorithm));
        check_issued(&format!("authority by {algorithm:?}"), &policy, &issuing.issue(leaf()), expected);
    }
    // Roots sign themselves with what was good when they were made.
    let old = authority("Root").key(Key::shared(KeyType::Rsa2048, 1)).signature(S::RsaSha1);
    let old = Authority::root_from(old, NOW);
    check_issued("anchor with a SHA-1 self-signature", &build(spec(&old)), &old.issue(leaf()), Ok(()));
    // Such a root that is sent along and not configured changes nothing.
    let other = Authority::root("Other", NOW);
    let list = [other.issue(leaf()).certificate_der, old.certificate_der().to_vec()];
    check("unknown root with a SHA-1 self-signature sent along", &build(spec(&other)), &list, Ok(()));
    for key in [KeyType::P384, KeyType::P521, KeyType::Ed25519] {
        let root = Authority::root_from(authority("Root").key(key), NOW);
        check_issued(&format!("{key:?} authority"), &build(spec(&root)), &root.issue(leaf()), Ok(()));
    }
}

/// Covers: docs/traps.md row 46.
#[test]
fn authorities_whose_name_is_written_otherwise() {
    let root = Authority::root("CN=Corp Root CA,O=Contoso Ltd", NOW);
    let policy = build(spec(&root));
    let utf8 = |text: &str| Name::from(text);
    for (case, issuer, expected) in [
        ("case", utf8("CN=CORP root ca,O=contoso LTD"), Ok(())),
        ("spaces", utf8("CN=  Corp  Root CA ,O=Contoso Ltd"), Ok(())),
        ("BMPString", utf8("CN=Corp Root CA,O=Contoso Ltd").string_type(StringType::Bmp), Ok(())),
        ("PrintableString", utf8("CN=Corp Root CA,O=Contoso Ltd").string_type(StringType::Printable), Ok(())),
        ("order of RDNs", utf8("O=Contoso Ltd,CN=Corp Root CA"), Err(Reason::UnknownIssuer)),
        ("one RDN of two values", utf8("CN=Corp Root CA+O=Contoso Ltd"), Err(Reason::UnknownIssuer)),
        ("homoglyph", utf8("CN=C\u{43e}rp Root CA,O=Contoso Ltd"), Err(Reason::UnknownIssuer)),
        ("text that looks like it", utf8(r"CN=Corp Root CA\,O\=Contoso Ltd"), Err(Reason::UnknownIssuer)),
    ] {
        check_issued(case, &policy, &root.issue(leaf().issuer(issuer)), expected);
    }
}

#[test]
fn the_nearest_failure_is_told() {
    let root = root();
    let issuing = root.issue_authority(authority("Issuing"));
    let stale = root.issue_authority(authority("Issuing").key(issuing.key().clone()).not_after(NOW - 1));
    let client = issuing.issue(leaf());
    let policy = build(spec(&root));
    let with = |others: &[&Authority]| {
        let others = others.iter().map(|one| one.certificate_der().to_vec());
        std::iter::once(client.certificate_der.clone()).chain(others).collect::<Vec<_>>()
    };
    check("the issuer is missing", &policy, &with(&[]), Err(Reason::UnknownIssuer));
    check("only the expired one is there", &policy, &with(&[&stale]), Err(Reason::Expired));
    check("the expired one first", &policy, &with(&[&stale, &issuing]), Ok(()));
    check("the good one first", &policy, &with(&[&issuing, &stale]), Ok(()));
    // Expired and by a stranger: the stranger's claims are not worth a reason.
    let stranger = Authority::root("Stranger", NOW).issue(leaf().not_after(NOW - DAY));
    check_issued("an expired stranger", &policy, &stranger, Err(Reason::UnknownIssuer));
    // A forger's authority beside the real one of the same name.
    let forger = Authority::root("Issuing", NOW);
    check("beside a forger's", &policy, &with(&[&forger, &issuing]), Ok(()));
    let forged = forger.issue(leaf());
    let list = [forged.certificate_der, forger.certificate_der().to_vec(), issuing.certificate_der().to_vec()];
    check("forged", &policy, &list, Err(Reason::BadSignature));
}

/// An authority that was renewed with another key, and one that was cross-certified.
#[test]
fn more_than_one_way_up() {
    let (root, partner) = (root(), Authority::root("Partner Root", NOW));
    let issuing = root.issue_authority(authority("Issuing"));
    let cross = partner.issue_authority(authority("Issuing").key(issuing.key().clone()));
    let client = issuing.issue(leaf());
    let list = [&client.certificate_der[..], cross.certificate_der(), issuing.certificate_der()];
    check("either root", &build(spec(&root)), &list, Ok(()));
    check("either root", &build(spec(&partner)), &list, Ok(()));
    let both = PolicySpec {
        trust_anchors: vec![source("a", root.certificate_der()), source("b", partner.certificate_der())],
        intermediates: vec![source("c", cross.certificate_der()), source("d", issuing.certificate_der())],
        ..spec(&root)
    };
    check("alone", &build(both.clone()), &list[..1], Ok(()));
    // Covers: a revoked way up leaves the other one.
    let revoked = PolicySpec {
        revocation: crls(&[
            &root.crl(ravelin_lab::pki::CrlSpec::new()),
            &partner.crl(ravelin_lab::pki::CrlSpec::new().revoke_authority(&cross)),
            &issuing.crl(ravelin_lab::pki::CrlSpec::new()),
        ]),
        ..both
    };
    check("one way revoked", &build(revoked), &list[..1], Ok(()));
    // An intermediate may be the anchor: then nothing above it counts.
    let anchored = PolicySpec { trust_anchors: vec![source("issuing", issuing.certificate_der())], ..spec(&root) };
    check("intermediate as anchor", &build(anchored), &list[..1], Ok(()));
}

#[test]
fn path_lengths() {
    let root = Authority::root_from(authority("Root").basic_constraints(true, Some(1)), NOW);
    let policy = build(spec(&root));
    let one = root.issue_authority(authority("One"));
    let two = one.issue_authority(authority("Two"));
    check_issued("one below", &policy, &one.issue(leaf()), Ok(()));
    check_issued("two below", &policy, &two.issue(leaf()), Err(Reason::ChainTooLong));
    let renewed = one.issue_authority(authority("One"));
    check_issued("self-issued does not count", &policy, &renewed.issue(leaf()), Ok(()));
}

/// Covers: docs/traps.md row 43.
#[test]
fn name_constraints() {
    let root = root();
    let policy = build(spec(&root));
    let dns = GeneralName::dns;
    let corp = || leaf().subject("");
    let mailbox = |address: &str| corp().and_name(GeneralName::email(address));
    for (case, permitted, excluded, leaf, expected) in [
        ("inside", vec![dns("corp.example.test")], vec![], corp(), Ok(())),
        ("leading dot", vec![dns(".example.test")], vec![], corp(), Ok(())),
        ("outside", vec![dns("other.example.test")], vec![], corp(), Err(())),
        ("one of two outside", vec![dns("corp.example.test")], vec![], corp().and_name(dns("a.evil.test")), Err(())),
        ("excluded", vec![], vec![dns("corp.example.test")], corp(), Err(())),
        ("excluded in permitted", vec![dns("example.test")], vec![dns("pc1.corp.example.test")], corp(), Err(())),
        (
            "wildcard over a permitted",
            vec![dns("pc1.example.test")],
            vec![],
            corp().names(&[dns("*.example.test")]),
            Err(()),
        ),
        (
            "wildcard over an excluded",
            vec![],
            vec![dns("pc1.example.test")],
            corp().names(&[dns("*.example.test")]),
            Err(()),
        ),
        (
            "common name alone",
            vec![dns("corp.example.test")],
            vec![],
            corp().names(&[]).subject("CN=a.evil.test"),
            Err(()),
        ),
        (
            "common name that is no DNS name",
            vec![dns("corp.example.test")],
            vec![],
            corp().names(&[]).subject("CN=PC 1"),
            Ok(()),
        ),
        ("no name of the form", vec![GeneralName::email("example.test")], vec![], corp(), Ok(())),
        ("mailbox inside", vec![GeneralName::email("example.test")], vec![], mailbox("a@example.test"), Ok(())),
        ("mailbox outside", vec![GeneralName::email("example.test")], vec![], mailbox("a@evil.test"), Err(())),
        (
            "mailbox in the subject",
            vec![GeneralName::email("example.test")],
            vec![],
            leaf().subject("E=a@evil.test"),
            Err(()),
        ),
        (
            "URI constraint",
            vec![GeneralName::uri("example.test")],
            vec![],
            corp().and_name(GeneralName::uri("http://evil.test/")),
            Err(()),
        ),
        (
            "address",
            vec![GeneralName::IpBytes(vec![10, 0, 0, 0, 255, 0, 0, 0])],
            vec![],
            corp().and_name(GeneralName::Ip("11.0.0.1".parse().unwrap())),
            Err(()),
        ),
        (
            "directory inside",
            vec![GeneralName::Directory("O=Corp".into())],
            vec![],
            leaf().subject("O=CORP,CN=pc1"),
            Ok(()),
        ),
        (
            "directory outside",
            vec![GeneralName::Directory("O=Corp".into())],
            vec![],
            leaf().subject("O=Corporation,CN=pc1"),
            Err(()),
        ),
        ("directory, empty subject", vec![GeneralName::Directory("O=Corp".into())], vec![], corp(), Ok(())),
        (
            "user principal names cannot be judged",
            vec![GeneralName::Upn("@corp.example.test".to_owned())],
            vec![],
            corp().and_name(GeneralName::Upn("pc1@corp.example.test".to_owned())),
            Err(()),
        ),
        ("nor are they asked for", vec![GeneralName::Upn("@corp.example.test".to_owned())], vec![], corp(), Ok(())),
        ("malformed constraint", vec![dns("corp..example.test")], vec![], corp(), Err(())),
    ] {
        let expected = expected.map_err(|()| Reason::NameConstraint);
        let constrained = root.issue_authority(authority("Issuing").name_constraints(&permitted, &excluded));
        check_issued(case, &policy, &constrained.issue(leaf.clone()), expected);
        // Constraints reach through the authorities below, and those of an anchor count too.
        let below = constrained.issue_authority(authority("Below").subject("O=Corp,CN=Below"));
        if !matches!(permitted.first(), Some(GeneralName::Email(_))) || expected.is_ok() {
            check_issued(&format!("{case}, one tier below"), &policy, &below.issue(leaf.clone()), expected);
        }
        let anchor = Authority::root_from(authority("Root").name_constraints(&permitted, &excluded), NOW);
        check_issued(&format!("{case}, of the anchor"), &build(spec(&anchor)), &anchor.issue(leaf), expected);
    }
}
