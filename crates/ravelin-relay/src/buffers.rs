//! The large buffers, one set a thread. A tunnel uses them between one read and one write and never across a wait, so
//! ten thousand tunnels need no more of them than one does.

use crate::unsent::Piece;
use std::cell::Cell;

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
    /// Socket bytes: first what was read, then, once that is opened, what is to be written. One buffer for both keeps
    /// the working set in the second-level cache.
    pub(crate) wire: Box<[u8]>,
    /// Between opening and sealing.
    pub(crate) plaintext: Box<[u8]>,
    /// Answers of the protocol itself, on their way to the side that caused them.
    pub(crate) reply: Vec<u8>,
    /// What `wire` holds, while it is being sealed.
    pub(crate) pieces: Vec<Piece>,
}

impl Buffers {
    pub(crate) fn new() -> Self {
        Self {
            wire: vec![0; BUFFER_LEN].into_boxed_slice(),
            plaintext: vec![0; BUFFER_LEN].into_boxed_slice(),
            reply: Vec::new(),
            pieces: Vec::new(),
        }
    }
}

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
