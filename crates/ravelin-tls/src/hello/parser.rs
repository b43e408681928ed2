//! Bytes in, a ClientHello out: records are taken off one by one, whatever the cuts.

use super::client_hello::ClientHello;
use super::error::HelloError;
use super::fields;
use crate::wire::HANDSHAKE_INPUT_BYTES_MAX;

/// Collects a ClientHello from any split into segments and records. Sans-I/O.
#[derive(Debug, Default)]
pub struct HelloParser {
    /// All that was pushed, for the engine.
    bytes: Vec<u8>,
    /// Where the next record begins in `bytes`.
    record_start: usize,
    /// How many records have been taken off.
    records: usize,
    /// The handshake message as far as it is there: the records' bodies in a row.
    message: Vec<u8>,
}

/// What a push came to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HelloProgress {
    /// Nothing wrong so far.
    NeedMore,
    /// The hello is whole.
    Complete(ClientHello),
}

impl HelloParser {
    /// Takes the next bytes from the socket. After an error or a complete hello, push no more.
    ///
    /// # Errors
    /// See [`HelloError`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<HelloProgress, HelloError> {
        self.bytes.extend_from_slice(bytes);
        while let Some(body) = self.next_record()? {
            self.message.extend_from_slice(self.bytes.get(body).unwrap_or_default());
            if let Some(hello) = self.whole_message()? {
                return Ok(HelloProgress::Complete(hello));
            }
        }
        if self.bytes.len() > HANDSHAKE_INPUT_BYTES_MAX {
            return Err(HelloError::TooLarge);
        }
        Ok(HelloProgress::NeedMore)
    }

    /// How many bytes were pushed.
    pub fn bytes_read(&self) -> usize {
        self.bytes.len()
    }

    /// All that was pushed, in order.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Takes the next whole record off and returns where its body lies; what is there of its header is judged at once.
    fn next_record(&mut self) -> Result<Option<std::ops::Range<usize>>, HelloError> {
        let rest = self.bytes.get(self.record_start..).unwrap_or_default();
        match rest.first() {
            None => return Ok(None),
            Some(&HANDSHAKE) => {}
            Some(&kind) => {
                // Only the version behind it distinguishes another kind of record from noise.
                return match rest.get(1) {
                    Some(3) if RECORD_KINDS.contains(&kind) => Err(HelloError::UnexpectedRecord(kind)),
                    None if RECORD_KINDS.contains(&kind) => Ok(None),
                    _ => Err(HelloError::NotTls { byte: kind, at: self.record_start }),
                };
            }
        }
        if let Some(&major) = rest.get(1)
            && major != 3
        {
            return Err(HelloError::NotTls { byte: major, at: self.record_start + 1 });
        }
        // The minor version of a record means nothing (RFC 8446 §5.1).
        let Some(&[_, _, _, high, low]) = rest.first_chunk::<RECORD_HEADER_BYTES>() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length == 0 {
            return Err(HelloError::EmptyRecord);
        }
        if length > RECORD_BODY_BYTES_MAX {
            return Err(HelloError::RecordTooLong(length));
        }
        let start = self.record_start + RECORD_HEADER_BYTES;
        let end = start + length;
        if self.bytes.len() < end {
            return Ok(None);
        }
        if self.records == RECORDS_MAX {
            return Err(HelloError::TooManyRecords);
        }
        self.records += 1;
        self.record_start = end;
        Ok(Some(start..end))
    }

    fn whole_message(&self) -> Result<Option<ClientHello>, HelloError> {
        if let Some(&kind) = self.message.first()
            && kind != CLIENT_HELLO
        {
            return Err(HelloError::UnexpectedMessage(kind));
        }
        let Some((&[_, a, b, c], body)) = self.message.split_first_chunk::<MESSAGE_HEADER_BYTES>() else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap_or(usize::MAX);
        if length > HELLO_BYTES_MAX {
            return Err(HelloError::TooLarge);
        }
        match body.split_at_checked(length) {
            None => Ok(None),
            // A client waits for the answer to its hello.
            Some((_, [next, ..])) => Err(HelloError::UnexpectedMessage(*next)),
            Some((hello, [])) => fields::parse(hello).map(Some),
        }
    }
}

/// RFC 8446 §5.1: 2^14 bytes; engines allow no more in the clear.
const RECORD_BODY_BYTES_MAX: usize = 1 << 14;
/// A hello with post-quantum key shares is 2 KiB; with two of them and a padded ECH, 4. A session ticket adds little,
/// as there are none here.
const HELLO_BYTES_MAX: usize = 16 * 1024;
/// A hello of 4 KiB, one byte a record. Each costs 5 bytes of header: more would not fit the input limit much longer.
const RECORDS_MAX: usize = 4096;

/// Type, version and length (RFC 8446 §5.1).
const RECORD_HEADER_BYTES: usize = 5;
/// Type and length of a handshake message (RFC 8446 §4).
const MESSAGE_HEADER_BYTES: usize = 4;
const CLIENT_HELLO: u8 = 1;
const HANDSHAKE: u8 = 22;
/// change_cipher_spec, alert, handshake, application_data, heartbeat.
const RECORD_KINDS: std::ops::RangeInclusive<u8> = 20..=24;
