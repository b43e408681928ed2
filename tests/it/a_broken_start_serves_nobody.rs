//! What cannot be served as configured is not served at all: exit code 2, every problem with its place and cure, nothing
//! listening and nothing left behind.

use std::net::{TcpListener, TcpStream};

use rustix::process::Signal;

use crate::support::{Process, Setup, replace};

/// A port that was free a moment ago.
fn free_address() -> std::net::SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Starts, which must fail, and gives what was said.
fn refused(setup: Setup, wrapper: &[&str]) -> String {
    let address = free_address();
    let setup = setup.set("listeners.edge", "bind", &format!("[\"{address}\"]")).set("log", "audit", "\"audit.jsonl\"");
    let mut process = Process::spawn(setup, wrapper, |command| command);
    let (status, said) = process.end();
    assert_eq!(status.code(), Some(2), "{said}");
    assert!(TcpStream::connect(address).is_err(), "it listened: {said}");
    assert_eq!(process.unread_notifications(), Vec::<String>::new());
    for left in ["audit.jsonl", "control.sock"] {
        assert!(!process.setup.path(left).exists(), "{left} was left behind: {said}");
    }
    said
}

#[test]
fn every_problem_has_its_place_and_cure() {
    let setup = Setup::new()
        .dead_server()
        .set("limits", "sesions", "5")
        .set("limits", "idle", "\"soon\"")
        .set("pools.main", "balance", "\"identity-ish\"")
        .unset("policies.main", "names");
    let said = refused(setup, &[]);
    let folder = said.lines().find_map(|line| line.split_once("error: ")?.1.split_once("ravelin.toml")).unwrap().0;
    let file = std::path::Path::new(folder);
    assert!(file.is_absolute(), "{said}");
    for (key, cure) in [
        ("limits.sesions", "sessions"),
        ("limits.idle", "\"10s\""),
        ("pools.main.balance", "round-robin"),
        ("policies.main", "names = "),
    ] {
        let line = said.lines().find(|line| line.contains(key) && line.contains(cure));
        let line = line.unwrap_or_else(|| panic!("{key} with {cure:?} is not told:\n{said}"));
        let place = line.strip_prefix("error: ").and_then(|line| line.strip_prefix(folder)).unwrap();
        let mut place = place.strip_prefix("ravelin.toml:").unwrap().split(':');
        assert!(place.next().unwrap().parse::<usize>().unwrap() > 1, "{line}");
        assert!(place.next().unwrap().parse::<usize>().unwrap() > 0, "{line}");
    }
}

/// Covers: docs/traps.md row 19, at the start of the process.
#[test]
fn every_file_that_cannot_be_used_is_named() {
    let setup = Setup::new()
        .dead_server()
        .set("policies.main", "trust_anchors", r#"["ca/missing.pem", "ca/empty.pem", "clients/healthy.key"]"#)
        .set("sites.main", "certificates", r#"[{ chain = "tls/face-rsa.pem", key = "tls/face-ecdsa.key" }]"#);
    std::fs::write(setup.path("ca/empty.pem"), "").unwrap();
    std::fs::write(setup.path("crl/broken.crl"), "-----BEGIN X509 CRL-----\nA*A\n-----END X509 CRL-----\n").unwrap();
    let said = refused(setup, &[]);
    for (file, key, words) in [
        ("ca/missing.pem", "policies.main.trust_anchors", "No such file"),
        ("ca/empty.pem", "policies.main.trust_anchors", "empty"),
        ("clients/healthy.key", "policies.main.trust_anchors", "certificate"),
        ("crl/broken.crl", "policies.main.revocation.crls", "PEM"),
        ("tls/face-ecdsa.key", "sites.main.certificates", "does not belong"),
    ] {
        let told = said.lines().any(|line| {
            line.starts_with("error: ") && line.contains(file) && line.contains(key) && line.contains(words)
        });
        assert!(told, "{file} of {key} is not told:\n{said}");
    }
}

#[test]
fn an_address_that_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let setup = Setup::new().dead_server().set("listeners.edge", "bind", &format!("[\"127.0.0.1:0\", \"{address}\"]"));
    let mut process = Process::spawn(setup, &[], |command| command);
    let (status, said) = process.end();
    assert_eq!(status.code(), Some(2), "{said}");
    assert!(
        said.contains(&format!("listeners.edge.bind: cannot listen on {address}: Address already in use")),
        "{said}"
    );
}

/// Covers: docs/rules.md rule 6 (a start, or a reload, is refused where descriptors do not suffice).
#[test]
fn descriptors_must_suffice() {
    // Root could raise the hard limit; a service cannot.
    let shell = ["sh", "-c", r#"ulimit -n 300 && exec "$0" "$@""#];
    let tied = ["setpriv", "--inh-caps=-sys_resource", "--bounding-set=-sys_resource"];
    let wrapper = if rustix::process::geteuid().is_root() { [&tied[..], &shell].concat() } else { shell.to_vec() };
    let tells = |said: &str| {
        for words in
            ["limits.sessions", "500 sessions need 1256 descriptors", "gives 300", "LimitNOFILE=1256", "sessions = 22"]
        {
            assert!(said.contains(words), "{words:?} is not told:\n{said}");
        }
    };
    tells(&refused(Setup::new().dead_server().set("limits", "sessions", "500"), &wrapper));
    // The cure is one.
    let mut process =
        Process::spawn(Setup::new().dead_server().set("limits", "sessions", "22"), &wrapper, |command| command);
    assert_eq!(process.notification(), "READY=1\n");
    let good = std::fs::read_to_string(process.config()).unwrap();
    let with = |sessions: u32| {
        replace(&process.config(), good.replace("sessions = 22", &format!("sessions = {sessions}")).as_bytes())
    };
    with(500);
    let reload = process.ask(&["reload", "--json"]);
    assert_eq!(reload.status.code(), Some(1));
    tells(&String::from_utf8(reload.stdout).unwrap());
    assert_eq!(process.ask_json(&["status"])["generation"], 1);
    with(21);
    assert_eq!(process.ask_json(&["reload"])["accepted"], true);
    process.signal(Signal::TERM);
    assert_eq!(process.end().0.code(), Some(0));
}

/// A soft limit is the gateway's own to raise.
#[test]
fn a_soft_limit_is_raised() {
    let wrapper = ["sh", "-c", r#"ulimit -S -n 300 && exec "$0" "$@""#];
    let process = Process::spawn(Setup::new().dead_server(), &wrapper, |command| command);
    assert_eq!(process.notification(), "READY=1\n");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", process.id())).unwrap();
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    assert_eq!(limit.split_whitespace().next(), Some("1256"), "{limits}");
}
