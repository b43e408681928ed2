//! How bytes travel on one side of a tunnel: as they are, or in TLS records.

/// Turns one side's socket bytes into plaintext and back. Sans-I/O; called on the hot path with buffers that a relay
/// thread shares between its tunnels, so an implementation holds no data between calls but keys and counters.
pub trait Codec: Send {
    /// Opens whole records from the front of `input` (in place where it likes) and writes their plaintext to
    /// `plaintext`. Stops at a partial record, when `plaintext` has no room for the next record, or at the end of the
    /// stream. Bytes that the protocol itself must answer (a key update) are appended to `reply`; the relay sends them
    /// to this side's socket before anything that is sealed later.
    ///
    /// # Errors
    /// The stream is broken and must end; `reply` may hold the alert to send.
    fn open(&mut self, input: &mut [u8], plaintext: &mut [u8], reply: &mut Vec<u8>)
    -> Result<OpenProgress, CodecError>;

    /// Seals from the front of `plaintext` into `output` as many records as fit.
    ///
    /// # Errors
    /// [`CodecError::KeyLimit`] when this key may seal no more.
    fn seal(&mut self, plaintext: &[u8], output: &mut [u8]) -> Result<SealProgress, CodecError>;

    /// How the plaintext of the next `records` records must lie to be sealed there by [`Codec::seal_in_place`]; `None`
    /// where this codec copies anyway, or would put something else in front of one of them.
    fn frame(&self, records: usize) -> Option<Frame> {
        let _ = records;
        None
    }

    /// Seals one record where it lies: plaintext, and around it the room of [`Frame`], all of which is written: another
    /// tunnel's bytes may lie there before. Called no more often than [`Codec::frame`] was asked for.
    ///
    /// # Errors
    /// The record cannot be sealed, and the stream must end.
    fn seal_in_place(&mut self, record: &mut [u8]) -> Result<(), CodecError> {
        let _ = record;
        Err(CodecError::Broken("nothing is sealed in place here".into()))
    }

    /// Appends the mark of a clean end (close_notify) to `output`; nothing where the end of TCP is the end.
    fn seal_end(&mut self, output: &mut Vec<u8>);

    /// Whether a clean end has a mark of its own, so that a bare FIN is a cut (TLS) and not an end (plain TCP).
    fn marks_end(&self) -> bool;

    /// Whether opening and sealing change nothing and may be left out: the relay then reads and writes plaintext itself.
    fn passes_through(&self) -> bool {
        false
    }

    /// The most bytes that sealing `plaintext_len` bytes can need.
    fn sealed_len_max(&self, plaintext_len: usize) -> usize;
}

/// What [`Codec::open`] did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct OpenProgress {
    /// Bytes of `input` that are done with.
    pub consumed: usize,
    /// Bytes of `plaintext` that were written.
    pub produced: usize,
    /// The peer marked a clean end; no more plaintext will come.
    pub ended: bool,
}

/// What [`Codec::seal`] did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SealProgress {
    /// Bytes of `plaintext` that are done with.
    pub consumed: usize,
    /// Bytes of `output` that were written.
    pub produced: usize,
}

/// The room that a record takes around its plaintext.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Frame {
    /// Bytes in front.
    pub front: usize,
    /// Bytes behind.
    pub back: usize,
}

/// Why a stream of records cannot go on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CodecError {
    /// The peer broke the protocol, or sent a fatal alert: what, for the record.
    Broken(String),
    /// The key may seal no more records.
    KeyLimit,
}
