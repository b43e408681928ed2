//! TLS records of an established connection, sans-I/O: the shape of `ravelin_relay::Codec`, which the crate `ravelin`
//! implements over it in one line a method.

/// One established TLS connection without its socket.
pub struct Records {}

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
    /// See `ravelin_relay::Codec::open`.
    ///
    /// # Errors
    /// The stream must end; `reply` may hold the alert.
    pub fn open(&mut self, input: &mut [u8], plaintext: &mut [u8], reply: &mut Vec<u8>) -> Result<Opened, RecordsError> {
        let _ = (input, plaintext, reply);
        Ok(Opened::default())
    }
    /// See `ravelin_relay::Codec::seal`.
    ///
    /// # Errors
    /// Key limit, or a broken connection.
    pub fn seal(&mut self, plaintext: &[u8], output: &mut [u8]) -> Result<Sealed, RecordsError> {
        let _ = (plaintext, output);
        Ok(Sealed::default())
    }
    /// Appends close_notify.
    pub fn seal_end(&mut self, output: &mut Vec<u8>) {
        let _ = output;
    }
    /// The most bytes that sealing `plaintext_len` bytes can need.
    pub fn sealed_len_max(&self, plaintext_len: usize) -> usize {
        plaintext_len
    }
}
