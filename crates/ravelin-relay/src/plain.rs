//! A side without TLS.

use crate::codec::{Codec, CodecError, OpenProgress, SealProgress};

/// Plain TCP: bytes travel as they are, and the end of the stream is FIN.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainCodec;

impl Codec for PlainCodec {
    fn open(
        &mut self,
        input: &mut [u8],
        plaintext: &mut [u8],
        _reply: &mut Vec<u8>,
    ) -> Result<OpenProgress, CodecError> {
        let count = copy(input, plaintext);
        Ok(OpenProgress { consumed: count, produced: count, ended: false })
    }

    fn seal(&mut self, plaintext: &[u8], output: &mut [u8]) -> Result<SealProgress, CodecError> {
        let count = copy(plaintext, output);
        Ok(SealProgress { consumed: count, produced: count })
    }

    fn seal_end(&mut self, _output: &mut Vec<u8>) {}

    fn marks_end(&self) -> bool {
        false
    }

    fn passes_through(&self) -> bool {
        true
    }

    fn sealed_len_max(&self, plaintext_len: usize) -> usize {
        plaintext_len
    }
}

/// Copies as much as fits and returns how much that was.
fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let count = from.len().min(to.len());
    if let (Some(to), Some(from)) = (to.get_mut(..count), from.get(..count)) {
        to.copy_from_slice(from);
    }
    count
}
