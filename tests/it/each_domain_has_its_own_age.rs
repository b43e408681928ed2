//! Several domains in one snapshot, each with its own time: one whose controllers are away ages alone.

use std::process::Command;

use crate::support::companion::Companion;
use crate::support::fake_controller::{DOMAIN, FakeController, FakeEstate, Fault, read_snapshot};
use crate::support::{ravelin, wait};

const BRANCH: &str = "branch.corp.example.test";

#[tokio::test]
async fn one_that_is_away_stays_as_it_was_known() {
    let estate = FakeEstate::new();
    let corp = FakeController::start(&estate, 10);
    let branch = FakeController::of(&estate, BRANCH, "dc1", 20, false);
    let domains: [(&str, &[&FakeController], &str); 2] = [(DOMAIN, &[&corp], ""), (BRANCH, &[&branch], "")];
    let config = estate.config_of(&domains, "poll = \"1s\"\nrefresh = \"1s\"");
    branch.set(Fault::Silent);
    let companion = Companion::start(&config);
    companion
        .wait_for_log("no snapshot is written until this domain was fetched once\" domain=branch.corp.example.test", 1);
    assert!(!estate.snapshot().exists());
    branch.set(Fault::None);
    companion.wait_for_log("snapshot written", 1);
    let as_of = |domain: &str| {
        let snapshot = read_snapshot(&estate.snapshot());
        snapshot.data.domains.iter().find(|one| one.dns_name == domain).unwrap().as_of
    };
    let accounts = || read_snapshot(&estate.snapshot()).data.accounts.len();
    assert_eq!(accounts(), 30);

    branch.set(Fault::Says(vec![0x30, 0x00]));
    companion
        .wait_for_log("domain=branch.corp.example.test controller=dc1.branch.corp.example.test failure=malformed", 1);
    let (corp_then, branch_then) = (as_of(DOMAIN), as_of(BRANCH));
    wait("the other domain's new time", || as_of(DOMAIN) >= corp_then + 3).await;
    assert_eq!((as_of(BRANCH), accounts()), (branch_then, 30));
    drop(companion);

    // A companion that is started anew knows it from the file, with its time and its groups.
    let groups = || -> Vec<usize> {
        let data = read_snapshot(&estate.snapshot()).data;
        data.accounts.iter().map(|account| account.groups.len()).collect()
    };
    let (groups_then, serial) = (groups(), read_snapshot(&estate.snapshot()).serial);
    let output = Command::new(ravelin()).args(["sync", "--once", "--config"]).arg(&config).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("error: branch.corp.example.test: malformed: "), "{said}");
    let snapshot = read_snapshot(&estate.snapshot());
    assert_eq!((snapshot.serial, accounts(), as_of(BRANCH)), (serial + 1, 30, branch_then));
    assert_eq!(groups(), groups_then);
}
