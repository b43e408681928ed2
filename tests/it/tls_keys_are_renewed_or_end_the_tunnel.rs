//! A key of TLS 1.2 that may seal no more ends its tunnel as `key_limit`, with all bytes before it whole; keys of TLS 1.3 are
//! renewed, by either side of either connection, and no byte is lost over it. What waits is sealed in large records, so that
//! the limit is far away.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use ravelin_config::Rehearsal;
use ravelin_lab::bulk::{self, Pattern};
use ravelin_lab::client::{Client, Versions};
use ravelin_lab::end::End;
use ravelin_lab::server::{Body, Server, ServerSpec};
use ravelin_lab::stream::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::support::openssl::{self, HEAD};
use crate::support::peer::Peer;
use crate::support::{Gate, NAME, Setup, wait};

/// Hundreds of keys' worth of records, at the limit below.
const BYTES: u64 = 16 << 20;
const KEY_RECORDS: u64 = 100;

async fn gate(body: Body, key_records: Option<u64>) -> (Gate, Server) {
    let setup = Setup::new();
    let server = ServerSpec::tls(&setup.estate().server).body(body).start().await.unwrap();
    (setup.servers(&[server.address()]).start_rehearsed(Rehearsal { key_records }), server)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_tls_12_ends_its_tunnel() {
    let (taker, mut taken) = mpsc::unbounded_channel::<Stream>();
    let (gate, _server) = gate(Body::HandOver(taker), Some(KEY_RECORDS)).await;
    let mut tunnel = gate.good_client().versions(Versions::Tls12).connect().await.unwrap();
    let server = taken.recv().await.unwrap();
    // One packet at a time is one record at a time.
    let mut received = 0;
    let end = loop {
        let packet = format!("packet {received:03}");
        // The gateway may have gone; what it said tells.
        let _ = server.writer.write_all(packet.as_bytes()).await;
        match tunnel.receive(packet.len()).await {
            Ok(bytes) => assert_eq!(bytes, packet.as_bytes()),
            Err(end) => break end,
        }
        received += 1;
    };
    assert_eq!(end, End::CloseNotify);
    // The response head, Finished and close_notify are records too, and rustls keeps one for an alert.
    assert!((KEY_RECORDS - 6..KEY_RECORDS).contains(&received), "{received} packets");
    let record = gate.records.ended("key_limit").await;
    assert_eq!(record["to_client_bytes"], received * 10, "{record:#}");
    assert_eq!(record["detail"], "a TLS key reached the most records it may protect");
    let counted = || {
        let page = gate.metrics();
        page.lines().any(|line| line.starts_with("ravelin_sessions_total{end=\"key_limit\"") && line.ends_with(" 1"))
    };
    wait("the count", counted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_tls_13_are_renewed_by_the_gateway() {
    let (gate, server) = gate(Body::Bulk { send: BYTES }, Some(KEY_RECORDS)).await;
    let mut tunnel = gate.good_client().versions(Versions::Tls13).connect().await.unwrap();
    let report = tunnel.bulk(7, BYTES, BYTES).await.unwrap();
    tunnel.close().await.unwrap();
    let visits = server.wait_until("all bytes", |visits| visits[0].received_sha256.is_some()).await;
    assert_eq!(visits[0].sent_sha256.as_deref(), Some(report.received_sha256.as_str()));
    assert_eq!(visits[0].received_sha256.as_deref(), Some(report.sent_sha256.as_str()));
    assert_eq!(gate.records.ended("client_closed").await["to_client_bytes"], BYTES);
}

/// In the middle of both streams, each from its own side: some tell, some want an answer.
#[tokio::test(flavor = "multi_thread")]
async fn keys_of_tls_13_are_renewed_by_clients_and_servers() {
    let (taker, mut taken) = mpsc::unbounded_channel::<Stream>();
    let (gate, _server) = gate(Body::HandOver(taker), None).await;
    let tunnel = gate.good_client().versions(Versions::Tls13).connect().await.unwrap();
    let server = taken.recv().await.unwrap();
    assert_eq!(server.with_tls(|tls| tls.protocol_version()), Some(Some(rustls::ProtocolVersion::TLSv1_3)));
    let (there, back) = tokio::join!(streams(tunnel.stream, 1), streams(server, 2));
    assert_eq!(there.received_sha256, Pattern::sha256_of(2, BYTES), "to the client");
    assert_eq!(back.received_sha256, Pattern::sha256_of(1, BYTES), "to the server");
}

/// What is left of a stream: it stays open while the other side has still to write.
struct Streamed {
    received_sha256: String,
    _stream: Stream,
}

/// Sends a pattern, changes keys all along, and receives as much.
async fn streams(mut stream: Stream, seed: u64) -> Streamed {
    const PIECES: u64 = 256;
    let writer = stream.writer.clone();
    let writing = async {
        let (mut pattern, mut piece) = (Pattern::new(seed), vec![0; (BYTES / PIECES) as usize]);
        for _ in 0..PIECES {
            pattern.fill(&mut piece);
            writer.write_all(&piece).await.unwrap();
            writer.update_keys(1).await.unwrap();
        }
    };
    let reading = async {
        let (mut hash, mut left, mut buffer) = (bulk::Hash::new(), BYTES, vec![0; 1 << 16]);
        while left > 0 {
            let count = stream.reader.read(&mut buffer).await.unwrap();
            hash.update(&buffer[..count]);
            left -= count as u64;
        }
        hash.sha256()
    };
    let ((), received_sha256) = tokio::join!(writing, reading);
    Streamed { received_sha256, _stream: stream }
}

/// A stack that is not ours: `k` tells of a new key, `K` wants one back.
#[tokio::test(flavor = "multi_thread")]
async fn keys_of_tls_13_are_renewed_by_openssl() {
    if !openssl::there("keys_of_tls_13_are_renewed_by_openssl") {
        return;
    }
    // And by the gateway, whose own keys are worn out every few records.
    let (gate, _server) = gate(Body::Echo, Some(10)).await;
    let path = |file: &str| gate.path(file).display().to_string();
    let mut command = Command::new("openssl");
    command.args(["s_client", "-quiet", "-no_ign_eof", "-tls1_3", "-servername", "da.corp.example.test"]);
    command.args(["-connect", &gate.address().to_string(), "-cert", &path("clients/healthy-renewed.pem")]);
    command
        .args(["-key", &path("clients/healthy-renewed.key")])
        .args(["-cert_chain", &path("clients/healthy-renewed.pem")]);
    let mut peer = Peer::start(&mut command).unwrap();
    peer.tell(HEAD);
    peer.wait_for("HTTP/1.1 200");
    for round in 0..40 {
        // A line by itself is the command; what comes back in between proves that it was read as one.
        peer.tell(if round % 2 == 0 { "k\n" } else { "K\n" });
        std::thread::sleep(Duration::from_millis(20));
        let words = format!("<{round} goes on>\n");
        peer.tell(&words);
        peer.wait_for(words.trim_end());
    }
    let (_, said) = peer.end();
    assert_eq!(said.matches("KEYUPDATE").count(), 40, "{said}");
    let record = gate.records.ended("client_closed").await;
    assert_eq!(record["to_server_bytes"], record["to_client_bytes"], "{record:#}");
}

/// 1,400-byte records from the server that wait because the client does not read go on in records many times as large: that is
/// what puts the limit of TLS 1.2 far away.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_sealed_in_large_records() {
    const PACKET: usize = 1_400;
    const PACKETS: usize = 8_000;
    for versions in [Versions::Tls12, Versions::Tls13] {
        let (taker, mut taken) = mpsc::unbounded_channel::<Stream>();
        let (gate, _server) = gate(Body::HandOver(taker), None).await;
        let tap = Tap::start(&gate).await;
        let client = Client::new(tap.address, NAME).trust(&gate.estate.root);
        let client = client.certificate(&gate.estate.clients.healthy_renewed).versions(versions);
        let mut tunnel = client.connect().await.unwrap();
        let server = taken.recv().await.unwrap();
        tap.flows.store(false, Relaxed);
        let written = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&written);
        let writing = tokio::spawn(async move {
            let (mut pattern, mut packet) = (Pattern::new(3), [0; PACKET]);
            for _ in 0..PACKETS {
                pattern.fill(&mut packet);
                server.writer.write_all(&packet).await.unwrap();
                count.fetch_add(1, Relaxed);
            }
            server
        });
        // Until everything between them is full, or all of it is on its way.
        let mut before = usize::MAX;
        while before != written.load(Relaxed) {
            before = written.load(Relaxed);
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        tap.flows.store(true, Relaxed);
        let (mut hash, mut left, mut buffer) = (bulk::Hash::new(), PACKETS * PACKET, vec![0; 1 << 16]);
        while left > 0 {
            let count = tunnel.stream.reader.read(&mut buffer).await.unwrap();
            hash.update(&buffer[..count]);
            left -= count;
        }
        assert_eq!(hash.sha256(), Pattern::sha256_of(3, (PACKETS * PACKET) as u64));
        drop(writing.await.unwrap());
        let (records, bytes) = (tap.records.load(Relaxed), PACKETS * PACKET);
        println!("{versions:?}: {before} packets waited; {bytes} bytes in {records} records of {}", bytes / records);
        assert!(bytes / records > 4 * PACKET, "{records} records for {bytes} bytes");
    }
}

/// Carries one connection to the gateway and back, the way back only while it flows, and counts the records on that way.
struct Tap {
    address: SocketAddr,
    flows: Arc<AtomicBool>,
    records: Arc<AtomicUsize>,
}

impl Tap {
    async fn start(gate: &Gate) -> Tap {
        let (tap, gate) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), gate.address());
        let address = tap.local_addr().unwrap();
        let (flows, records) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
        let (open, count) = (Arc::clone(&flows), Arc::clone(&records));
        tokio::spawn(async move {
            let (client, _) = tap.accept().await.unwrap();
            let server = TcpStream::connect(gate).await.unwrap();
            let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
                (client.into_split(), server.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
            let mut record = vec![0; 5];
            while from_server.read_exact(&mut record[..5]).await.is_ok() {
                let length = usize::from(u16::from_be_bytes([record[3], record[4]]));
                record.resize(5 + length, 0);
                from_server.read_exact(&mut record[5..]).await.unwrap();
                count.fetch_add(1, Relaxed);
                while !open.load(Relaxed) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                if to_client.write_all(&record).await.is_err() {
                    break;
                }
            }
        });
        Tap { address, flows, records }
    }
}
