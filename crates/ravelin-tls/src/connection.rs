//! rustls' unbuffered connections, server and client alike, and the handshake over a socket.
//!
//! The engine is fed one record more at a time. What lies behind the record that ends the handshake is therefore left
//! as it came, for the relay.

use std::io;

use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, EncodeError, EncodeTlsData, UnbufferedStatus};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::wire::HANDSHAKE_INPUT_BYTES_MAX;

/// What server and client connections have in common; rustls has no trait for it.
pub(crate) trait RustlsConnection: Send {
    /// Which side, for rustls.
    type Data;
    /// rustls' `process_tls_records`.
    fn process<'c, 'i>(&'c mut self, input: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data>;
}

impl RustlsConnection for UnbufferedServerConnection {
    type Data = ServerConnectionData;
    fn process<'c, 'i>(&'c mut self, input: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(input)
    }
}

impl RustlsConnection for UnbufferedClientConnection {
    type Data = ClientConnectionData;
    fn process<'c, 'i>(&'c mut self, input: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(input)
    }
}

/// The bytes of a handshake on their way.
#[derive(Default)]
pub(crate) struct RustlsHandshake {
    /// Read from the socket and not done with.
    pub(crate) input: Vec<u8>,
    /// How much of the front of `input` the engine has been shown.
    shown: usize,
    /// Plaintext that came before the handshake ended (a server may send some early).
    pub(crate) opened: Vec<u8>,
    inlet: HandshakeInput,
}

/// Why a handshake ended without a connection.
pub(crate) enum RustlsHandshakeError {
    /// The engine reports an error. Holds its last bytes for the peer, not sent yet.
    Engine(rustls::Error, Vec<u8>),
    /// The socket failed.
    Socket(io::Error),
    /// The peer sent more than any handshake needs.
    TooMuchInput,
}

enum RustlsStep {
    Done,
    NeedMore,
    Broken(rustls::Error),
}

impl RustlsHandshake {
    /// Begins with the bytes of a peeked hello. The engine is shown them at once, as no handshake ends with a hello.
    pub(crate) fn with_hello(input: Vec<u8>) -> RustlsHandshake {
        RustlsHandshake { inlet: HandshakeInput::after(input.len()), shown: input.len(), input, opened: Vec::new() }
    }

    /// Runs until application data may flow both ways.
    pub(crate) async fn run<C: RustlsConnection>(
        &mut self,
        tcp: &mut TcpStream,
        connection: &mut C,
    ) -> Result<(), RustlsHandshakeError> {
        loop {
            let mut output = Vec::new();
            let step = self.advance(connection, &mut output);
            if let RustlsStep::Broken(error) = step {
                let shown = self.input.get_mut(..self.shown).unwrap_or_default();
                last_words(connection, shown, &mut output);
                return Err(RustlsHandshakeError::Engine(error, output));
            }
            if !output.is_empty() {
                tcp.write_all(&output).await.map_err(RustlsHandshakeError::Socket)?;
                drop(output);
            }
            if let RustlsStep::Done = step {
                return Ok(());
            }
            self.read_more(tcp).await?;
        }
    }

    /// Does what can be done without the socket.
    fn advance<C: RustlsConnection>(&mut self, connection: &mut C, output: &mut Vec<u8>) -> RustlsStep {
        loop {
            let shown = self.input.get_mut(..self.shown).unwrap_or_default();
            let UnbufferedStatus { discard, state } = connection.process(shown);
            let step = match state {
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    append(&mut data, output);
                    None
                }
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    None
                }
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(Ok(record)) = traffic.next_record() {
                        self.opened.extend_from_slice(record.payload);
                    }
                    None
                }
                Ok(ConnectionState::BlockedHandshake) => Some(RustlsStep::NeedMore),
                Ok(ConnectionState::WriteTraffic(_)) => Some(RustlsStep::Done),
                // An end, or early data, in a handshake that allows neither.
                Ok(_) => Some(RustlsStep::Broken(rustls::Error::HandshakeNotComplete)),
                Err(error) => Some(RustlsStep::Broken(error)),
            };
            self.input.drain(..discard);
            self.shown = self.shown.saturating_sub(discard);
            match step {
                None => {}
                Some(RustlsStep::NeedMore) if self.show_more() => {}
                Some(step) => return step,
            }
        }
    }

    /// Shows the engine one record more, where there is one.
    fn show_more(&mut self) -> bool {
        let before = self.shown;
        self.shown = match front_record(self.input.get(self.shown..).unwrap_or_default()) {
            NextRecord::Whole(record) => self.shown + record.total_bytes,
            NextRecord::Partial => self.shown,
            // The engine reports what is wrong.
            NextRecord::NoRecord => self.input.len(),
        };
        self.shown > before
    }

    async fn read_more(&mut self, tcp: &TcpStream) -> Result<(), RustlsHandshakeError> {
        let bytes = self.inlet.read_more(tcp).await.map_err(|error| match error {
            HandshakeInputError::Socket(error) => RustlsHandshakeError::Socket(error),
            HandshakeInputError::TooMuch => RustlsHandshakeError::TooMuchInput,
        })?;
        self.input.extend_from_slice(&bytes);
        Ok(())
    }
}

/// Reads from a socket what a handshake may have, and no more.
#[derive(Default)]
pub(crate) struct HandshakeInput {
    /// Read from the socket in all.
    bytes_in: usize,
}

/// Why there is no more input.
pub(crate) enum HandshakeInputError {
    /// The socket failed.
    Socket(io::Error),
    /// The peer sent more than any handshake needs.
    TooMuch,
}

impl HandshakeInput {
    /// So much was read before.
    pub(crate) fn after(bytes_in: usize) -> HandshakeInput {
        HandshakeInput { bytes_in }
    }

    pub(crate) async fn read_more(&mut self, tcp: &TcpStream) -> Result<Vec<u8>, HandshakeInputError> {
        loop {
            tcp.readable().await.map_err(HandshakeInputError::Socket)?;
            let room = HANDSHAKE_INPUT_BYTES_MAX.saturating_sub(self.bytes_in).min(READ_BYTES);
            if room == 0 {
                return Err(HandshakeInputError::TooMuch);
            }
            match self.read_some(tcp, room) {
                Ok(bytes) if bytes.is_empty() => {
                    return Err(HandshakeInputError::Socket(io::ErrorKind::UnexpectedEof.into()));
                }
                Ok(bytes) => return Ok(bytes),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(HandshakeInputError::Socket(error)),
            }
        }
    }

    /// Not async, so that its buffer is no part of the waiting task.
    fn read_some(&mut self, tcp: &TcpStream, room: usize) -> io::Result<Vec<u8>> {
        let mut buffer = [0; READ_BYTES];
        let buffer = buffer.get_mut(..room).unwrap_or_default();
        let length = tcp.try_read(buffer)?;
        self.bytes_in += length;
        Ok(buffer.get(..length).unwrap_or_default().to_vec())
    }
}

/// After an error, takes the engine's last bytes for the peer: an alert, and what was queued before it.
///
/// `input` must be what the engine saw at the error, less what it discarded: it may refer to messages in there.
pub(crate) fn last_words<C: RustlsConnection>(connection: &mut C, input: &mut [u8], output: &mut Vec<u8>) {
    let mut at = 0;
    // What is queued at an error is one flight at most and the alert.
    for _ in 0..8 {
        let UnbufferedStatus { discard, state } = connection.process(input.get_mut(at..).unwrap_or_default());
        let Ok(ConnectionState::EncodeTlsData(mut data)) = state else { return };
        let start = output.len();
        append(&mut data, output);
        at += discard;
        // Nothing follows an alert; and to ask on would have the engine look at the input again.
        if output.get(start..).is_some_and(is_alert) {
            return;
        }
    }
}

/// Appends what rustls wants to send.
pub(crate) fn append<D>(data: &mut EncodeTlsData<'_, D>, output: &mut Vec<u8>) {
    let start = output.len();
    let mut room = 512;
    // The first answer names the size; the second try has it.
    for _ in 0..2 {
        output.resize(start + room, 0);
        match data.encode(output.get_mut(start..).unwrap_or_default()) {
            Ok(written) => {
                output.truncate(start + written);
                return;
            }
            Err(EncodeError::InsufficientSize(needed)) => room = needed.required_size,
            Err(EncodeError::AlreadyEncoded) => break,
        }
    }
    output.truncate(start);
}

/// The alert in a record in the clear, if that is what it is.
pub(crate) fn alert_in_the_clear(record: &[u8]) -> Option<crate::alert::Alert> {
    match record {
        [ALERT, 3, _, 0, 2, _, description] => Some(crate::alert::Alert(*description)),
        _ => None,
    }
}

fn is_alert(record: &[u8]) -> bool {
    // In TLS 1.3 the type is encrypted; level, description, inner type and tag have a length that no other message of
    // ours has (a key update is 5 bytes and not 2, Finished 36 and more).
    matches!(record, [ALERT, ..]) || (matches!(record, [APPLICATION_DATA, ..]) && record.len() == 5 + 2 + 1 + 16)
}

/// A record's header.
#[derive(Clone, Copy)]
pub(crate) struct RecordHeader {
    #[cfg_attr(not(feature = "legacy-tls"), expect(dead_code, reason = "only OpenSSL's records are looked at by it"))]
    pub(crate) kind: u8,
    /// Header and body.
    pub(crate) total_bytes: usize,
}

/// What lies at the front of a stream of records.
pub(crate) enum NextRecord {
    Whole(RecordHeader),
    Partial,
    /// Something that is no TLS record.
    NoRecord,
}

/// Looks at the next record's header.
pub(crate) fn front_record(bytes: &[u8]) -> NextRecord {
    let Some(&[kind, major, _, high, low]) = bytes.first_chunk::<RECORD_HEADER_BYTES>() else {
        return NextRecord::Partial;
    };
    let body_bytes = usize::from(u16::from_be_bytes([high, low]));
    if major != 3 || !RECORD_KINDS.contains(&kind) || body_bytes > RECORD_BODY_BYTES_MAX {
        return NextRecord::NoRecord;
    }
    let total_bytes = RECORD_HEADER_BYTES + body_bytes;
    if bytes.len() < total_bytes { NextRecord::Partial } else { NextRecord::Whole(RecordHeader { kind, total_bytes }) }
}

pub(crate) const APPLICATION_DATA: u8 = 23;
pub(crate) const HANDSHAKE: u8 = 22;
pub(crate) const ALERT: u8 = 21;
/// Type, version and length (RFC 8446 §5.1).
pub(crate) const RECORD_HEADER_BYTES: usize = 5;
/// RFC 5246 §6.2.3 allows 2^14 + 2048; TLS 1.3 less, which the engine checks.
pub(crate) const RECORD_BODY_BYTES_MAX: usize = (1 << 14) + 2048;
/// change_cipher_spec, alert, handshake, application_data.
pub(crate) const RECORD_KINDS: std::ops::RangeInclusive<u8> = 20..=23;
/// A certificate chain of the usual size in one read.
const READ_BYTES: usize = 4096;
