//! A stalled side makes nothing grow, and when it reads again not a byte is missing.

use super::mock::{Arrival, Mock};
use super::net::{End, Kind, start, until};
use super::toy::Toy;
use super::{LIMITS, pattern};
use crate::buffers::Buffers;
use crate::direction::advance;
use crate::ending::Party;
use crate::peer::Peer;
use crate::step::Step;
use crate::{Codec, NoInspector, PlainCodec};
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

/// Hundreds of MiB offered to a side that takes nothing for a while: the sender stops, and all arrives in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_side_stops_the_sender_and_loses_nothing() {
    for (client_kind, server_kind, chunks) in
        [(Kind::Plain, Kind::Plain, 512), (Kind::Toy, Kind::Plain, 48), (Kind::Plain, Kind::Toy, 48)]
    {
        let (mut client, mut server, tunnel) = start(client_kind, server_kind, LIMITS).await;
        let sender = tokio::spawn(async move {
            let mut chunk = pattern(11, CHUNK);
            for number in 0..chunks {
                client.send(numbered(&mut chunk, number)).await;
            }
            client.end().await;
            client
        });
        // Stalled: the count of what the socket took stands still, far below what is offered.
        let counters = Arc::clone(&tunnel.counters);
        let mut last = (0, std::time::Instant::now());
        until("the sender is stopped", || {
            if counters.to_server() != last.0 {
                last = (counters.to_server(), std::time::Instant::now());
            }
            last.0 > 0 && last.1.elapsed() > Duration::from_millis(300)
        })
        .await;
        assert!(last.0 < 40 << 20, "{} bytes went to a server that reads nothing", last.0);
        assert!(!sender.is_finished());

        let mut chunk = pattern(11, CHUNK);
        for number in 0..chunks {
            let received = server.receive_exact(CHUNK).await;
            assert!(received == numbered(&mut chunk, number), "chunk {number}, {client_kind:?} to {server_kind:?}");
        }
        assert_eq!(server.receive_all().await, (Vec::new(), End::Clean));
        server.end().await;
        let _client = sender.await.expect("no panic");
        assert_eq!(tunnel.report().await.to_server_bytes, chunks * CHUNK as u64);
    }
}

const CHUNK: usize = 1 << 20;

fn numbered(chunk: &mut [u8], number: u64) -> &[u8] {
    chunk[..8].copy_from_slice(&number.to_le_bytes());
    chunk
}

/// What is promised of a stalled side.
const HELD_MAX: usize = 64 * 1024;

/// What one direction holds in user memory: never more than a read with its seals; nothing when idle.
#[test]
fn a_stalled_direction_holds_one_buffer_and_an_idle_one_nothing() {
    let mut buffers = Buffers::new();
    let mut cx = Context::from_waker(Waker::noop());
    // Of records, 0 for none; the last is sealed in place.
    for (from_record, to_record) in [(100, 0), (1_400, 0), (16_384, 0), (0, 1_400), (0, 16_384)] {
        let case = format!("{from_record} to {to_record}");
        let codec =
            |record| -> Box<dyn Codec> { if record > 0 { Box::new(Toy::new(record)) } else { Box::new(PlainCodec) } };
        let mut peer = Toy::new(from_record.max(1));
        let client = Mock::default();
        let server = Mock::default();
        let mut from = Peer::new(Party::Client, &client, codec(from_record), Vec::new(), Vec::new());
        let mut to = Peer::new(Party::Server, &server, codec(to_record), Vec::new(), Vec::new());
        let mut sent = 0;
        let mut held_max = 0;
        for round in 0..200 {
            // Offered without end; taken in odd portions, with stalls.
            while client.with(|state| state.incoming.len()) < 4 {
                sent += 100_000;
                let plaintext = pattern(round, 100_000);
                client.arrive(Arrival::Bytes(if from_record > 0 { peer.records(&plaintext) } else { plaintext }));
            }
            server.with(|state| {
                state.stalled = round % 3 == 0;
                state.takes = vec![30_001, 0];
            });
            for _ in 0..5 {
                advance(&mut cx, &mut from, &mut to, &mut buffers, &mut NoInspector).expect("nothing ends");
                let held = to.outlet.unsent.memory() + from.inlet.opened.memory() + from.inlet.received.capacity();
                held_max = held_max.max(held);
            }
        }
        assert!(held_max > 10_000 && held_max <= HELD_MAX, "{case}: held {held_max}");

        server.with(|state| {
            state.stalled = false;
            state.takes = Vec::new();
        });
        let mut steps = 0;
        while advance(&mut cx, &mut from, &mut to, &mut buffers, &mut NoInspector).expect("nothing ends") == Step::Moved
        {
            steps += 1;
            assert!(steps < 100_000, "the backlog ends");
        }
        assert_eq!(to.outlet.handed, sent);
        let held = to.outlet.unsent.memory() + from.inlet.opened.memory() + from.inlet.received.capacity();
        assert_eq!(held, 0, "{case}: idle");
    }
}

/// Many small records come out whole, and in few writes.
#[test]
fn small_records_are_carried_many_at_a_time() {
    let mut buffers = Buffers::new();
    let mut cx = Context::from_waker(Waker::noop());
    let plaintext = pattern(12, 40_000);
    let client = Mock::new([Arrival::Bytes(Toy::new(20).records(&plaintext))], &[]);
    let server = Mock::default();
    let mut from = Peer::new(Party::Client, &client, Box::new(Toy::new(20)), Vec::new(), Vec::new());
    let mut to = Peer::new(Party::Server, &server, Box::new(PlainCodec), Vec::new(), Vec::new());
    let mut steps = 0;
    while advance(&mut cx, &mut from, &mut to, &mut buffers, &mut NoInspector).expect("nothing ends") == Step::Moved {
        steps += 1;
    }
    assert!(server.with(|state| state.written == plaintext));
    assert_eq!(
        (steps, client.with(|state| state.reads)),
        (1, 1),
        "2,000 records of 24 bytes in one read and one write"
    );
}

/// A busy tunnel lets another of its thread go first: the other's packet waits for a share, not for the end of the flood.
#[tokio::test]
async fn a_busy_tunnel_takes_turns() {
    let (busy_client, busy_server, busy) = start(Kind::Plain, Kind::Plain, LIMITS).await;
    let (mut client, mut server, quiet) = start(Kind::Plain, Kind::Plain, LIMITS).await;
    // The flood's ends have threads of their own, so that this one has the relay and the quiet tunnel only.
    let (mut out, into) = (busy_client.detach(), busy_server.detach());
    let flood = std::thread::spawn(move || {
        let drain = std::thread::spawn(move || drain(into));
        for _ in 0..512 {
            std::io::Write::write_all(&mut out, &[0; 1 << 20]).unwrap();
        }
        drop(out);
        drain.join().unwrap()
    });
    let mut answered = 0_u32;
    while !flood.is_finished() {
        client.send(b"ping").await;
        server.receive(4).await;
        server.send(b"pong").await;
        client.receive(4).await;
        answered += 1;
    }
    assert_eq!(flood.join().unwrap(), 512 << 20);
    assert!(answered > 100, "only {answered} round trips during 512 MiB");
    drop((client, server));
    busy.report().await;
    quiet.report().await;
}

fn drain(mut from: std::net::TcpStream) -> usize {
    let mut buffer = vec![0; 1 << 18];
    let mut read = 0;
    loop {
        match std::io::Read::read(&mut from, &mut buffer).unwrap() {
            0 => return read,
            count => read += count,
        }
    }
}
