//! What is changed at a real domain controller, while `ravelin sync` runs at its default settings: seconds until a tunnel is
//! cut and a machine is refused, or let in. The figures are printed; the goal is 35 s.

use std::time::{Duration, Instant};

use ravelin_lab::client::Tunnel;
use ravelin_lab::end::End;
use rustix::process::Signal;

use crate::support::companion::Companion;
use crate::support::controller::Controller;
use crate::support::{Gate, wait};

const ADDRESS: &str = "127.77.0.12";
/// The goal at default settings, and what a busy machine may take longer.
const BOUND: Duration = Duration::from_secs(60);

/// Disabled, taken out of a nested group, renamed, deleted, its organizational unit renamed, enabled again.
#[tokio::test(flavor = "multi_thread")]
async fn disabled_moved_renamed_deleted_and_enabled_again() {
    let Some(controller) = Controller::start("disabled_moved_renamed_deleted_and_enabled_again", ADDRESS) else {
        return;
    };
    // This reader may see deleted objects.
    let companion = Companion::start(&controller.sync_config("AD_SYNC_BIND", ""));
    companion.wait_for_log("snapshot written", 1);
    let (gate, _server) = controller.gate(&controller.path("directory.snapshot"), "strong").await;
    let (computers, groups) =
        (controller.of("AD_COMPUTER_OU"), format!("OU=DA Groups,{}", controller.of("AD_BASE_DN")));
    let replace = |name: &str, attribute: &str, value: &str| {
        format!("dn: CN={name},{computers}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n\n")
    };
    let renamed = [
        replace("PC-PRIMARY", "sAMAccountName", "PC-OTHER$"),
        replace("PC-PRIMARY", "dNSHostName", "pc-other.corp.example.test"),
        replace("PC-PRIMARY", "servicePrincipalName", "HOST/pc-other.corp.example.test"),
    ];
    // All at once, each with its own clock: they do not wait for one another's poll.
    let changes = [
        ("disabled", "pc-ok", replace("PC-OK", "userAccountControl", "4098"), "account_disabled"),
        (
            "out of a nested group",
            "pc-nested",
            format!("dn: CN=DA Europe,{groups}\nchangetype: modify\ndelete: member\nmember: CN=DA Berlin,{groups}\n\n"),
            "group_missing",
        ),
        ("renamed", "pc-primary", renamed.concat(), "account_not_found"),
        ("deleted", "pc-loop", format!("dn: CN=PC-LOOP,{computers}\nchangetype: delete\n\n"), "account_not_found"),
    ];
    let mut waiting: Vec<(&str, &str, &str, Tunnel)> = Vec::new();
    for (what, client, _, label) in &changes {
        waiting.push((what, client, label, controller.client(&gate, client).connect().await.unwrap()));
    }
    // Its members' names change with it, and nothing that a poll would see: they must not lose their groups.
    let mut neighbour = controller.client(&gate, "srv-member").connect().await.unwrap();
    controller.change(&format!("dn: {computers}\nchangetype: modrdn\nnewrdn: OU=Machines\ndeleteoldrdn: 1\n\n"));
    let computers_now = computers.replace("OU=Workstations", "OU=Machines");
    for (_, _, change, _) in &changes {
        controller.change(&change.replace(computers, &computers_now));
    }
    let began = Instant::now();
    for (what, client, label, mut tunnel) in waiting {
        cut(&gate, label, began, &companion).await;
        println!("{what}: its tunnel is cut {:.1} s later", began.elapsed().as_secs_f64());
        assert_eq!(tunnel.end().await, End::CloseNotify, "{what}");
        assert!(controller.client(&gate, client).connect().await.is_err(), "{what}");
    }
    neighbour.solicit().await.unwrap();
    neighbour.ping().await.unwrap_or_else(|end| panic!("the others stay: {end}"));

    controller.change(&replace("PC-OK", "userAccountControl", "4096").replace(computers, &computers_now));
    let began = Instant::now();
    let_in(&controller, &gate, "pc-ok", began).await;
    println!("enabled again: let in {:.1} s later", began.elapsed().as_secs_f64());
    assert!(companion.log().contains("changes fetched"), "{}", companion.log());
    assert_eq!(companion.log().matches("fetched whole").count(), 1, "{}", companion.log());
}

/// Waits for a tunnel's end by this reason.
async fn cut(gate: &Gate, label: &str, began: Instant, companion: &Companion) {
    while gate.records.count(label) == 0 {
        assert!(began.elapsed() < BOUND, "no tunnel is cut by {label}; the log:\n{}", companion.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn let_in(controller: &Controller, gate: &Gate, client: &str, began: Instant) {
    while controller.client(gate, client).connect().await.is_err() {
        assert!(began.elapsed() < BOUND, "{client} is not let in");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A reader without further rights does not see deleted objects: a fetch of everything does without them. Then the controller
/// hangs for a while.
#[tokio::test(flavor = "multi_thread")]
async fn a_plain_reader_hears_of_a_deletion_late_and_a_controller_that_hangs_changes_nothing() {
    let test = "a_plain_reader_hears_of_a_deletion_late_and_a_controller_that_hangs_changes_nothing";
    let Some(controller) = Controller::start(test, "127.77.0.13") else { return };
    let companion = Companion::start(&controller.sync_config("AD_BIND", "poll = \"1s\"\nresync = \"12s\""));
    companion.wait_for_log("snapshot written", 1);
    let (gate, _server) = controller.gate(&controller.path("directory.snapshot"), "strong").await;
    let mut tunnel = controller.client(&gate, "pc-ok").connect().await.unwrap();
    controller.change(&format!("dn: CN=PC-OK,{}\nchangetype: delete\n\n", controller.of("AD_COMPUTER_OU")));
    let began = Instant::now();
    cut(&gate, "account_not_found", began, &companion).await;
    println!("deleted, seen by a plain reader with resync = 12s: cut {:.1} s later", began.elapsed().as_secs_f64());
    assert_eq!(tunnel.end().await, End::CloseNotify);

    // The controller hangs: the gateway knows what it knew, and nobody in it notices.
    let mut neighbour = controller.client(&gate, "srv-member").connect().await.unwrap();
    neighbour.solicit().await.unwrap();
    controller.signal(Signal::STOP);
    companion.wait_for_log("failure=timeout", 1);
    neighbour.ping().await.unwrap_or_else(|end| panic!("a tunnel stays: {end}"));
    controller.client(&gate, "pc-nested").connect().await.unwrap_or_else(|end| panic!("let in as before: {end}"));
    let ok =
        "ravelin_sync_fetches_total{controller=\"dc1.corp.example.test\",domain=\"corp.example.test\",result=\"ok\"} ";
    let before = companion.metric(ok).unwrap();
    controller.signal(Signal::CONT);
    let began = Instant::now();
    wait("a fetch again", || companion.metric(ok) > Some(before)).await;
    println!("a controller that hung goes on: it is fetched from {:.1} s later", began.elapsed().as_secs_f64());
}
