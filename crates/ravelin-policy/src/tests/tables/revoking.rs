//! Revocation as the whole decision sees it; what a CRL says is tested in `revocation/tests`.

use ravelin_lab::clock::{DAY, HOUR};
use ravelin_lab::pki::{CertificateSpec, CrlSpec, DistributionScope, Extension};

use super::*;

fn leaf() -> CertificateSpec {
    CertificateSpec::client("pc1.corp.example.test")
}

struct Tiers {
    root: Authority,
    issuing: Authority,
    client: Issued,
}

fn tiers() -> Tiers {
    let root = Authority::root("Root", NOW);
    let issuing = root.issue_authority(CertificateSpec::authority("CN=Issuing"));
    let client = issuing.issue(leaf());
    Tiers { root, issuing, client }
}

/// Covers: docs/traps.md rows 26, 29, 30, 31, 32.
#[test]
fn crls_and_settings() {
    let Tiers { root, issuing, client } = tiers();
    let empty = CrlSpec::new;
    let root_crl = root.crl(empty());
    let rekeyed = root.issue_authority(CertificateSpec::authority("CN=Issuing"));
    let partition = |scope: DistributionScope| issuing.crl(empty().scope(scope));
    for (case, issuing_crl, denied, with_grace, with_unknown_allowed) in [
        ("good", Some(issuing.crl(empty())), Ok(()), Ok(()), Ok(())),
        ("none", None, Err(Reason::RevocationUnknown), Err(Reason::RevocationUnknown), Ok(())),
        (
            "revoked",
            Some(issuing.crl(empty().revoke(&client))),
            Err(Reason::Revoked),
            Err(Reason::Revoked),
            Err(Reason::Revoked),
        ),
        (
            "expired an hour ago",
            Some(issuing.crl(empty().this_update(NOW - DAY).next_update(NOW - HOUR))),
            Err(Reason::CrlExpired),
            Ok(()),
            Ok(()),
        ),
        (
            "expired, but it has the certificate",
            Some(issuing.crl(empty().this_update(NOW - DAY).next_update(NOW - HOUR).revoke(&client))),
            Err(Reason::Revoked),
            Err(Reason::Revoked),
            Err(Reason::Revoked),
        ),
        (
            "not yet valid",
            Some(issuing.crl(empty().this_update(NOW + HOUR))),
            Err(Reason::RevocationUnknown),
            Err(Reason::RevocationUnknown),
            Ok(()),
        ),
        (
            "by another key of that name",
            Some(rekeyed.crl(empty())),
            Err(Reason::RevocationUnknown),
            Err(Reason::RevocationUnknown),
            Ok(()),
        ),
        (
            "for authorities only",
            Some(partition(DistributionScope { only_authorities: true, ..DistributionScope::default() })),
            Err(Reason::RevocationUnknown),
            Err(Reason::RevocationUnknown),
            Ok(()),
        ),
        (
            "delta",
            Some(issuing.crl(empty().delta(1))),
            Err(Reason::RevocationUnknown),
            Err(Reason::RevocationUnknown),
            Ok(()),
        ),
    ] {
        let all: Vec<&Crl> = std::iter::once(&root_crl).chain(&issuing_crl).collect();
        let with = |revocation: RevocationSpec| build(PolicySpec { revocation, ..spec(&root) });
        check_issued(case, &with(crls(&all)), &client, denied);
        let grace = RevocationSpec { stale_grace: Duration::from_secs(7200), ..crls(&all) };
        check_issued(&format!("{case}, grace"), &with(grace), &client, with_grace);
        let allowed = RevocationSpec { unknown_allowed: true, ..crls(&all) };
        check_issued(&format!("{case}, unknown allowed"), &with(allowed), &client, with_unknown_allowed);
        let off = RevocationSpec { check: RevocationCheck::Off, ..crls(&all) };
        check_issued(&format!("{case}, off"), &with(off), &client, Ok(()));
    }
}

#[test]
fn whole_chain_or_leaf() {
    let Tiers { root, issuing, client } = tiers();
    let authority_revoked = root.crl(CrlSpec::new().revoke_authority(&issuing));
    let issuing_crl = issuing.crl(CrlSpec::new());
    for (case, all, chain_says, leaf_says) in [
        ("authority revoked", vec![&authority_revoked, &issuing_crl], Err(Reason::Revoked), Ok(())),
        ("no CRL of the root", vec![&issuing_crl], Err(Reason::RevocationUnknown), Ok(())),
    ] {
        for (check, expected) in [(RevocationCheck::Chain, chain_says), (RevocationCheck::Leaf, leaf_says)] {
            let revocation = RevocationSpec { check, ..crls(&all) };
            check_issued(case, &build(PolicySpec { revocation, ..spec(&root) }), &client, expected);
        }
    }
}

/// Covers: docs/traps.md row 25.
#[test]
fn a_serial_number_counts_for_its_issuer() {
    let Tiers { root, issuing, client } = tiers();
    let other = root.issue_authority(CertificateSpec::authority("CN=Other"));
    let other_crl = other.crl(CrlSpec::new().revoke(&client));
    let all = [&root.crl(CrlSpec::new()), &issuing.crl(CrlSpec::new()), &other_crl];
    let policy = build(PolicySpec { revocation: crls(&all), ..spec(&root) });
    check_issued("revoked by another", &policy, &client, Ok(()));
    check_issued("revoked there", &policy, &other.issue(leaf().serial(&client.serial)), Err(Reason::Revoked));
}

/// A permit expires with its CRLs, their grace included.
#[test]
fn a_permit_expires_with_its_crls() {
    let Tiers { root, issuing, client } = tiers();
    let all = [&root.crl(CrlSpec::new().next_update(NOW + DAY)), &issuing.crl(CrlSpec::new().next_update(NOW + HOUR))];
    let revocation = RevocationSpec { stale_grace: Duration::from_secs(60), ..crls(&all) };
    let intermediates = vec![source("issuing", issuing.certificate_der())];
    let policy = build(PolicySpec { intermediates, revocation, ..spec(&root) });
    let until = NOW + HOUR + 60;
    for (now, expected) in [(NOW, Ok(())), (until, Ok(())), (until + 1, Err(Reason::CrlExpired))] {
        let decision = policy.decide(&chain(&client.chain()), &Context { now: at(now), generation: 7 });
        assert_eq!(outcome(&decision), expected, "{decision:#?}");
        if let Verdict::Permit(permit) = decision.verdict {
            assert_eq!(permit.valid_until(), at(until));
        }
    }
    assert_eq!(policy.crls().len(), 2);
}

/// RFC 5280 has one list for a name; AD CS has one for a key.
#[test]
fn an_authority_that_certified_its_new_key() {
    let root = Authority::root("Root", NOW);
    let ca_version = Extension::new("1.3.6.1.4.1.311.21.1", false, vec![2, 1, 1]);
    for (case, extra, expected) in
        [("of another maker", None, Ok(())), ("of AD CS", Some(ca_version), Err(Reason::RevocationUnknown))]
    {
        let made = || {
            let mut spec = CertificateSpec::authority("CN=Issuing");
            spec.extra.extend(extra.clone());
            spec
        };
        let old = root.issue_authority(made());
        let new = old.issue_authority(made());
        let all = [&root.crl(CrlSpec::new()), &old.crl(CrlSpec::new())];
        let policy = build(PolicySpec { revocation: crls(&all), ..spec(&root) });
        check_issued(case, &policy, &new.issue(leaf()), expected);
        let client = new.issue(leaf());
        let all = [&root.crl(CrlSpec::new()), &old.crl(CrlSpec::new().revoke(&client)), &new.crl(CrlSpec::new())];
        let policy = build(PolicySpec { revocation: crls(&all), ..spec(&root) });
        // Its own key's list says good, and is asked first.
        check_issued(case, &policy, &client, Ok(()));
    }
}
