//! No connection takes a decision of an earlier one with it: no ticket, no session identifier is ever given out, so that
//! every connection is a full handshake, judged by its own site and by the generation then in force.

use std::net::SocketAddr;

use ravelin_lab::client::{Client, Versions};
use ravelin_lab::end::{End, alert};
use ravelin_lab::pki::{CrlEntry, CrlSpec};
use ravelin_ops::operator::Operator;

use crate::support::{Gate, NAME, Setup, gate_and_server, raw};

/// Connects with everything remembered that servers ever gave to this client, and shows that it is nothing.
async fn connects_afresh(client: &Client, case: &str) {
    let mut tunnel = client.connect().await.unwrap_or_else(|end| panic!("{case}: {end}"));
    // Tickets come before the first data: these have been read.
    tunnel.solicit().await.unwrap();
    assert!(!tunnel.was_resumed() && tunnel.tickets() == 0, "{case}");
    tunnel.close().await.unwrap();
    tunnel.end().await;
}

fn remembering(gate: &Gate, versions: Versions) -> Client {
    gate.good_client().versions(versions).remembering()
}

/// Covers: docs/traps.md rows 1, 2, 3, 4. Two sites and two listeners with one certificate between them, of different policies.
#[tokio::test]
async fn from_one_site_or_listener_to_another() {
    let face = r#"[{ chain = "tls/face-rsa.pem", key = "tls/face-rsa.key" }]"#;
    let setup = Setup::new()
        .set("listeners.edge", "sites", r#"["main", "strict"]"#)
        .set("listeners.second", "bind", r#"["127.0.0.1:0"]"#)
        .set("listeners.second", "sites", r#"["second"]"#);
    let setup = ["strict", "second"].into_iter().fold(setup, |setup, site| {
        let section = format!("sites.{site}");
        let name = if site == "second" { NAME } else { "strict.corp.example.test" };
        setup
            .set(&section, "server_names", &format!(r#"["{name}"]"#))
            .set(&section, "certificates", face)
            .set(&section, "policy", r#""strict""#)
            .set(&section, "pool", r#""main""#)
    });
    let setup = setup
        .set("policies.strict", "trust_anchors", r#"["ca/partner.pem"]"#)
        .set("policies.strict", "names", r#"{ allow = ["*.corp.example.test"] }"#)
        .set("policies.strict", "revocation", r#"{ check = "off" }"#);
    let (gate, server) = gate_and_server(setup).await;
    let second: SocketAddr = gate.running.addresses("second")[0];
    for versions in [Versions::Tls12, Versions::Tls13] {
        let client = remembering(&gate, versions);
        connects_afresh(&client, "the first time").await;
        connects_afresh(&client, "the second time").await;
        let visits = server.visit_count();
        let elsewhere = |address, name| {
            let client = Client::new(address, name).certificate(&gate.estate.clients.healthy_renewed);
            client.versions(versions).remembering()
        };
        for other in [elsewhere(second, NAME), elsewhere(gate.address(), "strict.corp.example.test")] {
            assert_eq!(other.refused().await, End::Alert(alert::UNKNOWN_CA));
            assert_eq!(other.refused().await, End::Alert(alert::UNKNOWN_CA));
        }
        assert_eq!(server.visit_count(), visits);
    }
}

/// Covers: docs/traps.md rows 4, 5, 6, 7, 8, 10. Each setting of a policy, changed under a client that was let in before.
#[tokio::test]
async fn under_another_policy() {
    let (mut gate, server) = gate_and_server(Setup::new()).await;
    let policy = "policies.main";
    let good = [
        ("trust_anchors", r#"["ca/root.pem"]"#),
        ("names", r#"{ allow = ["*.corp.example.test"] }"#),
        ("issued_by", r#"["ca/issuing.pem", "ca/issuing-renewed.pem"]"#),
        ("purposes", r#"["client-auth"]"#),
        ("intermediates", r#"["ca/issuing.pem", "ca/issuing-renewed.pem"]"#),
        ("revocation", r#"{ crls = ["crl"], check = "chain" }"#),
    ];
    for (key, value) in good {
        gate.rewrite(policy, key, value);
    }
    assert!(gate.running.operations().reload(false).accepted);
    let revoking =
        gate.estate.root.crl(CrlSpec::new().number(900).entry(CrlEntry::new(gate.estate.issuing_renewed.serial())));
    std::fs::create_dir(gate.path("lists")).unwrap();
    std::fs::write(gate.path("lists/root.crl"), revoking.pem()).unwrap();
    std::fs::copy(gate.path("crl/issuing-renewed.crl"), gate.path("lists/issuing-renewed.crl")).unwrap();
    // Row 10: another certificate is another client.
    let client = remembering(&gate, Versions::Tls13);
    connects_afresh(&client, "its own certificate").await;
    connects_afresh(&client.certificate(&gate.estate.clients.healthy_no_subject), "another").await;
    let is_another = |record: &serde_json::Value| record["identity"]["dns_names"][0] == "pc03.corp.example.test";
    crate::support::wait("its record, with its own name", || gate.records.all().iter().any(is_another)).await;
    for (key, value, end, number) in [
        ("trust_anchors", r#"["ca/partner.pem"]"#, "unknown_issuer", alert::UNKNOWN_CA),
        ("names", r#"{ allow = ["*.eu.corp.example.test"] }"#, "name_not_allowed", alert::ACCESS_DENIED),
        (
            "names",
            r#"{ allow = ["*.corp.example.test"], deny = ["pc02.corp.example.test"] }"#,
            "deny_listed",
            alert::ACCESS_DENIED,
        ),
        ("issued_by", r#"["ca/issuing.pem"]"#, "issuer_not_allowed", alert::ACCESS_DENIED),
        ("purposes", r#"["client-auth", "1.3.6.1.4.1.311.20.2.2"]"#, "wrong_purpose", alert::UNSUPPORTED_CERTIFICATE),
        // Row 6: the list of the root revokes the authority in between. Last, since a list never goes back.
        ("revocation", r#"{ crls = ["lists"], check = "chain" }"#, "revoked", alert::CERTIFICATE_REVOKED),
    ] {
        let clients = [Versions::Tls12, Versions::Tls13].map(|versions| remembering(&gate, versions));
        for client in &clients {
            connects_afresh(client, value).await;
        }
        gate.rewrite(policy, key, value);
        let report = gate.running.operations().reload(false);
        assert!(report.accepted, "{key} = {value}: {report:#?}");
        let visits = server.visit_count();
        for client in &clients {
            let seen = gate.records.count(end);
            assert_eq!(client.refused().await, End::Alert(number), "{key} = {value}");
            crate::support::wait("its record", || gate.records.count(end) > seen).await;
        }
        assert_eq!(server.visit_count(), visits, "{key} = {value}");
        let (_, before) = good.iter().find(|(name, _)| *name == key).unwrap();
        gate.rewrite(policy, key, before);
        assert!(gate.running.operations().reload(false).accepted);
    }
}

/// Covers: docs/traps.md rows 1, 9. There is no lineage of tickets: the tenth connection is as new as the first.
#[tokio::test]
async fn however_often() {
    let (gate, _server) = gate_and_server(Setup::new()).await;
    for versions in [Versions::Tls12, Versions::Tls13] {
        let client = remembering(&gate, versions);
        for _ in 0..10 {
            connects_afresh(&client, "again").await;
        }
    }
}

/// Covers: docs/traps.md rows 7, 11. TLS 1.2 without the extended master secret, with a session identifier and a ticket to resume: the
/// answer is a new session without an identifier, or no session.
#[tokio::test]
async fn without_the_extended_master_secret() {
    let (gate, server) = gate_and_server(Setup::new()).await;
    let name = [&[0, 23, 0, 0, 20][..], NAME.as_bytes()].concat();
    assert_eq!(name.len(), 25);
    // server_name, supported_groups (X25519, P-256), ec_point_formats, signature_algorithms, session_ticket.
    let extensions: [(u16, &[u8]); 5] =
        [(0, &name), (10, &[0, 4, 0, 29, 0, 23]), (11, &[1, 0]), (13, &[0, 6, 4, 3, 8, 4, 4, 1]), (35, &[0x5a; 192])];
    let hello = raw::hello_of([3, 3], &[0xc02b, 0xc02f, 0xc02c, 0xc030], &extensions);
    match raw::answer(gate.address(), &[&hello], 44).await {
        // Record header (5), message header (4), version (2), random (32): the length of the session identifier.
        Ok(answer) => assert_eq!((answer[0], answer[5], answer[43]), (22, 2, 0), "a session identifier was given out"),
        Err(end) => assert!([End::CloseNotify, End::Fin, End::Reset].contains(&end), "{end:?}"),
    }
    assert_eq!(gate.records.next(0).await["site"], "main");
    assert_eq!(server.visit_count(), 0);
}
