//! A client that is refused ends with its reason, is reported the alert of that reason and nothing else, and no server sees so
//! much as a connection.

use ravelin_lab::client::{Client, Versions};
use ravelin_lab::end::{End, alert};
use ravelin_lab::pki::{CertificateSpec, GeneralName, Issued, Name, purpose};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::openssl::{self, HEAD, OpenSsl};
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

/// Covers: docs/traps.md rows 33, 40, 41, 42, 44, 45, 52. Windows' own IP-HTTPS server let the revoked in; and each end to end.
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

/// The same table in front of the second engine, by a client that offers nothing but null encryption: the same endings and
/// alerts, and no server hears of any.
#[tokio::test]
async fn everybody_who_is_refused_by_the_second_engine() {
    if !openssl::there("everybody_who_is_refused_by_the_second_engine") {
        return;
    }
    let setup = Setup::new().set("sites.main", "tls", r#"{ null_encryption = "fallback" }"#);
    let (gate, server) = gate_and_server(setup).await;
    let folder = gate.path("refused");
    std::fs::create_dir(&folder).unwrap();
    let options = ["-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0"];
    let mut failures = Vec::new();
    for (case, issued, end, number) in refused(&gate) {
        std::fs::write(folder.join("client.pem"), issued.chain_pem()).unwrap();
        std::fs::write(folder.join("client.key"), issued.key_pem()).unwrap();
        let seen = gate.records.len();
        let mut client = OpenSsl::client_with(gate.address(), &folder, "client", &options);
        client.send(HEAD);
        let record = gate.records.next(seen).await;
        client.says(&format!("alert number {number}\n")).await;
        let bytes = record["to_server_bytes"].as_u64();
        let got = (record["end"].as_str().unwrap(), record["alert_sent"].as_u64(), bytes);
        let second = record["null_only_hello"] == true && record["server"].is_null();
        if got != (end, Some(number.into()), Some(0)) || !second || client.said().contains("HTTP/1.1 200") {
            failures.push(format!("{case}: {got:?}: {record:#}\n{}", client.said()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let seen = gate.records.len();
    let client = OpenSsl::client(gate.address(), &options);
    let record = gate.records.next(seen).await;
    // Before TLS 1.3 there is no alert that says "certificate required" (RFC 5246 §7.2.2).
    assert_eq!((&record["end"], &record["server"]), (&"no_certificate".into(), &serde_json::Value::Null));
    client.says(&format!("alert number {}\n", record["alert_sent"])).await;
    assert_eq!(server.visit_count(), 0);
    // Whoever is let in by that engine has a tunnel.
    let mut client = OpenSsl::client_with(gate.address(), &gate.path("clients"), "healthy", &options);
    client.send(HEAD);
    client.says("HTTP/1.1 200").await;
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

/// A proof that does not hold is none: one bit turned on its way, in front of either engine, under either kind of key.
#[tokio::test]
async fn a_proof_with_one_bit_turned() {
    if !openssl::there("a_proof_with_one_bit_turned") {
        return;
    }
    let setup = Setup::new().set("sites.main", "tls", r#"{ null_encryption = "fallback" }"#);
    let (gate, server) = gate_and_server(setup).await;
    let clients = gate.path("clients");
    for cipher in ["NULL-SHA256:@SECLEVEL=0", "ECDHE-RSA-AES128-GCM-SHA256"] {
        for name in ["healthy", "healthy-renewed"] {
            let seen = gate.records.len();
            let tap = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut client =
                OpenSsl::client_with(tap.local_addr().unwrap(), &clients, name, &["-tls1_2", "-cipher", cipher]);
            client.send(HEAD);
            let turned = turn_a_bit_of_the_proof(tap, &gate).await;
            assert!(turned, "{cipher} {name}: no CertificateVerify came by");
            let record = gate.records.next(seen).await;
            assert_eq!((&record["end"], &record["alert_sent"]), (&"handshake_failed".into(), &51.into()), "{record:#}");
            client.says("alert number 51\n").await;
        }
    }
    assert_eq!(server.visit_count(), 0);
    gate.serves("turned bits").await;
}

/// Carries one connection to the gateway and back, as [`overhear`]; the last bit of a CertificateVerify that is sent in plain
/// (TLS 1.2) arrives as its opposite. Whether one came by.
async fn turn_a_bit_of_the_proof(tap: tokio::net::TcpListener, gate: &Gate) -> bool {
    let (client, _) = tap.accept().await.unwrap();
    let server = tokio::net::TcpStream::connect(gate.address()).await.unwrap();
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let there = tokio::spawn(async move {
        let mut turned = false;
        let mut head = [0; 5];
        while from_client.read_exact(&mut head).await.is_ok() {
            let mut body = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
            if from_client.read_exact(&mut body).await.is_err() {
                break;
            }
            // OpenSSL gives every message a record of its own.
            if (head[0], body[0]) == (22, 15) && !turned {
                *body.last_mut().unwrap() ^= 1;
                turned = true;
            }
            if to_server.write_all(&[&head, body.as_slice()].concat()).await.is_err() {
                break;
            }
        }
        turned
    });
    let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
    let _ = to_client.shutdown().await;
    there.await.unwrap()
}

/// Covers: docs/traps.md row 62. All that goes to a refused client after the gateway's own flight is one alert.
#[tokio::test]
async fn the_client_gets_an_alert_and_nothing_else() {
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
