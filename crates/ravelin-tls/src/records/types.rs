//! What opening and sealing records come to.

/// See `ravelin_relay::OpenProgress`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct OpenedRecords {
    /// Bytes of input done with.
    pub consumed: usize,
    /// Plaintext written.
    pub produced: usize,
    /// The peer sent close_notify.
    pub ended: bool,
}

/// See `ravelin_relay::SealProgress`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SealedRecords {
    /// Plaintext done with.
    pub consumed: usize,
    /// Output written.
    pub produced: usize,
}

/// See `ravelin_relay::Frame`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RecordFrame {
    /// Header, and in TLS 1.2 with AES-GCM the explicit nonce.
    pub front: usize,
    /// Tag, and in TLS 1.3 the type.
    pub back: usize,
}

/// See `ravelin_relay::CodecError`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RecordsError {
    /// The peer broke the protocol, or sent a fatal alert.
    Broken(String),
    /// The key may seal no more records.
    KeyLimit,
}

/// RFC 8446 §5.1: a record holds at most 2^14 bytes of plaintext.
pub(crate) const RECORD_PLAINTEXT_BYTES_MAX: usize = 1 << 14;
