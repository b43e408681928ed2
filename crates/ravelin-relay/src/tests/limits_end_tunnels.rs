//! Idle, half-closed, old, spent or stopped: each ends the tunnel in its time, cleanly to both sides, under a clock that
//! jumps.

use super::mock::{Arrival, Mock};
use super::toy::Toy;
use super::{LIMITS, label};
use crate::tunnel::Start;
use crate::{Codec, Given, Limits, NoInspector, Options, PlainCodec, RelayReport, relay};
use std::future::{Future, pending};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const SHORT: Limits = Limits {
    idle: Duration::from_secs(100),
    half_closed_idle: Duration::from_secs(10),
    lifetime: Some(Duration::from_secs(1_000)),
};

fn plain() -> Start {
    Start { codec: Box::new(PlainCodec), received: Vec::new(), opened: Vec::new() }
}

fn toy() -> Start {
    Start { codec: Box::new(Toy::new(100)), received: Vec::new(), opened: Vec::new() }
}

fn data(bytes: &[u8]) -> Arrival {
    Arrival::Bytes(bytes.to_vec())
}

async fn relayed(
    (client, client_start): (&Mock, Start),
    (server, server_start): (&Mock, Start),
    limits: Limits,
    stop: impl Future<Output = ()>,
) -> RelayReport {
    let options = Options::<NoInspector>::default();
    let (client, server) = ((client.clone(), client_start), (server.clone(), server_start));
    relay(Box::new(Given { client, server, limits, options, counters: std::sync::Arc::default() }), stop).await
}

/// What the toy on the other end of a socket was sent.
fn opened(mock: &Mock) -> (Vec<u8>, bool) {
    let mut written = mock.with(|state| state.written.clone());
    let mut plaintext = vec![0; written.len()];
    let opened = Toy::new(100).open(&mut written, &mut plaintext, &mut Vec::new()).expect("sound records");
    plaintext.truncate(opened.produced);
    (plaintext, opened.ended)
}

fn assert_clean(case: &str, mock: &Mock) {
    assert!(mock.with(|state| state.shut && state.closed_cleanly), "{case}: a clean end");
}

fn assert_reset(case: &str, mock: &Mock) {
    assert!(!mock.with(|state| state.closed_cleanly), "{case}: a reset");
}

#[tokio::test(start_paused = true)]
async fn each_limit_ends_a_tunnel_in_its_time() {
    // When one byte comes from each side (seconds), what the client's stream does at the first of these; the end, when.
    let fin = || Some(Arrival::Fin);
    for (case, client_at, server_at, then, expected, after) in [
        ("silence", vec![], vec![], None, "idle", 100),
        ("one byte up", vec![60], vec![], None, "idle", 160),
        ("one byte down", vec![], vec![99], None, "idle", 199),
        ("busy for ever", (0..99).map(|n| n * 20).collect(), vec![], None, "max_lifetime", 1_000),
        ("half-closed, then silence", vec![30], vec![], fin(), "idle", 40),
        ("half-closed, the answer takes its time", vec![30], vec![39, 48, 57], fin(), "idle", 67),
    ] {
        let (client, server) = (Mock::default(), Mock::default());
        let start = Instant::now();
        let feed = |mock: Mock, times: Vec<u64>, mut toy: Option<Toy>, then: Option<Arrival>| async move {
            for (index, &at) in times.iter().enumerate() {
                tokio::time::sleep_until(start + Duration::from_secs(at)).await;
                mock.arrive(data(&toy.as_mut().map_or(b"x".to_vec(), |toy| toy.records(b"x"))));
                if let (0, Some(then)) = (index, &then) {
                    mock.arrive(then.clone());
                }
            }
            pending::<()>().await;
        };
        let feeds = [
            tokio::spawn(feed(client.clone(), client_at.clone(), None, then)),
            tokio::spawn(feed(server.clone(), server_at.clone(), Some(Toy::new(100)), None)),
        ];
        let report = relayed((&client, plain()), (&server, toy()), SHORT, pending()).await;
        feeds.iter().for_each(|feed| feed.abort());
        assert_eq!(label(&report.end), expected, "{case}");
        assert_eq!(report.duration.as_secs(), after, "{case}");
        let sent = |at: Vec<u64>| at.iter().filter(|&&at| at < after).count() as u64;
        assert_eq!(report.to_server_bytes, sent(client_at), "{case}");
        assert_eq!(report.to_client_bytes, sent(server_at), "{case}");
        assert_clean(case, &client);
        assert_clean(case, &server);
        assert!(opened(&server).1, "{case}: close_notify to a side that has one");
    }
}

/// An idle tunnel costs a wake-up a limit, not a tick.
#[tokio::test(start_paused = true)]
async fn an_idle_tunnel_is_not_woken() {
    let (client, server) = (Mock::default(), Mock::default());
    let limits = Limits { idle: Duration::from_secs(86_400), ..SHORT };
    let report = relayed((&client, plain()), (&server, plain()), limits, sleep(Duration::from_secs(999))).await;
    assert_eq!(label(&report.end), "stopped");
    assert_eq!(client.with(|state| state.reads) + server.with(|state| state.reads), 0, "no read was tried in vain");
}

#[tokio::test(start_paused = true)]
async fn a_stop_passes_on_what_was_opened_and_ends_cleanly() {
    let (client, server) = (Mock::default(), Mock::default());
    let client_start = Start { opened: b"opened before".to_vec(), ..toy() };
    let server_start = Start { opened: b"and here".to_vec(), ..toy() };
    // Stopped before the first byte moved.
    let report = relayed((&client, client_start), (&server, server_start), LIMITS, async {}).await;
    assert_eq!(label(&report.end), "stopped");
    assert_eq!((report.to_server_bytes, report.to_client_bytes), (13, 8));
    assert_eq!(opened(&server), (b"opened before".to_vec(), true));
    assert_eq!(opened(&client), (b"and here".to_vec(), true));
    assert_clean("client", &client);
    assert_clean("server", &server);
}

/// FIN in the middle of what a side is owed would look like the end of it.
#[tokio::test(start_paused = true)]
async fn a_stop_resets_a_side_that_does_not_take_what_it_is_owed() {
    for (case, takes) in [("nothing taken", vec![]), ("half a record taken", vec![50])] {
        let (client, server) = (Mock::new([data(&[7; 90])], &[]), Mock::new([], &takes));
        server.with(|state| state.stalled = takes.is_empty());
        let stall = server.clone();
        let stop = async move {
            sleep(Duration::from_secs(1)).await;
            stall.with(|state| state.stalled = true);
        };
        let mut limits = LIMITS;
        limits.idle = Duration::from_secs(5);
        if !takes.is_empty() {
            // Takes 50 bytes of the first record and then nothing.
            let stall = server.clone();
            tokio::spawn(async move {
                while stall.with(|state| state.written.is_empty()) {
                    tokio::task::yield_now().await;
                }
                stall.with(|state| state.stalled = true);
            });
        }
        let report = relayed((&client, plain()), (&server, toy()), limits, stop).await;
        assert_eq!(label(&report.end), "stopped", "{case}");
        assert_clean(case, &client);
        assert_reset(case, &server);
        assert!(!server.with(|state| state.shut), "{case}: no FIN");
    }
}

/// The peer of a connection that closes may say nothing, or talk on for ever: it is heard 500 ms, or 64 KiB.
#[tokio::test(start_paused = true)]
async fn closing_is_bounded_in_time_and_bytes() {
    for (case, arrival, longest) in [
        ("silent", None, Duration::from_millis(500)),
        ("answers with FIN", Some(Arrival::Fin), Duration::ZERO),
        ("resets", Some(Arrival::Reset), Duration::ZERO),
        ("floods", Some(data(&[0; 1_000_000])), Duration::ZERO),
    ] {
        let (client, server) = (Mock::default(), Mock::new([Arrival::Gap], &[]));
        let (client_arrival, stopped_at) = (client.clone(), Instant::now() + Duration::from_secs(1));
        server.arrive(Arrival::Gap);
        let stop = async move {
            tokio::time::sleep_until(stopped_at).await;
            if let Some(arrival) = arrival {
                client_arrival.arrive(arrival);
            }
        };
        let quiet_server = Mock::default();
        let gone = quiet_server.clone();
        let stop = async move {
            stop.await;
            gone.arrive(Arrival::Fin);
        };
        let report = relayed((&client, toy()), (&quiet_server, plain()), LIMITS, stop).await;
        assert_eq!(label(&report.end), "stopped", "{case}");
        assert_eq!(report.duration, Duration::from_secs(1), "{case}: closing is not counted");
        assert_eq!(stopped_at.elapsed(), longest, "{case}");
        assert_clean(case, &client);
        let left: usize = client.with(|state| {
            state.incoming.iter().map(|arrival| if let Arrival::Bytes(bytes) = arrival { bytes.len() } else { 0 }).sum()
        });
        assert!(left == 0 || left == 1_000_000 - 64 * 1024, "{case}: {left} bytes unread");
    }
}

#[tokio::test(start_paused = true)]
async fn a_spent_key_ends_the_tunnel_after_the_last_record_it_sealed() {
    let (client, server) = (Mock::new([data(&[1; 1_000])], &[]), Mock::default());
    let mut codec = Toy::new(100);
    codec.seals_left = Some(3);
    let start = Start { codec: Box::new(codec), received: Vec::new(), opened: Vec::new() };
    let report = relayed((&client, plain()), (&server, start), LIMITS, pending()).await;
    assert_eq!(label(&report.end), "key_limit");
    assert_eq!(report.to_server_bytes, 300);
    assert_eq!(opened(&server), (vec![1; 300], true), "and the end is marked");
    assert_clean("client", &client);
    assert_clean("server", &server);
}

/// Asking for key updates without reading the answers fills no memory: the asker is not read any more.
#[tokio::test(start_paused = true)]
async fn unread_answers_stop_the_reading() {
    let mut peer = Toy::new(100);
    let client = Mock::new([], &[]);
    client.with(|state| state.stalled = true);
    const ROUNDS: u64 = 10_000;
    for _ in 0..ROUNDS {
        let mut records = peer.record(super::toy::UPDATE, &[]);
        records.extend(peer.records(b"x"));
        client.arrive(Arrival::Bytes(records));
    }
    let server = Mock::default();
    let report = relayed((&client, toy()), (&server, plain()), LIMITS, pending()).await;
    assert_eq!(label(&report.end), "idle");
    let read = report.to_server_bytes;
    assert!(read > 0 && read < ROUNDS / 5, "{read} of {ROUNDS} were read");
    assert_reset("client", &client);
}

/// A record that never ends is no record.
#[tokio::test(start_paused = true)]
async fn a_codec_that_makes_no_progress_ends_the_tunnel() {
    struct Stuck;
    impl Codec for Stuck {
        fn open(
            &mut self,
            _: &mut [u8],
            _: &mut [u8],
            _: &mut Vec<u8>,
        ) -> Result<crate::OpenProgress, crate::CodecError> {
            Ok(crate::OpenProgress::default())
        }
        fn seal(&mut self, _: &[u8], _: &mut [u8]) -> Result<crate::SealProgress, crate::CodecError> {
            Ok(crate::SealProgress::default())
        }
        fn seal_end(&mut self, _: &mut Vec<u8>) {}
        fn marks_end(&self) -> bool {
            true
        }
        fn sealed_len_max(&self, len: usize) -> usize {
            len
        }
    }
    let start = || Start { codec: Box::new(Stuck), received: Vec::new(), opened: Vec::new() };
    let (endless, quiet) = (Mock::new([data(&[0; 500_000])], &[]), Mock::default());
    let report = relayed((&endless, start()), (&quiet, plain()), LIMITS, pending()).await;
    assert_eq!(label(&report.end), "client_failed", "cannot be opened");
    let talking = Mock::new([data(b"x")], &[]);
    let report = relayed((&talking, plain()), (&quiet, start()), LIMITS, pending()).await;
    assert_eq!(label(&report.end), "server_failed", "cannot be sealed");
}
