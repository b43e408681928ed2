//! `ravelin run` as a child process: its service manager, its signals, its log, and the other commands that ask it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{Setup, ravelin};

/// Long against everything that a process of ours does, short against a test run.
const PATIENCE: Duration = Duration::from_secs(30);

/// A gateway in a process of its own. Killed when dropped.
pub struct Process {
    /// Files and estate.
    pub setup: Arc<Setup>,
    child: Child,
    manager: UnixDatagram,
    stderr: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts it and waits until it says that it is ready.
    pub fn start(setup: impl Into<Arc<Setup>>) -> Process {
        let process = Process::spawn(setup, &[], |command| command);
        let first = process.notification();
        assert_eq!(first, "READY=1\n", "{}", process.log());
        process
    }

    /// Starts it behind a wrapper (`sh -c … ravelin`, or none), with whatever else a test wants of its environment.
    pub fn spawn(
        setup: impl Into<Arc<Setup>>,
        wrapper: &[&str],
        change: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Process {
        let setup = setup.into();
        let config = setup.write();
        // A process before this one on the same files may have left it.
        let _ = std::fs::remove_file(setup.path("notify"));
        let manager = UnixDatagram::bind(setup.path("notify")).unwrap();
        manager.set_nonblocking(true).unwrap();
        let mut command = match wrapper.split_first() {
            None => Command::new(ravelin()),
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(ravelin());
                command
            }
        };
        command.args(["run", "--config"]).arg(config).env("NOTIFY_SOCKET", setup.path("notify"));
        command.env_remove("WATCHDOG_USEC").env_remove("WATCHDOG_PID");
        let mut child = change(command.stdin(Stdio::null())).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = Arc::new(Mutex::new(Vec::new()));
        let (mut pipe, said) = (child.stderr.take().unwrap(), Arc::clone(&stderr));
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                said.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Process { setup, child, manager, stderr, reader: Some(reader) }
    }

    /// The next thing it tells its service manager.
    pub fn notification(&self) -> String {
        let mut heard = None;
        self.wait_until("a word to its service manager", || {
            heard = self.hear();
            heard.is_some()
        });
        heard.unwrap()
    }

    /// What it has told its service manager and nobody has read.
    pub fn unread_notifications(&self) -> Vec<String> {
        std::iter::from_fn(|| self.hear()).collect()
    }

    fn hear(&self) -> Option<String> {
        let mut buffer = [0; 4096];
        let count = self.manager.recv(&mut buffer).ok()?;
        Some(String::from_utf8(buffer[..count].to_vec()).unwrap())
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        let status = self.ask_json(&["status"]);
        status["listeners"][0]["addresses"][0].as_str().unwrap().parse().unwrap()
    }

    /// Everything on its standard error so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.stderr.lock().unwrap()).into_owned()
    }

    /// Waits for words in its log.
    pub fn wait_for_log(&self, words: &str) {
        self.wait_until(&format!("{words:?} in the log"), || self.log().contains(words));
    }

    /// Waits for a condition of the running process.
    pub fn wait_until(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // In this order: what it said last of all counts.
            let ended = self.reader.as_ref().is_none_or(JoinHandle::is_finished);
            if condition() {
                return;
            }
            assert!(!ended, "it ended before {what}; its log:\n{}", self.log());
            assert!(Instant::now() < deadline, "waited in vain for {what}; its log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Descriptors that it has open.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.id())).unwrap().count()
    }

    /// Resident memory, bytes.
    pub fn resident_bytes(&self) -> i64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<i64>().unwrap() * 1024
    }

    /// A page of its admin interface, head and all.
    pub fn page(&self, path: &str) -> String {
        let text = self.answer(path);
        assert!(text.starts_with("HTTP/1.1 200 "), "{path}: {text}");
        text
    }

    /// What its admin interface answers, whatever the status.
    pub fn answer(&self, path: &str) -> String {
        let address = self.ask_json(&["status"])["admin_listen"].as_str().unwrap().to_owned();
        let mut stream = TcpStream::connect(&address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = Vec::new();
        stream.read_to_end(&mut text).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Runs another command of ravelin against it: `ravelin ARGUMENTS --config FILE`.
    pub fn ask(&self, arguments: &[&str]) -> Output {
        Command::new(ravelin()).args(arguments).arg("--config").arg(self.config()).output().unwrap()
    }

    /// The same with `--json`, which must succeed.
    pub fn ask_json(&self, arguments: &[&str]) -> Value {
        let output = self.ask(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {output:?}; its log:\n{}", self.log());
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.setup.path("ravelin.toml")
    }

    /// Waits until it has ended by itself; its exit status and all that it said.
    pub fn end(&mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None => assert!(Instant::now() < deadline, "it does not end; its log:\n{}", self.log()),
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        (status, self.log())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; both are then errors that say so.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
