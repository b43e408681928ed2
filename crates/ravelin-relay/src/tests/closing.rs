//! Ends that need more than one step, on real sockets: slow readers, gone clients, dropped tunnels.

use super::net::{End, Kind, connected, side, start, start_with, until};
use super::{LIMITS, label, pattern};
use crate::transport::Transport;
use crate::{Limits, Options, PassCutAs};
use std::time::Duration;

/// The bytes of a client that was cut are delivered to a server that reads late, and only then comes the reset.
#[tokio::test]
async fn a_cut_is_shown_after_all_bytes_also_to_a_slow_server() {
    for server_kind in [Kind::Plain, Kind::Toy] {
        let (mut client, mut server, tunnel) = start(Kind::Toy, server_kind, LIMITS).await;
        // More than one socket's buffers take at once, so that some of it waits in the kernel, and some in the relay.
        let words = pattern(5, 8_000_000);
        let sent = words.clone();
        let client = tokio::spawn(async move {
            client.send(&sent).await;
            client.fin().await;
            client
        });
        let counters = std::sync::Arc::clone(&tunnel.counters);
        until("the server's buffers are full", || counters.to_server() > 100_000).await;
        let (heard, end) = server.receive_all().await;
        assert_eq!(end, End::Reset);
        assert!(heard == words, "{} of {} bytes", heard.len(), words.len());
        let report = tunnel.report().await;
        assert_eq!(label(&report.end), "client_cut");
        assert_eq!(report.to_server_bytes, words.len() as u64);
        client.await.expect("no panic");
    }
}

#[tokio::test]
async fn a_cut_is_passed_on_as_fin_where_the_switch_says_so() {
    let options = Options { pass_cut_as: PassCutAs::Fin, ..Options::default() };
    for (server_kind, seen) in [(Kind::Plain, End::Clean), (Kind::Toy, End::Fin)] {
        let (mut client, mut server, tunnel) =
            start_with(side(Kind::Toy).await, side(server_kind).await, LIMITS, options);
        client.send(b"last words").await;
        client.fin().await;
        assert_eq!(server.receive_all().await, (b"last words".to_vec(), seen));
        assert_eq!(label(&tunnel.report().await.end), "client_cut");
    }
}

/// A server that takes nothing does not keep a cut tunnel for ever, nor past a stop.
#[tokio::test]
async fn the_delivery_of_a_cut_is_bounded() {
    for stopped in [false, true] {
        let patience = Duration::from_millis(if stopped { 600_000 } else { 100 });
        let (mut client, server, tunnel) =
            start(Kind::Toy, Kind::Plain, Limits { half_closed_idle: patience, ..LIMITS }).await;
        // Fill the server's window, so that the kernel cannot send, but less than the relay can hand over.
        socket2::SockRef::from(&server.stream).set_recv_buffer_size(0).expect("a socket");
        client.send(&pattern(6, 60_000)).await;
        let counters = std::sync::Arc::clone(&tunnel.counters);
        until("all is handed over", || counters.to_server() == 60_000).await;
        client.fin().await;
        let report = if stopped { tunnel.stop().await } else { tunnel.report().await };
        // A stop may come before the relay sees the cut.
        let end = label(&report.end);
        assert!(end == "client_cut" || (stopped && end == "stopped"), "{end}");
    }
}

/// The client is gone while the server behind it reads nothing: noticed at once, not when the server moves.
#[tokio::test]
async fn a_reset_is_noticed_while_the_other_side_is_stalled() {
    let (mut client, mut server, tunnel) = start(Kind::Plain, Kind::Plain, LIMITS).await;
    let flood = tokio::spawn(async move {
        let bytes = pattern(7, 1 << 20);
        loop {
            if tokio::time::timeout(Duration::from_millis(500), client.send(&bytes)).await.is_err() {
                return client; // Nothing moves any more.
            }
        }
    });
    flood.await.expect("no panic").reset();
    let report = tunnel.report().await;
    assert_eq!(label(&report.end), "client_failed");
    assert_eq!(server.receive_all().await.1, End::Reset);
}

/// Neither of two half-closed sides is read; a reset is noticed all the same, and is no failure of a side that had
/// ended cleanly.
#[tokio::test]
async fn a_reset_after_a_clean_end_is_that_end() {
    for kind in [Kind::Plain, Kind::Toy] {
        let (mut client, mut server, tunnel) = start(kind, Kind::Plain, LIMITS).await;
        client.send(b"all I had to say").await;
        client.end().await;
        assert_eq!(server.receive_all().await, (b"all I had to say".to_vec(), End::Clean));
        client.reset();
        let report = tunnel.report().await;
        assert_eq!(label(&report.end), "client_closed");
        assert_eq!(report.to_server_bytes, 16);
    }
}

/// A stop reaches both sides as a clean end although they send on: nothing resets it away.
#[tokio::test]
async fn a_stop_is_a_clean_end_to_peers_that_talk() {
    let (mut client, mut server, tunnel) = start(Kind::Toy, Kind::Toy, LIMITS).await;
    client.send(b"question").await;
    server.receive(8).await;
    let stopping = tokio::spawn(tunnel.stop());
    let (client_saw, server_saw) = tokio::join!(client.receive_all(), server.receive_all());
    assert_eq!((client_saw.1, server_saw.1), (End::Clean, End::Clean));
    client.send(&pattern(8, 10_000)).await; // Too late, and no reason to be reset before the end was read.
    drop((client, server));
    let report = stopping.await.expect("no panic");
    assert_eq!(label(&report.end), "stopped");
    assert_eq!(report.to_server_bytes, 8);
}

/// A tunnel whose task is dropped (or panics) resets both sides: not even an accident looks like a clean end.
#[tokio::test]
async fn a_dropped_tunnel_resets_both_sides() {
    let (mut client, mut server, tunnel) = start(Kind::Plain, Kind::Plain, LIMITS).await;
    client.send(b"x").await;
    server.receive(1).await;
    tunnel.abort();
    assert_eq!(client.receive_all().await.1, End::Reset);
    assert_eq!(server.receive_all().await.1, End::Reset);
}

/// Bytes and plaintext that the handshake left over go first, and once.
#[tokio::test]
async fn what_the_handshake_left_over_goes_first() {
    let (mut client, mut client_side) = side(Kind::Plain).await;
    let server = side(Kind::Plain).await;
    let (opened, received) = (pattern(9, 400_000), pattern(10, 500_000)); // Larger than any buffer.
    client_side.opened = opened.clone();
    client_side.received = received.clone();
    client.send(b"and then").await;
    client.end().await;
    let (_client, mut server, tunnel) = start_with((client, client_side), server, LIMITS, Options::default());
    let (heard, end) = server.receive_all().await;
    assert_eq!(end, End::Clean);
    assert!(heard == [opened, received, b"and then".to_vec()].concat());
    server.end().await;
    let report = tunnel.report().await;
    assert_eq!((label(&report.end), report.to_server_bytes), ("client_closed", 900_008));
}

#[tokio::test]
async fn sockets_are_set_for_small_packets_and_bounded_queues() {
    let (_outside, inside) = connected().await;
    inside.prepare();
    let socket = socket2::SockRef::from(&inside);
    assert!(inside.nodelay().expect("a socket"));
    assert_eq!(socket.tcp_notsent_lowat().expect("Linux 3.12"), 128 * 1024);
    assert_eq!(socket.linger().expect("a socket"), Some(Duration::ZERO), "an unforeseen close is a reset");
    inside.close_cleanly();
    assert_eq!(socket.linger().expect("a socket"), None);
}

#[test]
fn the_relay_may_move_between_threads() {
    fn check(_: impl Send) {}
    let relay = |client, server| crate::run(client, server, LIMITS, std::sync::Arc::default(), async {});
    let _ = |client, server| check(relay(client, server));
}
