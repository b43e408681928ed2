//! Every reason of a denial, by the label that administrators see: one certificate each that brings it about.

use ravelin_lab::clock::{DAY, HOUR};
use ravelin_lab::pki::{CertificateSpec, CrlSpec, GeneralName, Key, Name};

use super::accounts::{Accounts, BLOCKED, named, of, pc, sid};
use super::*;
use directory::Account;

/// A label, the policy that denies, and the chain that it denies.
type Denied = (&'static str, Arc<Policy>, Vec<Vec<u8>>);

#[test]
fn every_reason_is_given_to_somebody() {
    let denied: Vec<Denied> = [of_the_path(), of_revocation(), of_names(), of_accounts()].concat();
    for (label, policy, certificates) in &denied {
        let reason = Reason::ALL.iter().copied().find(|reason| reason.label() == *label);
        let reason = reason.unwrap_or_else(|| panic!("no reason is labelled {label}"));
        check(label, policy, certificates, Err(reason));
    }
    let mut labels: Vec<&str> = denied.iter().map(|(label, _, _)| *label).collect();
    let mut all: Vec<&str> = Reason::ALL.iter().map(|reason| reason.label()).collect();
    labels.sort_unstable();
    all.sort_unstable();
    assert_eq!(labels, all, "each reason has one row");
}

fn leaf() -> CertificateSpec {
    CertificateSpec::client("pc1.corp.example.test")
}

fn authority(name: &str) -> CertificateSpec {
    CertificateSpec::authority(Name::cn(name))
}

fn of_the_path() -> Vec<Denied> {
    let root = Authority::root("Root", NOW);
    let policy = build(spec(&root));
    let issued = |leaf: CertificateSpec| root.issue(leaf).chain();
    let short = Authority::root_from(authority("Root").basic_constraints(true, Some(0)), NOW);
    let too_deep = short.issue_authority(authority("One")).issue(leaf()).chain();
    let nobody = build(PolicySpec { issued_by: Some(Vec::new()), ..spec(&root) });
    let constrained = authority("Issuing").name_constraints(&[GeneralName::dns("other.test")], &[]);
    let outside = root.issue_authority(constrained).issue(leaf()).chain();
    vec![
        ("no_certificate", policy.clone(), Vec::new()),
        ("unknown_issuer", policy.clone(), Authority::root("Other", NOW).issue(leaf()).chain()),
        ("issuer_not_allowed", nobody, issued(leaf())),
        ("chain_too_long", build(spec(&short)), too_deep),
        ("expired", policy.clone(), issued(leaf().not_after(NOW - 1))),
        ("not_yet_valid", policy.clone(), issued(leaf().not_before(NOW + 1))),
        ("bad_signature", policy.clone(), issued(leaf().tampered())),
        ("weak_key", policy.clone(), issued(leaf().key(Key::public_rsa(2040)))),
        ("malformed_certificate", policy.clone(), vec![b"\x30\x03abc".to_vec()]),
        ("wrong_purpose", policy.clone(), issued(leaf().purposes(&[purpose::SERVER_AUTH]))),
        ("name_constraint", policy, outside),
    ]
}

fn of_revocation() -> Vec<Denied> {
    let root = Authority::root("Root", NOW);
    let client = root.issue(leaf());
    let with = |all: &[&Crl]| build(PolicySpec { revocation: crls(all), ..spec(&root) });
    let expired = CrlSpec::new().this_update(NOW - DAY).next_update(NOW - HOUR);
    vec![
        ("revoked", with(&[&root.crl(CrlSpec::new().revoke(&client))]), client.chain()),
        ("revocation_unknown", with(&[]), client.chain()),
        ("crl_expired", with(&[&root.crl(expired)]), client.chain()),
    ]
}

fn of_names() -> Vec<Denied> {
    let root = Authority::root("Root", NOW);
    let names = listed(&["*.corp.example.test"], &["pc-lost.corp.example.test"]);
    let policy = build(PolicySpec { names, ..spec(&root) });
    let named = |name: &str| root.issue(CertificateSpec::client(name)).chain();
    vec![
        ("name_malformed", policy.clone(), named("pc 1.corp.example.test")),
        ("name_missing", policy.clone(), root.issue(leaf().names(&[]).subject(Name::empty())).chain()),
        ("name_not_allowed", policy.clone(), named("pc1.other.test")),
        ("deny_listed", policy.clone(), named("pc-lost.corp.example.test")),
    ]
}

fn of_accounts() -> Vec<Denied> {
    let twice = |number| Account {
        dns_host_name: Some("twice.corp.example.test".to_owned()),
        service_hosts: Vec::new(),
        ..named(number, &format!("pc{number}"))
    };
    let estate = Accounts::new(vec![
        pc(1),
        Account { user_account_control: 0x1002, ..pc(2) },
        Account { expires: Some(NOW), ..pc(3) },
        Account { user_account_control: 0x2000, ..pc(4) },
        Account { groups: Vec::new(), ..pc(5) },
        Account { groups: vec![BLOCKED], ..pc(6) },
        twice(7),
        twice(8),
    ]);
    let policy = estate.policy(estate.spec());
    let issued = |leaf: CertificateSpec| estate.root.issue(leaf).chain();
    let own = |number: u32| issued(of(&format!("pc{number}"), number));
    let stale = AccountSpec { max_age: Duration::from_secs(1), ..estate.spec() };
    let none = AccountSpec { directory: None, ..estate.spec() };
    vec![
        ("sid_missing", policy.clone(), issued(leaf())),
        ("sid_malformed", policy.clone(), issued(leaf().sid("S-1-5-21-x"))),
        ("sid_mismatch", policy.clone(), issued(of("pc1", 2))),
        ("account_not_found", policy.clone(), issued(of("pc99", 1))),
        (
            "account_ambiguous",
            estate.mapping(AccountMapping::Compatible),
            issued(CertificateSpec::client("twice.corp.example.test")),
        ),
        ("account_disabled", policy.clone(), own(2)),
        ("account_expired", policy.clone(), own(3)),
        ("account_not_computer", policy.clone(), own(4)),
        ("issuer_not_in_ntauth", policy.clone(), estate.partner.issue(leaf().sid(&sid(1))).chain()),
        ("group_missing", policy.clone(), own(5)),
        ("group_denied", policy.clone(), own(6)),
        ("directory_stale", estate.policy(stale), own(1)),
        ("directory_unavailable", estate.policy(none), own(1)),
    ]
}
