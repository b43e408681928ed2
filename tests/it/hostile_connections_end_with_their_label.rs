//! Every hostile connection ends in its label, and the process serves the next client; no server sees any of them.

use std::time::Duration;

use ravelin_lab::client::Client;
use ravelin_lab::end::{End, alert};
use ravelin_lab::hello;
use ravelin_lab::server::{Behaviour, ServerSpec};

use crate::support::{Gate, NAME, Setup, gate_and_server, raw};

/// What a client does when its bytes are out.
#[derive(Clone, Copy, Debug)]
enum Then {
    Fin,
    Reset,
    Wait,
}

/// Covers: docs/traps.md rows 14, 53, 54, 59. (A PROXY header is no TLS: there is no listener that reads one.)
#[tokio::test]
async fn raw_bytes() {
    let (gate, server) = gate_and_server(Setup::new()).await;
    let hello = raw::small_hello(NAME);
    let record = |kind: u8, payload: &[u8]| hello::record(kind, [3, 3], payload);
    let followed_by = |bytes: &[u8]| [hello.as_slice(), bytes].concat();
    let close_notify = record(21, &[1, 0]);
    // A message that claims 16,000 bytes, one of them in each record.
    let crumbs: Vec<u8> =
        [1, 0, 0x3e, 0x80].into_iter().chain([0; 4_093]).flat_map(|byte| record(22, &[byte])).collect();
    let same_extension_twice = [(0xff01, &[0][..]), (0xff01, &[0])];
    let modern = [(10, &[0, 2, 0, 29][..]), (13, &[0, 4, 4, 3, 8, 4])];
    let proxy_2 =
        [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".as_slice(), &[10, 0, 0, 1, 10, 0, 0, 2, 1, 0, 1, 0xbb], &hello];
    let cases = [
        ("nothing", vec![], Then::Fin, "handshake_failed", "closed without a byte"),
        ("nothing, reset", vec![], Then::Reset, "handshake_failed", ""),
        ("plaintext HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), Then::Wait, "handshake_failed", "not TLS"),
        ("the legal request in plain", raw_request(), Then::Wait, "handshake_failed", "not TLS"),
        ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), Then::Wait, "handshake_failed", "not TLS"),
        ("PROXY v1", b"PROXY TCP4 10.0.0.1 10.0.0.2 1 443\r\n".to_vec(), Then::Wait, "handshake_failed", "not TLS"),
        ("PROXY v2", proxy_2.concat(), Then::Wait, "handshake_failed", "not TLS"),
        ("SSLv2", [&[0x80, 0x2e, 1, 3, 1][..], &[0; 43]].concat(), Then::Wait, "handshake_failed", "0x80"),
        ("noise", vec![0xff; 4_000], Then::Wait, "handshake_failed", "not TLS"),
        ("zeros", vec![0; 4_000], Then::Wait, "handshake_failed", "not TLS"),
        ("half a hello", hello[..100].to_vec(), Then::Fin, "handshake_failed", "closed after 100 bytes"),
        ("half a hello, reset", hello[..100].to_vec(), Then::Reset, "handshake_failed", "after 100 bytes"),
        (
            "a hello too large",
            record(22, &[&[1, 0, 0xff, 0xff], [0; 16_000].as_slice()].concat()),
            Then::Wait,
            "handshake_failed",
            "too large",
        ),
        ("a hello in crumbs", crumbs, Then::Wait, "handshake_failed", "too many records"),
        ("a record too long", vec![22, 3, 1, 0xff, 0xff], Then::Wait, "handshake_failed", "over 2^14"),
        ("an empty record", record(22, &[]), Then::Wait, "handshake_failed", "empty handshake record"),
        ("empty records", record(22, &[]).repeat(1_000), Then::Wait, "handshake_failed", "empty handshake record"),
        ("an alert", record(21, &[2, 40]), Then::Wait, "handshake_failed", "record of type 21"),
        ("close_notify first", close_notify.clone(), Then::Wait, "handshake_failed", "record of type 21"),
        ("data first", record(23, &[0; 32]), Then::Wait, "handshake_failed", "record of type 23"),
        ("a heartbeat", record(24, &[1, 0xff, 0xff]), Then::Wait, "handshake_failed", "record of type 24"),
        ("a ServerHello", record(22, &[2, 0, 0, 0]), Then::Wait, "handshake_failed", "message 2"),
        ("a hello of nothing", record(22, &[1, 0, 0, 0]), Then::Wait, "handshake_failed", "malformed"),
        (
            "an extension twice",
            raw::hello_of([3, 3], &[0xc02b], &same_extension_twice),
            Then::Wait,
            "handshake_failed",
            "twice",
        ),
        ("SSL 3.0", raw::hello_of([3, 0], &[0x2f], &[]), Then::Wait, "no_common_suite", "offers nothing newer"),
        ("TLS 1.0", raw::hello_of([3, 1], &[0x2f], &[]), Then::Wait, "no_common_suite", "offers nothing newer"),
        ("RSA key exchange only", raw::hello_of([3, 3], &[0x9c, 0x2f], &modern), Then::Wait, "no_common_suite", ""),
        ("null encryption only", raw::hello_of([3, 3], &[0x3b, 2], &modern), Then::Wait, "no_common_suite", ""),
        ("close_notify behind the hello", followed_by(&close_notify), Then::Fin, "handshake_failed", ""),
        ("many of them", followed_by(&close_notify.repeat(1_000)), Then::Wait, "handshake_failed", ""),
        (
            "a warning behind the hello, often",
            followed_by(&record(21, &[1, 90]).repeat(1_000)),
            Then::Wait,
            "handshake_failed",
            "",
        ),
        (
            "empty records behind the hello",
            followed_by(&record(22, &[]).repeat(1_000)),
            Then::Wait,
            "handshake_failed",
            "",
        ),
        ("noise behind the hello", followed_by(&[0xff; 1_000]), Then::Wait, "handshake_failed", ""),
        ("data behind the hello", followed_by(&record(23, &[1; 100])), Then::Wait, "handshake_failed", ""),
        ("a hello behind the hello", followed_by(&hello), Then::Wait, "handshake_failed", ""),
        ("gone after the hello", hello.clone(), Then::Fin, "handshake_failed", ""),
        ("reset after the hello", hello.clone(), Then::Reset, "handshake_failed", ""),
    ];
    let (mut failures, count) = (Vec::new(), cases.len());
    for (case, bytes, then, end, detail) in cases {
        let seen = gate.records.len();
        let mut connection = gate.client().silent().await.unwrap();
        let _ = connection.send(&bytes).await;
        match then {
            Then::Reset => connection.reset(),
            Then::Fin => {
                let _ = connection.fin();
                connection.end().await;
            }
            Then::Wait => assert_ne!(connection.end().await, End::Timeout, "{case}"),
        }
        let record = gate.records.next(seen).await;
        if record["end"] != end || !record["detail"].as_str().unwrap().contains(detail) {
            failures.push(format!("{case}: wanted {end} ({detail}), got {} ({})", record["end"], record["detail"]));
        }
        gate.serves(case).await;
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(server.visit_count(), count, "the good ones and nobody else");
}

/// Covers: docs/traps.md row 55. Certificate lists that would burn time are ended by their number or their bytes.
#[tokio::test]
async fn certificates_in_bulk() {
    let (gate, server) = gate_and_server(Setup::new()).await;
    let leaf = &gate.estate.clients.healthy_renewed;
    let strangers = |count: usize| {
        let chain = [vec![leaf.certificate_der.clone()], vec![gate.estate.forger.certificate_der().to_vec(); count]];
        gate.client().chain(chain.concat(), &leaf.key)
    };
    let mut served = 0;
    for (count, end, number) in [(100, "handshake_failed", None), (11, "chain_too_long", Some(alert::BAD_CERTIFICATE))]
    {
        let seen = gate.records.len();
        let told = strangers(count).refused().await;
        let record = gate.records.next(seen).await;
        assert_eq!(record["end"], end, "{record:#}");
        if let Some(number) = number {
            assert_eq!(told, End::Alert(number));
        }
        gate.serves("certificates in bulk").await;
        served += 1;
    }
    assert_eq!(server.visit_count(), served);
}

/// Clients that stay silent or dawdle are ended at a total deadline, however lively they look; and others are served
/// meanwhile.
#[tokio::test]
async fn slow_clients() {
    let limits =
        Setup::new().set("limits", "handshake_deadline", r#""1500ms""#).set("limits", "request_deadline", r#""1s""#);
    let (gate, server) = gate_and_server(limits).await;
    let pause = Duration::from_millis(100);
    let silent = async {
        let mut connection = gate.client().silent().await.unwrap();
        connection.end().await
    };
    let slow_hello = gate.good_client().hello_pace(1, pause);
    let no_request = async {
        let mut tunnel = gate.good_client().handshake().await.unwrap();
        tunnel.end().await
    };
    let slow_head = gate.good_client().head_pace(1, pause);
    let served = async {
        tokio::time::sleep(pause).await;
        gate.good_client().connect().await.unwrap().close().await.unwrap();
    };
    let (silent, hello, no_request, slow_head, ()) =
        tokio::join!(silent, slow_hello.refused(), no_request, slow_head.refused(), served);
    assert_eq!((no_request, slow_head), (End::CloseNotify, End::CloseNotify));
    for end in [silent, hello] {
        assert!([End::Fin, End::CloseNotify, End::Reset].contains(&end), "{end:?}");
    }
    crate::support::wait("five records", || gate.records.len() == 5).await;
    let ends = |label: &str| gate.records.count(label);
    assert_eq!((ends("handshake_timeout"), ends("request_timeout"), ends("client_closed")), (2, 2, 1));
    for record in gate.records.all() {
        // Total deadlines: 1.5 s, or that and 1 s more; with room for a loaded machine.
        assert!(record["duration_seconds"].as_f64().unwrap() < 8.0, "{record:#}");
    }
    assert_eq!(server.visit_count(), 1);
}

/// A client that leaves at each point between its permit and its tunnel ends in the label of how it left.
#[tokio::test]
async fn clients_that_leave_before_the_tunnel() {
    let (gate, server) = gate_and_server(Setup::new()).await;
    let half = &raw_request()[..40];
    let mut served = 0;
    for head in [&[][..], half] {
        for (then, end) in [(Then::Fin, "client_cut"), (Then::Reset, "client_failed"), (Then::Wait, "client_closed")] {
            let seen = gate.records.len();
            let tunnel = gate.good_client().handshake().await.unwrap();
            if !head.is_empty() {
                tunnel.send(head).await.unwrap();
            }
            // TLS 1.3 is done for the client before it is for the gateway: wait until it is done for both.
            gate.wait_for("the permit", |status| status.handshakes_in_flight == 0).await;
            match then {
                Then::Fin => tunnel.fin().unwrap(),
                Then::Reset => tunnel.reset(),
                // The gateway may answer close_notify before this side has shut its own.
                Then::Wait => drop(tunnel.close().await),
            }
            let record = gate.records.next(seen).await;
            assert_eq!(record["end"], end, "{then:?} after {} bytes: {record:#}", head.len());
            assert!(record["server"].is_null());
            gate.serves("one that left").await;
            served += 1;
        }
    }
    assert_eq!(server.visit_count(), served);
}

/// A client that leaves while its server is being connected, or while its answer is awaited, leaks nothing; and servers that
/// never answer are given up at their deadline.
#[tokio::test]
async fn clients_that_leave_while_the_server_dawdles() {
    let setup =
        Setup::new().set("limits", "request_deadline", r#""1s""#).set("pools.main", "connect_deadline", r#""1s""#);
    let server = ServerSpec::tls(&setup.estate().server).start().await.unwrap();
    let gate = setup.servers(&[server.address()]).start();
    for (behaviour, end) in [(Behaviour::Silent, "no_server"), (Behaviour::Hang, "server_failed")] {
        server.behave(behaviour);
        let visits = server.visit_count();
        let seen = gate.records.len();
        let tunnel = gate.good_client().handshake().await.unwrap();
        tunnel.send(&raw_request()).await.unwrap();
        server.wait_until("the gateway", |all| all.len() > visits).await;
        tunnel.reset();
        assert_eq!(gate.records.next(seen).await["end"], end);
        server.behave(Behaviour::Accept);
        gate.serves("a server that dawdled").await;
    }
    gate.wait_for("nobody", |status| status.tunnels == 0 && status.handshakes_in_flight == 0).await;
}

fn raw_request() -> Vec<u8> {
    let nowhere = std::net::SocketAddr::from(([127, 0, 0, 1], 9));
    Client::new(nowhere, NAME).head_bytes().unwrap()
}

/// Covers: docs/traps.md row 71. The port that faces the Internet answers nothing but TLS, and behind TLS nothing but the one
/// request of an admitted client: there is no page, no banner, no path of the admin interface.
#[tokio::test]
async fn nothing_but_tls_on_the_data_port() {
    let (gate, server) = gate_and_server(Setup::new()).await;
    for path in ["/", "/metrics", "/healthz", "/api/status", "/tmui/login.jsp", "/mgmt/tm/util/bash"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {NAME}\r\n\r\n");
        assert_eq!(raw::last_words(gate.address(), request.as_bytes()).await, b"", "{path}");
        let mut tunnel = gate.good_client().handshake().await.unwrap();
        tunnel.send(request.as_bytes()).await.unwrap();
        assert_eq!(tunnel.receive(1).await, Err(End::CloseNotify), "{path}");
    }
    assert_eq!(server.visit_count(), 0);
    admin_answers_its_fixed_paths(&gate).await;
}

async fn admin_answers_its_fixed_paths(gate: &Gate) {
    let address = gate.running.admin_address().unwrap();
    for (method, path, code) in [
        ("GET", "/metrics", "200"),
        ("GET", "/healthz", "200"),
        ("GET", "/", "200"),
        ("GET", "/api/status", "200"),
        ("GET", "/api/sessions", "200"),
        ("GET", "/api/reload", "404"),
        ("GET", "/api/kill", "404"),
        ("GET", "/../etc/passwd", "404"),
        ("GET", "/metrics/..;/", "404"),
        ("POST", "/api/reload", "405"),
        ("DELETE", "/api/sessions", "405"),
        ("PUT", "/", "405"),
    ] {
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        let answer = String::from_utf8(raw::last_words(address, request.as_bytes()).await).unwrap();
        assert_eq!(answer.split(' ').nth(1), Some(code), "{method} {path}: {answer}");
    }
    assert_eq!(gate.status().generation, 1, "nobody reloaded anything");
}
