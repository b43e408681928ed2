//! NIST PKITS and x509-limbo, every case as an administrator would try it: files, a configuration that holds nothing but
//! policies, and `ravelin explain`. The cases are read where they lie; nothing of them is copied here.
//!
//! `ravelin-policy` runs the same cases without files and processes; both share one table of intended divergences.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{ravelin, skip};

/// When PKITS is judged; limbo's cases have their own times.
const AT: &str = "2026-11-24T12:00:00Z";

/// One case as files.
#[derive(Clone)]
struct Case<'a> {
    name: &'a str,
    /// The suite's verdict.
    valid: bool,
    anchors: Vec<String>,
    /// In the configuration.
    intermediates: Vec<String>,
    lists: Vec<String>,
    /// Leaf first, PEM.
    chain: Vec<String>,
    /// Further keys of the policy, TOML.
    keys: String,
    at: &'a str,
}

#[test]
fn pkits() {
    let Some(data) = read("pkits", "pkits-subset.json") else { return };
    let table = divergences("pkits");
    let (mut wrong, mut judged) = (Vec::new(), 0);
    for test in data["tests"].as_array().unwrap() {
        let pem = |all: &str, label: &str| -> Vec<String> {
            let names = test[all].as_array().unwrap().iter();
            names.map(|name| armour(label, data[all][name.as_str().unwrap()].as_str().unwrap())).collect()
        };
        let certificates = pem("certs", "CERTIFICATE");
        let (anchor, rest) = certificates.split_first().unwrap();
        let (leaf, intermediates) = rest.split_last().unwrap();
        let sent: Vec<String> = std::iter::once(leaf).chain(intermediates.iter().rev()).cloned().collect();
        let number = test["number"].as_str().unwrap();
        // As a client that sends its authorities would be met, and as one that leaves them to the configuration.
        for (way, chain, configured) in
            [("sent", sent, Vec::new()), ("configured", vec![leaf.clone()], intermediates.to_vec())]
        {
            let case = Case {
                name: number,
                valid: test["valid"].as_bool().unwrap(),
                anchors: vec![anchor.clone()],
                intermediates: configured,
                lists: pem("crls", "X509 CRL"),
                chain,
                keys: "purpose_absent = \"allow\"\nrevocation = { crls = [\"lists\"], check = \"chain\" }\n".to_owned(),
                at: AT,
            };
            judged += 1;
            wrong.extend(judge(&case, &table).err().map(|problem| format!("{number} ({way}): {problem}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{judged} PKITS cases through explain");
}

#[test]
fn limbo() {
    let Some(data) = read("limbo", "limbo-subset.json") else { return };
    let table = divergences("limbo");
    let (mut wrong, mut judged) = (Vec::new(), 0);
    for test in data["testcases"].as_array().unwrap() {
        let texts = |key: &str| -> Vec<String> {
            test[key].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        let (lists, purpose) =
            (texts("crls"), if test["validation_kind"] == "SERVER" { "server-auth" } else { "client-auth" });
        let check = if lists.is_empty() { "check = \"off\"" } else { "crls = [\"lists\"], check = \"leaf\"" };
        let leaf = test["peer_certificate"].as_str().unwrap().to_owned();
        let case = Case {
            name: test["id"].as_str().unwrap(),
            valid: test["expected_result"] == "SUCCESS",
            anchors: texts("trusted_certs"),
            intermediates: Vec::new(),
            lists,
            chain: [vec![leaf], texts("untrusted_intermediates")].concat(),
            keys: format!("purposes = [\"{purpose}\"]\npurpose_absent = \"allow\"\nrevocation = {{ {check} }}\n"),
            at: test["validation_time"].as_str().unwrap_or(AT),
        };
        judged += 1;
        wrong.extend(judge(&case, &table).err().map(|problem| format!("{}: {problem}", case.name)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{judged} limbo cases through explain");
}

/// Compares what `explain` says with the suite and the table of divergences.
fn judge(case: &Case<'_>, divergences: &[Value]) -> Result<(), String> {
    let (outcome, said) = explain(case)?;
    let agrees = (outcome == "permit") == case.valid;
    match divergences.iter().find(|row| row["case"] == case.name) {
        Some(row) if agrees => Err(format!("agrees with the suite now; take out the divergence {row}")),
        Some(row) if row["we_say"] != outcome.as_str() => Err(format!("{outcome} where the divergence is {row}")),
        None if !agrees => Err(format!("{outcome}: {said}")),
        Some(_) | None => Ok(()),
    }
}

/// `permit` or the label of the reason, and all that was said; `configuration` where the configuration could not be used.
fn explain(case: &Case<'_>) -> Result<(String, String), String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::create_dir(path.join("lists")).unwrap();
    let anchors = write(path, "anchor", &case.anchors);
    let intermediates = write(path, "intermediate", &case.intermediates);
    write(path, "lists/list", &case.lists);
    std::fs::write(path.join("chain.pem"), case.chain.concat()).unwrap();
    let config = format!(
        "[policies.suite]\ntrust_anchors = {anchors:?}\nintermediates = {intermediates:?}\nnames = \"any\"\n{}",
        case.keys
    );
    std::fs::write(path.join("ravelin.toml"), config).unwrap();
    let mut command = Command::new(ravelin());
    command.args(["explain", "--json", "--policy", "suite", "--at", case.at, "--config"]);
    let output = command.arg(path.join("ravelin.toml")).arg(path.join("chain.pem")).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    let code = output.status.code();
    if code == Some(2) {
        // An authority that is unfit to be one cannot be configured: `explain` names it, and is asked again without.
        let fit = |name: &String| !errors.contains(&format!("/{name}: "));
        let (fit, unfit): (Vec<_>, Vec<_>) =
            case.intermediates.iter().cloned().zip(intermediates).partition(|(_, name)| fit(name));
        if !unfit.is_empty() {
            let fit = fit.into_iter().map(|(text, _)| text).collect();
            return explain(&Case { intermediates: fit, ..case.clone() });
        }
        // An anchor that cannot be used stops a start, which lets in nobody.
        let blames = errors.contains("trust_anchors: ") || errors.contains("/anchor-");
        return if blames { Ok(("configuration".to_owned(), errors)) } else { Err(errors) };
    }
    let answer: Value = serde_json::from_slice(&output.stdout).map_err(|error| format!("{error}: {errors}"))?;
    let rules = answer["rules"].as_array().map_or(0, Vec::len);
    match (code, answer["decision"].as_str(), answer["reason"].as_str()) {
        (Some(0), Some("permit"), None) if rules > 0 => Ok(("permit".to_owned(), errors)),
        (Some(3), Some("denial"), Some(reason)) if rules > 0 => {
            if answer["client_shows"].as_str().is_none_or(str::is_empty) {
                return Err(format!("what the client shows is not told: {answer:#}"));
            }
            Ok((reason.to_owned(), answer["detail"].to_string()))
        }
        _ => Err(format!("exit code {code:?} with {answer:#} and {errors}")),
    }
}

/// One file for each; their names.
fn write(folder: &Path, name: &str, texts: &[String]) -> Vec<String> {
    let named = texts.iter().enumerate().map(|(index, text)| {
        let file = format!("{name}-{index}.pem");
        std::fs::write(folder.join(&file), text).unwrap();
        file
    });
    named.collect()
}

fn armour(label: &str, base64: &str) -> String {
    format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n")
}

fn divergences(suite: &str) -> Vec<Value> {
    let table = include_str!("../../crates/ravelin-policy/src/tests/tables/divergences.json");
    let table: Vec<Value> = serde_json::from_str(table).unwrap();
    let rows: Vec<Value> = table.into_iter().filter(|row| row["suite"] == suite).collect();
    assert!(!rows.is_empty(), "{suite}");
    rows
}

fn read(test: &str, file: &str) -> Option<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        skip(&format!("public_suites_through_explain::{test}"), &format!("{} is not there", path.display()));
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}
