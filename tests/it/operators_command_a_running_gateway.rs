//! `status`, `sessions`, `kill`, `reload` and `drain` as an operator types them, against a gateway in another process.

use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ravelin_lab::client::{Client, Tunnel};
use ravelin_lab::end::End;
use ravelin_lab::pki::Issued;
use ravelin_lab::server::{Body, Server, ServerSpec};
use serde_json::{Value, json};

use crate::support::{Process, Setup, ravelin, replace};

async fn start() -> (Process, Server) {
    let setup = Setup::new();
    let server = ServerSpec::tls(&setup.estate().server).body(Body::Echo).start().await.unwrap();
    (Process::start(setup.servers(&[server.address()])), server)
}

async fn tunnel(process: &Process, issued: &Issued) -> Tunnel {
    let client = Client::new(process.address(), "da.corp.example.test").certificate(issued);
    let mut tunnel = client.connect().await.unwrap();
    tunnel.send(b"hello").await.unwrap();
    assert_eq!(tunnel.receive(5).await.unwrap(), b"hello");
    tunnel
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn status_and_sessions() {
    let (process, server) = start().await;
    assert_eq!(process.ask_json(&["sessions"]), json!([]));
    assert_eq!(said(&process.ask(&["sessions"])), (Some(0), "no tunnels\n".to_owned(), String::new()));

    let mut healthy = tunnel(&process, &process.setup.estate().clients.healthy).await;
    let sessions = process.ask_json(&["sessions"]);
    let session = &sessions[0];
    for (key, expected) in [
        ("identity", json!("pc01.corp.example.test")),
        ("site", json!("main")),
        ("server", json!("da1")),
        ("policy", json!("main")),
        ("generation", json!(1)),
        ("version", json!("TLSv1.3")),
        ("to_server_bytes", json!(5)),
        ("to_client_bytes", json!(5)),
    ] {
        assert_eq!(session[key], expected, "{key}: {sessions:#}");
    }
    let (_, text, _) = said(&process.ask(&["sessions"]));
    assert!(text.starts_with("SESSION") && text.contains("pc01.corp.example.test"), "{text}");

    let status = process.ask_json(&["status"]);
    assert_eq!(status["pools"][0]["servers"][0]["address"], server.address().to_string(), "{status:#}");
    for (key, expected) in [
        ("pid", json!(process.id())),
        ("tunnels", json!(1)),
        ("generation", json!(1)),
        ("draining", json!(false)),
        ("unready", json!([])),
        ("config_file", json!(process.config())),
    ] {
        assert_eq!(status[key], expected, "{key}: {status:#}");
    }
    assert_eq!(status["lists"].as_array().unwrap().len(), 3, "{status:#}");
    let (_, text, _) = said(&process.ask(&["status"]));
    assert!(text.contains(": ready, generation 1 since") && text.contains("1 tunnels"), "{text}");
    assert_eq!(healthy.receive(0).await, Ok(Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn kill() {
    let (process, _server) = start().await;
    let clients = process.setup.estate().clients.clone();
    let mut one = tunnel(&process, &clients.healthy).await;
    let mut two = tunnel(&process, &clients.healthy_renewed).await;
    let mut three = tunnel(&process, &clients.healthy_no_subject).await;

    assert_eq!(process.ask_json(&["kill", "--identity", "PC01.Corp.Example.TEST"]), json!(1));
    assert_eq!(one.end().await, End::CloseNotify);

    // The first may still be there, waiting for its client to say goodbye.
    let sessions = process.ask_json(&["sessions"]);
    let second = sessions.as_array().unwrap().iter().find(|session| session["identity"] == "pc02.corp.example.test");
    let number = second.unwrap()["session"].to_string();
    let ended = (Some(0), "1 tunnel ended\n".to_owned(), String::new());
    assert_eq!(said(&process.ask(&["kill", &number])), ended);
    assert_eq!(two.end().await, End::CloseNotify);

    let nobody = process.ask(&["kill", "--site", "elsewhere", "--json"]);
    assert_eq!(said(&nobody), (Some(1), "0\n".to_owned(), String::new()));
    // Forgetting to say which is never all.
    let (code, _, error) = said(&process.ask(&["kill"]));
    assert!(code == Some(2) && error.contains("--all"), "{error}");
    drop((one, two));
    process.wait_until("both to be gone", || process.ask_json(&["sessions"]).as_array().unwrap().len() == 1);

    assert_eq!(process.ask_json(&["kill", "--all"]), json!(1));
    assert_eq!(three.end().await, End::CloseNotify);
    process.wait_until("three records", || process.log().matches("end=operator").count() == 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn reload_and_its_dry_run() {
    let (process, _server) = start().await;
    let mut stays = tunnel(&process, &process.setup.estate().clients.healthy).await;
    let mut goes = tunnel(&process, &process.setup.estate().clients.healthy_renewed).await;
    let good = std::fs::read_to_string(process.config()).unwrap();
    let narrow = good.replace("pc-lost.corp.example.test", "pc02.corp.example.test");
    // A file that changes all the time is never at rest, so that the gateway does not take it up by itself meanwhile.
    let asked = AtomicBool::new(false);
    let dry = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !asked.load(Ordering::Relaxed) {
                replace(&process.config(), narrow.as_bytes());
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        process.wait_until("the first change", || std::fs::read_to_string(process.config()).unwrap() == narrow);
        let dry = process.ask(&["reload", "--dry-run", "--json"]);
        asked.store(true, Ordering::Relaxed);
        dry
    });
    assert_eq!(dry.status.code(), Some(0), "{dry:?}");
    let dry: Value = serde_json::from_slice(&dry.stdout).unwrap();
    let cut = |report: &Value| {
        let withdrawn = report["withdrawn"].as_array().unwrap();
        assert_eq!(withdrawn.len(), 1, "{report:#}");
        (withdrawn[0]["identity"].clone(), withdrawn[0]["reason"].clone())
    };
    assert_eq!(cut(&dry), (json!("pc02.corp.example.test"), json!("deny_listed")));
    assert_eq!((&dry["dry_run"], &dry["accepted"]), (&json!(true), &json!(true)), "{dry:#}");
    assert!(!process.log().contains("end=deny_listed"), "{}", process.log());

    // Whoever came first, operator or watcher: this is what has happened then, once.
    process.ask_json(&["reload"]);
    assert_eq!(goes.end().await, End::CloseNotify);
    process.wait_for_log("end=deny_listed");
    stays.send(b"still").await.unwrap();
    assert_eq!(stays.receive(5).await.unwrap(), b"still");

    let generation = process.ask_json(&["status"])["generation"].clone();
    replace(&process.config(), good.replace("ca/root.pem", "ca/lost.pem").as_bytes());
    for arguments in [&["reload", "--json"][..], &["reload", "--dry-run", "--json"]] {
        let (code, report, _) = said(&process.ask(arguments));
        let report: Value = serde_json::from_str(&report).unwrap();
        assert_eq!((code, &report["accepted"]), (Some(1), &json!(false)), "{report:#}");
        let problems = report["problems"].to_string();
        assert!(problems.contains("ca/lost.pem") && problems.contains("No such file"), "{report:#}");
    }
    let (code, text, _) = said(&process.ask(&["reload"]));
    assert!(code == Some(1) && text.contains("ca/lost.pem") && text.contains("REFUSED"), "{text}");
    assert_eq!(process.ask_json(&["status"])["generation"], generation);
    stays.send(b"still").await.unwrap();
    assert_eq!(stays.receive(5).await.unwrap(), b"still");
}

#[tokio::test(flavor = "multi_thread")]
async fn drain() {
    let (mut process, _server) = start().await;
    let mut tunnel = tunnel(&process, &process.setup.estate().clients.healthy).await;
    assert_eq!(process.ask_json(&["drain"]), Value::Null);
    assert_eq!(process.notification(), "STOPPING=1\n");
    assert_eq!(process.ask_json(&["status"])["draining"], json!(true));
    let (_, text, _) = said(&process.ask(&["status"]));
    assert!(text.contains(": draining, generation 1"), "{text}");
    tunnel.close().await.unwrap();
    assert_eq!(tunnel.end().await, End::CloseNotify);
    assert_eq!(process.end().0.code(), Some(0));

    // Its socket is gone with it; whoever asks is reported so.
    let (code, out, error) = said(&process.ask(&["status", "--json"]));
    assert_eq!((code, out.as_str()), (Some(2), ""), "{error}");
    assert!(error.contains("control.sock") && error.contains("is the gateway running?"), "{error}");
}

/// A gateway that was killed leaves its socket behind.
#[test]
fn a_dead_socket() {
    let mut process = Process::start(Setup::new().dead_server());
    process.signal(rustix::process::Signal::KILL);
    process.end();
    let socket = process.setup.path("control.sock");
    assert!(socket.exists());
    for command in [&["status"][..], &["sessions"], &["kill", "--all"], &["reload"], &["drain"]] {
        let output = Command::new(ravelin()).args(command).arg("--control").arg(&socket).output().unwrap();
        let (code, out, error) = said(&output);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{command:?}: {error}");
        let socket = socket.display().to_string();
        for words in [socket.as_str(), "Connection refused", "is the gateway running?"] {
            assert!(error.contains(words), "{command:?}: {error}");
        }
        assert_eq!(error.lines().count(), 1, "{command:?}: {error}");
    }
    // The next gateway takes it over.
    let again = Process::start(Arc::clone(&process.setup));
    assert_eq!(again.ask_json(&["status"])["pid"], again.id());
}
