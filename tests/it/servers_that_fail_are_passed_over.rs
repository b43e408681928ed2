//! A client is not lost while one server of the pool lives; when none does, it is reported by a reset at once. What a server
//! answers decides: 200 is a tunnel, anything else is `server_refused`.

use std::net::SocketAddr;
use std::time::Duration;

use ravelin_lab::client::Client;
use ravelin_lab::end::End;
use ravelin_lab::server::{Behaviour, Ending, ServerSpec};

use crate::support::{Gate, Setup};

fn client(gate: &Gate) -> Client {
    let client = Client::new(gate.address(), "da.corp.example.test").trust(&gate.estate.root);
    client.certificate(&gate.estate.clients.healthy)
}

/// An address that refuses connections.
async fn dead() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test]
async fn the_next_server_is_tried() {
    for balance in ["identity", "round-robin"] {
        let setup = Setup::new().set("pools.main", "balance", &format!("{balance:?}"));
        let server = ServerSpec::tls(&setup.estate().server).start().await.unwrap();
        let gate = setup.servers(&[dead().await, server.address(), dead().await]).start();
        for _ in 0..6 {
            let mut tunnel = client(&gate).connect().await.unwrap();
            tunnel.ping().await.unwrap();
            tunnel.close().await.unwrap();
            tunnel.end().await;
        }
        assert_eq!(server.visits().len(), 6);
        assert_eq!(gate.records.ended("client_closed").await["server"], "da2");
    }
}

/// The same identity finds the same server again; turns go round.
#[tokio::test]
async fn balance() {
    for (balance, most) in [("identity", 8), ("round-robin", 4)] {
        let setup = Setup::new().set("pools.main", "balance", &format!("{balance:?}"));
        let one = ServerSpec::tls(&setup.estate().server).start().await.unwrap();
        let two = ServerSpec::tls(&setup.estate().server).start().await.unwrap();
        let gate = setup.servers(&[one.address(), two.address()]).start();
        for _ in 0..8 {
            let mut tunnel = client(&gate).connect().await.unwrap();
            tunnel.close().await.unwrap();
            tunnel.end().await;
        }
        let counts = [one.visits().len(), two.visits().len()];
        assert_eq!((counts[0] + counts[1], counts[0].max(counts[1])), (8, most), "{balance}");
    }
}

#[tokio::test]
async fn no_server_means_a_reset() {
    let gate = Setup::new().servers(&[dead().await, dead().await]).start();
    assert_eq!(client(&gate).refused().await, End::Reset);
    let record = gate.records.ended("no_server").await;
    let detail = record["detail"].as_str().unwrap();
    assert!(detail.contains("da1") && detail.contains("da2") && detail.contains("refused"), "{detail}");
}

/// A server whose certificate does not verify is no server.
#[tokio::test]
async fn a_server_must_prove_its_name() {
    let setup = Setup::new();
    let estate = setup.estate().clone();
    for (why, identity) in
        [("another company's certificate", &estate.clients.partner), ("another name", &estate.clients.healthy)]
    {
        let server = ServerSpec::tls(identity).start().await.unwrap();
        let gate = Setup::new().servers(&[server.address()]).start();
        assert_eq!(client(&gate).refused().await, End::Reset, "{why}");
        gate.records.ended("no_server").await;
        assert!(server.visits().iter().all(|visit| visit.head.is_empty()), "{why}: a head reached a stranger");
    }
}

#[tokio::test]
async fn answers() {
    let setup = Setup::new().set("limits", "request_deadline", r#""400ms""#);
    let server = ServerSpec::tls(&setup.estate().server).start().await.unwrap();
    let gate = setup.servers(&[server.address()]).start();
    let answer = |text: &str| Behaviour::Answer(text.as_bytes().to_vec());
    for (case, behaviour, label, detail) in [
        ("404", answer("HTTP/1.1 404 Not Found\r\nServer: x\r\n\r\n"), "server_refused", "404"),
        ("503", answer("HTTP/1.1 503 Service Unavailable\r\n\r\n"), "server_refused", "503"),
        ("redirect", answer("HTTP/1.1 302 Found\r\nLocation: http://x/\r\n\r\n"), "server_refused", "302"),
        ("continue", answer("HTTP/1.1 100 Continue\r\n\r\n"), "server_refused", ""),
        ("200 with a length", answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), "server_refused", ""),
        ("chunked", answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), "server_refused", ""),
        ("garbage", answer("SSH-2.0-OpenSSH_9.2\r\n"), "server_refused", ""),
        ("endless head", answer(&"HTTP/1.1 200 OK\r\nA: b\r\n".repeat(900)), "server_refused", ""),
        ("nothing, clean", Behaviour::EndAfterHead(Ending::CloseNotify), "server_failed", ""),
        ("nothing, reset", Behaviour::EndAfterHead(Ending::Reset), "server_failed", ""),
        ("hangs", Behaviour::Hang, "server_failed", "400ms"),
    ] {
        let before = gate.records.all().len();
        server.behave(behaviour);
        let end = client(&gate).refused().await;
        assert_eq!(end, End::Reset, "{case}");
        crate::support::wait(case, || gate.records.all().len() > before).await;
        let record = gate.records.all().pop().unwrap();
        assert_eq!(record["end"], label, "{case}: {record:#}");
        assert!(record["detail"].as_str().unwrap().contains(detail), "{case}: {record:#}");
    }
    server.behave(Behaviour::Accept);
    client(&gate).connect().await.unwrap().ping().await.unwrap();
}

/// What the server sends with its head, and the client with its own, is part of the tunnel.
#[tokio::test]
async fn early_bytes_are_not_lost() {
    let setup = Setup::new();
    let head = b"HTTP/1.1 200 OK\r\nServer: x\r\nDate: y\r\n\r\nearly bird".to_vec();
    let spec = ServerSpec::tls(&setup.estate().server).behaviour(Behaviour::AnswerAndServe(head));
    let server = spec.body(ravelin_lab::server::Body::Echo).start().await.unwrap();
    let gate = setup.servers(&[server.address()]).start();
    let mut bytes = client(&gate).head_bytes().unwrap();
    bytes.extend_from_slice(b"hasty client");
    let mut tunnel = client(&gate).head(bytes).connect().await.unwrap();
    assert_eq!(tunnel.receive(10).await.unwrap(), b"early bird");
    assert_eq!(tunnel.receive(12).await.unwrap(), b"hasty client");
}

#[tokio::test]
async fn a_probe_finds_the_dead_and_the_risen() {
    let setup = Setup::new().set("pools.main", "health", r#"{ kind = "tcp", every = "1s" }"#);
    let server = ServerSpec::tls(&setup.estate().server).start().await.unwrap();
    let address = server.address();
    let mut gate = setup.servers(&[address]).start();
    gate.wait_for("the first probe", |status| status.pools[0].servers[0].up).await;
    assert!(gate.status().unready.is_empty());
    server.stop().await;
    gate.wait_for("the server to be down", |status| !status.pools[0].servers[0].up).await;
    assert!(gate.status().unready.iter().any(|reason| reason.contains("main")));
    // Nobody looks any more: what was found is not held against it for ever.
    gate.rewrite("pools.main", "health", r#""off""#);
    gate.wait_for("no word against it", |status| status.pools[0].servers[0].up).await;
    gate.rewrite("pools.main", "health", r#"{ kind = "tcp", every = "1s" }"#);
    gate.wait_for("the server to be down again", |status| !status.pools[0].servers[0].up).await;
    let estate = gate.estate.clone();
    let _risen = ServerSpec::tls(&estate.server).bind(address).start().await.unwrap();
    gate.wait_for("the server to be up", |status| status.pools[0].servers[0].up).await;
    tokio::time::timeout(Duration::from_secs(10), client(&gate).connect()).await.unwrap().unwrap();
}
