//! `openssl s_client` and `s_server`: peers that speak what rustls does not.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};

/// The request of a Windows client.
pub const HEAD: &str =
    "POST /IPHTTPS HTTP/1.1\r\nHost: da.corp.example.test\r\nContent-Length: 18446744073709551615\r\n\r\n";

/// A running `openssl`: what it printed so far, and its standard input. Killed when dropped.
pub struct OpenSsl {
    child: Child,
    input: ChildStdin,
    said: Arc<Mutex<Vec<u8>>>,
}

/// Whether the command is there; if not, says that the test is skipped.
pub fn there(test: &str) -> bool {
    let there = Command::new("openssl").arg("version").output().is_ok_and(|output| output.status.success());
    if !there {
        // The raw stream: what a test prints is captured.
        let _ = writeln!(std::io::stderr(), "skip {test}: needs the command openssl");
    }
    there
}

impl OpenSsl {
    /// Connects with these options beside the usual; standard input is sent as it is.
    pub fn client(address: SocketAddr, options: &[&str]) -> OpenSsl {
        let address = address.to_string();
        let usual = ["s_client", "-quiet", "-connect", &address, "-servername", "da.corp.example.test"];
        OpenSsl::start(&[&usual, options].concat())
    }

    /// Connects with the estate's certificate of this name.
    pub fn client_with(address: SocketAddr, clients: &Path, name: &str, options: &[&str]) -> OpenSsl {
        let [pem, key] = ["pem", "key"].map(|kind| clients.join(format!("{name}.{kind}")).display().to_string());
        // The first section is the leaf; what stands behind it is sent too.
        OpenSsl::client(address, &[&["-cert", &pem, "-cert_chain", &pem, "-key", &key], options].concat())
    }

    /// Serves on a free port with these options beside the usual; standard input is sent as it is.
    pub fn server(options: &[&str]) -> (OpenSsl, SocketAddr) {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let address = free.to_string();
        let usual = ["s_server", "-quiet", "-accept", &address];
        let server = OpenSsl::start(&[&usual, options].concat());
        (server, free)
    }

    fn start(arguments: &[&str]) -> OpenSsl {
        let mut child = Command::new("openssl")
            .args(arguments)
            // What a distribution forbids in its own configuration is what is wanted here.
            .env("OPENSSL_CONF", "/dev/null")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let input = child.stdin.take().unwrap();
        gather(child.stdout.take().unwrap(), &said);
        gather(child.stderr.take().unwrap(), &said);
        OpenSsl { child, input, said }
    }

    /// Sends.
    pub fn send(&mut self, text: &str) {
        // A peer that has gone is seen by what is not received.
        let _ = self.input.write_all(text.as_bytes()).and_then(|()| self.input.flush());
    }

    /// Everything printed so far, messages of the command included.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.said.lock().unwrap()).into_owned()
    }

    /// Waits for words in what is printed.
    pub async fn says(&self, words: &str) {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !self.said().contains(words) {
            assert!(std::time::Instant::now() < deadline, "no {words:?} in:\n{}", self.said());
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn gather(mut from: impl Read + Send + 'static, to: &Arc<Mutex<Vec<u8>>>) {
    let to = Arc::clone(to);
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            to.lock().unwrap().extend_from_slice(&buffer[..length]);
        }
    });
}
