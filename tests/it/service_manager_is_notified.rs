//! systemd hears of the start, of reloads, of the end, and regularly that all is well (sd_notify(3)).

use std::net::TcpStream;
use std::time::{Duration, Instant};

use ravelin_lab::client::Client;
use ravelin_lab::server::{Body, ServerSpec};
use rustix::process::Signal;

use crate::support::{Process, Setup, replace};

#[test]
fn ready_reloading_ready_stopping() {
    let mut process = Process::start(Setup::new().dead_server());
    // Ready means that clients are served: the very next connection is.
    TcpStream::connect(process.address()).unwrap();
    assert_eq!(process.ask_json(&["status"])["pid"], process.id());

    process.signal(Signal::HUP);
    reloaded(&process);
    assert_eq!(process.ask_json(&["status"])["generation"], 2);

    // A reload that is refused is over, too, and the gateway serves on.
    let text = std::fs::read_to_string(process.config()).unwrap();
    replace(&process.config(), format!("{text}[nonsense]\n").as_bytes());
    process.signal(Signal::HUP);
    reloaded(&process);
    let status = process.ask_json(&["status"]);
    assert_eq!((&status["generation"], &status["last_reload"]["accepted"]), (&2.into(), &false.into()), "{status:#}");

    process.signal(Signal::TERM);
    assert_eq!(process.notification(), "STOPPING=1\n");
    let (status, log) = process.end();
    assert_eq!(status.code(), Some(0), "{log}");
    assert_eq!(process.unread_notifications(), Vec::<String>::new());
}

/// One reload as `Type=notify-reload` wants it told: with a time that is not before the signal's.
#[track_caller]
fn reloaded(process: &Process) {
    let said = process.notification();
    let stamp = said.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").and_then(|rest| rest.strip_suffix('\n'));
    let stamp: u64 = stamp.and_then(|stamp| stamp.parse().ok()).unwrap_or_else(|| panic!("{said:?}"));
    let uptime: f64 = std::fs::read_to_string("/proc/uptime").unwrap().split(' ').next().unwrap().parse().unwrap();
    let age = Duration::from_secs_f64(uptime).saturating_sub(Duration::from_micros(stamp));
    assert!(age < Duration::from_secs(60), "{age:?} old");
    assert_eq!(process.notification(), "READY=1\n");
}

#[test]
fn a_start_that_fails_is_never_ready() {
    let mut process = Process::spawn(Setup::new().dead_server().set("log", "colour", "true"), &[], |command| command);
    let (status, log) = process.end();
    assert_eq!(status.code(), Some(2), "{log}");
    assert_eq!(process.unread_notifications(), Vec::<String>::new());
}

/// Signs of life come twice as often as asked for, and do not stop while tunnels are drained.
#[tokio::test(flavor = "multi_thread")]
async fn the_watchdog_is_fed() {
    let setup = Setup::new().set("limits", "drain_deadline", r#""3s""#);
    let server = ServerSpec::tls(&setup.estate().server).body(Body::Echo).start().await.unwrap();
    let setup = setup.servers(&[server.address()]);
    let mut process = Process::spawn(setup, &[], |command| command.env("WATCHDOG_USEC", "600000"));
    assert_eq!(process.notification(), "READY=1\n");
    let beats = |count: usize| {
        let started = Instant::now();
        for _ in 0..count {
            assert_eq!(process.notification(), "WATCHDOG=1\n");
        }
        started.elapsed()
    };
    beats(1);
    let took = beats(5);
    assert!((Duration::from_millis(1000)..Duration::from_secs(10)).contains(&took), "five beats took {took:?}");

    let client = Client::new(process.address(), "da.corp.example.test");
    let tunnel = client.certificate(&process.setup.estate().clients.healthy).connect().await.unwrap();
    process.signal(Signal::TERM);
    while process.notification() != "STOPPING=1\n" {}
    // The first may have been due already when the drain began.
    beats(4);
    drop(tunnel);
    assert_eq!(process.end().0.code(), Some(0));
}

/// Another process' watchdog is none of ours.
#[test]
fn the_watchdog_of_another_process_is_left_alone() {
    let mut process = Process::spawn(Setup::new().dead_server(), &[], |command| {
        command.env("WATCHDOG_USEC", "200000").env("WATCHDOG_PID", std::process::id().to_string())
    });
    assert_eq!(process.notification(), "READY=1\n");
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(600) {
        assert_eq!(process.unread_notifications(), Vec::<String>::new());
        std::thread::sleep(Duration::from_millis(20));
    }
    process.signal(Signal::TERM);
    assert_eq!(process.notification(), "STOPPING=1\n");
    assert_eq!(process.end().0.code(), Some(0));
}

/// A service manager that cannot be reached is reported to the log and keeps nobody from serving.
#[test]
fn a_manager_that_is_not_there() {
    let mut process =
        Process::spawn(Setup::new().dead_server(), &[], |command| command.env("NOTIFY_SOCKET", "/nonexistent/notify"));
    process.wait_for_log("service manager cannot be reached");
    TcpStream::connect(process.address()).unwrap();
    process.signal(Signal::INT);
    assert_eq!(process.end().0.code(), Some(0));
}
