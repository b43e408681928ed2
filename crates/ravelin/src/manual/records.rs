//! The manual's page on session records, with lines as the code writes them.

use ravelin_policy::Reason;

use super::hold;
use ravelin_ops::log::{json_line, session_fields};
use ravelin_ops::samples::{denied, record};

/// Every key of a record, in order.
const KEYS: &[(&str, &str)] = &[
    ("time", "when the session ended, UTC"),
    ("event", "always `session`"),
    ("session", "number of the session since the start"),
    ("end", "how it ended: see [Endings](endings.md)"),
    ("detail", "the facts"),
    ("client", "address and port of the client"),
    (
        "identity",
        "what the client's certificate says: name, DNS names (the first eight, and how many there are), subject, issuer, serial number, SHA-256 of the public key, when it expires",
    ),
    (
        "identity_key",
        "what the session was balanced and limited by: the account's security identifier where there is one",
    ),
    (
        "account",
        "the computer account that the permit rests on: name, domain, SID, GUID, what mapped the certificate to it (`weak`: only `compatible` lets it count), its allowed groups, when that was known",
    ),
    ("listener", "the listener that accepted it"),
    ("site", "the site that the client asked for"),
    ("server", "the DirectAccess server that was chosen"),
    ("server_name", "the name that the client asked for"),
    ("generation", "number of the policy generation that judged it last"),
    ("alert_sent", "number of the TLS alert that the client got"),
    ("client_shows", "what Windows shows for that alert"),
    ("version", "TLS version"),
    ("suite", "cipher suite"),
    ("engine", "the library that terminated TLS"),
    (
        "offered_suites",
        "suites that the client offered, where the handshake failed: IANA names, numbers where there is none; the first 64",
    ),
    (
        "null_only_hello",
        "whether the client offered suites without encryption and nothing else: see [Which clients need what](clients.md)",
    ),
    ("accepted_at", "when the connection was accepted, UTC"),
    ("duration_seconds", "from accept to end"),
    ("handshake_seconds", "from accept to permit or refusal"),
    ("tunnel_seconds", "how long the tunnel was up; null where there was none"),
    ("to_server_bytes", "plaintext bytes relayed to the server"),
    ("to_client_bytes", "plaintext bytes relayed to the client"),
    ("extra_headers", "unknown headers in the client's request: counted, never forwarded"),
    ("shadow_reason", "what a rule under trial would have said"),
    ("shadow_detail", "its facts"),
    (
        "rules",
        "every rule of the decision in the handshake (what withdrew its permit later is in `end` and `detail`): rule, outcome (`passed`, `denied`, `not_asked`, `not_reached`), reason, detail",
    ),
];

#[test]
fn records_page() {
    let keys: Vec<&str> = session_fields(&record()).iter().map(|(key, _)| *key).collect();
    assert_eq!(keys, KEYS.iter().map(|(key, _)| *key).collect::<Vec<_>>(), "every key has its line, in order");

    let mut page = "# Session records\n\n\
        Each session is one record, written when it has ended: one line of JSON in the audit file (`log.audit`), and the\n\
        same in the log with `log.format = \"json\"`, which adds `level`. In text logs the same keys are `key=value`;\n\
        members of an object are `identity.name=`, what is null or empty is left out, and so are the rules.\n\n\
        The audit file has every session that had a tunnel. Sessions without one, of which unauthenticated clients can cause any number,\n\
        are written at most a hundred times a second for each ending, in the log at most ten times; what is left out is\n\
        reported by a line with `event` `suppressed`, the ending in `cause` and the number in `more`, and counted in\n\
        `ravelin_audit_records_dropped_total` and `ravelin_log_records_suppressed_total`. The metrics count all.\n\n\
        All text that a client chose is escaped: everything but printable ASCII, and `\\`, is written `\\u{…}` with the\n\
        character's number. Distinguished names have their RFC 4514 form (`CN=pc17,DC=corp`), with `\\` and two hexadecimal\n\
        digits for each byte that is not printable ASCII. In the text form, a value of anything but letters, digits and\n\
        `._:/@+,-` stands in quotes. Every line is ASCII.\n\n\
        The audit file is opened again on SIGHUP, and within a second when it was moved or removed. While it cannot be\n\
        written, about four thousand records wait; further ones are dropped and counted in\n\
        `ravelin_audit_records_dropped_total`, and `/readyz` says so. Sessions go on.\n\
        Records that occur within 5 ms are written together, in log and audit file: a process that is killed loses that much.\n\n\
        An operator's override (`ravelin override`) is a line of the audit file with `event` `override`: `until` and\n\
        `reason`, both null if it was taken back, and the `generation` that it is in force with.\n\n\
        | key | meaning |\n| --- | --- |\n"
        .to_owned();
    for (key, meaning) in KEYS {
        page += &format!("| `{key}` | {meaning} |\n");
    }
    for (title, record) in [("A tunnel", record()), ("A client that was refused", denied(Reason::UnknownIssuer))] {
        page += &format!("\n## {title}\n\n```json\n{}\n```\n", json_line(&session_fields(&record)));
    }
    hold("records.md", &page);
}
