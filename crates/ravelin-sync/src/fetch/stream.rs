//! The way to a controller: a stream whose every read and write ends by a deadline.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustls::{ClientConnection, StreamOwned};

/// TCP whose every read and write ends by a deadline that whoever asks sets anew for each question.
pub(super) struct Timed {
    pub(super) tcp: TcpStream,
    pub(super) deadline: Instant,
}

/// The way to a controller.
pub(super) enum ControllerStream {
    /// Before StartTLS, and for nothing else.
    Plain(Timed),
    /// Verified.
    Tls(Box<StreamOwned<ClientConnection, Timed>>),
}

impl Timed {
    /// What is left until the deadline.
    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tcp.set_read_timeout(Some(self.left()?))?;
        self.tcp.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.tcp.set_write_timeout(Some(self.left()?))?;
        self.tcp.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

impl ControllerStream {
    /// Whatever is asked next is answered by then, or not at all.
    pub(super) fn set_deadline(&mut self, deadline: Instant) {
        match self {
            ControllerStream::Plain(timed) => timed.deadline = deadline,
            ControllerStream::Tls(tls) => tls.sock.deadline = deadline,
        }
    }
}

impl Read for ControllerStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            ControllerStream::Plain(timed) => timed.read(buffer),
            ControllerStream::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for ControllerStream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            ControllerStream::Plain(timed) => timed.write(buffer),
            ControllerStream::Tls(tls) => tls.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            ControllerStream::Plain(timed) => timed.flush(),
            ControllerStream::Tls(tls) => tls.flush(),
        }
    }
}

/// Whether a deadline has passed: a socket says so in either way (socket(7), SO_RCVTIMEO).
pub(super) fn is_late(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

/// For each of TCP, TLS and bind. On a busy link to another continent they take one.
pub(super) const STEP: Duration = Duration::from_secs(5);
