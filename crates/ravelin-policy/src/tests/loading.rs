//! What stops a policy from being built, and what is only told.

use ravelin_lab::pki::{CertificateSpec, CrlSpec, Key, Name, key_usage};

use super::*;
use crate::Notice;

#[track_caller]
fn problem_texts(case: &str, spec: PolicySpec, expected: &[(&str, &str)]) {
    let found = problems(spec);
    assert_eq!(found.len(), expected.len(), "{case}: {found:?}");
    for (problem, (origin, text)) in found.iter().zip(expected) {
        assert!(
            problem.origin.to_string() == *origin && problem.text.contains(text),
            "{case}: {problem:?}, wanted {origin}: {text}"
        );
    }
}

#[track_caller]
fn notices(spec: PolicySpec) -> Vec<Notice> {
    Policy::build(spec, at(NOW)).expect("a policy").1
}

/// Covers: docs/traps.md rows 19, 20, 21.
#[test]
fn anchors_that_are_none() {
    let root = Authority::root("Root", NOW);
    let authority = || CertificateSpec::authority(Name::cn("Root"));
    let made = |spec: CertificateSpec| ravelin_lab::pki::self_signed(spec, NOW).certificate_der;
    for (case, der, text) in [
        ("empty", Vec::new(), "is empty"),
        ("garbage", b"not a certificate".to_vec(), "neither PEM nor DER"),
        ("a private key", root.key().pkcs8_der().to_vec(), "private key"),
        ("a CRL", root.crl(CrlSpec::new()).der, "is a CRL"),
        ("a certificate cut short", root.certificate_der()[..200].to_vec(), "neither PEM nor DER"),
        ("no authority", made(CertificateSpec::client("pc1.example.test")), "not marked as a certificate authority"),
        ("may not sign", made(authority().key_usage(key_usage::CRL_SIGN)), "may not sign certificates"),
        ("version 1", made(authority().version_1()), "version 3"),
        ("unknown critical extension", made(authority().extension("1.2.3", true, vec![5, 0])), "1.2.3"),
        ("weak key", root.issue(authority().key(Key::public_rsa(1024))).certificate_der, "fewer than 2048"),
        ("large key", root.issue(authority().key(Key::public_rsa(8192))).certificate_der, "more than 4096"),
    ] {
        let bad = || source("bad.pem", &der);
        problem_texts(case, PolicySpec { trust_anchors: vec![bad()], ..spec(&root) }, &[("bad.pem", text)]);
        problem_texts(case, PolicySpec { intermediates: vec![bad()], ..spec(&root) }, &[("bad.pem", text)]);
        problem_texts(case, PolicySpec { issued_by: Some(vec![bad()]), ..spec(&root) }, &[("bad.pem", text)]);
        let deny =
            DenyList { serials: vec![DeniedSerial { issuer: bad(), serial: "1".to_owned() }], ..DenyList::default() };
        problem_texts(case, PolicySpec { deny, ..spec(&root) }, &[("bad.pem", text)]);
    }
    let none = PolicySpec { trust_anchors: Vec::new(), ..spec(&root) };
    problem_texts("none", none, &[("trust_anchors", "no trust anchor")]);
    let expired = Authority::root_from(authority().not_after(NOW - 1), NOW);
    problem_texts("expired", spec(&expired), &[("trust_anchors", "outside its validity")]);
    let early = Authority::root_from(authority().not_before(NOW + 1), NOW);
    problem_texts("not yet valid", spec(&early), &[("trust_anchors", "outside its validity")]);
}

#[test]
fn every_problem_at_once() {
    let root = Authority::root("Root", NOW);
    let spec = PolicySpec {
        trust_anchors: vec![source("a.pem", b"x"), source("b.pem", b"")],
        purposes: vec!["client-auth".to_owned(), "1.2.".to_owned()],
        names: listed(&["*"], &["a b"]),
        deny: DenyList { spki_sha256: vec!["abc".to_owned()], ..DenyList::default() },
        ..spec(&root)
    };
    problem_texts(
        "all",
        spec,
        &[
            ("a.pem", "neither"),
            ("b.pem", "empty"),
            ("test", "'client-auth' is not an object identifier"),
            ("test", "'1.2.' is not"),
            ("test", "'*' has a wildcard"),
            ("test", "'a b' is not a DNS name"),
            ("deny", "64 hex digits"),
        ],
    );
    let root = Authority::root("Root", NOW);
    problem_texts(
        "no purposes",
        PolicySpec { purposes: Vec::new(), ..super::spec(&root) },
        &[("test", "none is wanted")],
    );
}

/// Covers: docs/traps.md row 22.
#[test]
fn every_anchor_of_a_bundle_counts() {
    let (one, two) = (Authority::root("One", NOW), Authority::root("Two", NOW));
    let anchors =
        vec![source("bundle.pem (1)", one.certificate_der()), source("bundle.pem (2)", two.certificate_der())];
    let policy = build(PolicySpec { trust_anchors: anchors, ..spec(&one) });
    for root in [&one, &two] {
        check_issued("either", &policy, &root.issue(CertificateSpec::client("pc1.corp.example.test")), Ok(()));
    }
    assert_eq!(policy.authority_subjects(), [one.name().to_der(), two.name().to_der()]);
}

/// Covers: docs/traps.md rows 32 and 51.
#[test]
fn what_is_told() {
    let root = Authority::root("Root", NOW);
    let issuing = root.issue_authority(CertificateSpec::authority("CN=Issuing"));
    let stranger = Authority::root("Stranger", NOW).issue_authority(CertificateSpec::authority("CN=Lost"));
    let expired = root.issue_authority(CertificateSpec::authority("CN=Old").not_after(NOW - 1));
    let good = || PolicySpec { intermediates: vec![source("issuing.pem", issuing.certificate_der())], ..spec(&root) };
    let with = |authority: &Authority| PolicySpec {
        intermediates: vec![source("x.pem", authority.certificate_der())],
        ..spec(&root)
    };
    assert_eq!(notices(good()), []);
    for (case, spec, origin, text) in [
        ("chains to nothing", with(&stranger), "x.pem", "chains to no trust anchor"),
        ("expired", with(&expired), "x.pem", "expired at 2026-11-24T11:59:59Z"),
        ("twice", with(&root), "x.pem", "configured twice"),
        ("nobody", PolicySpec { names: listed(&[], &[]), ..good() }, "test", "admits nobody"),
        ("nobody by issuer", PolicySpec { issued_by: Some(Vec::new()), ..good() }, "issued_by", "admits nobody"),
        (
            "issuer that is not configured",
            PolicySpec { issued_by: Some(vec![source("lost.pem", stranger.certificate_der())]), ..good() },
            "lost.pem",
            "neither a trust anchor nor an intermediate",
        ),
        (
            "an authority without a list",
            PolicySpec { revocation: crls(&[&root.crl(CrlSpec::new())]), ..good() },
            "issuing.pem",
            "no CRL of 'Issuing': certificates it issued are refused",
        ),
    ] {
        let found = notices(spec);
        assert!(
            found.iter().any(|one| one.origin.to_string() == origin && one.text.contains(text)),
            "{case}: {found:?}"
        );
    }
}

/// An anchor that ends after the start: RFC 5280 leaves it open, we do not.
#[test]
fn an_anchor_is_judged_at_every_decision() {
    let root = Authority::root_from(CertificateSpec::authority("CN=Root").not_after(NOW + 10), NOW);
    let policy = build(spec(&root));
    let client = root.issue(CertificateSpec::client("pc1.corp.example.test"));
    for (now, expected) in [(NOW + 10, Ok(())), (NOW + 11, Err(Reason::Expired))] {
        let decision = policy.decide(&chain(&client.chain()), &Context { now: at(now), generation: 7 });
        assert_eq!(outcome(&decision), expected);
        if let Verdict::Permit(permit) = decision.verdict {
            assert_eq!(permit.valid_until(), at(NOW + 10));
        }
    }
}
