//! TLS records of an established connection, sans-I/O: the shape of `ravelin_relay::Codec`, which the crate `ravelin`
//! implements over it in one line a method.
//!
//! - After a handshake of rustls, [`layer`] seals and opens with the keys that rustls hands out; after one of OpenSSL,
//!   OpenSSL does.
//! - Nothing but keys and counters is held between two calls.
//! - After the handshake nothing but data, key updates (TLS 1.3) and alerts is taken. An attempt to renegotiate, or a
//!   handshake message in pieces, ends the connection (docs/rules.md rule 10; CVE-2009-3555).
//! - A peer's key update is answered in front of the next record that is sealed (RFC 8446 §4.6.3 asks no more), so
//!   `reply` holds alerts only. 32 records without data (key updates, empty ones) are allowed in a row.

mod cipher;
mod layer;
#[cfg(feature = "legacy-tls")]
pub(crate) mod openssl;
mod protection;
pub(crate) mod rehearsal;
pub(crate) mod secrets;
pub(crate) mod types;

use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;

use crate::connection::RECORD_HEADER_BYTES;
use layer::{KEY_UPDATE_RECORD_BYTES, Layer, SealingStopped};
use secrets::TrafficSecrets;
use types::{OpenedRecords, RECORD_PLAINTEXT_BYTES_MAX, RecordFrame, RecordsError, SealedRecords};

/// One established TLS connection without its socket.
pub struct Records {
    engine: RecordEngine,
    /// The peer sent close_notify.
    ended: bool,
    /// Nothing may be opened or sealed any more: why.
    broken: Option<RecordsError>,
}

// Boxed: a tunnel's task stays small, and whoever holds `Records` moves a pointer.
enum RecordEngine {
    Own(Box<Layer>),
    #[cfg(feature = "legacy-tls")]
    OpenSsl(Box<openssl::OpenSslConnection>),
}

impl Records {
    /// A client's connection. `secrets` must have been the key log of this connection and no other.
    pub(crate) fn server(
        connection: UnbufferedServerConnection,
        secrets: &TrafficSecrets,
    ) -> Result<Records, rustls::Error> {
        Ok(Records::new(RecordEngine::Own(Box::new(Layer::server(connection, secrets)?))))
    }

    /// A connection to a server; the same.
    pub(crate) fn client(
        connection: UnbufferedClientConnection,
        secrets: &TrafficSecrets,
    ) -> Result<Records, rustls::Error> {
        Ok(Records::new(RecordEngine::Own(Box::new(Layer::client(connection, secrets)?))))
    }

    /// Either side; its handshake is over.
    #[cfg(feature = "legacy-tls")]
    pub(crate) fn openssl(connection: openssl::OpenSslConnection) -> Records {
        Records::new(RecordEngine::OpenSsl(Box::new(connection)))
    }

    fn new(engine: RecordEngine) -> Records {
        Records { engine, ended: false, broken: None }
    }

    /// See `ravelin_relay::Codec::open`.
    ///
    /// # Errors
    /// The stream must end; `reply` may hold the alert.
    pub fn open(
        &mut self,
        input: &mut [u8],
        plaintext: &mut [u8],
        reply: &mut Vec<u8>,
    ) -> Result<OpenedRecords, RecordsError> {
        self.check()?;
        if self.ended {
            // What follows close_notify is ignored (RFC 8446 §6.1).
            return Ok(OpenedRecords { consumed: input.len(), produced: 0, ended: true });
        }
        let opened = match &mut self.engine {
            RecordEngine::Own(layer) => layer.open(input, plaintext, reply),
            #[cfg(feature = "legacy-tls")]
            RecordEngine::OpenSsl(connection) => connection.open(input, plaintext, reply),
        };
        let mut opened = opened.map_err(|error| self.break_off(error))?;
        if opened.ended {
            self.ended = true;
            opened.consumed = input.len();
        }
        Ok(opened)
    }

    /// See `ravelin_relay::Codec::seal`.
    ///
    /// # Errors
    /// Key limit (TLS 1.2 alone: TLS 1.3 updates its key), or a broken connection.
    pub fn seal(&mut self, plaintext: &[u8], output: &mut [u8]) -> Result<SealedRecords, RecordsError> {
        self.check()?;
        let (sealed, stopped) = match &mut self.engine {
            RecordEngine::Own(layer) => layer.seal(plaintext, output),
            #[cfg(feature = "legacy-tls")]
            RecordEngine::OpenSsl(connection) => match connection.seal(plaintext, output) {
                Ok(sealed) => (sealed, None),
                Err(error) => return Err(self.break_off(error)),
            },
        };
        match stopped {
            None => Ok(sealed),
            // What was sealed before must go out; the next call reports it.
            Some(_) if sealed.consumed > 0 => Ok(sealed),
            Some(SealingStopped::KeyLimit) => Err(RecordsError::KeyLimit),
            Some(SealingStopped::Closed) => {
                Err(self.break_off(RecordsError::Broken("sealed after the end".to_owned())))
            }
        }
    }

    /// See `ravelin_relay::Codec::frame`.
    pub fn frame(&self, records: usize) -> Option<RecordFrame> {
        match &self.engine {
            RecordEngine::Own(layer) if self.broken.is_none() => layer.frame(u64::try_from(records).ok()?),
            RecordEngine::Own(_) => None,
            #[cfg(feature = "legacy-tls")]
            RecordEngine::OpenSsl(_) => None,
        }
    }

    /// See `ravelin_relay::Codec::seal_in_place`.
    ///
    /// # Errors
    /// A broken connection, or a record that [`Records::frame`] did not allow.
    pub fn seal_in_place(&mut self, record: &mut [u8]) -> Result<(), RecordsError> {
        self.check()?;
        let sealed = match &mut self.engine {
            RecordEngine::Own(layer) => layer.seal_in_place(record),
            #[cfg(feature = "legacy-tls")]
            RecordEngine::OpenSsl(_) => None,
        };
        sealed.ok_or_else(|| self.break_off(RecordsError::Broken("a record that cannot be sealed in place".to_owned())))
    }

    /// Appends close_notify; nothing where an alert has ended the connection, or close_notify was sealed before.
    pub fn seal_end(&mut self, output: &mut Vec<u8>) {
        if self.broken.is_some() {
            return;
        }
        match &mut self.engine {
            RecordEngine::Own(layer) => layer.seal_end(output),
            #[cfg(feature = "legacy-tls")]
            RecordEngine::OpenSsl(connection) => connection.seal_end(output),
        }
    }

    fn check(&self) -> Result<(), RecordsError> {
        self.broken.clone().map_or(Ok(()), Err)
    }

    fn break_off(&mut self, error: RecordsError) -> RecordsError {
        self.broken = Some(error.clone());
        error
    }

    /// The most bytes that sealing `plaintext_len` bytes can need.
    pub fn sealed_len_max(&self, plaintext_len: usize) -> usize {
        let overhead = match &self.engine {
            RecordEngine::Own(layer) => layer.overhead(),
            #[cfg(feature = "legacy-tls")]
            RecordEngine::OpenSsl(connection) => connection.overhead(),
        };
        let records = plaintext_len.div_ceil(RECORD_PLAINTEXT_BYTES_MAX).max(1);
        plaintext_len + records * (RECORD_HEADER_BYTES + overhead) + KEY_UPDATE_RECORD_BYTES
    }
}

#[cfg(test)]
mod tests;
