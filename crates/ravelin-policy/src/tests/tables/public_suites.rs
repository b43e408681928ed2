//! NIST PKITS and x509-limbo, every case whole through `decide`, read where they lie; nothing of them is copied here.
//!
//! Where we differ from a suite the difference is in `divergences.json` with its reason, which the tests of `ravelin explain`
//! read too. One that heals fails too.

use std::io::Write;
use std::path::Path;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use serde_json::Value;

use super::*;

#[derive(Clone)]
struct Divergence {
    case: String,
    /// `permit`, or the reason's label.
    we_say: String,
    reason: String,
}

/// Where we differ from a suite, by intent.
fn divergences(suite: &str) -> Vec<Divergence> {
    let table: Value = serde_json::from_str(include_str!("divergences.json")).unwrap();
    let of_suite = table.as_array().unwrap().iter().filter(|row| row["suite"] == suite);
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let rows: Vec<_> = of_suite
        .map(|row| Divergence { case: text(row, "case"), we_say: text(row, "we_say"), reason: text(row, "reason") })
        .collect();
    assert!(!rows.is_empty(), "{suite}");
    rows
}

/// Covers: NIST PKITS 4.1, 4.2, 4.4, 4.6, 4.7.
#[test]
fn pkits() {
    let Some(data) = read("pkits-subset.json") else { return };
    let (mut wrong, divergences) = (Vec::new(), divergences("pkits"));
    for case in data["tests"].as_array().unwrap() {
        let number = case["number"].as_str().unwrap();
        let certificates = decoded(&data["certs"], &case["certs"]);
        let lists = decoded(&data["crls"], &case["crls"]);
        let (anchor, rest) = certificates.split_first().unwrap();
        let (leaf, intermediates) = rest.split_last().unwrap();
        let expected = case["valid"].as_bool().unwrap();
        let sent: Vec<&[u8]> =
            std::iter::once(leaf).chain(intermediates.iter().rev()).map(|one| one.der.as_slice()).collect();
        // As a client that sends its authorities would be met, and as one that leaves them to the configuration.
        // An intermediate that is unfit to be one cannot be configured at all.
        let can_be_configured = |one: &&Source| {
            let spec = PolicySpec {
                trust_anchors: vec![anchor.clone()],
                intermediates: vec![(*one).clone()],
                ..spec(&ESTATE.root)
            };
            Policy::build(spec, at(NOW)).is_ok()
        };
        let known: Vec<Source> = intermediates.iter().filter(can_be_configured).cloned().collect();
        for (way, certificates, configured) in
            [("sent", sent.clone(), Vec::new()), ("configured", sent[..1].to_vec(), known)]
        {
            let spec = PolicySpec {
                trust_anchors: vec![anchor.clone()],
                intermediates: configured,
                purpose_absent_allowed: true,
                revocation: RevocationSpec {
                    check: RevocationCheck::Chain,
                    crls: lists.clone(),
                    unknown_allowed: false,
                    stale_grace: Duration::ZERO,
                },
                ..spec(&ESTATE.root)
            };
            let case = format!("{number} {} ({way})", case["name"].as_str().unwrap());
            let policy = build(spec);
            let row = Row { case: &case, policy: &policy, chain: chain(&certificates), now: NOW, key: None };
            let decision = row.judged();
            judge(&case, &decision, expected, divergence(&divergences, number), &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Covers: x509-limbo, path length, validity and revocation.
#[test]
fn limbo() {
    let Some(data) = read("limbo-subset.json") else { return };
    let (mut wrong, divergences) = (Vec::new(), divergences("limbo"));
    for case in data["testcases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let anchors = pem_all(&case["trusted_certs"], CertificateDer::from_pem_slice);
        let crls = pem_all(&case["crls"], CertificateRevocationListDer::from_pem_slice);
        let leaf = CertificateDer::from_pem_slice(case["peer_certificate"].as_str().unwrap().as_bytes()).unwrap();
        let sent = pem_all(&case["untrusted_intermediates"], CertificateDer::from_pem_slice);
        let sent: Vec<&[u8]> =
            std::iter::once(leaf.as_ref()).chain(sent.iter().map(|one| one.der.as_slice())).collect();
        let now = case["validation_time"].as_str().map_or(NOW, unix_seconds);
        let spec = PolicySpec {
            trust_anchors: anchors,
            purposes: vec![
                if case["validation_kind"] == "SERVER" { purpose::SERVER_AUTH } else { purpose::CLIENT_AUTH }
                    .to_owned(),
            ],
            purpose_absent_allowed: true,
            revocation: RevocationSpec {
                check: if crls.is_empty() { RevocationCheck::Off } else { RevocationCheck::Leaf },
                crls,
                unknown_allowed: false,
                stale_grace: Duration::ZERO,
            },
            ..spec(&ESTATE.root)
        };
        let expected = case["expected_result"] == "SUCCESS";
        match Policy::build(spec, at(now)) {
            Ok((policy, _)) => {
                let policy = Arc::new(policy);
                let decision = Row { case: id, policy: &policy, chain: chain(&sent), now, key: None }.judged();
                judge(id, &decision, expected, divergence(&divergences, id), &mut wrong);
            }
            // What stops a start lets in nobody.
            Err(problems) if expected => wrong.push(format!("{id}: {problems:?}")),
            Err(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the manual tells of divergences is what the tables here have.
#[test]
fn the_manual_lists_every_divergence() {
    let manual = include_str!("../../../../../docs/src/spec-gaps.md");
    let (_, section) = manual.split_once("## The public suites").unwrap();
    let divergences = [divergences("pkits"), divergences("limbo")].concat();
    for Divergence { case, we_say, .. } in &divergences {
        let row =
            section.lines().find(|line| line.contains(case)).unwrap_or_else(|| panic!("{case} is not in the manual"));
        assert!(row.contains(we_say), "{case}: {row}");
    }
    let told = section.lines().filter(|line| line.starts_with("| PKITS") || line.starts_with("| limbo"));
    let cases: usize = told.map(|line| line.split('|').nth(1).unwrap_or_default().split(',').count()).sum();
    assert_eq!(cases, divergences.len());
}

fn divergence<'a>(table: &'a [Divergence], case: &str) -> Option<&'a Divergence> {
    table.iter().find(|one| one.case == case)
}

fn judge(case: &str, decision: &Decision, expected: bool, divergence: Option<&Divergence>, wrong: &mut Vec<String>) {
    let outcome = outcome(decision).err().map_or("permit", Reason::label);
    let agrees = (outcome == "permit") == expected;
    match divergence {
        Some(Divergence { we_say, reason, .. }) if agrees => {
            wrong.push(format!("{case}: agrees with the suite now; take out the divergence {we_say} ({reason})"));
        }
        Some(Divergence { we_say, reason, .. }) if outcome != we_say => {
            wrong.push(format!("{case}: {outcome} where the divergence is {we_say} ({reason})"));
        }
        None if !agrees => {
            let detail = decision.rules.iter().rfind(|rule| !rule.detail.is_empty()).map(|rule| &rule.detail);
            wrong.push(format!("{case}: {outcome}, {detail:?}"));
        }
        Some(_) | None => {}
    }
}

fn read(file: &str) -> Option<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(file);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(serde_json::from_str(&text).unwrap()),
        Err(_) => {
            // Past the harness, which keeps what passing tests print to itself.
            let _ = writeln!(std::io::stderr(), "skip public_suites: {} is not there", path.display());
            None
        }
    }
}

fn decoded(all: &Value, names: &Value) -> Vec<Source> {
    let pem = |name: &str| {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", all[name].as_str().unwrap())
    };
    let der = |name: &str| CertificateDer::from_pem_slice(pem(name).as_bytes()).unwrap();
    names.as_array().unwrap().iter().map(|name| source(name.as_str().unwrap(), &der(name.as_str().unwrap()))).collect()
}

fn pem_all<T: AsRef<[u8]>, E: std::fmt::Debug>(texts: &Value, read: impl Fn(&[u8]) -> Result<T, E>) -> Vec<Source> {
    let texts = texts.as_array().unwrap().iter();
    texts.map(|text| source("limbo", read(text.as_str().unwrap().as_bytes()).unwrap().as_ref())).collect()
}

/// `2024-03-01T00:00:00.999+00:00`; fractions are cut, as a clock of whole seconds does.
fn unix_seconds(text: &str) -> i64 {
    let parts: Vec<i64> = text[..19].split(['-', 'T', ':']).map(|part| part.parse().unwrap()).collect();
    let [year, month, day, hour, minute, second] = parts.try_into().unwrap();
    let is_leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let days_of = |month: i64| match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let years: i64 = (1970..year).map(|year| 365 + i64::from(is_leap(year))).sum();
    let days = years + (1..month).map(days_of).sum::<i64>() + day - 1;
    ((days * 24 + hour) * 60 + minute) * 60 + second
}
