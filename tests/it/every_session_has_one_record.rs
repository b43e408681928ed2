//! One session, one record: in the audit file, whatever its rotation does meanwhile, and in the log, where both forms read
//! back to the same.

use std::collections::BTreeMap;
use std::path::Path;

use ravelin_lab::client::Client;
use ravelin_lab::pki::{CertificateSpec, Issued};
use ravelin_lab::server::{Body, ServerSpec};
use ravelin_ops::log::parse_text;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Process, Setup};

/// Sessions of every kind; how many.
async fn sessions(process: &Process) -> usize {
    let clients = &process.setup.estate().clients;
    let client = Client::new(process.address(), "da.corp.example.test");
    let refused: [&Issued; 6] = [
        &clients.expired,
        &clients.revoked,
        &clients.partner,
        &clients.nul_in_name,
        &clients.deny_listed,
        &clients.weak_key,
    ];
    for issued in refused {
        client.clone().certificate(issued).refused().await;
    }
    client.refused().await;
    client.clone().certificate(&clients.healthy).head("GET / HTTP/1.1\r\n\r\n").refused().await;
    // A name that tries everything against a log.
    let forger =
        CertificateSpec::client("pc-x.corp.example.test").subject("CN=x\u{202e}|end=\"client_closed\" \u{1b}[31m");
    client.clone().certificate(&process.setup.estate().forger.issue(forger)).refused().await;
    let mut tunnel = client.clone().certificate(&clients.healthy).connect().await.unwrap();
    tunnel.send(b"12345").await.unwrap();
    tunnel.receive(5).await.unwrap();
    tunnel.close().await.unwrap();
    tunnel.end().await;
    refused.len() + 4
}

async fn start(setup: Setup) -> (Process, ravelin_lab::server::Server) {
    let setup = setup.set("log", "audit", "\"audit.jsonl\"");
    let server = ServerSpec::tls(&setup.estate().server).body(Body::Echo).start().await.unwrap();
    (Process::start(setup.servers(&[server.address()])), server)
}

/// Whole lines of an audit file, by number of session.
fn records(path: &Path) -> BTreeMap<u64, Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    assert!(text.is_ascii() && (text.is_empty() || text.ends_with('\n')), "{text}");
    let records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let count = records.len();
    let by_number: BTreeMap<_, _> =
        records.into_iter().map(|record| (record["session"].as_u64().unwrap(), record)).collect();
    assert_eq!(by_number.len(), count, "a session is there twice: {text}");
    by_number
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_file_survives_rotation() {
    let (mut process, _server) = start(Setup::new()).await;
    let file = |name: &str| process.setup.path(name);
    let first = sessions(&process).await;
    process.wait_until("the first records", || lines(&file("audit.jsonl")) == first);

    // As logrotate does: rename, then a signal. Sessions come and go meanwhile.
    std::fs::rename(file("audit.jsonl"), file("audit.jsonl.1")).unwrap();
    let between = sessions(&process).await;
    process.signal(Signal::HUP);
    let second = sessions(&process).await;
    process.wait_until("the records of both", || {
        lines(&file("audit.jsonl")) + lines(&file("audit.jsonl.1")) == first + between + second
    });
    assert!(lines(&file("audit.jsonl")) >= second);

    // Renamed without a signal, it is noticed all the same.
    std::fs::rename(file("audit.jsonl"), file("audit.jsonl.2")).unwrap();
    process.wait_until("the new file", || file("audit.jsonl").exists());
    let third = sessions(&process).await;
    process.signal(Signal::TERM);
    assert_eq!(process.end().0.code(), Some(0));

    let mut all = BTreeMap::new();
    for name in ["audit.jsonl.1", "audit.jsonl.2", "audit.jsonl"] {
        for (number, record) in records(&process.setup.path(name)) {
            assert!(all.insert(number, record).is_none(), "session {number} is in two files");
        }
    }
    let numbers: Vec<u64> = all.keys().copied().collect();
    let expected: Vec<u64> = (1..).take(first + between + second + third).collect();
    assert_eq!(numbers, expected);
    let ends = |end: &str| all.values().filter(|record| record["end"] == end).count();
    for end in [
        "expired",
        "revoked",
        "name_malformed",
        "deny_listed",
        "weak_key",
        "no_certificate",
        "unknown_issuer",
        "bad_signature",
        "bad_request",
        "client_closed",
    ] {
        assert_eq!(ends(end), 4, "{end}: {:?}", all.values().map(|record| &record["end"]).collect::<Vec<_>>());
    }
    let tunnel = all.values().find(|record| record["end"] == "client_closed").unwrap();
    assert_eq!((&tunnel["to_server_bytes"], &tunnel["to_client_bytes"]), (&5.into(), &5.into()), "{tunnel:#}");
}

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).unwrap_or_default().matches('\n').count()
}

/// Covers: docs/traps.md row 61 (log injection), through the process.
#[tokio::test(flavor = "multi_thread")]
async fn both_forms_of_the_log_read_back() {
    for json in [false, true] {
        let format = if json { "\"json\"" } else { "\"text\"" };
        let (mut process, _server) = start(Setup::new().set("log", "format", format)).await;
        let count = sessions(&process).await;
        process.signal(Signal::TERM);
        let (_, log) = process.end();
        let audit = records(&process.setup.path("audit.jsonl"));
        assert_eq!(audit.len(), count);
        assert!(log.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "{log}");
        let mut told = 0;
        for line in log.lines() {
            let pairs = if json { json_pairs(line) } else { parse_text(line) };
            let pairs: BTreeMap<String, String> = pairs.unwrap_or_else(|| panic!("{line}")).into_iter().collect();
            for key in ["time", "level"] {
                assert!(pairs.contains_key(key), "{key} is missing: {line}");
            }
            if pairs.get("event").is_none_or(|event| event != "session") {
                continue;
            }
            told += 1;
            let record = &audit[&pairs["session"].parse().unwrap()];
            for key in ["end", "detail", "client", "listener", "site", "server", "server_name", "version", "suite"] {
                let expected = record[key].as_str().unwrap_or_default();
                assert_eq!(pairs.get(key).map_or("", String::as_str), expected, "{key}: {line}\n{record:#}");
            }
            for key in ["to_server_bytes", "to_client_bytes", "generation"] {
                assert_eq!(pairs[key], record[key].to_string(), "{key}: {line}");
            }
        }
        assert_eq!(told, count, "{log}");
    }
}

fn json_pairs(line: &str) -> Option<Vec<(String, String)>> {
    let Value::Object(members) = serde_json::from_str(line).ok()? else { return None };
    let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Some(members.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key, text(value))).collect())
}

/// A file that cannot be written keeps nobody from serving, and is reported.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_written() {
    let setup = Setup::new();
    std::fs::create_dir(setup.path("audit.jsonl")).unwrap();
    let (process, _server) = start(setup).await;
    sessions(&process).await;
    let unready = || process.ask_json(&["status"])["unready"].to_string();
    process.wait_until("the trouble to be told", || unready().contains("audit.jsonl cannot be written"));
    // What waited is written once it can be.
    std::fs::remove_dir(process.setup.path("audit.jsonl")).unwrap();
    process.wait_until("the records", || records(&process.setup.path("audit.jsonl")).len() == 10);
    process.wait_until("the all-clear", || unready() == "[]");
}
