//! A real domain controller (`tests/ad`), fetched by `ravelin sync`, and judged by: every certificate of its test bed has the
//! verdict that is written beside it, under either mapping, at a running gateway; and what changes there is in force soon.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use ravelin_feeds::snapshot::Snapshot;
use rustix::process::Signal;

use crate::support::controller::Controller;
use crate::support::{ravelin, wait};

const ADDRESS: &str = "127.77.0.11";

/// `ldapsearch` and `ravelin directory import` make the same of it.
fn imported_is_the_same(controller: &Controller, synced: &Path) {
    let read = |path: &Path| {
        let mut data = Snapshot::read(&fs::read(path).unwrap(), None).unwrap().data;
        data.domains.iter_mut().for_each(|domain| domain.as_of = 0);
        data
    };
    let (synced, imported) = (read(synced), read(&controller.import()));
    assert_eq!(synced.accounts, imported.accounts);
    assert_eq!((synced.domains, synced.groups), (imported.domains, imported.groups));
}

/// Covers: docs/traps.md rows 47, 48, 49, 50, 51, 67 (each end to end).
#[tokio::test(flavor = "multi_thread")]
async fn every_certificate_has_its_verdict() {
    let Some(controller) = Controller::start("every_certificate_has_its_verdict", ADDRESS) else { return };
    let snapshot = controller.synced();
    imported_is_the_same(&controller, &snapshot);
    let cases = fs::read_to_string(controller.of("AD_CASES")).unwrap();
    let cases: Vec<Vec<&str>> =
        cases.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect()).collect();
    let (mut verdicts, mut wrong) = (0, Vec::new());
    for (mapping, column) in [("strong", 2), ("compatible", 3)] {
        let (gate, _server) = controller.gate(&snapshot, mapping).await;
        for case in &cases {
            let (name, expected, why) = (case[0], case[column], case[4]);
            let seen = gate.records.len();
            let met = controller.client(&gate, name).connect().await;
            let got = if met.is_ok() { "ALLOW" } else { "DENY" };
            let told = match met {
                Ok(tunnel) => {
                    tunnel.close().await.unwrap();
                    "a tunnel".to_owned()
                }
                Err(end) => format!("{end}: {}", gate.records.next(seen).await["end"]),
            };
            verdicts += 1;
            if got != expected {
                wrong.push(format!("{name}, {mapping}: {got}, not {expected} ({why}); it got {told}"));
            }
            wait("its record", || gate.records.len() > seen).await;
        }
        // Refused by rule, and never for want of something.
        for record in gate.records.all() {
            let end = record["end"].as_str().unwrap();
            assert!(!["handshake_failed", "directory_unavailable", "directory_stale"].contains(&end), "{record:#}");
        }
    }
    println!("{verdicts} verdicts, {} not as expected", wrong.len());
    assert!(wrong.is_empty() && verdicts == 136, "{verdicts} verdicts, of them wrong:\n{}", wrong.join("\n"));
    refusals(&controller);
    hanging(&controller);
}

/// What a controller says of a reader that may not log on, in words; one try each, however often it is run.
fn refusals(controller: &Controller) {
    let base = controller.of("AD_BASE_DN");
    // Bad passwords are counted where they may lock out.
    controller.change(&format!("dn: {base}\nchangetype: modify\nreplace: lockoutThreshold\nlockoutThreshold: 5\n\n"));
    // 512: it is no more an account whose password never expires.
    controller.change(&format!(
        "dn: CN=svc-ravelin-sync,OU=Service Accounts,{base}\nchangetype: modify\nreplace: userAccountControl\n\
         userAccountControl: 512\n-\nreplace: pwdLastSet\npwdLastSet: 0\n\n"
    ));
    let expired = (controller.of("AD_SYNC_BIND_DN").to_owned(), controller.of("AD_SYNC_BIND_PASSWORD").to_owned());
    let reader = controller.of("AD_BIND_DN").to_owned();
    for (name, password, words) in [
        (reader, "Wrong-0ne!".to_owned(), "the password is wrong"),
        ("svc-disabled@corp.example.test".to_owned(), "Disabled-Passw0rd!".to_owned(), "the account is disabled"),
        (expired.0, expired.1, "password must be changed"),
    ] {
        let config = controller.sync_config_as(&name, &password, "");
        let said = [(); 3].map(|()| once(&config).1);
        assert!(said[0].contains("bind_refused: ") && said[0].contains(words), "{name}: {said:#?}");
        assert!(said[1].contains("not tried for another") && said[2].contains("not tried for another"), "{said:#?}");
        assert!(!said.concat().contains(&password), "{said:#?}");
    }
    let tries = controller.attribute("svc-ravelin", "badPwdCount");
    println!("three rounds with a wrong password: badPwdCount is {tries}");
    assert_eq!(tries, "1");
}

/// A controller that hangs is given up, and fetched from when it goes on.
fn hanging(controller: &Controller) {
    let config = controller.sync_config("AD_BIND", "");
    assert!(once(&config).0, "another password is tried at once");
    controller.signal(Signal::STOP);
    let (began, (good, said)) = (Instant::now(), once(&config));
    controller.signal(Signal::CONT);
    assert!(!good && said.contains("timeout: "), "{said}");
    println!("a controller that hangs is given up after {:.1} s", began.elapsed().as_secs_f64());
    assert!(once(&config).0);
}

/// Whether it succeeded, and what it said.
fn once(config: &Path) -> (bool, String) {
    let output = Command::new(ravelin()).args(["sync", "--once", "--config"]).arg(config).output().unwrap();
    (output.status.success(), String::from_utf8(output.stderr).unwrap())
}
