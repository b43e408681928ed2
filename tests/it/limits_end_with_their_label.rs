//! Each limit ends those beyond it in its own label, and touches nobody else.

use ravelin_lab::client::{Client, Tunnel};
use ravelin_lab::end::End;
use ravelin_lab::server::Server;

use crate::support::{Gate, Setup, gate_and_server, wait};

/// A gateway on which who waits for a permit may wait longer than any of these tests takes.
async fn patient(key: &str, value: &str) -> (Gate, Server) {
    gate_and_server(Setup::new().set("limits", "handshake_deadline", r#""120s""#).set("limits", key, value)).await
}

/// A client that has sent its first byte, and will send no other.
async fn waiting_from(gate: &Gate, last: u8) -> Tunnel {
    let connection = gate.client().from([127, 0, 0, last]).silent().await.unwrap();
    // One that is turned away may be so before.
    let _ = connection.send(&[22]).await;
    connection
}

/// Good clients of two identities, each from any address.
fn good_from(gate: &Gate, last: u8) -> Client {
    gate.good_client().from([127, 0, 0, last])
}

#[tokio::test]
async fn one_source_without_permits() {
    let (gate, server) = patient("unauthenticated_per_source", "3").await;
    // Admitted tunnels do not count.
    let mut admitted = Vec::new();
    for _ in 0..3 {
        admitted.push(good_from(&gate, 9).connect().await.unwrap());
    }
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(waiting_from(&gate, 9).await);
    }
    gate.wait_for("three that wait", |status| status.handshakes_in_flight == 3).await;
    let mut fourth = waiting_from(&gate, 9).await;
    fourth.end().await;
    assert_eq!(
        gate.records.ended("source_limit").await["client"].as_str().unwrap().split(':').next(),
        Some("127.0.0.9")
    );
    gate.serves("another source at its limit").await;
    drop(waiting);
    gate.wait_for("nobody waits", |status| status.handshakes_in_flight == 0).await;
    admitted.pop().unwrap().close().await.unwrap();
    gate.wait_for("a tunnel less", |status| status.tunnels == 2).await;
    admitted.push(good_from(&gate, 9).connect().await.unwrap());
    for tunnel in &mut admitted {
        tunnel.solicit().await.unwrap();
    }
    assert_eq!(server.visit_count(), 5);
    assert_eq!(gate.records.count("source_limit"), 1);
}

/// A flood displaces itself: when all places are taken, the heaviest source's newest makes room for a lighter one.
#[tokio::test]
async fn handshakes_in_flight() {
    let (gate, _server) = patient("handshakes_in_flight", "6").await;
    let mut tunnel = good_from(&gate, 2).connect().await.unwrap();
    let (mut heavy, mut light) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        heavy.push(waiting_from(&gate, 2).await);
    }
    for _ in 0..2 {
        light.push(waiting_from(&gate, 3).await);
    }
    gate.wait_for("all places taken", |status| status.handshakes_in_flight == 6).await;
    let seen = gate.records.len();
    let newcomer = good_from(&gate, 4).connect().await.unwrap();
    let shed = gate.records.next(seen).await;
    assert_eq!((&shed["end"], client_of(&shed)), (&"session_limit".into(), "127.0.0.2"));
    assert!(shed["detail"].as_str().unwrap().contains("made room"), "{shed:#}");
    assert_ne!(heavy.pop().unwrap().end().await, End::Timeout, "the newest");
    // The heaviest source gets no place at the cost of others.
    heavy.push(waiting_from(&gate, 2).await);
    gate.wait_for("all places taken again", |status| status.handshakes_in_flight == 6).await;
    let seen = gate.records.len();
    waiting_from(&gate, 2).await.end().await;
    let turned_away = gate.records.next(seen).await;
    assert_eq!((&turned_away["end"], client_of(&turned_away)), (&"session_limit".into(), "127.0.0.2"));
    // Nor does anybody when each holds little: there is no room to make.
    drop((heavy, light));
    gate.wait_for("nobody waits", |status| status.handshakes_in_flight == 0).await;
    let mut singles = Vec::new();
    for source in 10..16 {
        singles.push(waiting_from(&gate, source).await);
    }
    gate.wait_for("all places taken by six sources", |status| status.handshakes_in_flight == 6).await;
    let seen = gate.records.len();
    waiting_from(&gate, 20).await.end().await;
    assert_eq!(client_of(&gate.records.next(seen).await), "127.0.0.20");
    tunnel.solicit().await.unwrap();
    tunnel.ping().await.unwrap();
    drop(newcomer);
}

#[tokio::test]
async fn rate_of_a_source() {
    let (gate, _server) = patient("unauthenticated_rate_per_source", r#""1/s""#).await;
    // However slow this machine is, twenty at once are more than one a second.
    let mut connections = Vec::new();
    for _ in 0..20 {
        connections.push(waiting_from(&gate, 9).await);
    }
    gate.records.ended("rate_limited").await;
    // Kept: its end would be a record, too.
    let _tunnel = good_from(&gate, 10).connect().await.unwrap();
    for record in gate.records.all() {
        assert_eq!((client_of(&record), &record["end"]), ("127.0.0.9", &"rate_limited".into()));
    }
}

#[tokio::test]
async fn tunnels_of_an_identity() {
    let (gate, server) = gate_and_server(Setup::new().set("limits", "tunnels_per_identity", "2")).await;
    let first = gate.good_client().connect().await.unwrap();
    let mut second = good_from(&gate, 9).connect().await.unwrap();
    let refused = good_from(&gate, 10).refused().await;
    assert!([End::CloseNotify, End::Reset, End::Fin].contains(&refused), "{refused:?}");
    let record = gate.records.ended("identity_limit").await;
    assert_eq!(record["identity"]["dns_names"][0], "pc02.corp.example.test");
    assert_eq!(server.visit_count(), 2, "no server was asked");
    // Another computer is not concerned.
    gate.client().certificate(&gate.estate.clients.healthy_no_subject).connect().await.unwrap();
    first.close().await.unwrap();
    gate.records.ended("client_closed").await;
    gate.wait_for("a tunnel less", |status| status.tunnels == 1).await;
    let mut third = gate.good_client().connect().await.unwrap();
    for tunnel in [&mut second, &mut third] {
        tunnel.solicit().await.unwrap();
    }
    assert_eq!(gate.records.count("identity_limit"), 1);
}

#[tokio::test]
async fn all_sessions() {
    let (gate, server) = gate_and_server(Setup::new().set("limits", "sessions", "3")).await;
    let mut tunnels = Vec::new();
    for source in 2..5 {
        tunnels.push(good_from(&gate, source).connect().await.unwrap());
    }
    let refused = good_from(&gate, 6).refused().await;
    assert_ne!(refused, End::Timeout);
    assert_eq!(client_of(&gate.records.ended("session_limit").await), "127.0.0.6");
    assert_eq!(server.visit_count(), 3);
    tunnels.pop().unwrap().close().await.unwrap();
    gate.records.ended("client_closed").await;
    wait("room", || gate.running.gateway().sessions() == 2).await;
    tunnels.push(good_from(&gate, 6).connect().await.unwrap());
    for tunnel in &mut tunnels {
        tunnel.solicit().await.unwrap();
    }
}

fn client_of(record: &serde_json::Value) -> &str {
    record["client"].as_str().unwrap().split(':').next().unwrap()
}
