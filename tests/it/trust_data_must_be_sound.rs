//! Trust and revocation data that are missing, empty, garbage or something else stop the start, named; at a reload they
//! change nothing. Nothing falls back to a default.

use ravelin_lab::end::{End, alert};
use ravelin_lab::pki::{CertificateSpec, CrlSpec};
use ravelin_ops::operator::Operator;

use crate::support::{Gate, Process, Setup, gate_and_server};

/// What can be in a file's place.
const BROKEN: [(&str, Option<&[u8]>); 7] = [
    ("missing", None),
    ("empty", Some(b"")),
    ("garbage", Some(b"\x00\xffgarbage\x13")),
    ("text", Some(b"see the other folder\n")),
    ("PEM of nothing", Some(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")),
    ("PEM cut short", Some(b"-----BEGIN CERTIFICATE-----\nMIIB")),
    ("a web page", Some(b"<html><body>Your session has expired</body></html>")),
];

/// Files that a start reads, each with the key that names it.
const FILES: [(&str, &str); 5] = [
    ("ca/root.pem", "trust_anchors"),
    ("ca/issuing.pem", "intermediates"),
    ("crl/root.crl", "crls"),
    ("tls/face-rsa.pem", "certificates"),
    ("tls/face-rsa.key", "certificates"),
];

/// Covers: docs/traps.md rows 19, 21, 23.
#[test]
fn broken_files_stop_the_start() {
    let setup = Setup::new().servers(&[([127, 0, 0, 1], 9).into()]);
    assert_eq!(setup.problems(), [""; 0], "it starts when all is well");
    for (file, key) in FILES {
        let path = setup.path(file);
        let good = std::fs::read(&path).unwrap();
        let private_key = std::fs::read(setup.path("clients/healthy.key")).unwrap();
        let folder: Option<&[u8]> = None;
        let more = [("a private key in its place", Some(private_key.as_slice())), ("a folder in its place", folder)];
        for (case, content) in BROKEN.into_iter().chain(more) {
            // A folder of lists of which one is gone is a folder of lists; and any key is a key, if another's.
            if file.ends_with(".crl") && content.is_none() {
                continue;
            }
            std::fs::remove_file(&path).unwrap();
            match content {
                Some(content) => std::fs::write(&path, content).unwrap(),
                None if case.starts_with("a folder") => std::fs::create_dir(&path).unwrap(),
                None => {}
            }
            let problems = setup.problems();
            assert!(
                problems.iter().any(|text| text.contains(file) && text.contains("error")),
                "{file} {case} ({key}): {problems:#?}"
            );
            if path.is_dir() {
                std::fs::remove_dir(&path).unwrap();
            }
            std::fs::write(&path, &good).unwrap();
        }
    }
    assert_eq!(setup.problems(), [""; 0], "and again when all is mended");
}

/// Covers: docs/traps.md rows 20, 21. What authentication needs has no default: without it there is no start.
#[test]
fn nothing_that_is_needed_may_be_left_out() {
    let good = || Setup::new().servers(&[([127, 0, 0, 1], 9).into()]);
    for (section, key) in [
        ("policies.main", "trust_anchors"),
        ("policies.main", "names"),
        ("sites.main", "policy"),
        ("sites.main", "pool"),
        ("sites.main", "certificates"),
        ("sites.main", "server_names"),
        ("pools.main", "servers"),
        ("listeners.edge", "sites"),
    ] {
        let problems = good().unset(section, key).problems();
        assert!(
            problems.iter().any(|text| text.contains(key) && text.contains("error")),
            "{section}.{key}: {problems:#?}"
        );
    }
    for (section, key, value) in [
        ("policies.main", "trust_anchors", "[]"),
        ("policies.main", "trust_anchors", r#"["@system-ca"]"#),
        ("policies.main", "purposes", "[]"),
        ("pools.main", "upstream", r#"{ mode = "bridge", server_name = "da.corp.example.test" }"#),
        ("pools.main", "upstream", r#"{ mode = "bridge", ca = [], server_name = "da.corp.example.test" }"#),
    ] {
        let problems = good().set(section, key, value).problems();
        assert!(problems.iter().any(|text| text.contains("error")), "{section}.{key} = {value}: {problems:#?}");
    }
}

/// Covers: docs/traps.md rows 5, 19, 23. A reload that finds anything broken changes nothing, says what, and shows it.
#[tokio::test]
async fn broken_files_change_nothing_at_a_reload() {
    let (gate, _server) = gate_and_server(Setup::new()).await;
    let mut tunnel = gate.good_client().connect().await.unwrap();
    tunnel.solicit().await.unwrap();
    for (file, _) in FILES {
        let path = gate.path(file);
        let good = std::fs::read(&path).unwrap();
        for (case, content) in
            [("empty", &b""[..]), ("garbage", b"\x00\xffgarbage"), ("a list cut short", &good[..good.len() / 2])]
        {
            std::fs::write(&path, content).unwrap();
            let report = gate.running.operations().reload(false);
            // A broken list may be kept out by the last good one; anything else is refused. Never is it taken.
            if file.ends_with(".crl") && report.accepted {
                assert!(report.warnings.iter().any(|text| text.contains(file)), "{file} {case}: {report:#?}");
            } else {
                assert!(
                    !report.accepted && report.problems.iter().any(|text| text.contains(file)),
                    "{file} {case}: {report:#?}"
                );
                assert!(gate.metrics().contains("ravelin_config_last_reload_successful 0"));
            }
            still_as_strict(&gate, &format!("{file} {case}")).await;
            tunnel.ping().await.unwrap();
        }
        std::fs::write(&path, &good).unwrap();
        assert!(gate.running.operations().reload(false).accepted, "{file}");
        assert!(gate.metrics().contains("ravelin_config_last_reload_successful 1"));
    }
    still_as_strict(&gate, "all mended").await;
    tunnel.ping().await.unwrap();
}

async fn still_as_strict(gate: &Gate, after: &str) {
    gate.serves(after).await;
    let (clients, seen) = (&gate.estate.clients, gate.records.len());
    for (issued, number) in [(&clients.revoked, alert::CERTIFICATE_REVOKED), (&clients.partner, alert::UNKNOWN_CA)] {
        assert_eq!(gate.client().certificate(issued).refused().await, End::Alert(number), "{after}");
    }
    // Their records come before anybody counts on.
    crate::support::wait("both records", || gate.records.len() == seen + 2).await;
}

/// Covers: docs/traps.md rows 21, 32. Without a list nobody's status is known, and unknown is not good; the start says so.
#[tokio::test]
async fn without_a_crl_nothing_is_good() {
    let lists = |value: &str| Setup::new().set("policies.main", "revocation", value);
    for value in [r#"{ crls = [], check = "chain" }"#, r#"{ crls = ["ca-without-lists"], check = "leaf" }"#] {
        let setup = lists(value);
        std::fs::create_dir(setup.path("ca-without-lists")).unwrap();
        let (gate, server) = gate_and_server(setup).await;
        assert_eq!(gate.good_client().refused().await, End::Alert(alert::UNKNOWN_CA), "{value}");
        gate.records.ended("revocation_unknown").await;
        assert_eq!(server.visit_count(), 0);
        let warnings = gate.status().warnings;
        assert!(warnings.iter().any(|text| text.contains("list")), "{value}: {warnings:#?}");
    }
}

/// What the configuration gives up, and what its files lack: each is a line of the log.
#[test]
fn a_start_logs_each_warning_once() {
    let setup = Setup::new().dead_server().set("policies.main", "revocation", r#"{ crls = [], check = "off" }"#);
    let process = Process::start(setup);
    let told = process.ask_json(&["status"])["warnings"].as_array().unwrap().len();
    process.wait_until("the warnings", || process.log().matches("message=\"warning: ").count() >= told);
    let log = process.log();
    assert_eq!(log.matches("policies.main.revocation.check").count(), 1, "{log}");
    assert_eq!(log.matches("message=\"warning: ").count(), told, "{log}");
}

/// Covers: docs/traps.md row 22. Every authority of a bundle counts, the last as the first; and one that is taken out does not.
#[tokio::test]
async fn every_certificate_of_a_bundle() {
    let setup = Setup::new();
    let estate = setup.estate();
    let bundle = [estate.root.pem(), estate.partner_root.pem()].concat();
    std::fs::write(setup.path("ca/bundle.pem"), bundle).unwrap();
    std::fs::write(setup.path("crl/partner.crl"), estate.partner_root.crl(CrlSpec::new()).pem()).unwrap();
    let (mut gate, server) = gate_and_server(setup.set("policies.main", "trust_anchors", r#"["ca/bundle.pem"]"#)).await;
    let partner = || gate.estate.partner_root.issue(CertificateSpec::client("pc77.corp.example.test"));
    let first = partner();
    for issued in [&gate.estate.clients.healthy_renewed, &first] {
        gate.client().certificate(issued).connect().await.unwrap().close().await.unwrap();
    }
    assert_eq!(server.visit_count(), 2);
    gate.rewrite("policies.main", "trust_anchors", r#"["ca/root.pem"]"#);
    assert!(gate.running.operations().reload(false).accepted);
    assert_eq!(gate.client().certificate(&first).refused().await, End::Alert(alert::UNKNOWN_CA));
    gate.good_client().connect().await.unwrap();
    assert_eq!(server.visit_count(), 3);
}
