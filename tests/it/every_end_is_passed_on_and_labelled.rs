//! How each side ends its half of a tunnel, what the other side then sees, and the label of the session. A cut never looks
//! like a clean end. Over TLS to the server (bridge) and over plain HTTP (offload), where a FIN is the clean end.

use ravelin_lab::client::{Client, Tunnel};
use ravelin_lab::end::End;
use ravelin_lab::server::{Body, Ending, Server, ServerSpec};

use crate::support::{Gate, Setup};

async fn gate(plain: bool, body: Body) -> (Gate, Server) {
    let setup = Setup::new();
    let spec = if plain { ServerSpec::plain() } else { ServerSpec::tls(&setup.estate().server) };
    let server = spec.body(body).start().await.unwrap();
    let setup = if plain { setup.set("pools.main", "upstream", r#"{ mode = "offload" }"#) } else { setup };
    (setup.servers(&[server.address()]).start(), server)
}

async fn tunnel(gate: &Gate) -> Tunnel {
    let client = Client::new(gate.address(), "da.corp.example.test").trust(&gate.estate.root);
    client.certificate(&gate.estate.clients.healthy).connect().await.unwrap()
}

#[derive(Clone, Copy, Debug)]
enum ClientEnds {
    Clean,
    Cut,
    Reset,
}

#[tokio::test]
async fn the_client_ends() {
    for plain in [false, true] {
        for (how, server_sees, label) in [
            (ClientEnds::Clean, if plain { End::Fin } else { End::CloseNotify }, "client_closed"),
            (ClientEnds::Cut, End::Reset, "client_cut"),
            (ClientEnds::Reset, End::Reset, "client_failed"),
        ] {
            let (gate, server) = gate(plain, Body::Bulk { send: 0 }).await;
            let tunnel = tunnel(&gate).await;
            tunnel.send(&[6; 5000]).await.unwrap();
            server.wait_until("the bytes", |visits| visits[0].received == 5000).await;
            match how {
                ClientEnds::Clean => tunnel.close().await.unwrap(),
                ClientEnds::Cut => tunnel.fin().unwrap(),
                ClientEnds::Reset => tunnel.reset(),
            }
            let visits = server.wait_until("the end", |visits| visits[0].end.is_some()).await;
            let seen = visits[0].end.clone().unwrap();
            // Over plain TCP the lab calls a FIN what it is there: the clean end.
            let clean = [End::Fin, End::CloseNotify];
            assert!(
                seen == server_sees || (clean.contains(&seen) && clean.contains(&server_sees)),
                "plain {plain}, {how:?}: the server saw {seen:?}"
            );
            let record = gate.records.ended(label).await;
            assert_eq!(record["to_server_bytes"], 5000, "plain {plain}, {how:?}");
        }
    }
}

#[tokio::test]
async fn the_server_ends() {
    for plain in [false, true] {
        for (how, client_sees, label) in [
            (Ending::CloseNotify, End::CloseNotify, "server_closed"),
            (
                Ending::Fin,
                if plain { End::CloseNotify } else { End::Reset },
                if plain { "server_closed" } else { "server_cut" },
            ),
            (Ending::Reset, End::Reset, "server_failed"),
        ] {
            let (gate, server) = gate(plain, Body::Echo).await;
            let mut tunnel = tunnel(&gate).await;
            tunnel.send(b"ask").await.unwrap();
            assert_eq!(tunnel.receive(3).await.unwrap(), b"ask");
            server.end_all(how);
            assert_eq!(tunnel.end().await, client_sees, "plain {plain}, {how:?}");
            // A clean end leaves the client's half open; it closes, too.
            let _ = tunnel.close().await;
            let record = gate.records.ended(label).await;
            assert_eq!((&record["to_server_bytes"], &record["to_client_bytes"]), (&3.into(), &3.into()));
        }
    }
}

/// A half-closed tunnel carries what the other side still has to say.
#[tokio::test]
async fn half_close_keeps_the_answer() {
    for plain in [false, true] {
        let answer: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        let (gate, _server) = gate(plain, Body::AnswerAtEnd(answer.clone())).await;
        let mut tunnel = tunnel(&gate).await;
        tunnel.send(b"question").await.unwrap();
        tunnel.close().await.unwrap();
        assert!(tunnel.receive(answer.len()).await.unwrap() == answer, "plain {plain}");
        assert_eq!(tunnel.end().await, End::CloseNotify);
        gate.records.ended("client_closed").await;
    }
}
