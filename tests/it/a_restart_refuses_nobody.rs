//! Sockets that the service manager holds: clients that come while nothing runs wait, and are served after the start.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use ravelin_lab::client::{Client, Tunnel};
use ravelin_lab::end::End;
use ravelin_lab::server::{Body, Server, ServerSpec};
use rustix::process::Signal;
use tokio::task::JoinHandle;

use crate::support::{NAME, Process, Setup, ravelin, replace};

/// What systemd does: the sockets from descriptor 3 on, and the process' own number. Here there is one, from standard input.
const PASS: &[&str] = &["sh", "-c", r#"exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@""#];

/// A manager that holds a socket on one address, and a gateway for it.
struct Manager {
    socket: OwnedFd,
    address: SocketAddr,
    setup: Arc<Setup>,
    _server: Server,
}

impl Manager {
    async fn new() -> Manager {
        // Built before somebody waits for it.
        ravelin();
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let setup = Setup::new().set("listeners.edge", "bind", &format!("[\"{address}\"]"));
        let server = ServerSpec::tls(&setup.estate().server).body(Body::Echo).start().await.unwrap();
        let setup = Arc::new(setup.servers(&[server.address()]));
        Manager { socket: socket.into(), address, setup, _server: server }
    }

    /// Starts the gateway on the socket.
    fn start(&self) -> Process {
        let socket = self.socket.try_clone().unwrap();
        let process = Process::spawn(Arc::clone(&self.setup), PASS, |command| command.stdin(Stdio::from(socket)));
        assert_eq!(process.notification(), "READY=1\n", "{}", process.log());
        process
    }

    /// Comes now, whether anybody is there or not.
    fn client(&self) -> JoinHandle<Result<Tunnel, End>> {
        let estate = self.setup.estate();
        let client = Client::new(self.address, NAME).trust(&estate.root).certificate(&estate.clients.healthy);
        tokio::spawn(async move { client.connect().await })
    }
}

/// Covers: docs/rules.md rule 14 (the listening socket is handed over, so that a restart refuses nobody).
#[tokio::test(flavor = "multi_thread")]
async fn clients_wait_for_the_next_process() {
    let manager = Manager::new().await;
    let mut early = manager.client();
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut early).await.is_err(), "served by nobody");
    let mut process = manager.start();
    let mut tunnel = early.await.unwrap().unwrap();
    for _restart in 0..3 {
        tunnel.send(b"through").await.unwrap();
        assert_eq!(tunnel.receive(7).await.unwrap(), b"through");
        tunnel.close().await.unwrap();
        assert_eq!(tunnel.end().await, End::CloseNotify);
        process.signal(Signal::TERM);
        let (status, log) = process.end();
        assert_eq!(status.code(), Some(0), "{log}");
        let waiting = manager.client();
        process = manager.start();
        tunnel = waiting.await.unwrap().unwrap();
    }
}

/// A listener that goes and comes back finds its socket; what nobody accepts on is reported.
#[tokio::test(flavor = "multi_thread")]
async fn reloads_leave_the_socket_to_the_manager() {
    let manager = Manager::new().await;
    let process = manager.start();
    let text = std::fs::read_to_string(process.config()).unwrap();
    let elsewhere = text.replace(&manager.address.to_string(), "127.0.0.1:0");
    for round in 0..2 {
        let warnings = |process: &Process| process.ask_json(&["status"])["warnings"].to_string();
        assert!(!warnings(&process).contains("service manager"), "{round}");
        manager.client().await.unwrap().unwrap();
        replace(&process.config(), elsewhere.as_bytes());
        let report = process.ask_json(&["reload"]);
        let told = format!("the service manager holds {} open, which no listener has", manager.address);
        assert!(report["warnings"].to_string().contains(&told), "{report:#}");
        assert!(warnings(&process).contains(&told), "{round}");
        replace(&process.config(), text.as_bytes());
        process.ask_json(&["reload"]);
    }
}

/// A start that is refused says why, and the cure.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_listened_on_refuses_the_start() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connected = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let file = tempfile::tempfile().unwrap();
    for (case, passed, words) in [
        ("a connection", Stdio::from(OwnedFd::from(connected)), "does not listen"),
        ("a file", Stdio::from(OwnedFd::from(file)), "is not a socket"),
    ] {
        let setup = Setup::new().dead_server();
        let mut process = Process::spawn(setup, PASS, |command| command.stdin(passed));
        let (status, said) = process.end();
        assert_eq!(status.code(), Some(2), "{case}: {said}");
        assert!(said.contains(words) && said.contains("Cure: nothing but ListenStream="), "{case}: {said}");
    }
}
