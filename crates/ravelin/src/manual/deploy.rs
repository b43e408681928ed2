//! The dashboard and the alerts name metrics: all of them must exist.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::root;
use ravelin_ops::metrics::{Definition, MetricKind, companion_definitions, gateway_definitions};

/// Labels that Prometheus itself adds.
const ADDED: &[&str] = &["instance", "le"];

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join("deploy").join(file)).unwrap()
}

/// Every metric that a PromQL expression names.
fn metrics_of(expression: &str) -> Vec<&'static Definition> {
    words(expression)
        .filter(|word| ["ravelin_", "process_"].iter().any(|prefix| word.starts_with(prefix)))
        .map(|word| {
            let found = gateway_definitions().chain(companion_definitions()).find(|definition| {
                let parts = word.strip_prefix(definition.name);
                match definition.kind {
                    MetricKind::Histogram(_) => matches!(parts, Some("_bucket" | "_sum" | "_count")),
                    MetricKind::Counter | MetricKind::Gauge => parts == Some(""),
                }
            });
            found.unwrap_or_else(|| panic!("{expression}\nnames {word}, which does not exist"))
        })
        .collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// Labels that an expression groups or selects by, and values it selects from our closed sets.
fn check(expression: &str) -> BTreeSet<&'static str> {
    let metrics = metrics_of(expression);
    assert!(!metrics.is_empty(), "{expression} names no metric");
    let known: HashSet<&str> = metrics.iter().flat_map(|m| m.labels).chain(ADDED).copied().collect();
    let groups = expression.split(" by (").skip(1).map(|rest| rest.split(')').next().unwrap());
    let selectors = expression.split('{').skip(1).map(|rest| rest.split('}').next().unwrap());
    let selected =
        selectors.flat_map(|selector| selector.split(',').map(|part| part.split(['=', '!']).next().unwrap()));
    for label in groups.flat_map(|group| group.split(',')).chain(selected) {
        assert!(known.contains(label.trim()), "{expression}\nuses the label {label:?}");
    }
    for metric in &metrics {
        let counter_like = !matches!(metric.kind, MetricKind::Gauge);
        let rated = ["rate(", "increase(", "label_values("].iter().any(|function| expression.contains(function));
        assert!(!counter_like || rated, "{expression}\nshows the counter {} bare", metric.name);
    }
    // A bucket that is not there selects nothing, for ever.
    for bound in expression.split("le=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let bound: f64 = bound.parse().unwrap();
        let there =
            metrics.iter().any(|m| matches!(m.kind, MetricKind::Histogram(buckets) if buckets.contains(&bound)));
        assert!(there, "{expression}\nselects the bucket {bound}");
    }
    metrics.iter().map(|metric| metric.name).collect()
}

#[test]
fn the_dashboard_shows_every_metric_and_no_other() {
    let dashboard: Value = serde_json::from_str(&read("grafana/ravelin.json")).unwrap();
    let mut shown = BTreeSet::new();
    let mut ids = HashSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "panel ids are unique");
        let none = Vec::new();
        for target in panel["targets"].as_array().unwrap_or(&none) {
            let expression = target["expr"].as_str().unwrap();
            shown.extend(check(expression));
            let known: HashSet<&str> =
                metrics_of(expression).iter().flat_map(|m| m.labels).chain(ADDED).copied().collect();
            for label in target["legendFormat"].as_str().unwrap().split("{{").skip(1) {
                let label = label.split("}}").next().unwrap();
                assert!(known.contains(label), "{expression}\nhas a legend by {label}");
            }
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        let query = variable["query"].as_str().unwrap();
        if query.starts_with("label_values(") {
            metrics_of(query);
        }
    }
    // What is reported as an alert or an annotation and has no panel of its own.
    let elsewhere = ["ravelin_config_last_reload_success_timestamp_seconds"];
    for definition in gateway_definitions().chain(companion_definitions()) {
        assert!(
            shown.contains(definition.name) || elsewhere.contains(&definition.name),
            "{} has no panel",
            definition.name
        );
    }
}

#[test]
fn every_alert_is_whole_and_names_metrics_that_exist() {
    let text = read("prometheus/ravelin.rules.yml");
    let rules: Vec<&str> = text.split("- alert: ").skip(1).collect();
    let mut alerted = BTreeSet::new();
    for rule in &rules {
        let name = rule.lines().next().unwrap();
        assert!(name.starts_with("Ravelin"), "{name}");
        for part in ["severity: ", "summary: ", "description: "] {
            assert_eq!(rule.matches(part).count(), 1, "{name}: {part}");
        }
        let from = rule.split_once("expr:").unwrap().1;
        let end = [from.find("\n        for:"), from.find("\n        labels:")].into_iter().flatten().min().unwrap();
        alerted.extend(check(&from[..end]));
        // A description, too, may only name what exists.
        metrics_of(&rule[rule.find("annotations:").unwrap()..]);
    }
    for must in [
        "ravelin_ready",
        "ravelin_config_last_reload_successful",
        "ravelin_crl_next_update_timestamp_seconds",
        "ravelin_certificate_not_after_timestamp_seconds",
        "ravelin_server_up",
        "ravelin_denials_total",
    ] {
        assert!(alerted.contains(must), "no alert on {must}");
    }
}

/// The service manager must not kill a gateway that is still draining.
#[test]
fn the_unit_waits_longer_than_a_drain_takes() {
    let unit = read("ravelin.service");
    let value = unit.lines().find_map(|line| line.strip_prefix("TimeoutStopSec=")).expect("the unit bounds its stop");
    let seconds: u64 = value.strip_suffix('s').and_then(|value| value.parse().ok()).expect("written as 45s");
    let least = std::path::Path::new("x");
    let (config, _) = ravelin_config::parse(least, ravelin_config::samples::LEAST).unwrap();
    let drain = config.limits.drain_deadline + ravelin_gateway::server::CLOSE_GRACE;
    assert!(
        u128::from(seconds) * 1_000 > drain.as_millis(),
        "deploy/ravelin.service: TimeoutStopSec={value} is not above the default of limits.drain_deadline and what closing \
         takes, {drain:?} together; raise it there"
    );
}
