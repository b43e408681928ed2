//! What Samba does not do: pages of a thousand, members in parts of fifteen hundred, referrals; and changes by their numbers.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

use crate::support::companion::Companion;
use crate::support::fake_controller::{FakeController, FakeEstate, read_snapshot};
use crate::support::{ravelin, wait};

fn once(config: &Path) -> Output {
    Command::new(ravelin()).args(["sync", "--once", "--config"]).arg(config).output().unwrap()
}

#[test]
fn three_pages_of_computers_and_three_ranges_of_members() {
    let estate = FakeEstate::new();
    let controller = FakeController::start(&estate, 2_500);
    controller.change(|model, usn| model.members = ((1..=2_400).chain(5_000..=5_700).collect(), usn));
    let output = once(&estate.config(&[&controller], ""));
    assert!(output.status.success(), "{output:?}");
    let snapshot = read_snapshot(&estate.snapshot());
    assert_eq!((snapshot.serial, snapshot.data.accounts.len(), snapshot.data.groups.len()), (1, 2_500, 1));
    let members: Vec<bool> = snapshot.data.accounts.iter().map(|account| account.groups == [0]).collect();
    assert!(members[..2_400].iter().all(|member| *member) && members[2_400..].iter().all(|member| !*member));
    let domain = &snapshot.data.domains[0];
    assert_eq!((domain.dns_name.as_str(), domain.netbios_name.as_str()), ("corp.example.test", "CORP"));
    assert_eq!(domain.nt_auth, [b"one".to_vec(), b"two".to_vec()]);
    // Nothing is asked for each computer: root, service, domain, forest, authorities, a group with two more parts, three pages.
    let searches = controller.searches();
    assert_eq!(searches.len(), 5 + 1 + 2 + 3, "{searches:#?}");
    assert_eq!((controller.binds(), controller.connections()), (1, 1), "no referral is followed");
}

#[tokio::test]
async fn changes_come_by_their_numbers_and_another_invocation_is_another_database() {
    let estate = FakeEstate::new();
    let controller = FakeController::start(&estate, 1_200);
    let companion = Companion::start(&estate.config(&[&controller], "poll = \"1s\""));
    companion.wait_for_log("snapshot written", 1);
    controller.change(|model, usn| model.computers[2] = (0x1002, usn));
    let state = |number: usize| {
        let account = &read_snapshot(&estate.snapshot()).data.accounts[number];
        (account.user_account_control, account.groups.len())
    };
    wait("a disabled account", || state(2) == (0x1002, 1)).await;
    controller.change(|model, usn| model.members = (vec![2, 3], usn));
    wait("a group without most of its members", || state(0) == (0x1000, 0) && state(2) == (0x1002, 1)).await;
    assert_eq!(companion.log().matches("fetched whole").count(), 1, "{}", companion.log());
    // Gone, and no number says so.
    controller.change(|model, _| {
        model.invocation = 8;
        model.computers.truncate(1_100);
    });
    wait("a whole fetch", || companion.log().matches("fetched whole").count() == 2).await;
    wait("the accounts that are left", || read_snapshot(&estate.snapshot()).data.accounts.len() == 1_100).await;
    assert_eq!(companion.metric("ravelin_sync_accounts{domain=\"corp.example.test\"} "), Some(1_100.0));
}

#[tokio::test]
async fn a_table_that_is_suddenly_small_is_not_written() {
    let estate = FakeEstate::new();
    let controller = FakeController::start(&estate, 100);
    let companion = Companion::start(&estate.config(&[&controller], "poll = \"1s\"\nresync = \"10s\""));
    companion.wait_for_log("snapshot written", 1);
    controller.change(|model, _| model.computers.truncate(10));
    companion.wait_for_log("more are gone than max_shrink allows", 1);
    assert_eq!(read_snapshot(&estate.snapshot()).data.accounts.len(), 100);
    assert_eq!(companion.metric("ravelin_sync_snapshot_refused "), Some(1.0));
    assert!(companion.page("/readyz").contains("max_shrink"), "{}", companion.page("/readyz"));
    // Whoever gave the permission back.
    controller.change(|model, usn| model.computers = (0..100).map(|_| (0x1000, usn)).collect());
    wait("a snapshot again", || companion.metric("ravelin_sync_snapshot_refused ") == Some(0.0)).await;
    assert!(companion.page("/readyz").starts_with("HTTP/1.1 200 "));
}

/// What a large directory takes: printed, and bounded. Half a million computers in a release build.
#[test]
fn a_large_directory() {
    let count = if cfg!(debug_assertions) { 10_000 } else { 500_000 };
    let estate = FakeEstate::new();
    let controller = FakeController::start(&estate, count);
    let began = Instant::now();
    let companion = Companion::start(&estate.config(&[&controller], "poll = \"1s\""));
    companion.wait_for_log("snapshot written", 1);
    let first = began.elapsed();
    controller.change(|model, usn| model.computers[2] = (0x1002, usn));
    let began = Instant::now();
    companion.wait_for_log("snapshot written", 2);
    let status = std::fs::read_to_string(format!("/proc/{}/status", companion.id())).unwrap();
    let memory = |name: &str| -> u64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    };
    let snapshot = read_snapshot(&estate.snapshot());
    assert_eq!(
        (snapshot.data.accounts.len(), snapshot.data.accounts[2].user_account_control),
        (count as usize, 0x1002)
    );
    println!(
        "{count} computers: fetched and written in {:.1} s, one change {:.1} s later; {} MiB of memory at most, {} now",
        first.as_secs_f64(),
        began.elapsed().as_secs_f64(),
        memory("VmHWM:"),
        memory("VmRSS:"),
    );
    assert!(memory("VmHWM:") < 6_000, "{status}");
}
