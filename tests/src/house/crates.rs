//! How large each crate is, and on whom it depends.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use super::Finding;
use super::tree::Tree;

/// A crate above this holds more than one purpose; the largest of eleven is still read in an afternoon.
const SHARE_MAX_PERCENT: f64 = 20.0;

/// Whom each crate may depend on. Whatever is not named here is no crate of ours, or needs its row.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    (
        "ravelin",
        &[
            "ravelin-config",
            "ravelin-feeds",
            "ravelin-gateway",
            "ravelin-iphttps",
            "ravelin-lab",
            "ravelin-ops",
            "ravelin-policy",
            "ravelin-relay",
            "ravelin-sync",
            "ravelin-tls",
        ],
    ),
    ("ravelin-config", &["ravelin-policy", "ravelin-tls"]),
    ("ravelin-feeds", &["ravelin-policy"]),
    (
        "ravelin-gateway",
        &[
            "ravelin-config",
            "ravelin-feeds",
            "ravelin-iphttps",
            "ravelin-ops",
            "ravelin-policy",
            "ravelin-relay",
            "ravelin-tls",
        ],
    ),
    ("ravelin-iphttps", &[]),
    ("ravelin-lab", &["ravelin-iphttps"]),
    ("ravelin-ops", &["ravelin-config", "ravelin-policy", "ravelin-relay", "ravelin-tls"]),
    ("ravelin-policy", &[]),
    ("ravelin-relay", &[]),
    ("ravelin-sync", &["ravelin-config", "ravelin-feeds", "ravelin-ops", "ravelin-policy", "ravelin-tls"]),
    ("ravelin-tls", &["ravelin-policy"]),
];

/// What may not be linked, through whomever: crate, name (or, before `/`, name and after it a feature), why.
const MAY_NOT_LINK: &[(&str, &[&str], &str)] = &[
    (
        "ravelin-gateway",
        &["ravelin-sync", "ravelin-lab", "ldap*", "reqwest", "hyper/client", "hyper-util/client"],
        "the gateway fetches nothing and makes no certificate",
    ),
    (
        "ravelin-sync",
        &["ravelin-gateway", "ravelin-relay", "ravelin-lab"],
        "the companion has no listener and no tunnel",
    ),
    (
        "ravelin-policy",
        &["tokio", "rustls", "socket2", "mio"],
        "the policy is pure: bytes and a time in, a decision out",
    ),
    (
        "ravelin-relay",
        &["rustls*", "x509-*", "ravelin-policy", "ravelin-tls"],
        "the relay moves bytes and cannot name a certificate",
    ),
];

/// Production lines by crate, and their sum.
pub(super) fn lines(tree: &Tree) -> (BTreeMap<&str, usize>, usize) {
    let mut by_crate = BTreeMap::new();
    for source in &tree.sources {
        *by_crate.entry(source.krate.as_str()).or_default() += source.production_lines();
    }
    let total = by_crate.values().sum();
    (by_crate, total)
}

#[expect(clippy::cast_precision_loss, reason = "lines of a repository fit")]
pub(super) fn percent(lines: usize, total: usize) -> f64 {
    lines as f64 * 100.0 / total as f64
}

pub(super) fn too_large(tree: &Tree) -> Vec<Finding> {
    let (by_crate, total) = lines(tree);
    let large = by_crate.into_iter().filter(|(_, lines)| percent(*lines, total) > SHARE_MAX_PERCENT);
    large
        .map(|(name, lines)| {
            let what = format!(
                "{lines} production lines, {:.1} % of all and more than {SHARE_MAX_PERCENT} %; move what has another purpose out",
                percent(lines, total)
            );
            Finding::new(&manifest(name), 1, what)
        })
        .collect()
}

/// Normal dependencies between our crates, the optional ones included.
pub(super) fn dependencies(tree: &Tree) -> BTreeMap<String, BTreeSet<String>> {
    let text = cargo(tree, &["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: serde_json::Value = serde_json::from_str(&text).expect("cargo writes JSON");
    let list =
        |value: &serde_json::Value, key| value.get(key).and_then(|list| list.as_array().cloned()).unwrap_or_default();
    let name =
        |value: &serde_json::Value| value.get("name").and_then(|name| name.as_str()).unwrap_or_default().to_owned();
    list(&metadata, "packages")
        .iter()
        .map(|package| {
            let normal =
                list(package, "dependencies").into_iter().filter(|d| d.get("kind").is_none_or(|kind| kind.is_null()));
            (
                name(package),
                normal.map(|dependency| name(&dependency)).filter(|name| name.starts_with("ravelin")).collect(),
            )
        })
        .filter(|(name, _)| tree.texts.contains_key(&manifest(name)))
        .collect()
}

pub(super) fn forbidden_dependencies(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let there = dependencies(tree);
    for (name, dependencies) in &there {
        let Some((_, allowed)) = MAY_DEPEND_ON.iter().find(|(row, _)| row == name) else {
            let what =
                format!("{name} has no row that says whom it may depend on: give it one in tests/src/house/crates.rs");
            findings.push(Finding::new(&manifest(name), 1, what));
            continue;
        };
        for dependency in dependencies.iter().filter(|dependency| !allowed.contains(&dependency.as_str())) {
            let what = format!("{name} may not depend on {dependency}: it may on [{}]", allowed.join(", "));
            findings.push(Finding::new(&manifest(name), line_of(tree, name, dependency), what));
        }
    }
    for (name, _) in MAY_DEPEND_ON.iter().filter(|(name, _)| !there.contains_key(*name)) {
        findings.push(Finding::new(
            "Cargo.toml",
            1,
            format!("there is no crate {name}, which tests/src/house/crates.rs names"),
        ));
    }
    for (name, banned, why) in MAY_NOT_LINK.iter().filter(|(name, ..)| there.contains_key(*name)) {
        for found in linked(
            &cargo(
                tree,
                &[
                    "tree",
                    "--package",
                    name,
                    "--edges",
                    "normal",
                    "--prefix",
                    "none",
                    "--all-features",
                    "--format",
                    "{p}|{f}",
                ],
            ),
            banned,
        ) {
            let what =
                format!("{name} links {found}: {why}; `cargo tree -p {name} -e normal -i {found}` says through whom");
            findings.push(Finding::new(&manifest(name), line_of(tree, name, &found), what));
        }
    }
    findings
}

/// Those of `banned` that a listing of `name version …|feature,feature` has.
fn linked(listing: &str, banned: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (package, features) in listing.lines().filter_map(|line| line.split_once('|')) {
        let package = package.split(' ').next().unwrap_or_default();
        let features: Vec<_> = features.split([',', ' ']).collect();
        let is = |banned: &&&str| match (banned.split_once('/'), banned.strip_suffix('*')) {
            (Some((name, feature)), _) => name == package && features.contains(&feature),
            (None, Some(start)) => package.starts_with(start),
            (None, None) => **banned == package,
        };
        found.extend(banned.iter().find(is).map(|_| package.to_owned()));
    }
    found
}

fn manifest(name: &str) -> String {
    format!("crates/{name}/Cargo.toml")
}

/// Where a manifest names a dependency.
fn line_of(tree: &Tree, name: &str, dependency: &str) -> usize {
    let text = tree.texts.get(&manifest(name)).map_or("", String::as_str);
    text.lines()
        .position(|line| line.strip_prefix(dependency).is_some_and(|rest| rest.starts_with(['.', ' '])))
        .map_or(1, |at| at + 1)
}

fn cargo(tree: &Tree, arguments: &[&str]) -> String {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program).args(arguments).arg("--locked").current_dir(&tree.root).output();
    let output = output.expect("cargo runs: it built this");
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_linked_is_found_by_name_beginning_and_feature() {
        let listing = "ravelin-gateway v0.1.0 (/x)|default\nhyper v1.12.0|http1,server (*)\nldap3 v1.0.0|\nrustls-webpki v0.1.0|std";
        for (banned, expected) in [
            ("hyper", Some("hyper")),
            ("hyper/server", Some("hyper")),
            ("hyper/client", None),
            ("ldap*", Some("ldap3")),
            ("rustls", None),
            ("rustls*", Some("rustls-webpki")),
        ] {
            assert_eq!(linked(listing, &[banned]).first().map(String::as_str), expected, "{banned}");
        }
    }
}
