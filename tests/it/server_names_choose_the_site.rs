//! The server name chooses the site, and with it the policy: however the hello is cut, however the name is written. What is
//! no name of the listener is refused; nothing falls back to a weaker site.

use ravelin_lab::client::{Client, Versions};
use ravelin_lab::end::{End, alert};
use ravelin_lab::hello;
use ravelin_lab::server::Server;

use crate::support::{Gate, NAME, Setup, gate_and_server, raw};

const OPEN_NAME: &str = "open.corp.example.test";

/// One listener, two sites: `main` with every rule on, and `open`, which also lets the partner's computers in.
async fn two_sites() -> (Gate, Server) {
    let setup = Setup::new()
        .set("listeners.edge", "sites", r#"["main", "open"]"#)
        .set("sites.open", "server_names", &format!(r#"["{OPEN_NAME}"]"#))
        .set("sites.open", "certificates", r#"[{ chain = "tls/face-rsa.pem", key = "tls/face-rsa.key" }]"#)
        .set("sites.open", "policy", r#""open""#)
        .set("sites.open", "pool", r#""main""#)
        .set("policies.open", "trust_anchors", r#"["ca/root.pem", "ca/partner.pem"]"#)
        .set("policies.open", "names", r#""any""#)
        .set("policies.open", "revocation", r#"{ check = "off" }"#);
    gate_and_server(setup).await
}

fn partner(gate: &Gate, name: &str) -> Client {
    // The face of `open` is that of `main`: who it is does not matter here.
    Client::new(gate.address(), name).certificate(&gate.estate.clients.partner)
}

/// Covers: docs/traps.md rows 14, 16, 53. A hello in any number of records is the same hello; and `open` would have let it in.
#[tokio::test]
async fn a_split_hello_does_not_escape_the_strict_site() {
    let (gate, server) = two_sites().await;
    partner(&gate, OPEN_NAME).connect().await.unwrap().close().await.unwrap();
    assert_eq!(gate.records.next(0).await["site"], "open");
    for versions in [Versions::Tls12, Versions::Tls13] {
        for name in [NAME, "DA.Corp.Example.TEST"] {
            for bytes in [1, 2, 3, 5, 16, 64, 100, 16_384] {
                let seen = gate.records.len();
                let client = partner(&gate, name).versions(versions).hello_records(bytes);
                assert_eq!(client.refused().await, End::Alert(alert::UNKNOWN_CA), "{versions:?} {name} {bytes}");
                let record = gate.records.next(seen).await;
                assert_eq!((&record["site"], &record["end"]), (&"main".into(), &"unknown_issuer".into()));
            }
        }
    }
    gate.serves("split hellos").await;
    assert_eq!(server.visit_count(), 2);
}

/// Covers: docs/traps.md rows 14, 53. Cut at every byte, into two records and into two segments.
#[tokio::test]
async fn a_hello_cut_anywhere_chooses_the_same_site() {
    let (gate, server) = two_sites().await;
    let whole = raw::small_hello(NAME);
    let (header, payload) = whole.split_at(5);
    let version = [header[1], header[2]];
    let seen = gate.records.len();
    for at in 1..payload.len() {
        let records = [hello::record(22, version, &payload[..at]), hello::record(22, version, &payload[at..])].concat();
        let answer = raw::answer(gate.address(), &[&records], 6).await.unwrap();
        assert_eq!((answer[0], answer[5]), (22, 2), "a ServerHello, cut at {at}");
        let answer = raw::answer(gate.address(), &[&whole[..at], &whole[at..]], 6).await.unwrap();
        assert_eq!((answer[0], answer[5]), (22, 2), "a ServerHello, in two segments at {at}");
    }
    for number in seen..seen + 2 * (payload.len() - 1) {
        assert_eq!(gate.records.next(number).await["site"], "main");
    }
    assert_eq!(server.visit_count(), 0);
    gate.serves("hellos cut at every byte").await;
}

/// Covers: docs/traps.md rows 15, 16, 18.
#[tokio::test]
async fn every_way_to_write_a_name() {
    let (gate, server) = two_sites().await;
    let long = format!("{NAME}.{}", "a".repeat(4_000));
    let host = |name: &str| vec![(0, name.as_bytes().to_vec())];
    let upper = NAME.to_uppercase();
    let cases = [
        ("as it is", host(NAME), Some("main")),
        ("no name: the listener's first site", Vec::new(), Some("main")),
        ("trailing dot", host("da.corp.example.test."), Some("main")),
        ("capitals", host(&upper), Some("main")),
        ("capitals and dot", host("DA.corp.EXAMPLE.test."), Some("main")),
        ("the other", host("OPEN.corp.example.test."), Some("open")),
        ("two dots", host("da.corp.example.test.."), None),
        ("a dot before", host(".da.corp.example.test"), None),
        ("an unknown name", host("www.example.test"), None),
        ("a name beneath", host("x.da.corp.example.test"), None),
        ("the name above", host("corp.example.test"), None),
        ("a wildcard", host("*.corp.example.test"), None),
        ("IPv4 literal", host("127.0.0.1"), None),
        ("IPv6 literal", host("::1"), None),
        ("empty", host(""), None),
        ("NUL behind", host("da.corp.example.test\0"), None),
        ("NUL and another name", host("da.corp.example.test\0.evil.test"), None),
        ("a space", host(" da.corp.example.test"), None),
        ("letters that look alike", host("d\u{430}.corp.example.test"), None),
        ("too long", host(&long), None),
        ("the same name twice", [host(NAME), host(NAME)].concat(), None),
        ("two names", [host(OPEN_NAME), host(NAME)].concat(), None),
        ("another type of name", vec![(7, NAME.as_bytes().to_vec())], None),
    ];
    for (case, names, site) in cases {
        let seen = gate.records.len();
        let names: Vec<(u8, &[u8])> = names.iter().map(|(kind, name)| (*kind, name.as_slice())).collect();
        let hello = hello::with_server_names(&raw::small_hello(NAME), &names).unwrap();
        let answer = raw::answer(gate.address(), &[&hello], 7).await.unwrap();
        let record = gate.records.next(seen).await;
        match site {
            Some(site) => {
                assert_eq!((answer[0], answer[5]), (22, 2), "{case}: a ServerHello; {record:#}");
                assert_eq!(record["site"], site, "{case}");
            }
            None => {
                assert!(record["site"].is_null(), "{case}: {record:#}");
                assert_eq!((answer[0], answer[5]), (21, 2), "{case}: a fatal alert; {record:#}");
                let end = record["end"].as_str().unwrap();
                let expected = match end {
                    "unknown_server_name" => alert::UNRECOGNIZED_NAME,
                    // RFC 6066 §3: a list with two names of one type, or none of the one known type, is malformed.
                    "handshake_failed" => u8::try_from(record["alert_sent"].as_u64().unwrap()).unwrap(),
                    _ => panic!("{case}: {record:#}"),
                };
                assert_eq!(answer[6], expected, "{case}");
            }
        }
    }
    assert_eq!(server.visit_count(), 0);
    gate.serves("all these names").await;
}

/// Covers: docs/traps.md row 18. Without a name, or with a wrong one, nobody gets the weaker site's policy.
#[tokio::test]
async fn no_name_is_no_weaker_site() {
    let (gate, server) = two_sites().await;
    assert_eq!(partner(&gate, OPEN_NAME).without_sni().refused().await, End::Alert(alert::UNKNOWN_CA));
    assert_eq!(gate.records.next(0).await["site"], "main");
    for name in ["www.example.test", "x.open.corp.example.test"] {
        assert_eq!(partner(&gate, name).refused().await, End::Alert(alert::UNRECOGNIZED_NAME));
    }
    crate::support::wait("both records", || gate.records.count("unknown_server_name") == 2).await;
    assert_eq!(server.visit_count(), 0);
}

/// Covers: docs/traps.md row 17. The name in `Host` must be one of the site that judged.
#[tokio::test]
async fn host_and_server_name_agree() {
    let (gate, server) = two_sites().await;
    for (sni, host) in [(OPEN_NAME, NAME), (NAME, OPEN_NAME), (NAME, "www.example.test")] {
        let seen = gate.records.len();
        let client = Client::new(gate.address(), sni).certificate(&gate.estate.clients.healthy_renewed).host(host);
        assert_eq!(client.refused().await, End::CloseNotify, "{sni} {host}");
        let record = gate.records.next(seen).await;
        assert_eq!(record["end"], "bad_request");
        assert!(record["detail"].as_str().unwrap().starts_with("host_unknown: "), "{record:#}");
    }
    assert_eq!(server.visit_count(), 0);
    let client = gate.good_client().without_sni().host(&format!("{}.:443", NAME.to_uppercase()));
    client.connect().await.unwrap();
}
