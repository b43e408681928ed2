//! An established TLS connection for the few bytes before the relay takes over: request head and response head.

use std::io;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::connection::{NextRecord, front_record};
use crate::records::Records;
use crate::records::types::RecordsError;
use crate::wire;

/// Socket and records together, with small buffers.
pub struct TlsStream {
    parts: TlsParts,
    /// The peer sent close_notify, or broke the protocol: nothing more is read.
    ended: bool,
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
    pub(crate) fn new(parts: TlsParts) -> TlsStream {
        TlsStream { parts, ended: false }
    }

    /// Plaintext; `Ok(0)` is a clean end (close_notify); a bare FIN is `UnexpectedEof`. Cancel safe.
    ///
    /// # Errors
    /// The socket broke, or the peer broke the protocol (`InvalidData`).
    pub async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.parts.opened.is_empty() {
                return Ok(self.take_opened(buffer));
            }
            if self.ended {
                return Ok(0);
            }
            self.open()?;
            if !self.parts.opened.is_empty() || self.ended {
                continue;
            }
            self.parts.tcp.readable().await?;
            match self.receive() {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Seals and sends all of it. Not cancel safe: a call that was dropped may have sent half a record.
    ///
    /// # Errors
    /// The socket broke, or the connection has ended.
    pub async fn write_all(&mut self, plaintext: &[u8]) -> io::Result<()> {
        let mut output = vec![0; self.parts.records.sealed_len_max(plaintext.len())];
        let sealed = self.parts.records.seal(plaintext, &mut output).map_err(broken)?;
        if sealed.consumed < plaintext.len() {
            return Err(io::Error::other("sealed_len_max was too small"));
        }
        self.parts.tcp.write_all(output.get(..sealed.produced).unwrap_or_default()).await
    }

    /// Sends close_notify, shuts the write side and drains for a bounded time, so that what was sent arrives.
    pub async fn close(mut self) {
        let mut output = Vec::new();
        self.parts.records.seal_end(&mut output);
        wire::send_and_linger(&mut self.parts.tcp, &output).await;
    }

    /// Resets the connection (SO_LINGER 0), so that the peer cannot mistake it for a clean end.
    pub fn reset(self) {
        // Should it fail, the socket is gone already.
        let _ = self.parts.tcp.set_zero_linger();
    }

    /// Hands over to the relay.
    pub fn into_parts(self) -> TlsParts {
        self.parts
    }

    /// Opens received records up to the first that holds plaintext. Not further: an end behind it is left for whoever
    /// takes over.
    fn open(&mut self) -> io::Result<()> {
        while self.parts.opened.is_empty() && !self.ended {
            let length = match front_record(&self.parts.received) {
                NextRecord::Partial => break,
                NextRecord::Whole(record) => record.total_bytes,
                NextRecord::NoRecord => self.parts.received.len(),
            };
            let mut plaintext = vec![0; length];
            let mut reply = Vec::new();
            let record = self.parts.received.get_mut(..length).unwrap_or_default();
            let opened = self.parts.records.open(record, &mut plaintext, &mut reply);
            if !reply.is_empty() {
                // An alert, and the connection is over: if the socket takes it, good.
                let _ = self.parts.tcp.try_write(&reply);
            }
            let opened = opened.inspect_err(|_| self.ended = true).map_err(broken)?;
            self.parts.received.drain(..opened.consumed);
            plaintext.truncate(opened.produced);
            self.parts.opened = plaintext;
            self.ended = opened.ended;
        }
        if self.parts.received.is_empty() {
            self.parts.received = Vec::new();
        }
        Ok(())
    }

    fn take_opened(&mut self, buffer: &mut [u8]) -> usize {
        let length = buffer.len().min(self.parts.opened.len());
        for (to, from) in buffer.iter_mut().zip(self.parts.opened.drain(..length)) {
            *to = from;
        }
        if self.parts.opened.is_empty() {
            self.parts.opened = Vec::new();
        }
        length
    }

    /// Not async, so that its buffer is no part of the waiting task.
    fn receive(&mut self) -> io::Result<usize> {
        let mut buffer = [0; READ_BYTES];
        let length = self.parts.tcp.try_read(&mut buffer)?;
        self.parts.received.extend_from_slice(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }
}

fn broken(error: RecordsError) -> io::Error {
    match error {
        RecordsError::Broken(why) => io::Error::new(io::ErrorKind::InvalidData, why),
        RecordsError::KeyLimit => io::Error::other("the key may seal no more records"),
    }
}

/// A request head with its record in one read.
const READ_BYTES: usize = 4096;
