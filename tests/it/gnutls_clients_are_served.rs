//! GnuTLS, a third stack, through the gateway: tunnels in both versions, every suite they share, keys renewed on both sides,
//! clean ends, refusals.

use std::process::Command;

use ravelin_lab::server::{Body, Server, ServerSpec};

use crate::support::openssl::HEAD;
use crate::support::peer::Peer;
use crate::support::{Gate, Setup, skip};

async fn start() -> (Gate, Server) {
    let setup = Setup::new();
    let server = ServerSpec::tls(&setup.estate().server).body(Body::Echo).start().await.unwrap();
    (setup.servers(&[server.address()]).start(), server)
}

/// `gnutls-cli` that verifies the gateway, as this client, with this priority string; `None`, loudly, where it is not there.
fn cli(test: &str, gate: &Gate, client: &str, priority: &str) -> Option<Peer> {
    let path = |file: &str| gate.path(file).display().to_string();
    let mut command = Command::new("gnutls-cli");
    command.args(["--inline-commands", "--sni-hostname", "da.corp.example.test"]);
    command.args(["--verify-hostname", "da.corp.example.test", "--x509cafile", &path("ca/root.pem")]);
    command.args(["--x509certfile", &path(&format!("clients/{client}.pem"))]);
    command.args(["--x509keyfile", &path(&format!("clients/{client}.key"))]);
    command.args(["--priority", priority, "--port", &gate.address().port().to_string(), "127.0.0.1"]);
    let peer = Peer::start(&mut command);
    if peer.is_none() {
        skip(&format!("gnutls_clients_are_served::{test}"), "needs the command gnutls-cli");
    }
    peer
}

/// What GnuTLS and rustls both have.
const PRIORITIES: [&str; 6] = [
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM",
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-256-GCM",
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+CHACHA20-POLY1305",
    "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-GCM",
    "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-256-GCM",
    "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+CHACHA20-POLY1305",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_shared_suite_carries_a_tunnel() {
    for priority in PRIORITIES {
        let (gate, _server) = start().await;
        let test = "every_shared_suite_carries_a_tunnel";
        let Some(mut peer) = cli(test, &gate, "healthy-renewed", priority) else { return };
        peer.wait_for("Handshake was completed");
        peer.tell(HEAD);
        peer.wait_for("HTTP/1.1 200");
        let text: String = (0..5_000_u32).map(|line| format!("line {line:04} of {priority}\n")).collect();
        peer.tell(&text);
        peer.wait_for(&format!("line 4999 of {priority}"));
        let said = peer.said();
        let body = said.split_once("line 0000").map(|(_, rest)| format!("line 0000{rest}")).unwrap();
        assert!(body.starts_with(&text), "{priority}: other bytes than were sent");
        peer.end();
        let record = gate.records.ended("client_closed").await;
        assert_eq!(record["to_client_bytes"], text.len(), "{record:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_renewed_in_a_tunnel() {
    let (gate, _server) = start().await;
    let Some(mut peer) = cli("keys_are_renewed_in_a_tunnel", &gate, "healthy-renewed", PRIORITIES[1]) else { return };
    peer.wait_for("Handshake was completed");
    peer.tell(HEAD);
    peer.wait_for("HTTP/1.1 200");
    for round in 0..10 {
        // `^rekey1^` changes its own key, `^rekey^` asks for ours as well.
        peer.tell(if round % 2 == 0 { "^rekey^\n" } else { "^rekey1^\n" });
        let words = format!("<{round} goes on>\n");
        peer.tell(&words);
        peer.wait_for(words.trim_end());
    }
    let (_, said) = peer.end();
    assert!(said.to_lowercase().matches("rekey was completed").count() == 10, "{said}");
    gate.records.ended("client_closed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_come_as_alerts() {
    let (gate, server) = start().await;
    for (client, priority, alert, reason) in [
        ("revoked", PRIORITIES[1], "revoked", "revoked"),
        ("revoked", PRIORITIES[4], "revoked", "revoked"),
        ("partner", PRIORITIES[1], "unknown", "unknown_issuer"),
        ("expired", PRIORITIES[4], "expired", "expired"),
    ] {
        let Some(peer) = cli("refusals_come_as_alerts", &gate, client, priority) else { return };
        let (_, said) = peer.end();
        assert!(said.to_lowercase().contains(alert), "{client} {priority}: {said}");
        gate.records.ended(reason).await;
    }
    assert_eq!(server.visit_count(), 0);
}
