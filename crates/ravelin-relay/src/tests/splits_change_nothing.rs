//! For any split of the stream into reads and any pattern of short writes, the relay's output is its input.

use super::LIMITS;
use super::mock::{Arrival, Mock};
use super::toy::{ANSWER, Toy, UPDATE};
use crate::tunnel::Start;
use crate::{Codec, Counters, Direction, Given, Inspect, Options, PassCutAs, PlainCodec, RelayEnd, relay};
use proptest::prelude::*;
use std::sync::{Arc, Mutex};

/// One side: what it sends and how it is cut, what it takes at a time.
#[derive(Clone, Debug)]
struct Script {
    /// Toy record payload; 0: plain TCP.
    record: usize,
    /// Payload of the records that this side itself makes.
    own_record: usize,
    plaintext: Vec<u8>,
    /// Plaintext that was already opened when the relay began.
    opened: usize,
    /// Socket bytes that were already read.
    received: usize,
    /// Lengths of the reads, over and over; 0: a gap, 1: also a false alarm.
    reads: Vec<usize>,
    takes: Vec<usize>,
    /// A key update is asked for after this many records.
    update_every: usize,
}

fn script() -> impl Strategy<Value = Script> {
    let record = prop_oneof![Just(0_usize), 1..40_usize, Just(1400), Just(16_384)];
    let len = prop_oneof![4 => 0..3_000_usize, 1 => 100_000..200_000_usize];
    let steps = || prop::collection::vec(prop_oneof![0..6_usize, 0..5_000_usize, Just(200_000)], 0..12);
    (record.clone(), record, len, any::<u64>(), 0..500_usize, 0..50_000_usize, steps(), steps(), 1..9_usize).prop_map(
        |(record, own_record, len, seed, opened, received, reads, takes, update_every)| {
            let plaintext = super::pattern(seed, len);
            let reads = if reads.iter().all(|&read| read == 0) { vec![4096] } else { reads };
            let takes = if takes.iter().all(|&take| take == 0) { Vec::new() } else { takes };
            let opened = opened.min(plaintext.len());
            Script { record, own_record: own_record.max(1), plaintext, opened, received, reads, takes, update_every }
        },
    )
}

/// The relay's side of a script, and the toy that plays the peer.
fn set_up(script: &Script) -> (Mock, Start) {
    let sent = script.plaintext.get(script.opened..).unwrap();
    let mut wire = Vec::new();
    if script.record > 0 {
        let mut peer = Toy::new(script.own_record);
        for (index, payload) in sent.chunks(script.own_record).enumerate() {
            if index % script.update_every == 0 && index < 100 {
                wire.extend(peer.record(UPDATE, &[]));
            }
            wire.extend(peer.records(payload));
        }
        peer.seal_end(&mut wire);
    } else {
        wire.extend_from_slice(sent);
    }
    let received: Vec<u8> = wire.drain(..script.received.min(wire.len())).collect();
    let mut arrivals = Vec::new();
    for &read in script.reads.iter().cycle() {
        if wire.is_empty() {
            break;
        }
        match read {
            0 => arrivals.push(Arrival::Gap),
            read => {
                if read == 1 {
                    arrivals.push(Arrival::FalseAlarm);
                }
                arrivals.push(Arrival::Bytes(wire.drain(..read.min(wire.len())).collect()));
            }
        }
    }
    arrivals.push(Arrival::Fin);
    let codec: Box<dyn Codec> =
        if script.record > 0 { Box::new(Toy::new(script.record)) } else { Box::new(PlainCodec) };
    let start = Start { codec, received, opened: script.plaintext[..script.opened].to_vec() };
    (Mock::new(arrivals, &script.takes), start)
}

/// What a side was sent, opened; and whether its end was marked.
fn opened(script: &Script, mut written: Vec<u8>) -> (Vec<u8>, bool) {
    if script.record == 0 {
        return (written, true);
    }
    let mut peer = Toy::new(script.own_record);
    let mut plaintext = vec![0; written.len()];
    let opened = peer.open(&mut written, &mut plaintext, &mut Vec::new()).expect("sound records");
    assert_eq!(opened.consumed, written.len(), "nothing follows the mark of the end");
    plaintext.truncate(opened.produced);
    (plaintext, opened.ended)
}

#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<[Vec<u8>; 2]>>);

impl Inspect for Recorder {
    fn inspect(&mut self, direction: Direction, plaintext: &[u8]) {
        self.0.lock().unwrap()[usize::from(direction == Direction::ToServer)].extend_from_slice(plaintext);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn output_is_input(client_script in script(), server_script in script()) {
        let ((client, client_start), (server, server_start)) = (set_up(&client_script), set_up(&server_script));
        let recorder = Recorder::default();
        let counters = Arc::new(Counters::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let given = Given {
            client: (client.clone(), client_start),
            server: (server.clone(), server_start),
            limits: LIMITS,
            options: Options { inspector: recorder.clone(), pass_cut_as: PassCutAs::Reset },
            counters: Arc::clone(&counters),
        };
        let report = runtime.block_on(relay(Box::new(given), std::future::pending()));

        prop_assert!(matches!(report.end, RelayEnd::ClientClosed | RelayEnd::ServerClosed), "{report:?}");
        for (side, script, other, count) in [
            (&client, &client_script, &server_script, report.to_client_bytes),
            (&server, &server_script, &client_script, report.to_server_bytes),
        ] {
            let (plaintext, marked) = opened(script, side.with(|state| std::mem::take(&mut state.written)));
            prop_assert!(plaintext == other.plaintext, "{} of {} bytes", plaintext.len(), other.plaintext.len());
            prop_assert!(marked);
            prop_assert_eq!(count, other.plaintext.len() as u64);
            prop_assert!(side.with(|state| state.shut && state.closed_cleanly));
        }
        prop_assert_eq!((counters.to_client(), counters.to_server()), (report.to_client_bytes, report.to_server_bytes));
        let inspected = recorder.0.lock().unwrap();
        prop_assert!(inspected[1] == client_script.plaintext && inspected[0] == server_script.plaintext);
    }
}

/// An answer to a key update goes to the side that asked, once a request, and in the order in which it was sealed.
#[test]
fn key_updates_are_answered_to_the_side_that_asked() {
    let mut peer = Toy::new(100);
    let mut wire = Vec::new();
    for _ in 0..20 {
        wire.extend(peer.record(UPDATE, &[]));
        wire.extend(peer.records(b"data"));
    }
    peer.seal_end(&mut wire);
    let client = Mock::new([Arrival::Bytes(wire), Arrival::Fin], &[3, 0, 1]);
    let server = Mock::new([Arrival::Bytes(b"answer".to_vec()), Arrival::Fin], &[]);
    let start = |codec: Box<dyn Codec>| Start { codec, received: Vec::new(), opened: Vec::new() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let given = Given {
        client: (client.clone(), start(Box::new(Toy::new(100)))),
        server: (server.clone(), start(Box::new(PlainCodec))),
        limits: LIMITS,
        options: Options::<crate::NoInspector>::default(),
        counters: Arc::default(),
    };
    let report = runtime.block_on(relay(Box::new(given), std::future::pending()));
    assert_eq!((report.to_server_bytes, report.to_client_bytes), (80, 6));
    let mut written = client.with(|state| std::mem::take(&mut state.written));
    let mut plaintext = [0; 100];
    let opened = peer.open(&mut written, &mut plaintext, &mut Vec::new()).expect("sound records");
    assert!(opened.ended);
    assert_eq!(peer.answers_seen, 20, "kind {ANSWER} records");
    assert_eq!(&plaintext[..opened.produced], b"answer");
}
