//! Names, the deny list, the issuer rule and rules under trial, on whole certificates.

use ravelin_lab::pki::{CertificateSpec, GeneralName, Name};

use super::*;

fn pc1() -> CertificateSpec {
    CertificateSpec::client("pc1.corp.example.test")
}

/// Covers: docs/traps.md rows 40, 41, 44, 45.
#[test]
fn names_of_a_leaf() {
    let root = Authority::root("Root", NOW);
    let policy = build(PolicySpec {
        names: listed(&["*.corp.example.test", "kiosk.example.test"], &["pc-lost.corp.example.test"]),
        ..spec(&root)
    });
    let dns = GeneralName::dns;
    let named = |names: &[GeneralName]| pc1().names(names);
    let unnamed = |subject: Name| pc1().names(&[]).subject(subject);
    for (case, leaf, expected) in [
        ("plain", pc1(), Ok(())),
        ("another case", named(&[dns("PC1.Corp.Example.TEST")]), Ok(())),
        ("by its whole name", named(&[dns("kiosk.example.test")]), Ok(())),
        ("several, all allowed", named(&[dns("pc1.corp.example.test"), dns("kiosk.example.test")]), Ok(())),
        ("several, one not allowed", pc1().and_name(dns("pc1.other.test")), Err(Reason::NameNotAllowed)),
        ("several, one malformed", pc1().and_name(dns("pc 1.corp.example.test")), Err(Reason::NameMalformed)),
        ("several, one denied", pc1().and_name(dns("pc-lost.corp.example.test")), Err(Reason::DenyListed)),
        ("two labels for one wildcard", named(&[dns("a.pc1.corp.example.test")]), Err(Reason::NameNotAllowed)),
        ("the domain itself", named(&[dns("corp.example.test")]), Err(Reason::NameNotAllowed)),
        ("suffix without its dot", named(&[dns("pc1.evilcorp.example.test")]), Err(Reason::NameNotAllowed)),
        ("wildcard", named(&[dns("*.corp.example.test")]), Err(Reason::NameMalformed)),
        ("one label", named(&[dns("pc1")]), Err(Reason::NameMalformed)),
        ("trailing dot", named(&[dns("pc1.corp.example.test.")]), Err(Reason::NameMalformed)),
        ("empty", named(&[dns("")]), Err(Reason::NameMalformed)),
        ("not ASCII", named(&[dns("pc\u{f6}.corp.example.test")]), Err(Reason::NameMalformed)),
        ("A-label", named(&[dns("xn--pc-fka.corp.example.test")]), Ok(())),
        ("NUL", named(&[dns("pc1.corp.example.test\0.evil.test")]), Err(Reason::NameMalformed)),
        ("NUL in the common name", pc1().subject(Name::cn("pc1\0.evil.test")), Err(Reason::NameMalformed)),
        ("NUL in a URI", pc1().and_name(GeneralName::uri("http://a\0b/")), Err(Reason::NameMalformed)),
        ("NUL in a mail address", pc1().and_name(GeneralName::email("a\0@b.test")), Err(Reason::NameMalformed)),
        ("NUL in a UPN", pc1().and_name(GeneralName::Upn("pc1\0@b.test".to_owned())), Err(Reason::NameMalformed)),
        ("separator in a name", named(&[dns("a,DNS:pc1.corp.example.test")]), Err(Reason::NameMalformed)),
        ("as a URI", named(&[GeneralName::uri("pc1.corp.example.test")]), Err(Reason::NameMissing)),
        ("as a mail address", named(&[GeneralName::email("pc1.corp.example.test")]), Err(Reason::NameMissing)),
        ("as a UPN", named(&[GeneralName::Upn("pc1.corp.example.test".to_owned())]), Err(Reason::NameMissing)),
        ("as an address", named(&[GeneralName::IpBytes(b"pc1.corp.example.test".to_vec())]), Err(Reason::NameMissing)),
        (
            "as a directory name",
            named(&[GeneralName::Directory("CN=pc1.corp.example.test".into())]),
            Err(Reason::NameMissing),
        ),
        (
            "beside a common name that is allowed",
            named(&[GeneralName::uri("http://x.test/")]),
            Err(Reason::NameMissing),
        ),
        ("common name alone", unnamed(Name::cn("pc1.corp.example.test")), Ok(())),
        ("common name alone, not allowed", unnamed(Name::cn("pc1.other.test")), Err(Reason::NameNotAllowed)),
        ("common name alone, malformed", unnamed(Name::cn("PC1$")), Err(Reason::NameMalformed)),
        (
            "two common names",
            unnamed("CN=pc1.corp.example.test,CN=pc2.corp.example.test".into()),
            Err(Reason::NameMalformed),
        ),
        ("text that looks like one", unnamed(r"O=x\,CN\=pc1.corp.example.test".into()), Err(Reason::NameMissing)),
        ("only an organisation", unnamed("O=pc1.corp.example.test".into()), Err(Reason::NameMissing)),
        ("no subject", unnamed(Name::empty()), Err(Reason::NameMissing)),
    ] {
        check_issued(case, &policy, &root.issue(leaf), expected);
    }
}

/// Covers: docs/traps.md rows 50 and 51.
#[test]
fn every_rule_must_agree() {
    let root = Authority::root("Root", NOW);
    let (one, two) = (
        root.issue_authority(CertificateSpec::authority("CN=One")),
        root.issue_authority(CertificateSpec::authority("CN=Two")),
    );
    let policy = build(PolicySpec {
        issued_by: Some(vec![source("one", one.certificate_der())]),
        names: listed(&["*.corp.example.test"], &[]),
        purposes: vec![purpose::CLIENT_AUTH.to_owned(), purpose::SMART_CARD.to_owned()],
        ..spec(&root)
    });
    let both = || pc1().purposes(&[purpose::CLIENT_AUTH, purpose::SMART_CARD]);
    check_issued("all", &policy, &one.issue(both()), Ok(()));
    check_issued("one purpose of two", &policy, &one.issue(pc1()), Err(Reason::WrongPurpose));
    check_issued("another issuer", &policy, &two.issue(both()), Err(Reason::IssuerNotAllowed));
    check_issued("the root itself", &policy, &root.issue(both()), Err(Reason::IssuerNotAllowed));
    let outside = both().names(&[GeneralName::dns("pc1.other.test")]);
    check_issued("another name", &policy, &one.issue(outside), Err(Reason::NameNotAllowed));
    let same_key = root.issue_authority(CertificateSpec::authority("CN=One").key(one.key().clone()));
    check_issued("the issuer under a renewed certificate", &policy, &same_key.issue(both()), Ok(()));
    let forger = root.issue_authority(CertificateSpec::authority("CN=One"));
    check_issued("the issuer's name with another key", &policy, &forger.issue(both()), Err(Reason::IssuerNotAllowed));

    let nobody = build(PolicySpec { names: listed(&[], &[]), ..spec(&root) });
    check_issued("an empty allow list", &nobody, &root.issue(pc1()), Err(Reason::NameNotAllowed));
    let nobody = build(PolicySpec { issued_by: Some(Vec::new()), ..spec(&root) });
    check_issued("an empty issued_by", &nobody, &root.issue(pc1()), Err(Reason::IssuerNotAllowed));
}

/// Covers: docs/traps.md row 25.
#[test]
fn deny_lists() {
    let (root, other) = (Authority::root("Root", NOW), Authority::root("Other", NOW));
    let issuing = root.issue_authority(CertificateSpec::authority("CN=Issuing"));
    let serial = [0x00, 0xab, 0x01];
    let denied = issuing.issue(pc1().serial(&serial));
    let by_serial = DenyList {
        serials: vec![DeniedSerial { issuer: source("issuing", issuing.certificate_der()), serial: "AB01".to_owned() }],
        ..DenyList::default()
    };
    let with = |deny: DenyList| {
        build(PolicySpec {
            trust_anchors: vec![source("root", root.certificate_der()), source("other", other.certificate_der())],
            deny,
            ..spec(&root)
        })
    };
    let policy = with(by_serial);
    check_issued("by serial number", &policy, &denied, Err(Reason::DenyListed));
    check_issued("the same number of another issuer", &policy, &other.issue(pc1().serial(&serial)), Ok(()));
    check_issued("another number", &policy, &issuing.issue(pc1()), Ok(()));
    let by_key = |hash: String| with(DenyList { spki_sha256: vec![hash], ..DenyList::default() });
    check_issued("by key", &by_key(denied.key.spki_sha256()), &denied, Err(Reason::DenyListed));
    let upper = denied.key.spki_sha256().to_ascii_uppercase();
    check_issued("by key in capitals", &by_key(upper), &denied, Err(Reason::DenyListed));
    check_issued("by the issuer's key", &by_key(issuing.key().spki_sha256()), &denied, Err(Reason::DenyListed));
    check_issued("by another key", &by_key(other.key().spki_sha256()), &denied, Ok(()));
}

#[test]
fn rules_under_trial_are_reported_and_not_enforced() {
    let root = Authority::root("Root", NOW);
    let other = source("other", Authority::root("Other", NOW).certificate_der());
    let names =
        |allow: &[&str], deny: &[&str]| ShadowSpec { names: Some(listed(allow, deny)), ..ShadowSpec::default() };
    for (case, shadow, expected) in [
        ("names that agree", names(&["*.corp.example.test"], &[]), None),
        ("names that do not", names(&["*.eu.corp.example.test"], &[]), Some(Reason::NameNotAllowed)),
        ("names that deny", names(&["*.corp.example.test"], &["pc1.corp.example.test"]), Some(Reason::DenyListed)),
        (
            "issuer",
            ShadowSpec { issued_by: Some(vec![other]), ..ShadowSpec::default() },
            Some(Reason::IssuerNotAllowed),
        ),
        (
            "purposes",
            ShadowSpec { purposes: Some(vec![purpose::SMART_CARD.to_owned()]), ..ShadowSpec::default() },
            Some(Reason::WrongPurpose),
        ),
    ] {
        let policy = build(PolicySpec { shadow: Some(shadow), ..spec(&root) });
        let decision = decide(&policy, &chain(&root.issue(pc1()).chain()));
        assert_report(case, &decision);
        assert_eq!(outcome(&decision), Ok(()), "{case}");
        assert_eq!(decision.shadow_denial.map(|denial| denial.reason), expected, "{case}");
    }
}

#[test]
fn who_has_no_name_is_known_by_the_key() {
    let root = Authority::root("Root", NOW);
    let policy = build(spec(&root));
    let client = root.issue(pc1().names(&[]).subject(Name::empty()));
    let decision = decide(&policy, &chain(&client.chain()));
    let Verdict::Permit(permit) = decision.verdict else { panic!("a permit") };
    assert_eq!(permit.identity_key(), client.key.spki_sha256());
    // Ends with the certificate, which ends before its authority.
    assert_eq!(permit.valid_until(), at(NOW + 365 * 86_400));
}
