//! A soak: tunnels in any mix carry every byte unchanged, as many bytes as asked for. Both TLS versions, servers with and
//! without TLS, records of one byte to 16 KiB, keys of TLS 1.3 renewed all the time, clients that end cleanly, close half, or
//! reset; by rustls and by OpenSSL. `tests/soak` runs it with 100 GiB; here it carries a little.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ravelin::config::Rehearsal;
use ravelin_lab::bulk::{Hash, Pattern};
use ravelin_lab::client::{Client, Versions};
use ravelin_lab::server::{Body, Server, ServerSpec};
use tokio::task::JoinSet;

use crate::support::openssl::{self, HEAD, OpenSsl};
use crate::support::{Gate, Setup};

/// Without `RAVELIN_SOAK_MIB`.
const MIB: u64 = 96;
const AT_ONCE: u64 = 8;
/// The most that one tunnel carries each way.
const OCTETS_MAX: u64 = 2 << 20;
/// The same of a tunnel that is full in both directions, where gigabytes are asked for: else handshakes were most of it.
const OCTETS_MAX_OF_GIGABYTES: u64 = 64 << 20;
/// Keys are renewed after so many records, as they are after 2^24 outside of tests.
const KEY_RECORDS: u64 = 300;

/// Small, repeatable choices.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % below
    }

    /// What one write, and so one record, holds.
    fn piece(&mut self) -> usize {
        let most = [1, 20, 1_400, 9_000, 16_384][usize::try_from(self.roll(5)).unwrap()];
        usize::try_from(1 + self.roll(most)).unwrap()
    }
}

/// One tunnel there and back through an echo. Returns the octets carried, both ways.
async fn tunnel(number: u64, client: Client) -> u64 {
    let mut dice = Dice(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let versions = if dice.roll(2) == 0 { Versions::Tls12 } else { Versions::Tls13 };
    let mut tunnel = client.versions(versions).connect().await.unwrap();
    let mut pattern = Pattern::new(number);
    let (mut received, mut carried) = (Hash::new(), 0);
    // The more records, the fewer octets: what they cost is what is bounded. TLS 1.2 has a limit of records instead of
    // new keys.
    let records = 1 + dice.roll(if versions == Versions::Tls12 { KEY_RECORDS / 3 } else { 2_000 });
    for _ in 0..records {
        let mut piece = vec![0; dice.piece()];
        pattern.fill(&mut piece);
        tunnel.send(&piece).await.unwrap();
        received.update(&tunnel.receive(piece.len()).await.unwrap());
        carried += 2 * piece.len() as u64;
        if carried > OCTETS_MAX {
            break;
        }
    }
    assert_eq!(received.sha256(), pattern.sha256(), "tunnel {number}");
    match dice.roll(3) {
        0 => tunnel.close().await.unwrap(),
        1 => tunnel.fin().unwrap(),
        _ => tunnel.reset(),
    }
    carried
}

/// One tunnel with both directions full at once, in records of one size. Returns the octets carried.
async fn flood(number: u64, client: Client, server_sends: u64) -> u64 {
    let mut dice = Dice(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let sends = 8 * (1 + dice.roll(server_sends / 8));
    // What is small is seldom, or it were most of the time.
    let record = [16_389, 16_389, 9_000, 1_405, 600][usize::try_from(dice.roll(5)).unwrap()];
    let mut tunnel = client.versions(Versions::Tls13).record_octets(record).connect().await.unwrap();
    let report = tunnel.bulk(number, sends, server_sends).await.unwrap();
    assert_eq!(report.received, server_sends, "tunnel {number}");
    assert_eq!(report.sent_sha256, Pattern::sha256_of(number, sends), "tunnel {number}");
    tunnel.close().await.unwrap();
    sends + server_sends
}

async fn gate(plain: bool, body: Body) -> (Gate, Server) {
    let setup = Setup::new().set("limits", "tunnels_per_identity", "1000").set("log", "level", "\"error\"");
    let spec = if plain { ServerSpec::plain() } else { ServerSpec::tls(&setup.estate().server) };
    let server = spec.body(body).start().await.unwrap();
    let setup = if plain { setup.set("pools.main", "upstream", r#"{ mode = "offload" }"#) } else { setup };
    let rehearsal = Rehearsal { key_records: Some(KEY_RECORDS) };
    (setup.servers(&[server.address()]).start_rehearsed(rehearsal), server)
}

#[tokio::test(flavor = "multi_thread")]
async fn in_any_mix() {
    let wanted = std::env::var("RAVELIN_SOAK_MIB").map_or(MIB, |text| text.parse().unwrap()) << 20;
    let octets = if wanted < 1 << 30 { OCTETS_MAX } else { OCTETS_MAX_OF_GIGABYTES };
    let mut gates = Vec::new();
    for plain in [false, true] {
        gates.push((gate(plain, Body::Echo).await, gate(plain, Body::Bulk { send: octets }).await));
    }
    let (carried, mut number, mut running) = (AtomicU64::new(0), 0, JoinSet::new());
    while carried.load(Relaxed) < wanted {
        number += 1;
        let ((echo, _), (bulk, _)) = &gates[usize::try_from(number % 2).unwrap()];
        if number % 4 < 2 {
            running.spawn(tunnel(number, echo.good_client()));
        } else {
            running.spawn(flood(number, bulk.good_client(), octets));
        }
        while running.len() as u64 >= AT_ONCE {
            carried.fetch_add(running.join_next().await.unwrap().unwrap(), Relaxed);
        }
    }
    while let Some(done) = running.join_next().await {
        carried.fetch_add(done.unwrap(), Relaxed);
    }
    // What the servers of the floods got, whole, is what the clients made.
    for (_, (_, server)) in &gates {
        let visits =
            server.wait_until("all octets", |visits| visits.iter().all(|visit| visit.received_sha256.is_some()));
        assert!(visits.await.len() > 2);
    }
    println!("{} MiB in {number} tunnels", carried.load(Relaxed) >> 20);
}

/// OpenSSL on the other side, and how it cuts records, in both versions.
#[tokio::test(flavor = "multi_thread")]
async fn by_openssl() {
    if !openssl::there("every_byte_survives_speed::by_openssl") {
        return;
    }
    let (gate, _server) = gate(false, Body::Echo).await;
    for version in ["-tls1_2", "-tls1_3"] {
        for fragment in ["512", "1400", "16384"] {
            let options = [version, "-max_send_frag", fragment, "-nocommands"];
            let clients = gate.path("clients");
            let mut client = OpenSsl::client_with(gate.address(), &clients, "healthy", &options);
            client.send(HEAD);
            client.says("200").await;
            let text: String =
                (0..20_000_u32).map(|line| format!("line {line:05} of {version} by {fragment}\n")).collect();
            client.send(&text);
            client.says(&format!("line 19999 of {version} by {fragment}")).await;
            let said = client.said();
            let body = said.split_once("line 00000").map(|(_, rest)| format!("line 00000{rest}")).unwrap();
            assert!(body.starts_with(&text), "{version}, records of {fragment}");
        }
    }
}
