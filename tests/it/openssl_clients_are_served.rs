//! `openssl s_client`, a TLS stack that is not ours, against the gateway.

use std::path::Path;
use std::process::Command;

use ravelin_lab::pki::{CertificateSpec, Issued, Key, KeyType};
use ravelin_lab::server::{Body, Server, ServerSpec};

use crate::support::peer::Peer;
use crate::support::{Gate, Setup, skip};

const HEAD: &str =
    "POST /IPHTTPS HTTP/1.1\r\nHost: da.corp.example.test\r\nContent-Length: 18446744073709551615\r\n\r\n";
const VERSIONS: [(&str, &str); 2] = [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")];

async fn start() -> (Gate, Server) {
    let setup = Setup::new();
    let server = ServerSpec::tls(&setup.estate().server).body(Body::Echo).start().await.unwrap();
    (setup.servers(&[server.address()]).start(), server)
}

/// `openssl s_client` that verifies the gateway, with further arguments; `None`, loudly, where there is no openssl.
fn s_client(test: &str, gate: &Gate, arguments: &[&str]) -> Option<Peer> {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", &gate.address().to_string(), "-verify_return_error", "-CAfile"]);
    command.arg(gate.path("ca/root.pem")).args(arguments);
    let peer = Peer::start(&mut command);
    if peer.is_none() {
        skip(&format!("openssl_clients_are_served::{test}"), "needs the command openssl");
    }
    peer
}

/// The arguments that name a client's files.
fn files(gate: &Gate, name: &str) -> Vec<String> {
    let path = |suffix: &str| gate.path(&format!("clients/{name}.{suffix}")).display().to_string();
    ["-cert".to_owned(), path("pem"), "-key".to_owned(), path("key"), "-cert_chain".to_owned(), path("pem")].into()
}

fn with<'a>(files: &'a [String], arguments: &[&'a str]) -> Vec<&'a str> {
    files.iter().map(String::as_str).chain(arguments.iter().copied()).collect()
}

fn write(folder: &Path, name: &str, issued: &Issued) {
    std::fs::write(folder.join(format!("{name}.pem")), issued.chain_pem()).unwrap();
    std::fs::write(folder.join(format!("{name}.key")), issued.key_pem()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_key_has_a_tunnel() {
    for (name, key) in
        [("rsa", KeyType::Rsa2048), ("p256", KeyType::P256), ("p384", KeyType::P384), ("p521", KeyType::P521)]
    {
        for (option, version) in VERSIONS {
            let (gate, server) = start().await;
            let host = format!("pc-{name}.corp.example.test");
            let issued = gate.estate.issuing.issue(CertificateSpec::client(&host).key(Key::shared(key, 7)));
            write(&gate.path("clients"), name, &issued);
            let files = files(&gate, name);
            let arguments = with(&files, &["-quiet", "-no_ign_eof", "-servername", "da.corp.example.test", option]);
            let Some(mut peer) = s_client("every_kind_of_key_has_a_tunnel", &gate, &arguments) else { return };
            peer.tell(HEAD);
            peer.wait_for("HTTP/1.1 200");
            peer.tell("through and back");
            peer.wait_for("through and back");
            peer.end();
            let record = gate.records.ended("client_closed").await;
            assert_eq!(record["version"], version, "{record:#}");
            assert_eq!(record["identity"]["name"], host, "{record:#}");
            assert_eq!((&record["to_server_bytes"], &record["to_client_bytes"]), (&16.into(), &16.into()));
            assert_eq!(server.visits().len(), 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_come_as_alerts() {
    for (option, _) in VERSIONS {
        for (client, label, alerts) in [
            (None, "no_certificate", &["certificate required", "handshake failure"][..]),
            (Some("expired"), "expired", &["certificate expired"]),
            (Some("revoked"), "revoked", &["certificate revoked"]),
            (Some("partner"), "unknown_issuer", &["unknown ca"]),
        ] {
            let (gate, server) = start().await;
            let files = client.map(|name| files(&gate, name)).unwrap_or_default();
            let arguments = with(&files, &["-quiet", "-no_ign_eof", "-servername", "da.corp.example.test", option]);
            let Some(mut peer) = s_client("refusals_come_as_alerts", &gate, &arguments) else { return };
            peer.tell(HEAD);
            // It keeps its input open: the refusal ends it, not we.
            peer.wait_for("alert");
            let (_, said) = peer.end();
            assert!(alerts.iter().any(|alert| said.contains(alert)), "{option} {client:?}: {said}");
            assert!(!said.contains("HTTP/1.1"), "{said}");
            gate.records.ended(label).await;
            assert!(server.visits().is_empty(), "{client:?} reached the server");
        }
    }
}

/// Covers: docs/traps.md rows 15, 16, 18 (server names).
#[tokio::test(flavor = "multi_thread")]
async fn server_names() {
    for (option, _) in VERSIONS {
        for (name, admitted) in [
            (&["-servername", "da.corp.example.test"][..], true),
            (&["-servername", "DA.Corp.Example.TEST"], true),
            (&["-servername", "da.corp.example.test."], true),
            (&["-noservername"], true),
            (&["-servername", "other.corp.example.test"], false),
            (&["-servername", "a.da.corp.example.test"], false),
            (&["-servername", "*.corp.example.test"], false),
            (&["-servername", "127.0.0.1"], false),
        ] {
            let (gate, server) = start().await;
            let files = files(&gate, "healthy");
            let arguments = with(&files, &[&["-quiet", "-no_ign_eof", option], name].concat());
            let Some(mut peer) = s_client("server_names", &gate, &arguments) else { return };
            peer.tell(HEAD);
            peer.wait_for(if admitted { "HTTP/1.1 200" } else { "unrecognized name" });
            peer.end();
            gate.records.ended(if admitted { "client_closed" } else { "unknown_server_name" }).await;
            assert_eq!(server.visits().len(), usize::from(admitted), "{name:?}");
        }
    }
}

/// Covers: docs/traps.md rows 1 to 11, with a client that wants to resume: each connection is a full handshake, with its certificate.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_resumed() {
    for (option, version) in VERSIONS {
        let (gate, _server) = start().await;
        let files = files(&gate, "healthy");
        let name = ["-servername", "da.corp.example.test", option];
        // Five further connections, each offering the first one's session.
        let arguments = with(&files, &[&name[..], &["-reconnect"]].concat());
        let Some(peer) = s_client("nothing_is_resumed", &gate, &arguments) else { return };
        let (_, said) = peer.end();
        assert!(said.matches(&format!("New, {version}")).count() >= 6 && !said.contains("Reused,"), "{said}");
        crate::support::wait("six sessions", || gate.records.all().len() == 6).await;

        // A session kept in a file, as far as there is one to keep.
        let kept = gate.path("kept.session").display().to_string();
        let (_, said) = s_client("", &gate, &with(&files, &[&name[..], &["-sess_out", &kept]].concat())).unwrap().end();
        assert!(said.contains(&format!("New, {version}")) && !said.contains("TLS session ticket:"), "{said}");
        if Path::new(&kept).exists() {
            let arguments = with(&files, &[&name[..], &["-sess_in", &kept]].concat());
            let (_, said) = s_client("", &gate, &arguments).unwrap().end();
            assert!(said.contains(&format!("New, {version}")), "{said}");
            // With nothing but the session to show for itself, it is a stranger.
            let arguments = [&name[..], &["-sess_in", &kept]].concat();
            s_client("", &gate, &arguments).unwrap().end();
            gate.records.ended("no_certificate").await;
        }
        let judged = gate.records.all().into_iter().filter(|record| record["end"] != "no_certificate");
        for record in judged {
            assert_eq!(record["identity"]["name"], "pc01.corp.example.test", "{record:#}");
        }
    }
}

/// Covers: docs/traps.md row 12 (renegotiation), before the request and in the tunnel.
#[tokio::test(flavor = "multi_thread")]
async fn renegotiation_is_refused() {
    for in_tunnel in [false, true] {
        let (gate, server) = start().await;
        let files = files(&gate, "healthy");
        let arguments = with(&files, &["-servername", "da.corp.example.test", "-tls1_2"]);
        let Some(mut peer) = s_client("renegotiation_is_refused", &gate, &arguments) else { return };
        peer.wait_for("Extended master secret");
        if in_tunnel {
            peer.tell(HEAD);
            peer.wait_for("HTTP/1.1 200");
        }
        peer.tell("R\n");
        peer.wait_for("RENEGOTIATING");
        peer.wait_for("no renegotiation");
        let (_, said) = peer.end();
        assert_eq!(said.matches("Server certificate\n").count(), 1, "{said}");
        crate::support::wait("the record", || gate.records.all().len() == 1).await;
        let record = &gate.records.all()[0];
        assert_eq!((&record["end"], &record["detail"]), (&"client_failed".into(), &"tried to renegotiate".into()));
        assert_eq!(record["identity"]["name"], "pc01.corp.example.test", "{record:#}");
        assert_eq!(server.visits().len(), usize::from(in_tunnel));
    }
}

/// A TLS 1.3 client may change its keys, and ask us to, as often as it likes within reason.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_updated_in_a_tunnel() {
    let (gate, _server) = start().await;
    let files = files(&gate, "healthy");
    let arguments = with(&files, &["-servername", "da.corp.example.test", "-tls1_3"]);
    let Some(mut peer) = s_client("keys_are_updated_in_a_tunnel", &gate, &arguments) else { return };
    peer.wait_for("Verify return code: 0");
    peer.tell(HEAD);
    peer.wait_for("HTTP/1.1 200");
    for (round, command) in ["k\n", "K\n", "K\n", "k\n"].into_iter().enumerate() {
        peer.tell(command);
        // Each read of its input is one command or one piece of data: it must not read both at once.
        peer.wait_for_times("KEYUPDATE", round + 1);
        let words = format!("under key {round}");
        peer.tell(&words);
        peer.wait_for(&words);
    }
    peer.end();
    let record = gate.records.ended("client_closed").await;
    assert_eq!(record["to_client_bytes"], 4 * 11, "{record:#}");
}
