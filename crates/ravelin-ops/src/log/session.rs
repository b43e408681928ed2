//! One session as fields: the same for the log, in both forms, and the audit file.

use std::time::Duration;

use ravelin_policy::{AccountReport, Identity, Outcome, RuleReport, escape, escape_name};
use ravelin_tls::alert::{Alert, client_shows};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::fields::LogFields;
use crate::iana;
use crate::record::SessionRecord;

/// One session as JSON, every key always there, `null` where nothing is known. Text that a stranger chose is escaped
/// as [`ravelin_policy::escape`] says (distinguished names keep their `=`).
pub fn session_json(record: &SessionRecord) -> Value {
    Value::Object(session_fields(record).into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// The fields of [`session_json`] in the order in which a person reads them.
pub fn session_fields(record: &SessionRecord) -> LogFields {
    let mut fields = session_fields_but_rules(record);
    fields.push(("rules", record.rules.iter().map(rule).collect()));
    fields
}

/// What a line for people has: the rules are in the audit record and in `explain`.
pub(super) fn session_fields_but_rules(record: &SessionRecord) -> LogFields {
    let negotiated = record.negotiated.as_ref();
    vec![
        ("time", json!(rfc3339(record.accepted_at + record.duration))),
        ("event", json!("session")),
        ("session", json!(record.session)),
        ("end", json!(record.end.label())),
        ("detail", json!(record.detail)),
        ("client", json!(record.client.to_string())),
        ("identity", record.identity.as_ref().map_or(Value::Null, identity)),
        ("identity_key", json!(record.identity_key.as_deref().map(escape))),
        ("account", record.account.as_ref().map_or(Value::Null, account_json)),
        ("listener", json!(record.listener)),
        ("site", json!(record.site)),
        ("server", json!(record.server)),
        ("server_name", json!(record.server_name)),
        ("generation", json!(record.generation)),
        ("alert_sent", json!(record.alert_sent)),
        ("client_shows", json!(record.alert_sent.map(|alert| client_shows(Alert(alert))))),
        ("version", json!(negotiated.map(|agreed| agreed.version))),
        ("suite", json!(negotiated.map(|agreed| agreed.suite))),
        ("engine", json!(negotiated.map(|agreed| agreed.engine.label()))),
        ("offered_suites", offered(&record.offered_suites)),
        ("null_only_hello", json!(record.null_only_hello)),
        ("accepted_at", json!(rfc3339(record.accepted_at))),
        ("duration_seconds", seconds(Some(record.duration))),
        ("handshake_seconds", seconds(record.handshake)),
        ("tunnel_seconds", seconds(record.tunnel)),
        ("to_server_bytes", json!(record.to_server_bytes)),
        ("to_client_bytes", json!(record.to_client_bytes)),
        ("extra_headers", json!(record.extra_headers)),
        ("shadow_reason", json!(record.shadow_denial.as_ref().map(|denial| denial.reason.label()))),
        ("shadow_detail", json!(record.shadow_denial.as_ref().map(|denial| &denial.detail))),
    ]
}

/// RFC 3339 in UTC with milliseconds, as all times of logs and pages.
pub fn rfc3339(time: OffsetDateTime) -> String {
    let time = time.to_offset(time::UtcOffset::UTC);
    let (year, month, day) = time.to_calendar_date();
    let (hour, minute, second, milli) = time.to_hms_milli();
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z", u8::from(month))
}

/// The account that a permit rests on, as records and `explain` have it.
pub fn account_json(account: &AccountReport) -> Value {
    json!({
        "name": account.name,
        "domain": escape(&account.domain),
        "sid": account.sid,
        "guid": account.guid,
        "mapping": account.mapping,
        "weak": account.is_weak,
        "groups": account.groups,
        "as_of": OffsetDateTime::from_unix_timestamp(account.as_of).ok().map(rfc3339),
        "overridden": account.is_overridden,
    })
}

fn identity(identity: &Identity) -> Value {
    json!({
        "name": identity.display_name(),
        "dns_names": identity.dns_names.iter().take(NAMES_MAX).map(|name| escape(name)).collect::<Vec<_>>(),
        "dns_names_count": identity.dns_names.len(),
        "subject": escape_name(&identity.subject),
        "issuer": escape_name(&identity.issuer),
        "serial": identity.serial,
        "spki_sha256": identity.spki_sha256,
        "not_after": OffsetDateTime::from_unix_timestamp(identity.not_after).ok().map(rfc3339),
    })
}

/// Names of one certificate that a record holds; a computer has one or two, an attacker as many as fit a certificate.
const NAMES_MAX: usize = 8;

/// Suites of one hello that a record holds; Windows offers about twenty.
const SUITES_MAX: usize = 64;

fn rule(report: &RuleReport) -> Value {
    let (outcome, reason) = match report.outcome {
        Outcome::Denied(reason) => ("denied", Some(reason.label())),
        Outcome::NotReached => ("not_reached", None),
        Outcome::NotAsked => ("not_asked", None),
        Outcome::Passed => ("passed", None),
    };
    json!({ "rule": report.rule, "outcome": outcome, "reason": reason, "detail": report.detail })
}

fn offered(suites: &[u16]) -> Value {
    suites.iter().take(SUITES_MAX).map(|suite| iana::suite(*suite)).collect()
}

/// Seconds to the millisecond.
fn seconds(duration: Option<Duration>) -> Value {
    json!(duration.map(|duration| (duration.as_secs_f64() * 1000.0).round() / 1000.0))
}

#[cfg(test)]
mod tests {
    use super::super::fields::{json_line, parse_text, text_line};
    use super::*;
    use crate::record::SessionEnd;
    use crate::samples::{denied, record, stranger};
    use ravelin_policy::Reason;

    #[test]
    fn a_tunnel() {
        let fields = session_fields_but_rules(&record());
        assert_eq!(
            text_line(&fields),
            "time=2026-01-02T04:04:05.250Z event=session session=7 end=client_closed client=192.0.2.17:50123 \
             identity.dns_names=pc17.corp.example.com identity.dns_names_count=1 \
             identity.issuer=\"CN=Issuing CA,DC=corp,DC=example,DC=com\" \
             identity.name=pc17.corp.example.com identity.not_after=2026-02-11T03:04:05.000Z identity.serial=1a2b \
             identity.spki_sha256=0000000000000000000000000000000000000000000000000000000000000000 \
             identity.subject=\"CN=pc17.corp.example.com\" identity_key=pc17.corp.example.com \
             account.as_of=2026-01-02T03:03:25.000Z account.domain=corp.example.com \
             account.groups=\"[\\\"DirectAccess Clients\\\"]\" account.guid=3f2504e0-4f89-11d3-9a0c-0305e82c3301 \
             account.mapping=SID account.name=PC17 account.overridden=false \
             account.sid=S-1-5-21-1004336348-1177238915-682003330-1104 account.weak=false listener=edge \
             site=europe server=da1 server_name=da-eu.example.com generation=3 version=TLSv1.3 \
             suite=TLS_AES_256_GCM_SHA384 engine=rustls null_only_hello=false accepted_at=2026-01-02T03:04:05.000Z \
             duration_seconds=3600.25 handshake_seconds=0.012 tunnel_seconds=3600.0 to_server_bytes=1000 \
             to_client_bytes=2000 extra_headers=1"
        );
    }

    #[test]
    fn every_key_is_always_there() {
        let keys = |record| session_json(&record).as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(record()), keys(stranger(SessionEnd::SourceLimit)));
        let json = session_json(&stranger(SessionEnd::SourceLimit));
        assert!(json["site"].is_null() && json["identity"].is_null() && json["handshake_seconds"].is_null());
    }

    #[test]
    fn a_denial_names_the_rule() {
        let json = session_json(&denied(Reason::UnknownIssuer));
        assert_eq!(json["end"], "unknown_issuer");
        assert_eq!(json["rules"][0]["outcome"], "denied");
        assert_eq!(json["rules"][0]["reason"], "unknown_issuer");
        assert_eq!(json["alert_sent"], 48);
    }

    /// Covers: docs/traps.md row 61. A subject full of separators is one value in either form, and reads back as it went in.
    #[test]
    fn a_hostile_subject_stays_one_value() {
        let mut hostile = denied(Reason::NameMalformed);
        let identity = hostile.identity.as_mut().unwrap();
        identity.subject = "CN=pc17\r\nend=permit|sev\u{1b}[31m\u{202e} \"x\" \\".to_owned();
        identity.dns_names = vec!["a end=permit".to_owned()];
        let fields = session_fields(&hostile);
        let (text, json) = (text_line(&fields), json_line(&fields));
        for line in [&text, &json] {
            assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{line}");
        }
        let escaped = "CN=pc17\\0D\\0Aend=permit|sev\\1B[31m\\E2\\80\\AE \"x\" \\";
        let pairs = parse_text(&text).unwrap();
        assert_eq!(pairs.iter().filter(|(name, _)| name == "end").count(), 1);
        assert!(pairs.contains(&("identity.subject".to_owned(), escaped.to_owned())), "{text}");
        let back: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(back["identity"]["subject"], escaped);
    }

    #[test]
    fn a_certificate_full_of_names_makes_a_bounded_line() {
        let mut large = record();
        let identity = large.identity.as_mut().unwrap();
        identity.dns_names = (0..1000).map(|n| format!("{n}.{}", "\u{fc}".repeat(250))).collect();
        identity.subject = "x".repeat(100_000);
        large.offered_suites = vec![0; 30_000];
        let line = json_line(&session_fields(&large));
        assert!(line.len() < 8 * 1024, "{}", line.len());
        assert_eq!(session_json(&large)["identity"]["dns_names_count"], 1000);
    }
}
