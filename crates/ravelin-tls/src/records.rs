//! TLS records of an established connection, sans-I/O: the shape of `ravelin_relay::Codec`, which the crate `ravelin`
//! implements over it in one line a method.
//!
//! - Nothing but keys and counters is held between two calls; what comes in is decrypted in place, one record a time.
//! - After the handshake nothing but data, key updates (TLS 1.3) and alerts is taken. An attempt to renegotiate, or a
//!   handshake message in pieces, ends the connection (robustness rule 10; CVE-2009-3555).
//! - A peer's key update is answered in front of the next record that is sealed (RFC 8446 §4.6.3 asks no more), so
//!   `reply` holds alerts only. rustls allows 32 key updates, and 32 empty records, without data between them.

use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncryptError, UnbufferedStatus};
use rustls::{CommonState, ProtocolVersion};

use crate::connection::{
    APPLICATION_DATA, Connection, Front, RECORD_HEADER_BYTES, Record, append, front_record, last_words,
};
#[cfg(feature = "legacy-tls")]
use crate::engine::openssl;

/// One established TLS connection without its socket.
pub struct Records {
    engine: Engine,
    /// What sealing adds to the body of a record.
    overhead: usize,
    /// TLS 1.2 has no key updates: what the engine answers there of its own is a refusal to renegotiate.
    tls13: bool,
    /// The peer sent close_notify.
    ended: bool,
    /// Nothing may be opened or sealed any more: why.
    broken: Option<String>,
    /// The key may seal no more. rustls made close_notify its last record, kept here until it is asked for.
    last_record: Option<Vec<u8>>,
}

// Boxed: a tunnel's task stays small, and whoever holds `Records` moves a pointer.
enum Engine {
    Server(Box<UnbufferedServerConnection>),
    Client(Box<UnbufferedClientConnection>),
    #[cfg(feature = "legacy-tls")]
    OpenSsl(Box<openssl::Session>),
}

/// See `ravelin_relay::Opened`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Opened {
    /// Bytes of input done with.
    pub consumed: usize,
    /// Plaintext written.
    pub produced: usize,
    /// The peer sent close_notify.
    pub ended: bool,
}

/// See `ravelin_relay::Sealed`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Sealed {
    /// Plaintext done with.
    pub consumed: usize,
    /// Output written.
    pub produced: usize,
}

/// See `ravelin_relay::CodecError`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RecordsError {
    /// The peer broke the protocol, or sent a fatal alert.
    Broken(String),
    /// The key may seal no more records.
    KeyLimit,
}

impl Records {
    pub(crate) fn server(connection: UnbufferedServerConnection) -> Records {
        let (overhead, tls13) = shape(&connection);
        Records::new(Engine::Server(Box::new(connection)), overhead, tls13)
    }

    pub(crate) fn client(connection: UnbufferedClientConnection) -> Records {
        let (overhead, tls13) = shape(&connection);
        Records::new(Engine::Client(Box::new(connection)), overhead, tls13)
    }

    /// Either side; its handshake is over.
    #[cfg(feature = "legacy-tls")]
    pub(crate) fn openssl(session: openssl::Session) -> Records {
        let overhead = session.overhead();
        Records::new(Engine::OpenSsl(Box::new(session)), overhead, false)
    }

    fn new(engine: Engine, overhead: usize, tls13: bool) -> Records {
        Records { engine, overhead, tls13, ended: false, broken: None, last_record: None }
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
    ) -> Result<Opened, RecordsError> {
        self.check()?;
        if self.ended {
            // What follows close_notify is ignored (RFC 8446 §6.1).
            return Ok(Opened { consumed: input.len(), produced: 0, ended: true });
        }
        let shape = (self.overhead, self.tls13);
        let opened = match &mut self.engine {
            Engine::Server(connection) => open(connection.as_mut(), shape, input, plaintext, reply),
            Engine::Client(connection) => open(connection.as_mut(), shape, input, plaintext, reply),
            #[cfg(feature = "legacy-tls")]
            Engine::OpenSsl(session) => session.open(input, plaintext, reply),
        };
        let mut opened = opened.map_err(|why| self.break_off(why))?;
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
    pub fn seal(&mut self, plaintext: &[u8], output: &mut [u8]) -> Result<Sealed, RecordsError> {
        self.check()?;
        if self.last_record.is_some() {
            return Err(RecordsError::KeyLimit);
        }
        let overhead = self.overhead;
        let (sealed, stopped) = match &mut self.engine {
            Engine::Server(connection) => seal(connection.as_mut(), overhead, plaintext, output),
            Engine::Client(connection) => seal(connection.as_mut(), overhead, plaintext, output),
            #[cfg(feature = "legacy-tls")]
            Engine::OpenSsl(session) => match session.seal(plaintext, output) {
                Ok(sealed) => (sealed, None),
                Err(why) => return Err(self.break_off(why)),
            },
        };
        let error = match stopped {
            None => return Ok(sealed),
            Some(Stop::KeyLimit) => {
                let mut last_record = Vec::new();
                self.seal_end(&mut last_record);
                self.last_record = Some(last_record);
                RecordsError::KeyLimit
            }
            Some(Stop::Closed) => self.break_off("sealed after the end".to_owned()),
        };
        // What was sealed before must go out; the next call tells.
        if sealed.consumed > 0 { Ok(sealed) } else { Err(error) }
    }

    /// Appends close_notify; nothing where an alert has ended the connection, or close_notify was sealed before.
    pub fn seal_end(&mut self, output: &mut Vec<u8>) {
        if self.broken.is_some() {
            return;
        }
        if let Some(last_record) = &mut self.last_record {
            return output.append(last_record);
        }
        match &mut self.engine {
            Engine::Server(connection) => seal_end(connection.as_mut(), output),
            Engine::Client(connection) => seal_end(connection.as_mut(), output),
            #[cfg(feature = "legacy-tls")]
            Engine::OpenSsl(session) => session.seal_end(output),
        }
    }

    fn check(&self) -> Result<(), RecordsError> {
        self.broken.clone().map_or(Ok(()), |why| Err(RecordsError::Broken(why)))
    }

    fn break_off(&mut self, why: String) -> RecordsError {
        self.broken = Some(why.clone());
        RecordsError::Broken(why)
    }

    /// The most bytes that sealing `plaintext_len` bytes can need.
    pub fn sealed_len_max(&self, plaintext_len: usize) -> usize {
        let records = plaintext_len.div_ceil(RECORD_PLAINTEXT_BYTES_MAX).max(1);
        plaintext_len + records * (RECORD_HEADER_BYTES + self.overhead) + KEY_UPDATES_BYTES_MAX
    }
}

fn open<C: Connection>(
    connection: &mut C,
    (overhead, tls13): (usize, bool),
    input: &mut [u8],
    plaintext: &mut [u8],
    reply: &mut Vec<u8>,
) -> Result<Opened, String> {
    let mut opened = Opened::default();
    loop {
        let rest = input.get_mut(opened.consumed..).unwrap_or_default();
        let shown = match front_record(rest) {
            Front::Partial => return Ok(opened),
            Front::Whole(record) if needs(record, overhead) > plaintext.len() - opened.produced => return Ok(opened),
            // One record and no more: the next may need more room than is left.
            Front::Whole(record) => record.total_bytes,
            Front::NoRecord => rest.len(),
        };
        let record = rest.get_mut(..shown).unwrap_or_default();
        let answered_before = reply.len();
        let mut discarded = 0;
        loop {
            let rest = record.get_mut(discarded..).unwrap_or_default();
            let UnbufferedStatus { discard, state } = connection.process(rest);
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(Ok(data)) = traffic.next_record() {
                        let end = opened.produced + data.payload.len();
                        let Some(room) = plaintext.get_mut(opened.produced..end) else {
                            return Err("a record held more than its length allows".to_owned());
                        };
                        room.copy_from_slice(data.payload);
                        opened.produced = end;
                    }
                    discarded += discard;
                    if discarded == shown {
                        break;
                    }
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    append(&mut data, reply);
                    discarded += discard;
                }
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    discarded += discard;
                }
                Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => {
                    opened.consumed += discarded + discard;
                    opened.ended = true;
                    return Ok(opened);
                }
                Ok(ConnectionState::WriteTraffic(_)) => {
                    discarded += discard;
                    break;
                }
                Ok(_) => return Err("back in the handshake".to_owned()),
                Err(error) => {
                    let rest = record.get_mut(discarded + discard..).unwrap_or_default();
                    last_words(connection, rest, reply);
                    return Err(describe(&error));
                }
            }
        }
        if !tls13 && reply.len() > answered_before {
            return Err("tried to renegotiate".to_owned());
        }
        if discarded < shown {
            return Err("a handshake message in pieces after the handshake".to_owned());
        }
        opened.consumed += discarded;
    }
}

/// The plaintext room that a record can need: its type and its padding are not known before it is decrypted.
fn needs(record: Record, overhead: usize) -> usize {
    let body = record.total_bytes - RECORD_HEADER_BYTES;
    match record.kind {
        APPLICATION_DATA => body.saturating_sub(overhead).min(RECORD_PLAINTEXT_BYTES_MAX),
        _ => 0,
    }
}

enum Stop {
    KeyLimit,
    Closed,
}

fn seal<C: Connection>(
    connection: &mut C,
    overhead: usize,
    plaintext: &[u8],
    output: &mut [u8],
) -> (Sealed, Option<Stop>) {
    let mut sealed = Sealed::default();
    loop {
        let rest = plaintext.get(sealed.consumed..).unwrap_or_default();
        let room = output.get_mut(sealed.produced..).unwrap_or_default();
        let fits = room.len().saturating_sub(RECORD_HEADER_BYTES + overhead + KEY_UPDATES_BYTES_MAX);
        let wanted = rest.len().min(RECORD_PLAINTEXT_BYTES_MAX);
        // A record is cut short for want of room only where nothing would move otherwise.
        let length = if fits >= wanted || sealed.produced == 0 { wanted.min(fits) } else { 0 };
        let Some(piece) = rest.get(..length).filter(|piece| !piece.is_empty()) else { return (sealed, None) };
        let UnbufferedStatus { state, .. } = connection.process(&mut []);
        match state {
            Ok(ConnectionState::WriteTraffic(mut traffic)) => match traffic.encrypt(piece, room) {
                Ok(written) => {
                    sealed.consumed += piece.len();
                    sealed.produced += written;
                }
                Err(EncryptError::InsufficientSize(_)) => return (sealed, None),
                Err(EncryptError::EncryptExhausted) => return (sealed, Some(Stop::KeyLimit)),
            },
            // Nothing but key updates of our own can be queued here, and room for them was kept.
            Ok(ConnectionState::EncodeTlsData(mut data)) => match data.encode(room) {
                Ok(written) => sealed.produced += written,
                Err(_) => return (sealed, Some(Stop::Closed)),
            },
            Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
            Ok(_) | Err(_) => return (sealed, Some(Stop::Closed)),
        }
    }
}

fn seal_end<C: Connection>(connection: &mut C, output: &mut Vec<u8>) {
    // A queued record or two, the news of an end, and close_notify.
    for _ in 0..8 {
        let UnbufferedStatus { state, .. } = connection.process(&mut []);
        match state {
            Ok(ConnectionState::EncodeTlsData(mut data)) => append(&mut data, output),
            Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
            Ok(ConnectionState::PeerClosed) => {}
            Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                let start = output.len();
                let mut room = 64;
                for _ in 0..2 {
                    output.resize(start + room, 0);
                    match traffic.queue_close_notify(output.get_mut(start..).unwrap_or_default()) {
                        Ok(written) => return output.truncate(start + written),
                        Err(EncryptError::InsufficientSize(needed)) => room = needed.required_size,
                        Err(EncryptError::EncryptExhausted) => break,
                    }
                }
                return output.truncate(start);
            }
            Ok(_) | Err(_) => return,
        }
    }
}

/// What a record's protection adds to it, and whether this is TLS 1.3.
fn shape(connection: &CommonState) -> (usize, bool) {
    const TAG: usize = 16;
    if connection.protocol_version() == Some(ProtocolVersion::TLSv1_3) {
        const INNER_TYPE: usize = 1;
        return (TAG + INNER_TYPE, true);
    }
    // RFC 5288: AES-GCM sends half its nonce with every record; ChaCha20-Poly1305 (RFC 7905) none of it.
    let chacha = connection
        .negotiated_cipher_suite()
        .and_then(|suite| suite.suite().as_str())
        .is_some_and(|name| name.contains("CHACHA20"));
    (if chacha { TAG } else { 8 + TAG }, false)
}

/// An engine's error in words, escaped and bounded: some carry what the peer wrote.
pub(crate) fn describe(error: &rustls::Error) -> String {
    ravelin_policy::escape(&error.to_string())
}

/// RFC 8446 §5.1.
pub(crate) const RECORD_PLAINTEXT_BYTES_MAX: usize = 1 << 14;
/// The answer to a peer's key update and one of our own may precede a record: 5 + 5 + 1 + 16 bytes each.
const KEY_UPDATES_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests;
