//! Why bytes are no ClientHello.

use std::fmt;

use crate::alert::Alert;

/// Why bytes are no ClientHello.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HelloError {
    /// Not even a TLS record: plaintext, SSLv2, noise. No alert would be understood.
    NotTls {
        /// The byte that gave it away.
        byte: u8,
        /// Its place, from 0.
        at: usize,
    },
    /// A TLS record, but not one that a client may begin with.
    UnexpectedRecord(u8),
    /// A handshake message, but not a ClientHello; or something behind the ClientHello in its record.
    UnexpectedMessage(u8),
    /// A record without content.
    EmptyRecord,
    /// A record longer than 2^14 bytes.
    RecordTooLong(usize),
    /// The hello, or what it is wrapped in, is longer than any client's.
    TooLarge,
    /// The hello is cut into more records than any client would.
    TooManyRecords,
    /// A field's length is wrong.
    Malformed(&'static str),
    /// The same extension twice.
    DuplicateExtension(u16),
}

impl HelloError {
    /// The alert for the peer; `None` where it would not understand one.
    pub fn alert(&self) -> Option<Alert> {
        match self {
            HelloError::NotTls { .. } => None,
            HelloError::UnexpectedRecord(_) | HelloError::UnexpectedMessage(_) | HelloError::EmptyRecord => {
                Some(Alert::UNEXPECTED_MESSAGE)
            }
            HelloError::RecordTooLong(_) => Some(Alert::RECORD_OVERFLOW),
            HelloError::TooLarge | HelloError::TooManyRecords | HelloError::Malformed(_) => Some(Alert::DECODE_ERROR),
            HelloError::DuplicateExtension(_) => Some(Alert::ILLEGAL_PARAMETER),
        }
    }
}

impl fmt::Display for HelloError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HelloError::NotTls { byte, at } => write!(f, "not TLS: byte {at} is {byte:#04x}"),
            HelloError::UnexpectedRecord(kind) => write!(f, "began with a TLS record of type {kind}, not a handshake"),
            HelloError::UnexpectedMessage(kind) => write!(f, "handshake message {kind} where a ClientHello belongs"),
            HelloError::EmptyRecord => f.write_str("empty handshake record"),
            HelloError::RecordTooLong(length) => write!(f, "record of {length} bytes, over 2^14"),
            HelloError::TooLarge => f.write_str("ClientHello too large"),
            HelloError::TooManyRecords => f.write_str("ClientHello in too many records"),
            HelloError::Malformed(field) => write!(f, "malformed ClientHello: {field}"),
            HelloError::DuplicateExtension(kind) => write!(f, "malformed ClientHello: extension {kind} twice"),
        }
    }
}

impl std::error::Error for HelloError {}
