//! A client that is refused ends with its reason, is told the alert of that reason and nothing else, and no server sees so
//! much as a connection.

use ravelin_lab::client::{Client, Versions};
use ravelin_lab::end::{End, alert};
use ravelin_lab::pki::{CertificateSpec, GeneralName, Issued, Name, purpose};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Gate, NAME, Setup, gate_and_server};

/// Label and alert of everybody who is not let in.
fn refused(gate: &Gate) -> Vec<(&'static str, Issued, &'static str, u8)> {
    let (clients, issuing) = (&gate.estate.clients, &gate.estate.issuing);
    let spec = |name: &str| CertificateSpec::client(&format!("{name}.corp.example.test"));
    let named = |names: &[GeneralName]| issuing.issue(spec("pc09").subject("").names(names));
    vec![
        ("expired", clients.expired.clone(), "expired", alert::CERTIFICATE_EXPIRED),
        ("not valid yet", clients.not_yet_valid.clone(), "not_yet_valid", alert::CERTIFICATE_EXPIRED),
        ("revoked", clients.revoked.clone(), "revoked", alert::CERTIFICATE_REVOKED),
        ("for servers", clients.server_purpose.clone(), "wrong_purpose", alert::UNSUPPORTED_CERTIFICATE),
        ("for nothing", clients.no_purpose.clone(), "wrong_purpose", alert::UNSUPPORTED_CERTIFICATE),
        (
            "for mail",
            issuing.issue(spec("pc05").purposes(&["1.3.6.1.5.5.7.3.4"])),
            "wrong_purpose",
            alert::UNSUPPORTED_CERTIFICATE,
        ),
        (
            "for anything",
            issuing.issue(spec("pc05").purposes(&["2.5.29.37.0"])),
            "wrong_purpose",
            alert::UNSUPPORTED_CERTIFICATE,
        ),
        ("another suffix", clients.wrong_name.clone(), "name_not_allowed", alert::ACCESS_DENIED),
        ("on the deny list", clients.deny_listed.clone(), "deny_listed", alert::ACCESS_DENIED),
        ("another company", clients.partner.clone(), "unknown_issuer", alert::UNKNOWN_CA),
        ("a CA of the same name", clients.forged.clone(), "bad_signature", alert::BAD_CERTIFICATE),
        ("signed by itself", clients.self_signed.clone(), "unknown_issuer", alert::UNKNOWN_CA),
        ("a bit turned", clients.tampered.clone(), "bad_signature", alert::BAD_CERTIFICATE),
        ("NUL in its name", clients.nul_in_name.clone(), "name_malformed", alert::ACCESS_DENIED),
        ("no name", clients.nameless.clone(), "name_missing", alert::ACCESS_DENIED),
        (
            "host name as mail address",
            named(&[GeneralName::email("pc09.corp.example.test")]),
            "name_missing",
            alert::ACCESS_DENIED,
        ),
        (
            "host name as URI",
            named(&[GeneralName::uri("https://pc09.corp.example.test/")]),
            "name_missing",
            alert::ACCESS_DENIED,
        ),
        (
            "two names in one",
            named(&[GeneralName::dns("pc09.evil.test,DNS:pc09.corp.example.test")]),
            "name_malformed",
            alert::ACCESS_DENIED,
        ),
        (
            "CN in another attribute",
            issuing.issue(spec("pc09").names(&[]).subject(Name::from("O=x\\,CN\\=pc09.corp.example.test"))),
            "name_missing",
            alert::ACCESS_DENIED,
        ),
        (
            "a good CN beside a wrong SAN",
            issuing.issue(CertificateSpec::client("pc09.evil.test").subject(Name::cn("pc09.corp.example.test"))),
            "name_not_allowed",
            alert::ACCESS_DENIED,
        ),
        (
            "purpose of an authority in between",
            gate.estate
                .root
                .issue_authority(CertificateSpec::authority("CN=Web CA").purposes(&[purpose::SERVER_AUTH]))
                .issue(spec("pc09")),
            "wrong_purpose",
            alert::UNSUPPORTED_CERTIFICATE,
        ),
        ("an authority", clients.authority.clone(), "malformed_certificate", alert::BAD_CERTIFICATE),
    ]
}

/// Covers: traps rows 33, 40, 41, 42, 44, 45, 52. Windows' own IP-HTTPS server let the revoked in; and each end to end.
#[tokio::test]
async fn everybody_who_is_refused() {
    let (gate, server) = gate_and_server(Setup::new()).await;
    let mut failures = Vec::new();
    for versions in [Versions::Tls12, Versions::Tls13] {
        for (case, issued, end, number) in refused(&gate) {
            let seen = gate.records.len();
            let told = gate.client().certificate(&issued).versions(versions).refused().await;
            let record = gate.records.next(seen).await;
            let bytes = record["to_server_bytes"].as_u64();
            let got = (record["end"].as_str().unwrap(), record["alert_sent"].as_u64(), told, bytes);
            if got != (end, Some(number.into()), End::Alert(number), Some(0)) || !record["server"].is_null() {
                failures.push(format!("{case}, {versions:?}: {got:?}: {}", record["detail"]));
            }
        }
        let seen = gate.records.len();
        let told = gate.client().versions(versions).refused().await;
        assert_eq!(gate.records.next(seen).await["end"], "no_certificate");
        assert_eq!(told, End::Alert(alert::CERTIFICATE_REQUIRED));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(server.visit_count(), 0);
    gate.serves("refusals").await;
}

/// A stolen certificate without its key is worth nothing.
#[tokio::test]
async fn a_certificate_without_its_key() {
    let (gate, server) = gate_and_server(Setup::new()).await;
    let clients = &gate.estate.clients;
    for versions in [Versions::Tls12, Versions::Tls13] {
        let seen = gate.records.len();
        let thief = gate.client().chain(clients.healthy_renewed.chain(), &clients.healthy_no_subject.key);
        assert_eq!(thief.versions(versions).refused().await, End::Alert(alert::DECRYPT_ERROR));
        let record = gate.records.next(seen).await;
        assert_eq!((&record["end"], &record["server"]), (&"handshake_failed".into(), &serde_json::Value::Null));
    }
    assert_eq!(server.visit_count(), 0);
}

/// Covers: traps row 62. All that goes to a refused client after the gateway's own flight is one alert.
#[tokio::test]
async fn the_client_is_told_an_alert_and_nothing_else() {
    let (gate, _server) = gate_and_server(Setup::new()).await;
    let clients = &gate.estate.clients;
    for (issued, number) in
        [(&clients.wrong_name, alert::ACCESS_DENIED), (&clients.revoked, alert::CERTIFICATE_REVOKED)]
    {
        for versions in [Versions::Tls12, Versions::Tls13] {
            let seen = gate.records.len();
            let tap = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let client = Client::new(tap.local_addr().unwrap(), NAME).certificate(issued).versions(versions);
            let (told, heard) = tokio::join!(client.refused(), overhear(tap, &gate));
            assert_eq!(told, End::Alert(number));
            let records = records_of(&heard);
            let last = records.last().unwrap();
            if versions == Versions::Tls12 {
                assert_eq!(*last, [21, 3, 3, 0, 2, 2, number], "a fatal alert");
                assert!(records[..records.len() - 1].iter().all(|record| record[0] == 22), "{records:?}");
            } else {
                // Level, description, the type of what is inside, and the tag: no room for words.
                assert_eq!((last[0], last.len()), (23, 5 + 2 + 1 + 16), "a sealed alert");
            }
            let record = gate.records.next(seen).await;
            for secret in [record["detail"].as_str().unwrap(), record["end"].as_str().unwrap(), "ravelin", "da1"] {
                let found = heard.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "{secret:?} was told");
            }
        }
    }
}

/// Carries one connection to the gateway and back; what the gateway said.
async fn overhear(tap: tokio::net::TcpListener, gate: &Gate) -> Vec<u8> {
    let (client, _) = tap.accept().await.unwrap();
    let server = tokio::net::TcpStream::connect(gate.address()).await.unwrap();
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let there = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
    });
    let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = from_server.read(&mut buffer).await {
        heard.extend(&buffer[..count]);
        let _ = to_client.write_all(&buffer[..count]).await;
    }
    let _ = to_client.shutdown().await;
    there.abort();
    heard
}

fn records_of(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let length = 5 + usize::from(u16::from_be_bytes([bytes[3], bytes[4]]));
        let (record, rest) = bytes.split_at(length);
        out.push(record);
        bytes = rest;
    }
    out
}
