//! A command of somebody else's that talks to the gateway.

use std::io::{ErrorKind, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Long against a handshake on a busy machine, short against a test run.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running command. Killed when dropped.
pub struct Peer {
    child: Child,
    stdin: Option<ChildStdin>,
    said: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Peer {
    /// Starts a command; `None` where it is not installed.
    pub fn start(command: &mut Command) -> Option<Peer> {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => panic!("{command:?}: {error}"),
        };
        let said = Arc::default();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let readers = vec![collect(out, Arc::clone(&said)), collect(err, Arc::clone(&said))];
        Some(Peer { stdin: child.stdin.take(), child, said, readers })
    }

    /// Writes to its standard input.
    pub fn tell(&mut self, words: impl AsRef<[u8]>) {
        // It may have ended; what it said tells.
        let _ = self.stdin.as_mut().unwrap().write_all(words.as_ref());
    }

    /// What it has said so far, on either stream.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.said.lock().unwrap()).into_owned()
    }

    /// Waits until it has said this.
    pub fn wait_for(&self, words: &str) {
        self.wait_for_times(words, 1);
    }

    /// Waits until it has said this so many times.
    pub fn wait_for_times(&self, words: &str, times: usize) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ended = self.readers.iter().all(JoinHandle::is_finished);
            let said = self.said();
            if said.matches(words).count() >= times {
                return;
            }
            assert!(!ended && Instant::now() < deadline, "it did not say {words:?}, but:\n{said}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Closes its standard input and waits for its end; all that it said.
    pub fn end(mut self) -> (ExitStatus, String) {
        drop(self.stdin.take());
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None => assert!(Instant::now() < deadline, "it does not end; it said:\n{}", self.said()),
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        self.readers.drain(..).for_each(|reader| reader.join().unwrap());
        (status, self.said())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended already; both are then errors that say so.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(mut pipe: impl Read + Send + 'static, said: Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            said.lock().unwrap().extend_from_slice(&buffer[..count]);
        }
    })
}
