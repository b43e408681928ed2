//! What one side's socket would not take yet, and which plaintext counts once it has.

use std::collections::VecDeque;

/// A stretch of sealed bytes and the plaintext in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Piece {
    plain: usize,
    sealed: usize,
    /// Sealing changed no length: every byte counts by itself. Otherwise all count when the last is taken.
    by_byte: bool,
}

impl Piece {
    pub(crate) fn new(plain: usize, sealed: usize) -> Self {
        Self { plain, sealed, by_byte: plain == sealed }
    }

    /// The socket took `written` bytes that begin with this piece. Returns the bytes that belong to later pieces and
    /// the plaintext that is thereby handed over.
    pub(crate) fn take(&mut self, written: usize) -> (usize, usize) {
        if written >= self.sealed {
            let beyond = written - self.sealed;
            self.sealed = 0;
            return (beyond, std::mem::take(&mut self.plain));
        }
        self.sealed -= written;
        if self.by_byte {
            self.plain -= written;
            return (0, written);
        }
        (0, 0)
    }

    fn is_taken(&self) -> bool {
        self.sealed == 0
    }
}

/// SealProgress bytes in the order in which they must go out. Empty, it holds no memory.
#[derive(Debug, Default)]
pub(crate) struct Unsent {
    bytes: Vec<u8>,
    taken: usize,
    pieces: VecDeque<Piece>,
    reply_bytes: usize,
}

impl Unsent {
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The bytes to write next.
    pub(crate) fn rest(&self) -> &[u8] {
        self.bytes.get(self.taken..).unwrap_or_default()
    }

    /// Protocol answers that wait among the bytes.
    pub(crate) fn reply_bytes(&self) -> usize {
        self.reply_bytes
    }

    /// Keeps what a write left over. `pieces` describe `bytes` exactly.
    pub(crate) fn keep(&mut self, bytes: &[u8], pieces: &[Piece]) {
        self.bytes.extend_from_slice(bytes);
        self.pieces.extend(pieces.iter().filter(|piece| !piece.is_taken()));
    }

    /// Queues bytes that carry no plaintext: answers of the protocol, the mark of the end.
    pub(crate) fn queue_reply(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.bytes.extend_from_slice(bytes);
            self.pieces.push_back(Piece::new(0, bytes.len()));
            self.reply_bytes += bytes.len();
        }
    }

    /// The socket took `written` bytes. Returns the plaintext that is thereby handed over.
    pub(crate) fn take(&mut self, mut written: usize) -> usize {
        self.taken += written;
        let mut handed = 0;
        while let Some(piece) = self.pieces.front_mut() {
            let (beyond, plain) = piece.take(written);
            handed += plain;
            if !piece.is_taken() {
                break;
            }
            self.pieces.pop_front();
            written = beyond;
        }
        if self.taken >= self.bytes.len() {
            *self = Self::default();
        }
        handed
    }

    /// User memory held, for tests of the bound.
    #[cfg(test)]
    pub(crate) fn memory(&self) -> usize {
        self.bytes.capacity() + self.pieces.capacity() * size_of::<Piece>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plaintext_counts_when_its_sealed_form_is_taken_whole() {
        // 10 bytes sealed to 14, a reply of 5, 20 sealed to 24; written in steps.
        let records = [Piece::new(10, 14), Piece::new(0, 5), Piece::new(20, 24)];
        let plain = [Piece::new(10, 10), Piece::new(0, 5), Piece::new(20, 20)];
        for (case, pieces, steps, expected) in [
            ("whole", records, vec![43], vec![30]),
            ("one byte short of a record", records, vec![13, 1, 28, 1], vec![0, 10, 0, 20]),
            ("what is left equals the plaintext", records, vec![4, 10, 29], vec![0, 10, 20]),
            ("across a reply", records, vec![16, 27], vec![10, 20]),
            ("plain, byte by byte", plain, vec![1, 9, 5, 19, 1], vec![1, 9, 0, 19, 1]),
        ] {
            let mut unsent = Unsent::default();
            unsent.keep(&vec![0; pieces.iter().map(|piece| piece.sealed).sum()], &pieces);
            let handed: Vec<usize> = steps.into_iter().map(|step| unsent.take(step)).collect();
            assert_eq!(handed, expected, "{case}");
            assert!(unsent.is_empty(), "{case}");
            assert_eq!(unsent.memory(), 0, "{case}: an empty queue holds nothing");
        }
    }

    #[test]
    fn replies_wait_behind_what_was_sealed_before_them() {
        let mut unsent = Unsent::default();
        unsent.keep(b"record", &[Piece::new(2, 6)]);
        unsent.queue_reply(b"answer");
        assert_eq!(unsent.rest(), b"recordanswer");
        assert_eq!(unsent.reply_bytes(), 6);
        assert_eq!(unsent.take(6), 2);
        assert_eq!(unsent.rest(), b"answer");
        assert_eq!(unsent.take(6), 0);
        assert_eq!(unsent.reply_bytes(), 0);
    }
}
