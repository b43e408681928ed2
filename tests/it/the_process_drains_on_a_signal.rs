//! SIGTERM ends the process when its tunnels have ended, or at the deadline, and no signal makes it lose one before.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use ravelin_lab::client::{Client, Tunnel};
use ravelin_lab::end::End;
use ravelin_lab::server::{Body, Server, ServerSpec};
use rustix::process::Signal;

use crate::support::{Process, Setup, replace};

async fn start(drain_deadline: &str) -> (Process, Tunnel, Server) {
    let setup = Setup::new().set("limits", "drain_deadline", &format!("{drain_deadline:?}"));
    let server = ServerSpec::tls(&setup.estate().server).body(Body::Echo).start().await.unwrap();
    let process = Process::start(setup.servers(&[server.address()]));
    let client = Client::new(process.address(), "da.corp.example.test").trust(&process.setup.estate().root);
    let mut tunnel = client.certificate(&process.setup.estate().clients.healthy).connect().await.unwrap();
    echoes(&mut tunnel).await;
    (process, tunnel, server)
}

async fn echoes(tunnel: &mut Tunnel) {
    tunnel.send(b"still here").await.unwrap();
    assert_eq!(tunnel.receive(10).await.unwrap(), b"still here");
}

/// It draws no new clients in, and a tunnel that is up does not notice.
fn drains(process: &Process, signal: Signal) {
    let address = process.address();
    process.signal(signal);
    process.wait_until("the listener to close", || TcpStream::connect(address).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_with_its_last_tunnel() {
    for signal in [Signal::TERM, Signal::INT] {
        let (mut process, mut tunnel, _server) = start("10m").await;
        drains(&process, signal);
        echoes(&mut tunnel).await;
        let left = Instant::now();
        tunnel.close().await.unwrap();
        assert_eq!(tunnel.end().await, End::CloseNotify);
        let (status, log) = process.end();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(left.elapsed() < Duration::from_secs(5), "{:?} after the last tunnel", left.elapsed());
        assert!(log.contains("end=client_closed"), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deadline_ends_tunnels_cleanly() {
    let (mut process, mut tunnel, server) = start("1s").await;
    let began = Instant::now();
    drains(&process, Signal::TERM);
    assert_eq!(tunnel.end().await, End::CloseNotify);
    assert!(began.elapsed() >= Duration::from_secs(1), "cut before its time");
    let visits = server.wait_until("the end", |visits| visits[0].end.is_some()).await;
    assert_eq!(visits[0].end, Some(End::CloseNotify));
    let (status, log) = process.end();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("end=shutdown"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_hurries() {
    for second in [Signal::TERM, Signal::INT] {
        let (mut process, mut tunnel, _server) = start("10m").await;
        drains(&process, Signal::TERM);
        echoes(&mut tunnel).await;
        process.signal(second);
        assert_eq!(tunnel.end().await, End::CloseNotify);
        let (status, log) = process.end();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(log.contains("end=shutdown"), "{log}");
    }
}

/// Covers: docs/traps.md row 68 (a reload signal while draining kills the process). Whoever is left is judged as ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_meanwhile_opens_nothing_and_cuts_who_is_denied() {
    let (mut process, mut tunnel, _server) = start("10m").await;
    drains(&process, Signal::TERM);
    let open_addresses = |process: &Process| {
        let listeners = process.ask_json(&["status"])["listeners"].clone();
        listeners.as_array().unwrap().iter().map(|one| one["addresses"].as_array().unwrap().len()).sum::<usize>()
    };
    let generation = |process: &Process| process.ask_json(&["status"])["generation"].as_u64().unwrap();
    for round in 1..=3 {
        process.signal(Signal::HUP);
        process.wait_until("the reload", || generation(&process) == 1 + round);
        assert_eq!(open_addresses(&process), 0);
        echoes(&mut tunnel).await;
    }
    let asked = process.ask_json(&["reload"]);
    assert_eq!((&asked["accepted"], &asked["generation"]), (&true.into(), &5.into()), "{asked:#}");
    assert_eq!(open_addresses(&process), 0);
    echoes(&mut tunnel).await;
    assert_eq!(process.ask_json(&["status"])["draining"], true);
    // By itself: the files go on being looked at.
    let text = std::fs::read_to_string(process.config()).unwrap();
    replace(&process.config(), text.replace("*.corp.example.test", "*.elsewhere.example.test").as_bytes());
    assert_eq!(tunnel.end().await, End::CloseNotify);
    let (status, log) = process.end();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("end=name_not_allowed") && !log.contains("end=shutdown"), "{log}");
}
