//! A record protocol in TLS's shape and without its keys: a header and a trailer, a marked end, alerts, answers to key
//! updates, a key limit, and a check that notices a lost, doubled or reordered byte.

use crate::outlet::PIECE_MAX;
use crate::{Codec, CodecError, Frame, OpenProgress, SealProgress};

#[derive(Clone, Debug)]
pub(crate) struct Toy {
    pub(crate) payload_max: usize,
    /// Records that may still be sealed, if there is a limit.
    pub(crate) seals_left: Option<u64>,
    sealed: u8,
    opened: u8,
    pub(crate) answers_seen: usize,
}

pub(crate) const DATA: u8 = 0;
pub(crate) const END: u8 = 1;
pub(crate) const UPDATE: u8 = 2;
pub(crate) const ANSWER: u8 = 3;
pub(crate) const ALERT: u8 = 4;

const HEADER: usize = 4;
const TRAILER: &[u8] = b"end";
const OVERHEAD: usize = HEADER + TRAILER.len();

impl Toy {
    pub(crate) fn new(payload_max: usize) -> Self {
        Self { payload_max, seals_left: None, sealed: 0, opened: 0, answers_seen: 0 }
    }

    /// One record of any kind.
    pub(crate) fn record(&mut self, kind: u8, payload: &[u8]) -> Vec<u8> {
        let len = u16::try_from(payload.len()).unwrap().to_be_bytes();
        let mut record = vec![kind, len[0], len[1], check(self.sealed, payload)];
        self.sealed = self.sealed.wrapping_add(1);
        record.extend_from_slice(payload);
        record.extend_from_slice(TRAILER);
        record
    }

    /// Records for all of `plaintext`.
    pub(crate) fn records(&mut self, plaintext: &[u8]) -> Vec<u8> {
        let payload_max = self.payload_max;
        plaintext.chunks(payload_max).flat_map(|payload| self.record(DATA, payload)).collect()
    }
}

impl Codec for Toy {
    fn open(
        &mut self,
        input: &mut [u8],
        plaintext: &mut [u8],
        reply: &mut Vec<u8>,
    ) -> Result<OpenProgress, CodecError> {
        let mut done = OpenProgress::default();
        loop {
            let rest = &input[done.consumed..];
            let Some((&[kind, high, low, tag], rest)) = rest.split_first_chunk::<HEADER>() else { return Ok(done) };
            let len = usize::from(u16::from_be_bytes([high, low]));
            if kind > ALERT {
                if done != OpenProgress::default() {
                    return Ok(done); // The good records first; the next call tells.
                }
                reply.extend(self.record(ALERT, &[]));
                return Err(CodecError::Broken(format!("kind {kind}")));
            }
            let Some((payload, rest)) = rest.split_at_checked(len) else { return Ok(done) };
            let Some(trailer) = rest.get(..TRAILER.len()) else { return Ok(done) };
            assert_eq!(trailer, TRAILER, "a record is longer or shorter than it says");
            let Some(room) = plaintext.get_mut(done.produced..done.produced + len) else { return Ok(done) };
            assert_eq!(
                tag,
                check(self.opened, payload),
                "a byte was lost, doubled or moved before record {}",
                self.opened
            );
            self.opened = self.opened.wrapping_add(1);
            done.consumed += HEADER + len + TRAILER.len();
            match kind {
                DATA => {
                    room.copy_from_slice(payload);
                    done.produced += len;
                }
                END => {
                    done.ended = true;
                    return Ok(done);
                }
                UPDATE => reply.extend(self.record(ANSWER, &[])),
                ANSWER => self.answers_seen += 1,
                _ => return Err(CodecError::Broken("alert".into())),
            }
        }
    }

    fn seal(&mut self, plaintext: &[u8], output: &mut [u8]) -> Result<SealProgress, CodecError> {
        let mut done = SealProgress::default();
        while done.consumed < plaintext.len() && output.len() - done.produced > OVERHEAD {
            if self.seals_left == Some(0) {
                return if done.consumed > 0 { Ok(done) } else { Err(CodecError::KeyLimit) };
            }
            let room = (output.len() - done.produced - OVERHEAD).min(self.payload_max);
            let payload = &plaintext[done.consumed..][..room.min(plaintext.len() - done.consumed)];
            let record = self.record(DATA, payload);
            output[done.produced..][..record.len()].copy_from_slice(&record);
            done.consumed += payload.len();
            done.produced += record.len();
            self.seals_left = self.seals_left.map(|left| left - 1);
        }
        Ok(done)
    }

    fn frame(&self, records: usize) -> Option<Frame> {
        let enough = self.seals_left.is_none_or(|left| left >= records as u64);
        (self.payload_max >= PIECE_MAX && enough).then_some(Frame { front: HEADER, back: TRAILER.len() })
    }

    fn seal_in_place(&mut self, record: &mut [u8]) -> Result<(), CodecError> {
        let sealed = self.record(DATA, &record[HEADER..record.len() - TRAILER.len()]);
        record.copy_from_slice(&sealed);
        self.seals_left = self.seals_left.map(|left| left - 1);
        Ok(())
    }

    fn seal_end(&mut self, output: &mut Vec<u8>) {
        output.extend(self.record(END, &[]));
    }

    fn marks_end(&self) -> bool {
        true
    }

    fn sealed_len_max(&self, plaintext_len: usize) -> usize {
        plaintext_len + plaintext_len.div_ceil(self.payload_max) * OVERHEAD
    }
}

fn check(sequence: u8, payload: &[u8]) -> u8 {
    payload.iter().fold(sequence, |check, byte| check.rotate_left(1) ^ byte)
}
