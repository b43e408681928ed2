//! Only the one legal request passes; every other ends as `bad_request` with its exact cause in the record, nothing told to
//! the client, and nothing at any server.

use ravelin_lab::end::End;

use crate::support::{Setup, gate_and_server};

const GOOD: &str =
    "POST /IPHTTPS HTTP/1.1\r\nHost: da.corp.example.test\r\nContent-Length: 18446744073709551615\r\n\r\n";

/// Covers: docs/traps.md rows 17, 60, 62.
#[tokio::test]
async fn every_variant_is_refused_by_its_cause() {
    let (gate, server) = gate_and_server(Setup::new()).await;
    let length = |value: &str| GOOD.replace("18446744073709551615", value);
    let target = |value: &str| GOOD.replace("/IPHTTPS", value);
    let field = |line: &str| GOOD.replace("Host", &format!("{line}\r\nHost"));
    let legal = "18446744073709551615";
    let cases = [
        ("a browser", "GET / HTTP/1.1\r\nHost: da.corp.example.test\r\n\r\n".to_owned(), "wrong_method"),
        ("another method", GOOD.replace("POST", "PUT"), "wrong_method"),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), "wrong_method"),
        ("an IPv6 packet", "\u{60}\0\0\0".to_owned(), "wrong_method"),
        ("bytes before the method", format!("\r\n{GOOD}"), "bytes_before_method"),
        ("another path", target("/"), "wrong_path"),
        ("a path beneath", target("/IPHTTPS/../certsrv"), "wrong_path"),
        ("percent-encoded", target("/%49PHTTPS"), "wrong_path"),
        ("a query", target("/IPHTTPS?x=y"), "query_string"),
        ("absolute URI", target("https://da.corp.example.test/IPHTTPS"), "absolute_target"),
        ("authority", target("da.corp.example.test:443"), "absolute_target"),
        ("HTTP/1.0", GOOD.replace("HTTP/1.1", "HTTP/1.0"), "wrong_version"),
        ("one less", length("18446744073709551614"), "content_length_wrong"),
        ("overflowing", length("18446744073709551616"), "content_length_wrong"),
        ("overflowing to the right value", length("36893488147419103231"), "content_length_wrong"),
        ("zero", length("0"), "content_length_wrong"),
        ("minus one", length("-1"), "content_length_sign"),
        ("plus", length(&format!("+{legal}")), "content_length_sign"),
        ("leading zero", length(&format!("0{legal}")), "content_length_leading_zero"),
        ("a list", length(&format!("{legal}, {legal}")), "content_length_list"),
        ("hexadecimal", length("0xFFFFFFFFFFFFFFFF"), "content_length_invalid"),
        ("a second, equal", field(&format!("Content-Length: {legal}")), "duplicate_content_length"),
        ("a second, behind", GOOD.replace("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\n"), "duplicate_content_length"),
        ("no length", GOOD.replace("Content-Length", "X-Length"), "missing_content_length"),
        ("no host", GOOD.replace("Host", "X-Host"), "missing_host"),
        ("a second host", field("Host: evil.example.test"), "host_unknown"),
        ("a second host, equal", field("Host: da.corp.example.test"), "duplicate_host"),
        ("Transfer-Encoding", field("Transfer-Encoding: chunked"), "transfer_encoding"),
        ("Upgrade", field("Upgrade: websocket"), "upgrade"),
        ("Expect", field("Expect: 100-continue"), "expect"),
        ("Range", field("Range: bytes=0-"), "range"),
        ("obs-fold", field("X: a\r\n b"), "obs_fold"),
        ("space before the colon", GOOD.replace("Host:", "Host :"), "whitespace_before_colon"),
        ("LF alone", GOOD.replace("\r\n", "\n"), "bare_lf"),
        ("CR alone", field("X: a\rb"), "bare_cr"),
        ("NUL", field("X: a\0b"), "nul"),
        ("a head without end", format!("{}X: {}", &GOOD[..24], "a".repeat(20_000)), "head_too_large"),
        ("too many fields", field(&"X: y\r\n".repeat(40)).replace("\r\n\r\nHost", "\r\nHost"), "too_many_fields"),
    ];
    for (case, head, cause) in cases {
        let seen = gate.records.len();
        let mut tunnel = gate.good_client().handshake().await.unwrap();
        let _ = tunnel.send(head.as_bytes()).await;
        // No status line, no page, no reason: a clean end and not a byte before it.
        let mut buffer = [0; 1];
        let told = tunnel.stream.reader.read(&mut buffer).await;
        assert_eq!(told, Err(End::CloseNotify), "{case}");
        let record = gate.records.next(seen).await;
        assert_eq!(record["end"], "bad_request", "{case}: {record:#}");
        let detail = record["detail"].as_str().unwrap();
        assert_eq!(detail.split(':').next(), Some(cause), "{case}: {detail}");
        assert!(record["server"].is_null(), "{case}");
    }
    assert_eq!(server.visit_count(), 0, "nothing reached the server");
    gate.serves("bad requests").await;
}

/// Covers: docs/traps.md row 60: a second request behind the first is data of the tunnel and nothing else.
#[tokio::test]
async fn a_pipelined_request_is_no_request() {
    let setup = Setup::new();
    let echo = ravelin_lab::server::Body::Echo;
    let server = ravelin_lab::server::ServerSpec::tls(&setup.estate().server).body(echo).start().await.unwrap();
    let gate = setup.servers(&[server.address()]).start();
    let mut tunnel = gate.good_client().handshake().await.unwrap();
    let second = "GET /certsrv HTTP/1.1\r\nHost: intranet\r\n\r\n";
    tunnel.send(format!("{GOOD}{second}").as_bytes()).await.unwrap();
    tunnel.read_response().await.unwrap();
    assert_eq!(tunnel.receive(second.len()).await.unwrap(), second.as_bytes(), "echoed from within the tunnel");
    tunnel.close().await.unwrap();
    let visits = server.wait_until("the end", |visits| visits.iter().any(|visit| visit.end.is_some())).await;
    assert_eq!((visits.len(), visits[0].received), (1, second.len() as u64));
    assert_eq!(String::from_utf8_lossy(&visits[0].head), GOOD, "a head of our own");
}

/// The head may come as it likes, and may carry fields of its own: none of them is forwarded.
#[tokio::test]
async fn the_legal_request_in_its_freedom() {
    let (gate, server) = gate_and_server(Setup::new()).await;
    let reordered = format!(
        "POST /iphttps HTTP/1.1\r\nCONTENT-LENGTH:18446744073709551615\r\nX-Secret: {}\r\nCookie: a=b\r\nhost: DA.corp.example.test.:443\r\n\r\n",
        "s".repeat(500)
    );
    let byte_by_byte = gate.good_client().head_pace(1, std::time::Duration::ZERO);
    let (mut tunnels, seen) = (Vec::new(), gate.records.len());
    for client in [byte_by_byte, gate.good_client().head(&reordered)] {
        let tunnel = client.connect().await.unwrap();
        tunnel.close().await.unwrap();
        tunnels.push(tunnel);
    }
    let counted = [gate.records.next(seen).await, gate.records.next(seen + 1).await];
    let mut counted: Vec<_> = counted.iter().map(|record| record["extra_headers"].as_u64().unwrap()).collect();
    counted.sort_unstable();
    assert_eq!(counted, [0, 2]);
    for visit in server.visits() {
        assert_eq!(String::from_utf8_lossy(&visit.head), GOOD);
    }
}
