//! Refused and hostile clients leave nothing behind and burn nothing, and running out of descriptors is got over. Each in a
//! process of its own, so that what is measured is the gateway and nothing else.

use std::time::{Duration, Instant};

use ravelin_lab::client::{Client, Versions};
use ravelin_lab::end::End;
use ravelin_lab::hello;
use ravelin_lab::pki::Estate;
use ravelin_lab::server::{Server, ServerSpec};

use crate::support::child::ChildGate;
use crate::support::{NAME, Setup, raw};

async fn child(setup: Setup) -> (ChildGate, Server) {
    let server = ServerSpec::tls(&setup.estate().server).start().await.unwrap();
    (ChildGate::start(setup.servers(&[server.address()])), server)
}

/// Refused handshakes after which memory is compared with what it was after the first thousand.
const REFUSALS: usize = 5_000;
/// What may be more then: far less than a leak of one certificate (500 bytes or more) a handshake would make, and room for
/// the allocator's pages.
const GROWTH_BYTES_MAX: i64 = 1536 * 1024;

/// Covers: docs/traps.md row 57.
#[tokio::test]
async fn memory_after_many_refused_handshakes() {
    let (gate, server) = child(Setup::new()).await;
    let clients = refused_clients(gate.address, gate.estate());
    let refuse = async |count: usize| {
        for number in 0..count {
            let end = clients[number % clients.len()].refused().await;
            assert_ne!(end, End::Timeout);
        }
    };
    refuse(1_000).await;
    let before = gate.resident_bytes();
    let begin = Instant::now();
    refuse(REFUSALS).await;
    let growth = gate.resident_bytes() - before;
    println!(
        "resident: {} KiB after 1,000 refused handshakes, {:+} KiB after {REFUSALS} more ({:.0} a second)",
        before / 1024,
        growth / 1024,
        REFUSALS as f64 / begin.elapsed().as_secs_f64()
    );
    assert!(growth < GROWTH_BYTES_MAX, "{growth} bytes more");
    assert_eq!(server.visit_count(), 0);
    gate.client().certificate(&gate.estate().clients.healthy_renewed).connect().await.unwrap();
}

/// Every way to be refused, cheap for this side; made once, since it is the gateway that is measured.
fn refused_clients(address: std::net::SocketAddr, estate: &Estate) -> Vec<Client> {
    let client = |name: &str| Client::new(address, name);
    let clients = &estate.clients;
    let mut all = Vec::new();
    for versions in [Versions::Tls12, Versions::Tls13] {
        for issued in [&clients.partner, &clients.forged, &clients.expired, &clients.revoked, &clients.nul_in_name] {
            all.push(client(NAME).certificate(issued).versions(versions));
        }
        all.push(client(NAME).versions(versions));
        all.push(client(NAME).chain(clients.healthy_renewed.chain(), &clients.expired.key).versions(versions));
        all.push(client("www.example.test").versions(versions));
        all.push(client(NAME).certificate(&clients.healthy_renewed).versions(versions).head("GET / HTTP/1.1\r\n\r\n"));
    }
    all
}

/// Covers: docs/traps.md row 54. close_notify in the middle of a handshake: the processor stays idle however long the client stays.
#[tokio::test]
async fn a_close_in_the_handshake_spins_nothing() {
    let (gate, _server) = child(Setup::new()).await;
    let close_notify = hello::record(21, [3, 3], &[1, 0]);
    let mut open = Vec::new();
    for count in [1, 2, 50] {
        let connection = gate.client().silent().await.unwrap();
        let bytes = [raw::small_hello(NAME), close_notify.repeat(count)].concat();
        connection.send(&bytes).await.unwrap();
        open.push(connection);
    }
    // What the handshakes themselves take is not meant.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let before = gate.ticks();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let burnt = gate.ticks() - before;
    println!("processor time in 2 s: {burnt} ticks of 10 ms");
    assert!(burnt <= 20, "{burnt} ticks of 10 ms in 2 s");
}

/// Covers: docs/traps.md row 58. Accepting pauses and does not spin, goes on when descriptors come back, and live tunnels do not notice.
#[tokio::test]
async fn out_of_descriptors() {
    let setup = Setup::new().set("limits", "handshake_deadline", r#""60s""#).set(
        "limits",
        "unauthenticated_per_source",
        "1000",
    );
    let (mut gate, _server) = child(setup).await;
    let good = gate.client().certificate(&gate.estate().clients.healthy_renewed);
    let mut tunnel = good.connect().await.unwrap();
    tunnel.solicit().await.unwrap();
    let free = gate.allow_descriptors(Some(4));
    // Each holds a descriptor from its first byte on, longer than this test takes.
    let mut flood = Vec::new();
    for _ in 0..free + 20 {
        let connection = gate.client().silent().await.unwrap();
        connection.send(&[22]).await.unwrap();
        flood.push(connection);
    }
    let mut shut_out = good.clone().deadline(Duration::from_secs(1));
    assert_eq!(shut_out.refused().await, End::Timeout, "there is no descriptor for it");
    let before = gate.ticks();
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        tunnel.ping().await.unwrap();
    }
    let burnt = gate.ticks() - before;
    println!("out of descriptors: {burnt} ticks of 10 ms in 2 s");
    assert!(burnt <= 20, "{burnt} ticks of 10 ms in 2 s");
    // Connections go, and it goes on by itself.
    drop(flood);
    shut_out = good.clone();
    let begin = Instant::now();
    shut_out.connect().await.unwrap().close().await.unwrap();
    println!("back after {:?}", begin.elapsed());
    tunnel.ping().await.unwrap();
    gate.allow_descriptors(None);
    good.connect().await.unwrap().close().await.unwrap();
    tunnel.ping().await.unwrap();
}
