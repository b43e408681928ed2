//! Thousands of connections that end in seven ways leave the process as it was: descriptors, memory and counts, with a record for
//! each.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ravelin_lab::client::Client;
use ravelin_lab::end::End;
use ravelin_lab::server::{Body, ServerSpec};
use tokio::task::JoinSet;

use crate::support::{NAME, Process, Setup};

const KINDS: usize = 7;
/// Of each kind, before anything is measured: threads' caches and the allocator's pages are then what they will be.
const WARM_UP: usize = 60;
/// Of each kind: three thousand in all.
const EACH: usize = 430;
/// At one time; half of what one source may have without a permit.
const AT_ONCE: usize = 32;
/// A leak of one buffer of a handshake (4 KiB) in one kind would be 1.7 MiB, one of a tunnel (16 KiB and more) 7 MiB.
const GROWTH_BYTES_MAX: i64 = 1536 * 1024;

/// One connection of a kind.
async fn one(kind: usize, client: Client, good: Client) {
    match kind {
        // Clean.
        0 => {
            let mut tunnel = good.connect().await.unwrap();
            tunnel.send(&[7; 1000]).await.unwrap();
            tunnel.receive(1000).await.unwrap();
            tunnel.close().await.unwrap();
            assert_eq!(tunnel.end().await, End::CloseNotify);
        }
        // Reset right after the request head.
        1 => {
            let tunnel = good.handshake().await.unwrap();
            tunnel.send(&good.head_bytes().unwrap()).await.unwrap();
            tunnel.reset();
        }
        // Reset in the middle of a transfer, with an answer under way that nobody reads.
        2 => {
            let tunnel = good.connect().await.unwrap();
            tunnel.send(&[7; 64 * 1024]).await.unwrap();
            tunnel.reset();
        }
        // TCP and nothing else.
        3 => drop(client.silent().await.unwrap()),
        // Garbage.
        4 => {
            let mut connection = client.silent().await.unwrap();
            let _ = connection.send(&[0xa5; 300]).await;
            assert_ne!(connection.end().await, End::Timeout);
        }
        // Half a ClientHello.
        5 => {
            let connection = client.silent().await.unwrap();
            let hello = client.hello().unwrap();
            connection.send(&hello[..hello.len() / 2]).await.unwrap();
        }
        // A whole handshake without a certificate.
        _ => assert_ne!(client.refused().await, End::Timeout),
    }
}

async fn many(each: usize, client: &Client, good: &Client) {
    let mut running = JoinSet::new();
    for number in 0..each * KINDS {
        if running.len() >= AT_ONCE {
            running.join_next().await.unwrap().unwrap();
        }
        running.spawn(one(number % KINDS, client.clone(), good.clone()));
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
}

/// How many sessions ended how. Metrics are made from records, and have every one of them.
fn ends(process: &Process) -> BTreeMap<String, usize> {
    let mut ends = BTreeMap::new();
    for line in process.page("/metrics").lines().filter(|line| line.starts_with("ravelin_sessions_total{")) {
        let (labels, count) = line.rsplit_once(' ').unwrap();
        let end = labels.split_once("end=\"").unwrap().1.split_once('"').unwrap().0;
        *ends.entry(end.to_owned()).or_default() += count.parse::<usize>().unwrap();
    }
    ends
}

#[tokio::test(flavor = "multi_thread")]
async fn descriptors_memory_and_counts() {
    let setup = Setup::new().set("log", "level", "\"error\"").set("log", "audit", "\"audit.jsonl\"").set(
        "limits",
        "tunnels_per_identity",
        "100",
    );
    let server = ServerSpec::tls(&setup.estate().server).body(Body::Echo).start().await.unwrap();
    let process = Process::start(setup.servers(&[server.address()]));
    let client = Client::new(process.address(), NAME).deadline(Duration::from_secs(30));
    let good = client.clone().certificate(&process.setup.estate().clients.healthy_renewed);
    let settled = |each: usize| {
        process.wait_until("a record for each", || ends(&process).values().sum::<usize>() >= each * KINDS);
    };

    let idle = process.descriptors();
    many(WARM_UP, &client, &good).await;
    settled(WARM_UP);
    process.wait_until("its descriptors", || process.descriptors() <= idle);
    let (descriptors, before, began) = (process.descriptors(), process.resident_bytes(), Instant::now());
    many(EACH, &client, &good).await;
    let took = began.elapsed();
    settled(WARM_UP + EACH);
    process.wait_until("its descriptors", || process.descriptors() <= descriptors);
    let growth = process.resident_bytes() - before;
    println!(
        "{} connections in {took:.1?}: descriptors {descriptors}, as before; resident {} KiB {:+} KiB",
        EACH * KINDS,
        before / 1024,
        growth / 1024
    );
    assert!(growth < GROWTH_BYTES_MAX, "{growth} bytes more");

    let ends = ends(&process);
    println!("{:?}", ends.iter().filter(|(_, count)| **count > 0).collect::<Vec<_>>());
    let all = WARM_UP + EACH;
    let count = |end: &str| ends.get(end).copied().unwrap_or(0);
    assert_eq!(ends.values().sum::<usize>(), all * KINDS, "{ends:?}");
    assert_eq!((count("client_closed"), count("no_certificate")), (all, all), "{ends:?}");
    // A reset may overtake the last bytes of its own handshake; most do not.
    assert_eq!(count("client_failed") + count("handshake_failed"), 5 * all, "{ends:?}");
    assert!(count("client_failed") > all, "{ends:?}");
    let status = process.ask_json(&["status"]);
    assert_eq!((&status["tunnels"], &status["handshakes_in_flight"]), (&0.into(), &0.into()), "{status:#}");
    assert!(server.visits().iter().all(|visit| visit.end.is_some()), "a server was left with an open connection");
    good.connect().await.unwrap().close().await.unwrap();
}
