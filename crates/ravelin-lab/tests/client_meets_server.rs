//! Client and stand-in, face to face: what the one does, the other sees by its right name.
#![expect(clippy::expect_used, reason = "test code")]

use std::io::Write as _;
use std::time::Duration;

use ravelin_iphttps::write_request_head;
use ravelin_lab::bulk::Pattern;
use ravelin_lab::client::{Client, Versions};
use ravelin_lab::end::{End, alert};
use ravelin_lab::pki::{Authority, CertificateSpec, Estate, Issued};
use ravelin_lab::server::{Behaviour, Body, Ending, Server, ServerSpec, source_request};
use ravelin_lab::{clock, hello, packets};

/// A root and a server certificate below it, without RSA: quick.
fn server_identity() -> (Authority, Issued) {
    let root = Authority::root("Corp Root CA", clock::now());
    let issued = root.issue(CertificateSpec::server(&["da.corp.example.test"]));
    (root, issued)
}

async fn start(spec: ServerSpec) -> Server {
    spec.start().await.expect("a free port on loopback")
}

fn client(server: &Server) -> Client {
    Client::new(server.address(), "da.corp.example.test")
}

#[tokio::test]
async fn a_tunnel_carries_packets() {
    let (root, identity) = server_identity();
    for versions in [Versions::Tls12, Versions::Tls13] {
        let server = start(ServerSpec::tls(&identity).versions(versions)).await;
        let mut tunnel = client(&server).trust(&root).connect().await.expect("a tunnel");
        tunnel.ping().await.expect("a reply");
        tunnel.ping().await.expect("another");
        let source = tunnel.solicit().await.expect("an address");
        tunnel.send(&source_request(source, source, 100, 1232)).await.expect("sent");
        for _ in 0..100 {
            assert_eq!(tunnel.receive_packet().await.expect("a packet").len(), 1280);
        }
        tunnel.close().await.expect("closed");
        assert_eq!(tunnel.end().await, End::CloseNotify);
        let visits = server.wait_until("the end", |visits| visits[0].end.is_some()).await;
        assert_eq!(visits[0].head, write_request_head("/IPHTTPS", "da.corp.example.test").expect("a head"));
        assert_eq!(visits[0].server_name.as_deref(), Some("da.corp.example.test"));
        assert_eq!((visits[0].packets, visits[0].end.clone()), (5, Some(End::CloseNotify)));
    }
}

#[tokio::test]
async fn addresses_in_use_are_defended() {
    let server = start(ServerSpec::plain()).await;
    let mut first = client(&server).without_tls().connect().await.expect("a tunnel");
    let mut second = client(&server).without_tls().connect().await.expect("a tunnel");
    let target = "2001:db8:da:1::77".parse().expect("an address");
    let detection = packets::neighbor_solicitation([0; 16].into(), target);
    first.send(&detection).await.expect("sent");
    // The ping comes back, and nothing before it: nobody else has the address.
    first.ping().await.expect("a reply");
    second.send(&detection).await.expect("sent");
    let answer = second.receive_packet().await.expect("an answer");
    assert_eq!(answer, packets::neighbor_advertisement(target, packets::ALL_NODES, target, 0x20));
}

#[tokio::test]
async fn every_behaviour_has_its_name() {
    let (root, identity) = server_identity();
    let stranger = Authority::root("Stranger", clock::now());
    for plain in [false, true] {
        let spec = if plain { ServerSpec::plain() } else { ServerSpec::tls(&identity) };
        let server = start(spec).await;
        let quick = client(&server).deadline(Duration::from_secs(10));
        let client = if plain { quick.without_tls() } else { quick.trust(&root) };
        let cut = if plain { End::CloseNotify } else { End::Fin };
        for (case, behaviour, expected) in [
            ("status", Behaviour::Answer(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n".to_vec()), End::Status(503)),
            ("nothing", Behaviour::Answer(Vec::new()), End::CloseNotify),
            ("cut", Behaviour::EndAfterHead(Ending::Fin), cut.clone()),
            ("reset", Behaviour::EndAfterHead(Ending::Reset), End::Reset),
            ("cut at once", Behaviour::EndAtOnce(Ending::Fin), cut),
            ("reset at once", Behaviour::EndAtOnce(Ending::Reset), End::Reset),
        ] {
            server.behave(behaviour);
            assert_eq!(client.refused().await, expected, "{case}, plain {plain}");
        }
        server.behave(Behaviour::Answer(b"SSH-2.0-x\r\n\r\n".to_vec()));
        assert!(matches!(client.refused().await, End::BadResponse(_)), "plain {plain}");
        for behaviour in [Behaviour::Hang, Behaviour::Silent] {
            server.behave(behaviour);
            assert_eq!(client.clone().deadline(Duration::from_millis(100)).refused().await, End::Timeout);
        }
        server.behave(Behaviour::Accept);
        assert_eq!(client.clone().path("/other").refused().await, End::Status(404), "plain {plain}");
        assert_eq!(client.clone().head("GET / HTTP/1.1\r\n\r\n").refused().await, End::Status(400), "plain {plain}");
        client.connect().await.expect("a tunnel");
        if !plain {
            assert!(matches!(client.trust(&stranger).refused().await, End::ServerUntrusted(_)));
        }
    }
}

#[tokio::test]
async fn ends_are_told_apart_both_ways() {
    let (_, identity) = server_identity();
    for plain in [false, true] {
        let spec = if plain { ServerSpec::plain() } else { ServerSpec::tls(&identity) };
        let server = start(spec.body(Body::Echo)).await;
        let client = if plain { client(&server).without_tls() } else { client(&server) };
        for (ending, expected) in [
            (Ending::CloseNotify, End::CloseNotify),
            (Ending::Fin, if plain { End::CloseNotify } else { End::Fin }),
            (Ending::Reset, End::Reset),
        ] {
            let mut tunnel = client.connect().await.expect("a tunnel");
            server
                .wait_until("a tunnel", |visits| visits.iter().any(|visit| visit.accepted && visit.end.is_none()))
                .await;
            server.end_all(ending);
            assert_eq!(tunnel.end().await, expected, "the server's {ending:?}, plain {plain}");

            let mut tunnel = client.connect().await.expect("a tunnel");
            tunnel.send(b"bytes").await.expect("sent");
            assert_eq!(tunnel.receive(5).await.expect("an echo"), b"bytes");
            let number = server.visits().len() - 1;
            // The socket must outlive a close or a FIN, else the kernel may turn it into a reset.
            let kept = match ending {
                Ending::CloseNotify => tunnel.close().await.map(|()| Some(tunnel)),
                Ending::Fin => tunnel.fin().map(|()| Some(tunnel)),
                Ending::Reset => {
                    tunnel.reset();
                    Ok(None)
                }
            };
            let visits = server.wait_until("an end", |visits| visits[number].end.is_some()).await;
            assert_eq!(visits[number].end, Some(expected), "the client's {ending:?}, plain {plain}");
            drop(kept);
        }
    }
}

#[tokio::test]
async fn a_half_closed_tunnel_still_brings_the_answer() {
    let (_, identity) = server_identity();
    let server = start(ServerSpec::tls(&identity).body(Body::AnswerAtEnd(b"answer".to_vec()))).await;
    let mut tunnel = client(&server).connect().await.expect("a tunnel");
    tunnel.send(b"question").await.expect("sent");
    tunnel.close().await.expect("closed");
    assert_eq!(tunnel.receive(6).await.expect("the answer"), b"answer");
    assert_eq!(tunnel.end().await, End::CloseNotify);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bulk_arrives_whole_in_both_directions() {
    const BYTES: u64 = 16 << 20;
    let (_, identity) = server_identity();
    let server = start(ServerSpec::tls(&identity).body(Body::Bulk { send: BYTES })).await;
    let mut tunnel = client(&server).connect().await.expect("a tunnel");
    let report = tunnel.bulk(7, BYTES + 1, BYTES).await.expect("both directions");
    tunnel.close().await.expect("closed");
    assert_eq!(tunnel.end().await, End::CloseNotify);
    let visits = server.wait_until("the end", |visits| visits[0].end.is_some()).await;
    assert_eq!(report.received_sha256, Pattern::sha256_of(0, BYTES));
    assert_eq!(visits[0].sent_sha256.as_ref(), Some(&report.received_sha256));
    assert_eq!(visits[0].received_sha256, Some(Pattern::sha256_of(7, BYTES + 1)));
    assert_eq!((visits[0].sent, visits[0].received), (BYTES, BYTES + 1));
}

#[tokio::test]
async fn certificates_are_shown_and_their_refusal_is_read() {
    let now = clock::now();
    let estate = Estate::standard(now);
    for versions in [Versions::Tls12, Versions::Tls13] {
        let spec = ServerSpec::tls(&estate.server).demand_certificate(&estate.root).versions(versions);
        let server = start(spec).await;
        let client = || client(&server).trust(&estate.root);
        let hints = {
            let client = client().certificate(&estate.clients.healthy);
            client.connect().await.expect("a tunnel");
            client.hints().last()
        };
        assert_eq!(hints, Some(vec![estate.root.name().to_der()]));
        assert_eq!(server.visits()[0].client_chain, estate.clients.healthy.chain());
        let none = if versions == Versions::Tls13 { alert::CERTIFICATE_REQUIRED } else { alert::HANDSHAKE_FAILURE };
        let refused = client().refused().await;
        assert!([End::Alert(none), End::Alert(alert::CERTIFICATE_REQUIRED)].contains(&refused), "{refused:?}");
        for (case, client, expected) in [
            ("expired", client().certificate(&estate.clients.expired), alert::CERTIFICATE_EXPIRED),
            ("partner", client().certificate(&estate.clients.partner), alert::UNKNOWN_CA),
            ("leaf alone", client().certificate_alone(&estate.clients.healthy), alert::UNKNOWN_CA),
            (
                "stolen",
                client().chain(estate.clients.healthy.chain(), &estate.clients.expired.key),
                alert::DECRYPT_ERROR,
            ),
        ] {
            assert_eq!(client.refused().await, End::Alert(expected), "{case}, {versions:?}");
        }
    }
}

#[tokio::test]
async fn a_hello_can_be_cut_in_any_way() {
    let (_, identity) = server_identity();
    let server = start(ServerSpec::tls(&identity)).await;
    for client in [
        client(&server).hello_records(1),
        client(&server).hello_records(100).hello_pace(7, Duration::ZERO),
        client(&server).head_pace(1, Duration::ZERO),
    ] {
        client.connect().await.expect("a tunnel").ping().await.expect("a reply");
    }
}

#[tokio::test]
async fn a_hello_can_hold_any_name() {
    const ALERT_RECORD: u8 = 21;
    const HANDSHAKE_RECORD: u8 = 22;
    let (_, identity) = server_identity();
    let server = start(ServerSpec::tls(&identity)).await;
    let client = client(&server);
    let plain = client.hello().expect("a hello");
    for (case, names, expected) in [
        ("the same again", vec![(0, b"da.corp.example.test".as_slice())], HANDSHAKE_RECORD),
        ("none", vec![], HANDSHAKE_RECORD),
        ("two", vec![(0, b"a.test".as_slice()), (0, b"b.test".as_slice())], ALERT_RECORD),
        ("empty", vec![(0, b"".as_slice())], ALERT_RECORD),
    ] {
        let changed = hello::with_server_names(&plain, &names).expect("a hello");
        if case == "the same again" {
            assert_eq!(changed.len(), plain.len());
        }
        let mut tunnel = client.silent().await.expect("connected");
        tunnel.send(&changed).await.expect("sent");
        let record = tunnel.receive(7).await.expect("a record");
        assert_eq!(record[0], expected, "{case}: {record:?}");
    }
}

#[tokio::test]
async fn a_client_that_remembers_resumes_where_it_may() {
    let (_, identity) = server_identity();
    let server = start(ServerSpec::tls(&identity)).await;
    let remembering = client(&server).remembering();
    let mut first = remembering.connect().await.expect("a tunnel");
    first.ping().await.expect("a reply");
    assert!(!first.was_resumed() && first.tickets() > 0);
    assert!(remembering.connect().await.expect("a tunnel").was_resumed());
    assert!(!client(&server).connect().await.expect("a tunnel").was_resumed());
}

#[tokio::test]
async fn a_server_that_stops_frees_its_port() {
    let server = start(ServerSpec::plain()).await;
    let address = server.address();
    let mut tunnel = client(&server).without_tls().connect().await.expect("a tunnel");
    server.stop().await;
    assert_eq!(tunnel.end().await, End::CloseNotify);
    assert!(matches!(Client::new(address, "x").silent().await, Err(End::Unreachable(_))));
    let server = start(ServerSpec::plain().bind(address)).await;
    let client = client(&server).without_tls().from([127, 0, 0, 9]);
    client.connect().await.expect("a tunnel").ping().await.expect("a reply");
    assert_eq!(server.visits()[0].peer.ip().to_string(), "127.0.0.9");
}

/// The public scanner for IP-HTTPS takes the stand-in for a DirectAccess server: it speaks the protocol, not our idea of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scanner_finds_the_stand_in() {
    let estate = Estate::standard(clock::now());
    // The scanner speaks TLS only to ports that are known for it: the address, not the port, is what nobody else has.
    let [_, a, b, c] = std::process::id().to_be_bytes();
    let address = format!("127.{}.{b}.{c}", 128 | a);
    let bind = format!("{address}:8443").parse().expect("an address");
    let server = start(ServerSpec::tls(&estate.server).bind(bind)).await;
    let scan = move || {
        std::process::Command::new("nmap")
            .args(["-Pn", "-n", "--unprivileged", "-p", "8443", "--script", "ip-https-discover", &address])
            .output()
    };
    let Ok(output) = tokio::task::spawn_blocking(scan).await.expect("no panic") else {
        // Past the harness, which keeps what passing tests print to itself.
        let _ = writeln!(std::io::stderr(), "skip a_scanner_finds_the_stand_in: needs the command nmap");
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("IP-HTTPS is supported"), "{said}");
    assert!(server.visits().iter().any(|visit| visit.accepted));
}
