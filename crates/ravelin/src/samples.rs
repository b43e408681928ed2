//! Values for tests: a good session, and what an operator would see.

use std::time::Duration;

use ravelin_policy::{Identity, Outcome, Reason, RuleReport};
use ravelin_tls::{Engine, Negotiated};

use crate::record::{SessionEnd, SessionRecord};

/// 2026-01-02T03:04:05Z.
pub(crate) const ACCEPTED_AT: i64 = 1_767_323_045;

/// A tunnel that stood for an hour.
pub(crate) fn record() -> SessionRecord {
    SessionRecord {
        session: 7,
        accepted_at: time::OffsetDateTime::from_unix_timestamp(ACCEPTED_AT).unwrap(),
        duration: Duration::from_millis(3_600_250),
        listener: "edge".to_owned(),
        client: "192.0.2.17:50123".parse().unwrap(),
        site: Some("europe".to_owned()),
        generation: 3,
        server_name: Some("da-eu.example.com".to_owned()),
        negotiated: Some(Negotiated { version: "TLSv1.3", suite: "TLS_AES_256_GCM_SHA384", engine: Engine::Rustls }),
        offered_suites: Vec::new(),
        handshake: Some(Duration::from_millis(12)),
        identity: Some(Identity {
            dns_names: vec!["pc17.corp.example.com".to_owned()],
            subject: "CN=pc17.corp.example.com".to_owned(),
            issuer: "CN=Issuing CA,DC=corp,DC=example,DC=com".to_owned(),
            serial: "1a2b".to_owned(),
            spki_sha256: "00".repeat(32),
            not_after: ACCEPTED_AT + 40 * 86_400,
        }),
        identity_key: Some("pc17.corp.example.com".to_owned()),
        rules: vec![
            RuleReport { rule: "path", outcome: Outcome::Passed, detail: "2 certificates".to_owned() },
            RuleReport { rule: "account", outcome: Outcome::NotAsked, detail: String::new() },
        ],
        shadow_denial: None,
        alert_sent: None,
        extra_headers: 1,
        server: Some("da1".to_owned()),
        to_server_bytes: 1_000,
        to_client_bytes: 2_000,
        tunnel: Some(Duration::from_secs(3600)),
        end: SessionEnd::ClientClosed,
        detail: String::new(),
    }
}

/// A client that policy refused in the handshake.
pub(crate) fn denied(reason: Reason) -> SessionRecord {
    SessionRecord {
        end: SessionEnd::Denied(reason),
        negotiated: None,
        alert_sent: Some(48),
        server: None,
        tunnel: None,
        to_server_bytes: 0,
        to_client_bytes: 0,
        rules: vec![RuleReport { rule: "path", outcome: Outcome::Denied(reason), detail: "no path".to_owned() }],
        detail: "no path to an anchor".to_owned(),
        ..record()
    }
}

/// A connection that ended before anything was known about it.
pub(crate) fn stranger(end: SessionEnd) -> SessionRecord {
    SessionRecord {
        site: None,
        server_name: None,
        handshake: None,
        identity: None,
        identity_key: None,
        alert_sent: None,
        detail: String::new(),
        end,
        ..denied(Reason::UnknownIssuer)
    }
}
