//! An established TLS connection for the few bytes before the relay takes over: request head and response head.

use std::io;

use tokio::net::TcpStream;

use crate::records::Records;

/// Socket and records together, with small buffers.
pub struct TlsStream {
    parts: TlsParts,
}

/// What the relay takes over. Nothing is lost between the two.
pub struct TlsParts {
    /// The socket.
    pub tcp: TcpStream,
    /// The connection.
    pub records: Records,
    /// Bytes read from the socket and not yet opened.
    pub received: Vec<u8>,
    /// Plaintext opened and not yet read.
    pub opened: Vec<u8>,
}

impl TlsStream {
    /// Plaintext; `Ok(0)` is a clean end (close_notify); a bare FIN is `UnexpectedEof`. Cancel safe.
    ///
    /// # Errors
    /// The socket broke, or the peer broke the protocol (`InvalidData`).
    pub async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let _ = buffer;
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Seals and sends all of it.
    ///
    /// # Errors
    /// The socket broke.
    pub async fn write_all(&mut self, plaintext: &[u8]) -> io::Result<()> {
        let _ = plaintext;
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Sends close_notify, shuts the write side and drains for a bounded time, so that what was sent arrives.
    pub async fn close(self) {}
    /// Resets the connection (SO_LINGER 0), so that the peer cannot mistake it for a clean end.
    pub fn reset(self) {}
    /// Hands over to the relay.
    pub fn into_parts(self) -> TlsParts {
        self.parts
    }
}
