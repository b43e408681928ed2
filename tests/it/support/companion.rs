//! `ravelin sync` as a process.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::ravelin;

/// Long against a fetch on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);

/// A running companion. Killed when dropped.
pub struct Companion {
    child: Child,
    said: Arc<Mutex<Vec<u8>>>,
}

impl Companion {
    /// Starts it.
    pub fn start(config: &Path) -> Companion {
        Companion::start_with(config, |command| command)
    }

    /// Starts it in another environment.
    pub fn start_with(config: &Path, change: impl FnOnce(&mut Command) -> &mut Command) -> Companion {
        let mut command = Command::new(ravelin());
        command.args(["sync", "--config"]).arg(config).env_remove("NOTIFY_SOCKET");
        let mut child = change(&mut command).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let (mut pipe, heard) = (child.stderr.take().unwrap(), Arc::clone(&said));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                heard.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Companion { child, said }
    }

    /// Everything that it logged so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.said.lock().unwrap()).into_owned()
    }

    /// Waits until it has logged this so many times.
    pub fn wait_for_log(&self, words: &str, times: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.log().matches(words).count() < times {
            assert!(Instant::now() < deadline, "waited in vain for {words:?}; its log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end; whether it succeeded.
    pub fn end(mut self) -> (bool, String) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.success(), self.log());
            }
            assert!(Instant::now() < deadline, "it does not end; its log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A page of its own, head and all.
    pub fn page(&self, path: &str) -> String {
        self.wait_for_log("metrics and health are served", 1);
        let log = self.log();
        let (_, rest) = log.split_once("metrics and health are served\" address=").unwrap();
        let address = rest.split_whitespace().next().unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = Vec::new();
        stream.read_to_end(&mut text).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    }

    /// The value of a series of its metrics.
    pub fn metric(&self, series: &str) -> Option<f64> {
        let page = self.page("/metrics");
        let line = page.lines().find_map(|line| line.strip_prefix(series))?;
        line.trim().parse().ok()
    }
}

impl Drop for Companion {
    fn drop(&mut self) {
        // It may have ended already; both are then errors that say so.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
