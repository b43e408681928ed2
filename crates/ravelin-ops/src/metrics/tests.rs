use std::collections::BTreeMap;
use std::time::Duration;

use ravelin_policy::Denial;

use super::*;
use crate::operator::{CertificateView, ServerView};
use crate::samples::{denied, record, stranger};

/// One page as a scraper reads it: `name{labels}` and value. Panics on anything that the format does not allow.
fn parse(page: &str) -> BTreeMap<String, f64> {
    assert!(page.ends_with('\n'));
    let mut samples = BTreeMap::new();
    let mut family = String::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            assert!(rest.split_once(' ').is_some_and(|(_, help)| !help.is_empty()), "{line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            family = name.to_owned();
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let name = series.split('{').next().unwrap();
            let suffix = name.strip_prefix(&family).unwrap_or_else(|| panic!("{line} belongs to no family"));
            assert!(["", "_bucket", "_sum", "_count"].contains(&suffix), "{line}");
            if let Some(labels) = series.strip_prefix(name).filter(|labels| !labels.is_empty()) {
                let labels = labels.strip_prefix('{').and_then(|labels| labels.strip_suffix('}')).unwrap();
                for label in labels.split("\",") {
                    let (key, value) = label.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
                    assert!(key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{line}");
                    assert!(!value.trim_end_matches('"').contains('\n'), "{line}");
                }
            }
            let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
            assert!(samples.insert(series.to_owned(), value).is_none(), "{line} is there twice");
        }
    }
    samples
}

fn check(case: &str, metrics: &Metrics, expected: &[(&str, f64)]) {
    let page = metrics.render();
    let samples = parse(&page);
    for (series, value) in expected {
        assert_eq!(samples.get(*series), Some(value), "{case}: {series} in\n{page}");
    }
}

fn site(name: &str, certificates: &[(&str, i64)]) -> SiteView {
    SiteView {
        name: name.to_owned(),
        server_names: vec![],
        policy: "p".to_owned(),
        pool: "q".to_owned(),
        tunnels: 0,
        certificates: certificates
            .iter()
            .map(|(subject, end)| CertificateView {
                subject: (*subject).to_owned(),
                not_after: String::new(),
                not_after_unix: *end,
            })
            .collect(),
    }
}

fn pool(name: &str, servers: &[(&str, bool)]) -> PoolView {
    let server = |(name, up): &(&str, bool)| ServerView {
        name: (*name).to_owned(),
        address: String::new(),
        up: *up,
        tunnels: 0,
    };
    PoolView { name: name.to_owned(), servers: servers.iter().map(server).collect() }
}

fn crl(policy: &str, origin: &str, issuer: &str, next_update_unix: i64, entries: usize) -> CrlView {
    CrlView {
        policy: policy.to_owned(),
        origin: origin.to_owned(),
        issuer: issuer.to_owned(),
        number: None,
        this_update: String::new(),
        next_update: String::new(),
        next_update_unix,
        entries,
    }
}

#[test]
fn an_ended_tunnel() {
    let metrics = Metrics::new();
    metrics.tunnel_begins(&SessionRecord { tunnel: None, end: SessionEnd::InternalError, ..record() });
    let began = [
        (
            "ravelin_handshakes_total{engine=\"rustls\",result=\"completed\",site=\"europe\",\
                 suite=\"TLS_AES_256_GCM_SHA384\",version=\"TLSv1.3\"}",
            1.0,
        ),
        ("ravelin_handshake_seconds_count", 1.0),
        ("ravelin_client_certificate_remaining_seconds_bucket{le=\"2592000\"}", 0.0),
        ("ravelin_client_certificate_remaining_seconds_bucket{le=\"3628800\"}", 1.0),
    ];
    check("begun", &metrics, &began);
    metrics.observe(&record());
    check("ended", &metrics, &began);
    check(
        "ended",
        &metrics,
        &[
            ("ravelin_sessions_total{end=\"client_closed\",site=\"europe\"}", 1.0),
            ("ravelin_tunnel_duration_seconds_sum", 3600.0),
        ],
    );
    assert!(!metrics.render().contains("pc17"), "no identity is ever a label");
    assert!(!metrics.render().contains("192.0.2"), "no address of a client is ever a label");
}

#[test]
fn a_denial_before_a_tunnel_and_a_withdrawn_permit_are_counted_apart() {
    let metrics = Metrics::new();
    metrics.observe(&denied(Reason::Revoked));
    metrics.observe(&SessionRecord { end: SessionEnd::Denied(Reason::Revoked), ..record() });
    check(
        "both",
        &metrics,
        &[
            ("ravelin_sessions_total{end=\"revoked\",site=\"europe\"}", 2.0),
            ("ravelin_denials_total{reason=\"revoked\",site=\"europe\"}", 1.0),
            ("ravelin_tunnels_withdrawn_total{reason=\"revoked\"}", 1.0),
            (
                "ravelin_handshakes_total{engine=\"none\",result=\"denied\",site=\"europe\",suite=\"none\",version=\"none\"}",
                1.0,
            ),
        ],
    );
}

#[test]
fn a_rule_under_trial_is_counted_by_its_own_reason() {
    let metrics = Metrics::new();
    let denial = Denial { reason: Reason::NameNotAllowed, detail: String::new() };
    metrics.tunnel_begins(&SessionRecord { shadow_denial: Some(denial), ..record() });
    check("shadow", &metrics, &[("ravelin_shadow_denials_total{reason=\"name_not_allowed\",site=\"europe\"}", 1.0)]);
}

#[test]
fn handshake_results() {
    let result = |end| handshake_result(&stranger(end));
    for (end, expected) in [
        (SessionEnd::HandshakeFailed, Some("failed")),
        (SessionEnd::HandshakeTimeout, Some("timeout")),
        (SessionEnd::NoCommonSuite, Some("no_common_suite")),
        (SessionEnd::UnknownServerName, Some("unknown_server_name")),
        (SessionEnd::Denied(Reason::NoCertificate), Some("denied")),
        (SessionEnd::ClientFailed, Some("failed")),
        (SessionEnd::SourceLimit, None),
        (SessionEnd::SessionLimit, None),
        (SessionEnd::RateLimited, None),
        (SessionEnd::Draining, None),
    ] {
        assert_eq!(result(end), expected, "{end:?}");
    }
    for end in SessionEnd::OTHERS {
        let expected = match end.label() {
            "handshake_failed" => "failed",
            "handshake_timeout" => "timeout",
            "no_common_suite" => "no_common_suite",
            "unknown_server_name" => "unknown_server_name",
            "source_limit" | "session_limit" | "rate_limited" => continue,
            _ => "completed",
        };
        assert_eq!(
            handshake_result(&SessionRecord { end: *end, ..record() }),
            Some(expected),
            "{end:?} after a tunnel"
        );
    }
}

#[test]
fn guards_count_what_is_there() {
    struct Counts;
    impl ByteCounts for Counts {
        fn to_client(&self) -> u64 {
            5
        }
        fn to_server(&self) -> u64 {
            9
        }
    }
    let metrics = Metrics::new();
    let tunnel = metrics.tunnel("europe", "da1", Arc::new(Counts));
    let handshake = metrics.handshake();
    let up = "ravelin_tunnels_active{server=\"da1\",site=\"europe\"}";
    let bytes = [
        ("ravelin_relay_bytes_total{direction=\"to_client\"}", 5.0),
        ("ravelin_relay_bytes_total{direction=\"to_server\"}", 9.0),
    ];
    check("live", &metrics, &[(up, 1.0), ("ravelin_handshakes_in_flight", 1.0)]);
    check("live", &metrics, &bytes);
    assert_eq!(metrics.handshakes_in_flight(), 1);
    drop((tunnel, handshake));
    check("ended", &metrics, &[(up, 0.0), ("ravelin_handshakes_in_flight", 0.0)]);
    check("ended", &metrics, &bytes);
    metrics.observe(&record());
    check("recorded", &metrics, &bytes);
}

#[test]
fn a_generation_replaces_what_the_last_one_showed() {
    let metrics = Metrics::new();
    let sites = [site("europe", &[("CN=eu", 200), ("CN=eu", 100)])];
    let crls =
        [crl("a", "x.crl", "CN=CA", 50, 3), crl("b", "x.crl", "CN=CA", 50, 3), crl("a", "y.crl", "CN=CA", 40, 4)];
    metrics.update_generation(1, 10, &sites, &[pool("eu", &[("da1", true), ("da2", false)])], &crls);
    check(
        "first",
        &metrics,
        &[
            ("ravelin_policy_generation", 1.0),
            ("ravelin_config_last_reload_successful", 1.0),
            ("ravelin_config_last_reload_success_timestamp_seconds", 10.0),
            ("ravelin_certificate_not_after_timestamp_seconds{site=\"europe\",subject=\"CN=eu\"}", 100.0),
            ("ravelin_crl_next_update_timestamp_seconds{issuer=\"CN=CA\"}", 40.0),
            ("ravelin_crl_entries{issuer=\"CN=CA\"}", 7.0),
            ("ravelin_server_up{pool=\"eu\",server=\"da1\"}", 1.0),
            ("ravelin_server_up{pool=\"eu\",server=\"da2\"}", 0.0),
            ("ravelin_denials_total{reason=\"revoked\",site=\"europe\"}", 0.0),
            ("ravelin_sessions_total{end=\"server_cut\",site=\"europe\"}", 0.0),
        ],
    );
    metrics.reload_refused();
    check("refused", &metrics, &[("ravelin_config_last_reload_successful", 0.0), ("ravelin_policy_generation", 1.0)]);
    metrics.update_generation(2, 20, &[], &[pool("eu", &[("da2", true)])], &[]);
    let samples = parse(&metrics.render());
    for gone in
        ["ravelin_server_up{pool=\"eu\",server=\"da1\"}", "ravelin_crl_entries", "ravelin_certificate_not_after"]
    {
        assert!(!samples.keys().any(|series| series.starts_with(gone)), "{gone}");
    }
    check("second", &metrics, &[("ravelin_server_up{pool=\"eu\",server=\"da2\"}", 1.0)]);
}

#[test]
fn every_metric_of_the_table_is_registered_with_its_kind_and_labels() {
    let metrics = Metrics::new();
    // One value in every series.
    metrics.observe(&record());
    metrics.tunnel_begins(&SessionRecord {
        shadow_denial: Some(Denial { reason: Reason::Expired, detail: String::new() }),
        ..record()
    });
    metrics.observe(&denied(Reason::Expired));
    metrics.observe(&SessionRecord {
        end: SessionEnd::Denied(Reason::Expired),
        tunnel: Some(Duration::ZERO),
        ..record()
    });
    metrics.reevaluated("reload");
    metrics.update_generation(
        1,
        0,
        &[site("a", &[("CN=a", 1)])],
        &[pool("a", &[("b", true)])],
        &[crl("a", "x", "CN=CA", 1, 1)],
    );
    metrics.update_directories(&crate::samples::status().directories);
    drop(metrics.tunnel("a", "b", Arc::new(NoBytes)));
    metrics.render();

    let families = metrics.registry.gather();
    let found: BTreeMap<&str, _> = families.iter().map(|family| (family.name(), family)).collect();
    assert_eq!(found.len(), gateway_definitions().count());
    for definition in gateway_definitions() {
        let family = found.get(definition.name).unwrap_or_else(|| panic!("{} has no series", definition.name));
        assert_eq!(
            format!("{:?}", family.get_field_type()).to_lowercase(),
            definition.kind.label(),
            "{}",
            definition.name
        );
        let mut labels: Vec<&str> = family.get_metric()[0].get_label().iter().map(|pair| pair.name()).collect();
        let mut wanted = definition.labels.to_vec();
        labels.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(labels, wanted, "{}", definition.name);
        assert_eq!(definition.name.ends_with("_total"), definition.kind == MetricKind::Counter, "{}", definition.name);
    }
}

/// A tunnel in which nothing moved.
struct NoBytes;

impl ByteCounts for NoBytes {
    fn to_client(&self) -> u64 {
        0
    }
    fn to_server(&self) -> u64 {
        0
    }
}
