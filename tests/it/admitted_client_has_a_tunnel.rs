//! An admitted client has a tunnel: its packets reach a server and the server's reach it, whatever certificates, versions
//! and upstream are in use; the server gets our own request head and nothing of the client's.

use ravelin_lab::client::{Client, Versions};
use ravelin_lab::server::{Server, ServerSpec};

use crate::support::{Gate, Setup};

async fn bridge() -> (Gate, Server) {
    let setup = Setup::new();
    let server = ServerSpec::tls(&setup.estate().server).start().await.unwrap();
    (setup.servers(&[server.address()]).start(), server)
}

#[tokio::test]
async fn every_healthy_certificate_and_version() {
    let (gate, server) = bridge().await;
    let clients = &gate.estate.clients;
    let mut admitted = 0;
    for (who, issued) in
        [("RSA", &clients.healthy), ("P-256", &clients.healthy_renewed), ("no subject", &clients.healthy_no_subject)]
    {
        for versions in [Versions::Tls12, Versions::Tls13] {
            let client = Client::new(gate.address(), "da.corp.example.test").trust(&gate.estate.root);
            let mut tunnel = client.certificate(issued).versions(versions).connect().await.unwrap_or_else(|end| {
                panic!("{who} {versions:?}: {end:?}; {:#?}", gate.records.all());
            });
            tunnel.solicit().await.unwrap();
            tunnel.ping().await.unwrap();
            tunnel.close().await.unwrap();
            admitted += 1;
        }
    }
    server
        .wait_until("every tunnel", |visits| visits.iter().filter(|visit| visit.end.is_some()).count() == admitted)
        .await;
    for visit in server.visits() {
        assert_eq!(
            String::from_utf8_lossy(&visit.head),
            "POST /IPHTTPS HTTP/1.1\r\nHost: da.corp.example.test\r\nContent-Length: 18446744073709551615\r\n\r\n"
        );
        assert_eq!(visit.server_name.as_deref(), Some("da.corp.example.test"));
    }
    let record = gate.records.ended("client_closed").await;
    assert_eq!(record["site"], "main");
    assert_eq!(record["server"], "da1");
}

/// A tunnel lives for days: what it began with is not counted only then.
#[tokio::test]
async fn the_handshake_is_counted_while_the_tunnel_stands() {
    let (gate, _server) = bridge().await;
    let completed = || {
        let counted = |line: &&str| line.starts_with("ravelin_handshakes_total{") && line.contains("completed");
        gate.metrics()
            .lines()
            .filter(counted)
            .map(|line| line.rsplit(' ').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let mut tunnel = gate.good_client().connect().await.unwrap();
    tunnel.ping().await.unwrap();
    assert_eq!(completed(), ["1"]);
    tunnel.close().await.unwrap();
    gate.records.ended("client_closed").await;
    assert_eq!(completed(), ["1"], "and not twice");
}
