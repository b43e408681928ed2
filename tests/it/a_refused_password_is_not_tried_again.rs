//! A refused password is tried once, at one controller, and then left alone: through restarts and timers, until it is another.

use std::process::Command;
use std::time::Duration;

use crate::support::companion::Companion;
use crate::support::fake_controller::{FakeController, FakeEstate, Fault};
use crate::support::{ravelin, wait};

const WRONG: Fault =
    Fault::Refuses(49, "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 52e, v3839");

#[tokio::test]
async fn one_try_for_every_controller_and_every_process() {
    let estate = FakeEstate::new();
    let (first, second) =
        (FakeController::start(&estate, 5), FakeController::of(&estate, "corp.example.test", "dc2", 5, false));
    first.set(WRONG);
    second.set(WRONG);
    let config = estate.config(&[&first, &second], "poll = \"1s\"");
    let companion = Companion::start(&config);
    companion.wait_for_log("the password is wrong, or there is no such account (result 49, data 52e)", 1);
    tokio::time::sleep(Duration::from_secs(8)).await;
    let series = "ravelin_sync_bind_refused{domain=\"corp.example.test\"} ";
    assert_eq!((first.binds(), second.binds(), companion.metric(series)), (1, 0, Some(1.0)));
    assert!(companion.page("/readyz").starts_with("HTTP/1.1 503 "));
    drop(companion);
    for _ in 0..3 {
        let output = Command::new(ravelin()).args(["sync", "--once", "--config"]).arg(&config).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains("not tried for another"), "{said}");
    }
    let companion = Companion::start(&config);
    companion.wait_for_log("not tried for another", 1);
    assert_eq!((first.binds(), second.binds()), (1, 0));

    // The right one at last; no restart is needed.
    first.set(Fault::None);
    tokio::time::sleep(Duration::from_secs(1)).await;
    std::fs::write(estate.path("reader.pass"), "The-Right-0ne\n").unwrap();
    wait("a fetch", || companion.log().contains("snapshot written")).await;
    assert_eq!((first.binds() >= 2, second.binds(), companion.metric(series)), (true, 0, Some(0.0)));
    assert!(!companion.log().contains("Right-0ne") && !companion.log().contains("Secret"), "{}", companion.log());
    let left: Vec<_> =
        std::fs::read_dir(estate.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".refused")), "{left:?}");
}

#[test]
fn an_empty_password_is_not_sent() {
    let estate = FakeEstate::new();
    let controller = FakeController::start(&estate, 5);
    std::fs::write(estate.path("reader.pass"), "\nnot in the first line\n").unwrap();
    let config = estate.config(&[&controller], "");
    for command in ["sync", "check"] {
        let output = Command::new(ravelin()).args([command, "--config"]).arg(&config).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("reader.pass: sync.domains[0].password_file: is empty"), "{said}");
    }
    assert_eq!(controller.connections(), 0);
}
