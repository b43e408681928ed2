//! The large buffers, one set a thread. A tunnel uses them between one read and one write and never across a wait, so
//! ten thousand tunnels need no more of them than one does.

use crate::unsent::Piece;
use std::cell::Cell;
use std::ops::{Deref, DerefMut};

/// The most bytes taken from a socket in one read. It is also the bound on what a stalled tunnel holds, which shall be
/// 64 KiB. Fewer, larger transfers save system calls; but Linux carries at most 64 KiB as one packet inside, so that
/// what is read, sealed and written in one go should stay below that. Measured (docs/decisions/0009-size-of-reads.md):
/// larger reads cost up to 70 % more CPU per GiB towards the client, 32 KiB up to twice as much towards the server.
pub(crate) const READ_MAX: usize = 56 * 1024;

/// Room for one largest record more: 2^14 plaintext, 2^11 of expansion and a header of 5 (RFC 5246 §6.2.3), rounded
/// up. A codec that asks for a whole record's room in `plaintext` always has it, and what was read still fits its
/// output once headers and tags are added.
pub(crate) const RECORD_ROOM: usize = 20 * 1024;

const BUFFER_LEN: usize = READ_MAX + RECORD_ROOM;

/// What a thread's tunnels share.
pub(crate) struct Buffers {
    /// Socket bytes: first what was read, then, once that is opened or sealed in place, what is to be written. One buffer
    /// for both keeps the working set in the second-level cache.
    pub(crate) wire: Box<[u8]>,
    /// Between opening and sealing.
    pub(crate) plaintext: Apart,
    /// Answers of the protocol itself, on their way to the side that caused them.
    pub(crate) reply: Vec<u8>,
    /// What `wire` holds, while it is being sealed.
    pub(crate) pieces: Vec<Piece>,
}

impl Buffers {
    pub(crate) fn new() -> Self {
        let wire = vec![0; BUFFER_LEN].into_boxed_slice();
        Self { plaintext: Apart::new(BUFFER_LEN, &wire), wire, reply: Vec::new(), pieces: Vec::new() }
    }
}

/// Memory half a page away from other memory, counted from the starts of their pages.
///
/// A processor takes a read for one of what it is just writing where both addresses agree in their last twelve bits, and waits.
/// What is copied or sealed from here to there reads and writes in step: measured on an AMD EPYC, copies are 18 times as slow
/// where the two buffers differ by a record's header (2.8 instead of 50 GB/s), and allocators hand out just such buffers.
pub(crate) struct Apart {
    memory: Box<[u8]>,
    from: usize,
}

impl Apart {
    fn new(len: usize, other: &[u8]) -> Self {
        let memory = vec![0; len + PAGE].into_boxed_slice();
        let from = (other.as_ptr().addr() + PAGE / 2).wrapping_sub(memory.as_ptr().addr()) % PAGE;
        Self { memory, from }
    }

    fn range(&self) -> std::ops::Range<usize> {
        self.from..self.from + self.memory.len() - PAGE
    }
}

impl Deref for Apart {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.memory.get(self.range()).unwrap_or_default()
    }
}

impl DerefMut for Apart {
    fn deref_mut(&mut self) -> &mut [u8] {
        let range = self.range();
        self.memory.get_mut(range).unwrap_or_default()
    }
}

/// Of every processor that Linux runs on here; where pages are larger, it does no harm.
const PAGE: usize = 4096;

/// Lends this thread's buffers. They are taken out while they are lent: should `work` panic, the next tunnel gets new
/// ones, and no half-used state.
pub(crate) fn with_buffers<R>(work: impl FnOnce(&mut Buffers) -> R) -> R {
    let mut buffers = SHARED.try_with(Cell::take).ok().flatten().unwrap_or_else(|| Box::new(Buffers::new()));
    let result = work(&mut buffers);
    // A thread that is being torn down has no place to put them back to, and no further use for them.
    let _ = SHARED.try_with(|shared| shared.set(Some(buffers)));
    result
}

thread_local! {
    static SHARED: Cell<Option<Box<Buffers>>> = const { Cell::new(None) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plaintext_lies_half_a_page_away_from_the_wire_and_is_as_long() {
        for length in [1, 4_096, BUFFER_LEN, BUFFER_LEN + 17] {
            let wire = vec![0; length].into_boxed_slice();
            let mut plaintext = Apart::new(BUFFER_LEN, &wire);
            assert_eq!(plaintext.len(), BUFFER_LEN);
            assert_eq!(plaintext.as_ptr().addr().wrapping_sub(wire.as_ptr().addr()) % PAGE, PAGE / 2);
            plaintext.fill(7);
            assert!(plaintext.iter().all(|byte| *byte == 7));
        }
    }
}
