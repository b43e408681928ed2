//! A controller that is hostile, broken or slow ends one process, in its own label and in bounded time; what was known stays, and
//! the next fetch is as good as ever.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::support::companion::Companion;
use crate::support::fake_controller::{FakeController, FakeEstate, Fault, element, read_snapshot};
use crate::support::{ravelin, wait};

#[test]
fn every_fault_has_its_label_and_leaves_the_snapshot() {
    let estate = FakeEstate::new();
    let controller = FakeController::start(&estate, 2_500);
    let config = estate.config(&[&controller], "deadline = \"6s\"");
    let once =
        || -> Output { Command::new(ravelin()).args(["sync", "--once", "--config"]).arg(&config).output().unwrap() };
    assert!(once().status.success());
    let before = std::fs::read(estate.snapshot()).unwrap();
    let nested = (0..20_000).fold(Vec::new(), |inner, _| element(0x30, &inner));
    let announced = [0x30, 0x84, 0x7f, 0xff, 0xff, 0xff].to_vec();
    // An entry with an attribute whose inner length goes beyond its outer one.
    let uneven =
        [&[0x30, 0x0e, 0x02, 0x01, 0x02, 0x64, 0x09, 0x04, 0x00, 0x30, 0x05, 0x30, 0x09, 0x04, 0x01, 0x61][..]]
            .concat();
    for (fault, label) in [
        (Fault::Says(vec![0x30, 0x00]), "malformed"),
        (Fault::Says(nested), "malformed"),
        (Fault::Says(uneven), "malformed"),
        (Fault::Says(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()), "malformed"),
        (Fault::Says(announced), "too_large"),
        (Fault::Says(Vec::new()), "unreachable"),
        (Fault::Silent, "timeout"),
        (Fault::Drips, "timeout"),
        (Fault::Endless, "timeout"),
        (Fault::CutsSecondPage, "unreachable"),
        (Fault::SaysGoodBye, "unreachable"),
        (Fault::PagesAreUnknown, "malformed"),
        (Fault::Ends(4), "search_failed"),
        (Fault::Ends(10), "search_failed"),
        (Fault::Ends(1), "search_failed"),
        (Fault::OfAnotherDomain, "unusable"),
        (Fault::HidesControl, "unusable"),
    ] {
        controller.set(fault.clone());
        let began = Instant::now();
        let output = once();
        let said = String::from_utf8_lossy(&output.stderr);
        let name: String = format!("{fault:?}").chars().take(60).collect();
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(
            said.contains(&format!("error: corp.example.test: {label}: ")),
            "{name}: wanted {label}, and it said {said}"
        );
        assert!(began.elapsed() < Duration::from_secs(20), "{name}: {:?}", began.elapsed());
        assert!(!said.contains("Secret"), "{name}: {said}");
        assert_eq!(std::fs::read(estate.snapshot()).unwrap(), before, "{name}");
    }
    controller.set(Fault::None);
    assert!(once().status.success());
    assert_eq!(read_snapshot(&estate.snapshot()).serial, 2);
}

#[tokio::test]
async fn the_companion_recovers_by_itself() {
    let estate = FakeEstate::new();
    let controller = FakeController::start(&estate, 50);
    let companion = Companion::start(&estate.config(&[&controller], "poll = \"1s\"\nrefresh = \"1s\""));
    companion.wait_for_log("snapshot written", 1);
    let fetches = |result: &str| {
        companion.metric(&format!(
            "ravelin_sync_fetches_total{{controller=\"dc1.corp.example.test\",domain=\"corp.example.test\",result=\"{result}\"}} "
        ))
    };
    assert_eq!(fetches("malformed"), Some(0.0));
    controller.set(Fault::Says(vec![0x30, 0x00]));
    wait("a failure", || fetches("malformed") >= Some(1.0)).await;
    controller.set(Fault::None);
    let good = fetches("ok").unwrap();
    wait("a fetch again", || fetches("ok") > Some(good)).await;
    let age = companion.metric("ravelin_sync_age_seconds{domain=\"corp.example.test\"} ").unwrap();
    assert!(age <= 5.0, "{age}");
}

/// SIGHUP fetches everything at once; SIGTERM ends it, and the service manager hears of both ends.
#[test]
fn signals_and_the_service_manager() {
    let estate = FakeEstate::new();
    let controller = FakeController::start(&estate, 5);
    let manager = std::os::unix::net::UnixDatagram::bind(estate.path("notify")).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let socket = estate.path("notify");
    let config = estate.config(&[&controller], "");
    let companion =
        Companion::start_with(&config, |command| command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "2000000"));
    let mut heard = String::new();
    let mut hear = |words: &str| {
        let mut buffer = [0; 512];
        while !heard.contains(words) {
            let count = manager.recv(&mut buffer).unwrap();
            heard += std::str::from_utf8(&buffer[..count]).unwrap();
        }
    };
    hear("READY=1");
    hear("WATCHDOG=1");
    companion.wait_for_log("fetched whole", 1);
    companion.signal(rustix::process::Signal::HUP);
    companion.wait_for_log("fetched whole", 2);
    companion.signal(rustix::process::Signal::TERM);
    hear("STOPPING=1");
    let (success, log) = companion.end();
    assert!(success, "{log}");
}

/// What the process that fetches may use, as the system has it.
#[tokio::test]
async fn the_process_that_fetches_is_confined() {
    let estate = FakeEstate::new();
    let controller = FakeController::start(&estate, 1);
    controller.set(Fault::Silent);
    let companion = Companion::start(&estate.config(&[&controller], ""));
    let child = || {
        let children = format!("/proc/{0}/task/{0}/children", companion.id());
        let one = std::fs::read_to_string(children).unwrap_or_default().split_whitespace().next()?.to_owned();
        let limits = std::fs::read_to_string(format!("/proc/{one}/limits")).ok()?;
        limits.contains("Max open files            32 ").then_some((one, limits))
    };
    wait("a process that fetches", || child().is_some()).await;
    let (child, limits) = child().unwrap();
    let limit = |name: &str| limits.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(limit("Max address space").contains("536870912"), "{limits}");
    assert!(limit("Max cpu time").contains("120"), "{limits}");
    // Neither its arguments nor its environment say anything.
    let of_child = |name: &str| std::fs::read(format!("/proc/{child}/{name}")).unwrap();
    assert_eq!(of_child("cmdline"), b"ravelin\0sync-fetch\0");
    assert_eq!(of_child("environ"), b"");
    // It does not outlive whoever would take what it fetched.
    drop(companion);
    wait("its end", || !std::path::Path::new(&format!("/proc/{child}/exe")).exists()).await;
}
