//! What a stranger writes into a certificate, a server name or a request stays inside its value: one session is one line, and
//! the line reads back as it was meant.

use ravelin_lab::end::End;
use ravelin_lab::hello;
use ravelin_lab::pki::{CertificateSpec, GeneralName, Name, StringType};
use serde_json::Value;

use crate::support::{NAME, Setup, gate_and_server, raw, wait};

/// Line ends, terminal control, CEF and key=value separators, quotes, and marks that turn the direction of writing.
const HOSTILE: &str =
    "pc\r\n2026-01-01T00:00:00Z event=session end=client_closed \u{1b}[2J|end=permit|=\"\\\u{202e}\u{2028}\u{85}\0x";

/// Covers: docs/traps.md row 61.
#[tokio::test]
async fn hostile_text_from_every_side() {
    let setup = Setup::new();
    let audit = setup.path("audit.jsonl");
    let (gate, _server) = gate_and_server(setup.set("log", "audit", r#""audit.jsonl""#)).await;
    let issuing = &gate.estate.issuing;
    let hostile = Name::cn(HOSTILE).string_type(StringType::Utf8);
    let spec = || CertificateSpec::client("pc60.corp.example.test");
    // Control bytes in a CN are reason enough to refuse; in an organization they are nobody's business but the log's.
    let organization = Name::empty().and("O", HOSTILE.trim_end_matches("\0x")).string_type(StringType::Utf8);
    let admitted = issuing.issue(spec().subject(organization));
    let bad_cn = issuing.issue(spec().subject(hostile.clone()));
    let bad_san = issuing.issue(spec().names(&[GeneralName::Dns(HOSTILE.as_bytes().to_vec())]));
    let unknown_issuer = {
        let forger =
            ravelin_lab::pki::Authority::root_from(CertificateSpec::authority(hostile.clone()), gate.estate.now);
        forger.issue(spec().subject(hostile))
    };
    // Admitted, with a hostile subject.
    let tunnel = gate.client().certificate(&admitted).connect().await.unwrap();
    tunnel.close().await.unwrap();
    gate.records.ended("client_closed").await;
    // Refused, with hostile names of all kinds.
    for issued in [&bad_san, &bad_cn, &unknown_issuer] {
        assert!(matches!(gate.client().certificate(issued).refused().await, End::Alert(_)));
    }
    // A hostile server name.
    let names = [(0, HOSTILE.as_bytes())];
    raw::last_words(gate.address(), &hello::with_server_names(&raw::small_hello(NAME), &names).unwrap()).await;
    // Hostile requests.
    for head in [format!("POST /{HOSTILE}"), format!("POST /IPHTTPS HTTP/1.1\r\nHost: {}\r\n\r\n", &HOSTILE[20..])] {
        let end = gate.good_client().head(head).refused().await;
        assert_eq!(end, End::CloseNotify);
    }
    wait("all records", || gate.records.len() == 7).await;
    let records = gate.records.all();
    for record in &records {
        each_text(record, &mut |text| {
            assert!(text.chars().all(|c| !c.is_control() && !"\u{202e}\u{2028}".contains(c)), "{text:?}");
            assert!(text.len() < 4_096, "{} bytes of {text:.100}", text.len());
        });
    }
    assert_eq!(gate.records.count("client_closed"), 1, "and none that was made up");
    let subject =
        records.iter().find(|record| record["end"] == "client_closed").unwrap()["identity"]["subject"].clone();
    assert!(subject.as_str().unwrap().contains(r"O=pc\0D\0A2026-01-01"), "{subject}");
    // One line a session, which is the record and nothing else.
    wait("the audit file", || std::fs::read_to_string(&audit).is_ok_and(|text| text.lines().count() >= 7)).await;
    let text = std::fs::read_to_string(&audit).unwrap();
    assert!(text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "printable ASCII and line ends");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 7);
    for line in lines {
        assert!(records.contains(&line), "{line:#}");
    }
}

fn each_text(value: &Value, look: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => look(text),
        Value::Array(all) => all.iter().for_each(|value| each_text(value, look)),
        Value::Object(all) => all.values().for_each(|value| each_text(value, look)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
