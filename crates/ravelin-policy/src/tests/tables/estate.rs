//! The standard estate: everybody who should get in does, everybody else is reported the right reason.

use super::*;

/// Covers: docs/traps.md rows 31, 40, 42, 52.
#[test]
fn every_client_of_the_estate() {
    let policy = build(estate_spec());
    let clients = &ESTATE.clients;
    for (case, client, expected) in [
        ("healthy", &clients.healthy, Ok(())),
        ("issued after the authority's renewal", &clients.healthy_renewed, Ok(())),
        ("empty subject", &clients.healthy_no_subject, Ok(())),
        ("expired", &clients.expired, Err(Reason::Expired)),
        ("not yet valid", &clients.not_yet_valid, Err(Reason::NotYetValid)),
        ("revoked", &clients.revoked, Err(Reason::Revoked)),
        ("server purpose only", &clients.server_purpose, Err(Reason::WrongPurpose)),
        ("no purpose", &clients.no_purpose, Err(Reason::WrongPurpose)),
        ("suffix without its dot", &clients.wrong_name, Err(Reason::NameNotAllowed)),
        ("deny-listed", &clients.deny_listed, Err(Reason::DenyListed)),
        ("another company", &clients.partner, Err(Reason::UnknownIssuer)),
        ("authority of the same name", &clients.forged, Err(Reason::BadSignature)),
        ("leaf that is an authority", &clients.authority, Err(Reason::MalformedCertificate)),
        ("self-signed", &clients.self_signed, Err(Reason::UnknownIssuer)),
        ("broken signature", &clients.tampered, Err(Reason::BadSignature)),
        ("NUL in a name", &clients.nul_in_name, Err(Reason::NameMalformed)),
        ("no name", &clients.nameless, Err(Reason::NameMissing)),
        ("weak key", &clients.weak_key, Err(Reason::WeakKey)),
    ] {
        check_issued(case, &policy, client, expected);
        check(&format!("{case}, sent alone"), &policy, &[&client.certificate_der], expected);
        let with_root = [vec![client.certificate_der.clone()], client.path.clone()].concat();
        check(&format!("{case}, sent with its root"), &policy, &with_root, expected);
    }
    check::<&[u8]>("nothing", &policy, &[], Err(Reason::NoCertificate));
}

#[test]
fn what_a_permit_says() {
    let policy = build(estate_spec());
    let decision = decide(&policy, &chain(&ESTATE.clients.healthy.chain()));
    let Verdict::Permit(permit) = &decision.verdict else { panic!("{decision:#?}") };
    assert_eq!(permit.identity_key(), "pc01.corp.example.test");
    // The lists end before every certificate of the path.
    let next_update = policy.crls().iter().map(|list| list.next_update).min().unwrap();
    assert_eq!(permit.valid_until(), at(next_update));
    let identity = decision.identity.as_ref().unwrap();
    assert_eq!(identity.dns_names, ["pc01.corp.example.test"]);
    assert_eq!(identity.subject, "CN=pc01.corp.example.test");
    assert_eq!(identity.issuer, "CN=Corp Issuing CA 1,DC=corp,DC=example,DC=test");
    assert_eq!(identity.serial, ESTATE.clients.healthy.serial_hex());
    assert_eq!(identity.spki_sha256, ESTATE.clients.healthy.key.spki_sha256());
}

#[test]
fn a_denial_knows_who_it_was() {
    let policy = build(estate_spec());
    for client in [&ESTATE.clients.partner, &ESTATE.clients.weak_key, &ESTATE.clients.revoked] {
        let decision = decide(&policy, &chain(&client.chain()));
        assert_eq!(decision.identity.unwrap().serial, client.serial_hex());
    }
}
