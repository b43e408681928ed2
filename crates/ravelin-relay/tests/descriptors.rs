//! Two thousand tunnels opened, used and ended in every way leave no descriptor. A binary of its own, because it counts the
//! descriptors of the process.
#![expect(clippy::expect_used, reason = "a test, helpers included")]

use ravelin_relay::{Limits, PlainCodec, RelayEnd, Side, run};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const TUNNELS: usize = 2_000;
/// Alive at a time: four descriptors each, within the usual limit of 1,024.
const AT_A_TIME: usize = 200;

const LIMITS: Limits =
    Limits { idle: Duration::from_millis(300), half_closed_idle: Duration::from_millis(300), lifetime: None };

#[tokio::test]
async fn two_thousand_tunnels_leave_no_descriptor() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    one_tunnel(0, &listener).await.await.expect("no panic"); // Whatever the runtime opens once is open now.
    let before = open_descriptors();
    let mut ends = [0; 6];
    for batch in 0..TUNNELS / AT_A_TIME {
        let tunnels = (0..AT_A_TIME).map(|index| {
            let number = batch * AT_A_TIME + index;
            let listener = &listener;
            async move { (number % 6, one_tunnel(number, listener).await) }
        });
        // OpenProgress one after the other, so that each accept gets its own connect; used and ended side by side.
        let mut running = Vec::new();
        for tunnel in tunnels {
            running.push(tunnel.await);
        }
        for (way, running) in running {
            let end = tokio::time::timeout(Duration::from_secs(60), running).await.expect("ends").expect("no panic");
            check(way, &end);
            ends[way] += 1;
        }
    }
    assert_eq!(ends.iter().sum::<usize>(), TUNNELS);
    assert!(ends.iter().all(|&count| count > TUNNELS / 7), "{ends:?}");
    let mut after = open_descriptors();
    for _ in 0..1_000 {
        if after <= before {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await; // The last tasks are being dropped.
        after = open_descriptors();
    }
    assert_eq!(after, before);
}

/// Sets up one tunnel, and a task that uses it, ends it in the way of its number, and returns the relay's end.
async fn one_tunnel(number: usize, listener: &TcpListener) -> tokio::task::JoinHandle<RelayEnd> {
    let (mut client, client_side) = side(listener).await;
    let (mut server, server_side) = side(listener).await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let relay = tokio::spawn(run(client_side, server_side, LIMITS, Arc::default(), async {
        if stopped.await.is_err() {
            std::future::pending().await
        }
    }));
    tokio::spawn(async move {
        let mut bytes = [0; 4];
        client.write_all(b"ping").await.expect("connected");
        server.read_exact(&mut bytes).await.expect("relayed");
        server.write_all(b"pong").await.expect("connected");
        client.read_exact(&mut bytes).await.expect("relayed");
        let mut stop = Some(stop);
        match number % 6 {
            0 => {
                client.shutdown().await.expect("connected");
                server.read_to_end(&mut Vec::new()).await.expect("a clean end");
                drop(server);
            }
            1 => drop((server, client)),
            2 => client.set_zero_linger().map(|()| drop(client)).expect("a socket"),
            3 => server.set_zero_linger().map(|()| drop(server)).expect("a socket"),
            4 => stop.take().expect("not used yet").send(()).expect("still running"),
            _ => {} // Idle.
        }
        relay.await.expect("no panic").end
    })
}

fn check(way: usize, end: &RelayEnd) {
    let expected = match way {
        0 => matches!(end, RelayEnd::ClientClosed),
        1 => matches!(end, RelayEnd::ClientClosed | RelayEnd::ServerClosed),
        2 => matches!(end, RelayEnd::ClientFailed(_)),
        3 => matches!(end, RelayEnd::ServerFailed(_)),
        4 => matches!(end, RelayEnd::Stopped),
        _ => matches!(end, RelayEnd::Idle),
    };
    assert!(expected, "way {way}: {end:?}");
}

async fn side(listener: &TcpListener) -> (TcpStream, Side) {
    let address = listener.local_addr().expect("bound");
    let (outside, inside) = tokio::join!(TcpStream::connect(address), listener.accept());
    let stream = inside.expect("accepted").0;
    let side = Side { stream, codec: Box::new(PlainCodec), received: Vec::new(), opened: Vec::new() };
    (outside.expect("connected"), side)
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("Linux").count()
}
