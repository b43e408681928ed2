//! A soak: tunnels in any mix carry every byte unchanged, as many bytes as asked for. Both TLS versions, servers with and
//! without TLS, records of one byte to 16 KiB, keys of TLS 1.3 renewed all the time, clients that end cleanly, close half, or
//! reset; by rustls, and a hundredth of it by each of OpenSSL and GnuTLS in each version. `tests/soak` runs it with 100 GiB;
//! here it carries a little.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ravelin_config::Rehearsal;
use ravelin_lab::bulk::{Hash, Pattern};
use ravelin_lab::client::{Client, Versions};
use ravelin_lab::server::{Body, Server, ServerSpec};
use tokio::task::JoinSet;

use crate::support::openssl::{self, HEAD, OpenSsl};
use crate::support::{Gate, NAME, Setup, gnutls_pipe, skip};

/// Without `RAVELIN_SOAK_MIB`.
const MIB: u64 = 96;
const AT_ONCE: u64 = 8;
/// The most that one tunnel carries each way.
const BYTES_MAX: u64 = 2 << 20;
/// The same of a tunnel that is full in both directions, where gigabytes are asked for: else handshakes were most of it.
const BYTES_MAX_OF_GIGABYTES: u64 = 64 << 20;
/// Keys are renewed after so many records, as they are after 2^24 outside of tests.
const KEY_RECORDS: u64 = 300;
/// The same for GnuTLS, which ends a session at the ninth new key within a second.
const KEY_RECORDS_OF_GNUTLS: u64 = 5_000;
/// Who the clients of others are.
const CERTIFICATE: &str = "clients/healthy-renewed.pem";
const KEY: &str = "clients/healthy-renewed.key";

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

/// One tunnel there and back through an echo. Returns the bytes carried, both ways.
async fn tunnel(number: u64, client: Client) -> u64 {
    let mut dice = Dice(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let versions = if dice.roll(2) == 0 { Versions::Tls12 } else { Versions::Tls13 };
    let mut tunnel = client.versions(versions).connect().await.unwrap();
    let mut pattern = Pattern::new(number);
    let (mut received, mut carried) = (Hash::new(), 0);
    // The more records, the fewer bytes: what they cost is what is bounded. TLS 1.2 has a limit of records instead of
    // new keys.
    let records = 1 + dice.roll(if versions == Versions::Tls12 { KEY_RECORDS / 3 } else { 2_000 });
    for _ in 0..records {
        let mut piece = vec![0; dice.piece()];
        pattern.fill(&mut piece);
        tunnel.send(&piece).await.unwrap();
        received.update(&tunnel.receive(piece.len()).await.unwrap());
        carried += 2 * piece.len() as u64;
        if carried > BYTES_MAX {
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

/// One tunnel with both directions full at once, the client's in records of one size. Returns the bytes carried.
async fn flood(number: u64, client: Client, server_sends: u64) -> u64 {
    let mut dice = Dice(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let sends = 8 * (1 + dice.roll(server_sends / 8));
    let record = [16_389, 16_389, 9_000, 1_405, 600][usize::try_from(dice.roll(5)).unwrap()];
    let mut tunnel = client.record_bytes(record).connect().await.unwrap();
    let report = tunnel.bulk(number, sends, server_sends).await.unwrap();
    assert_eq!(report.received, server_sends, "tunnel {number}");
    assert_eq!(report.sent_sha256, Pattern::sha256_of(number, sends), "tunnel {number}");
    tunnel.close().await.unwrap();
    sends + server_sends
}

/// A gateway that renews keys all the time, or where its limit would end tunnels of TLS 1.2, as always.
async fn gate(plain: bool, key_records: Option<u64>, body: Body) -> (Gate, Server) {
    let setup = Setup::new().set("limits", "tunnels_per_identity", "1000").set("log", "level", "\"error\"");
    let spec = if plain { ServerSpec::plain() } else { ServerSpec::tls(&setup.estate().server) };
    let server = spec.body(body).start().await.unwrap();
    let setup = if plain { setup.set("pools.main", "upstream", r#"{ mode = "offload" }"#) } else { setup };
    (setup.servers(&[server.address()]).start_rehearsed(Rehearsal { key_records }), server)
}

fn wanted() -> u64 {
    std::env::var("RAVELIN_SOAK_MIB").map_or(MIB, |text| text.parse().unwrap()) << 20
}

#[tokio::test(flavor = "multi_thread")]
async fn in_any_mix() {
    let wanted = wanted();
    let bytes = if wanted < 1 << 30 { BYTES_MAX } else { BYTES_MAX_OF_GIGABYTES };
    let (mut echoes, mut floods) = (Vec::new(), Vec::new());
    for plain in [false, true] {
        echoes.push(gate(plain, Some(KEY_RECORDS), Body::Echo).await);
        for (versions, key_records) in [(Versions::Tls13, Some(KEY_RECORDS)), (Versions::Tls12, None)] {
            floods.push((versions, gate(plain, key_records, Body::Bulk { send: bytes }).await));
        }
    }
    let (carried, mut number, mut running) = (AtomicU64::new(0), 0, JoinSet::new());
    while carried.load(Relaxed) < wanted {
        number += 1;
        let turn = usize::try_from(number / 2).unwrap();
        if number % 2 == 0 {
            let (echo, _) = &echoes[turn % echoes.len()];
            running.spawn(tunnel(number, echo.good_client()));
        } else {
            let (versions, (bulk, _)) = &floods[turn % floods.len()];
            running.spawn(flood(number, bulk.good_client().versions(*versions), bytes));
        }
        while running.len() as u64 >= AT_ONCE {
            carried.fetch_add(running.join_next().await.unwrap().unwrap(), Relaxed);
        }
    }
    while let Some(done) = running.join_next().await {
        carried.fetch_add(done.unwrap(), Relaxed);
    }
    // What the servers of the floods got, whole, is what the clients made.
    for (_, (_, server)) in &floods {
        let visits =
            server.wait_until("all bytes", |visits| visits.iter().all(|visit| visit.received_sha256.is_some()));
        assert!(visits.await.len() > 2);
    }
    println!("{} MiB in {number} tunnels", carried.load(Relaxed) >> 20);
}

/// Through a command that sends its standard input and prints what comes back.
fn carry_by(command: &mut Command, bytes: u64) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let carried = carry(child.stdin.take().unwrap(), child.stdout.take().unwrap(), bytes);
    // It may wait for the server's end.
    let _ = child.kill();
    let said = String::from_utf8_lossy(&child.wait_with_output().unwrap().stderr).into_owned();
    let (sent, received) = carried.unwrap_or_else(|error| panic!("{command:?}: {error}\n{said}"));
    assert_eq!(received, sent, "{command:?}\n{said}");
}

/// Piece by piece: a command may not send and print at once. Returns the hashes of what was sent and of what came back.
fn carry(mut to: impl Write, mut from: impl Read, bytes: u64) -> std::io::Result<(String, String)> {
    to.write_all(HEAD.as_bytes())?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        from.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let (mut pattern, mut received, mut piece) = (Pattern::new(bytes), Hash::new(), vec![0; 32 * 1024]);
    for _ in 0..bytes.div_ceil(piece.len() as u64) {
        pattern.fill(&mut piece);
        to.write_all(&piece)?;
        from.read_exact(&mut piece)?;
        received.update(&piece);
    }
    Ok((pattern.sha256(), received.sha256()))
}

/// OpenSSL, then GnuTLS: what both are asked.
async fn carry_by_in_each_version(key_records: u64, command: impl Fn(&Gate, bool) -> Command) {
    for tls13 in [false, true] {
        let (gate, _server) = gate(tls13, tls13.then_some(key_records), Body::Echo).await;
        let mut command = command(&gate, tls13);
        tokio::task::spawn_blocking(move || carry_by(&mut command, wanted() / 100)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn by_openssl_in_bulk() {
    if !openssl::there("every_byte_survives_speed::by_openssl_in_bulk") {
        return;
    }
    carry_by_in_each_version(KEY_RECORDS, |gate, tls13| {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-quiet", "-nocommands", if tls13 { "-tls1_3" } else { "-tls1_2" }]);
        command.args(["-servername", NAME, "-connect", &gate.address().to_string()]);
        command.arg("-cert").arg(gate.path(CERTIFICATE)).arg("-key").arg(gate.path(KEY));
        command
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_gnutls_in_bulk() {
    let folder = tempfile::tempdir().unwrap();
    let Some(pipe) = gnutls_pipe::build(folder.path()) else {
        return skip("every_byte_survives_speed::by_gnutls_in_bulk", "needs a C compiler and libgnutls28-dev");
    };
    carry_by_in_each_version(KEY_RECORDS_OF_GNUTLS, |gate, tls13| {
        let (mut command, address) = (Command::new(&pipe), gate.address());
        command.args([&address.ip().to_string(), &address.port().to_string(), NAME]);
        command.args([gate.path("ca/root.pem"), gate.path(CERTIFICATE), gate.path(KEY)]);
        command.arg(format!("NORMAL:-VERS-ALL:+VERS-TLS{}", if tls13 { "1.3" } else { "1.2" }));
        command
    })
    .await;
}

/// OpenSSL on the other side, and how it cuts records, in both versions.
#[tokio::test(flavor = "multi_thread")]
async fn by_openssl() {
    if !openssl::there("every_byte_survives_speed::by_openssl") {
        return;
    }
    let (gate, _server) = gate(false, Some(KEY_RECORDS), Body::Echo).await;
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
