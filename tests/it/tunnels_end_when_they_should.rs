//! Idle, lifetime, expiry, an operator, a drain: each ends tunnels with its own label, cleanly, and nothing else does.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use ravelin_lab::client::{Client, Tunnel};
use ravelin_lab::end::End;
use ravelin_lab::pki::{CertificateSpec, Issued};
use ravelin_lab::server::{Body, Server, ServerSpec};
use ravelin_ops::operator::{KillSelector, Operator};

use crate::support::{Gate, Setup};

async fn gate(change: impl FnOnce(Setup) -> Setup) -> (Gate, Server) {
    let setup = Setup::new();
    let server = ServerSpec::tls(&setup.estate().server).body(Body::Echo).start().await.unwrap();
    (change(setup).servers(&[server.address()]).start(), server)
}

async fn tunnel(gate: &Gate, issued: &Issued) -> Tunnel {
    let client = Client::new(gate.address(), "da.corp.example.test").trust(&gate.estate.root);
    client.certificate(issued).connect().await.unwrap()
}

async fn echoes(tunnel: &mut Tunnel) {
    tunnel.send(b"still here").await.unwrap();
    assert_eq!(tunnel.receive(10).await.unwrap(), b"still here");
}

#[tokio::test]
async fn idle_counts_from_the_last_byte() {
    let (gate, server) = gate(|setup| setup.set("limits", "idle", r#""1s""#)).await;
    let healthy = gate.estate.clients.healthy.clone();
    let mut tunnel = tunnel(&gate, &healthy).await;
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(2500) {
        echoes(&mut tunnel).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(tunnel.end().await, End::CloseNotify);
    let visits = server.wait_until("the end", |visits| visits[0].end.is_some()).await;
    assert_eq!(visits[0].end, Some(End::CloseNotify));
    gate.records.ended("idle").await;
}

#[tokio::test]
async fn half_closed_idle() {
    let (gate, server) =
        gate(|setup| setup.set("limits", "half_closed_idle", r#""1s""#).set("limits", "idle", r#""1h""#)).await;
    let healthy = gate.estate.clients.healthy.clone();
    // The server never ends its half by itself once it has begun to stall.
    server.serve(Body::Stall);
    let mut tunnel = tunnel(&gate, &healthy).await;
    tunnel.close().await.unwrap();
    tunnel.set_deadline(Duration::from_secs(15));
    assert_eq!(tunnel.end().await, End::CloseNotify);
    gate.records.ended("idle").await;
}

#[tokio::test]
async fn lifetime() {
    let (gate, _server) = gate(|setup| setup.set("limits", "lifetime", r#""1s""#)).await;
    let healthy = gate.estate.clients.healthy.clone();
    let mut tunnel = tunnel(&gate, &healthy).await;
    echoes(&mut tunnel).await;
    assert_eq!(tunnel.end().await, End::CloseNotify);
    gate.records.ended("max_lifetime").await;
}

#[tokio::test]
async fn the_certificate_expires() {
    let (gate, _server) = gate(|setup| setup).await;
    let soon = CertificateSpec::client("pc-soon.corp.example.test").not_after(crate::support::unix_now() + 4);
    let soon = gate.estate.issuing.issue(soon);
    let healthy = gate.estate.clients.healthy.clone();
    let mut stays = tunnel(&gate, &healthy).await;
    let mut falls = tunnel(&gate, &soon).await;
    echoes(&mut falls).await;
    assert_eq!(falls.end().await, End::CloseNotify);
    gate.records.ended("expired").await;
    echoes(&mut stays).await;
}

#[tokio::test]
async fn an_operator_kills_by_name_site_or_number() {
    let (gate, _server) = gate(|setup| setup).await;
    let (one, two) = (gate.estate.clients.healthy.clone(), gate.estate.clients.healthy_renewed.clone());
    let operations = gate.running.operations().clone();
    let mut first = tunnel(&gate, &one).await;
    let mut second = tunnel(&gate, &two).await;
    let sessions = operations.sessions();
    let names: Vec<&str> = sessions.iter().map(|session| session.identity.as_str()).collect();
    assert_eq!(names, ["pc01.corp.example.test", "pc02.corp.example.test"]);
    assert_eq!(operations.kill(&KillSelector::Identity("PC01.corp.example.TEST".to_owned())), 1);
    assert_eq!(first.end().await, End::CloseNotify);
    echoes(&mut second).await;
    assert_eq!(operations.kill(&KillSelector::Site("other".to_owned())), 0);
    assert_eq!(operations.kill(&KillSelector::Session(sessions[1].session)), 1);
    assert_eq!(second.end().await, End::CloseNotify);
    crate::support::wait("both records", || gate.records.count("operator") == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_waits_for_tunnels_and_takes_no_new_ones() {
    let (gate, _server) = gate(|setup| setup.set("limits", "drain_deadline", r#""3s""#)).await;
    let address = gate.address();
    let mut ends_itself = tunnel(&gate, &gate.estate.clients.healthy).await;
    let mut is_ended = tunnel(&gate, &gate.estate.clients.healthy_renewed).await;
    let records = gate.records.clone();
    let (running, _files) = gate.into_running();
    let started = Instant::now();
    let drain = tokio::task::spawn_blocking(move || running.drain(&AtomicBool::new(false)));
    crate::support::wait("the listener to close", || std::net::TcpStream::connect(address).is_err()).await;
    echoes(&mut ends_itself).await;
    echoes(&mut is_ended).await;
    ends_itself.close().await.unwrap();
    assert_eq!(is_ended.end().await, End::CloseNotify);
    assert!(started.elapsed() >= Duration::from_secs(3), "cut before the deadline");
    drain.await.unwrap();
    assert_eq!((records.count("client_closed"), records.count("shutdown")), (1, 1), "{:#?}", records.all());
}
