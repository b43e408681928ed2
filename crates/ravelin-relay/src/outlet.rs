//! What leaves by one side's socket: sealing, the bytes not taken yet, the count of those that were.

use crate::buffers::Buffers;
use crate::codec::{Codec, CodecError};
use crate::transport::Transport;
use crate::unsent::{Piece, Unsent};
use std::io;

/// The writing half of one side.
pub(crate) struct Outlet {
    /// Also opens what comes in: one connection's keys are one object.
    pub(crate) codec: Box<dyn Codec>,
    pub(crate) unsent: Unsent,
    pub(crate) state: Writing,
    /// Plaintext bytes handed to the socket.
    pub(crate) handed: u64,
}

/// How far the writing half has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Writing {
    Open,
    /// The mark of the end is queued.
    Ending,
    /// FIN is sent.
    Shut,
}

/// Why something could not be sent.
#[derive(Debug)]
pub(crate) enum SendError {
    Codec(CodecError),
    Socket(io::Error),
}

impl Outlet {
    pub(crate) fn new(codec: Box<dyn Codec>) -> Self {
        Self { codec, unsent: Unsent::default(), state: Writing::Open, handed: 0 }
    }

    /// Seals from the front of `plaintext` and writes once per buffer of sealed bytes, until the socket takes no more.
    /// Returns how much plaintext is done with: either taken by the socket or kept in sealed form. Nothing may be
    /// unsent from before.
    pub(crate) fn send(
        &mut self,
        transport: &impl Transport,
        plaintext: &[u8],
        wire: &mut [u8],
        pieces: &mut Vec<Piece>,
    ) -> Result<usize, SendError> {
        if self.codec.passes_through() {
            pieces.clear();
            pieces.push(Piece::new(plaintext.len(), plaintext.len()));
            self.write(transport, plaintext, pieces).map_err(SendError::Socket)?;
            return Ok(plaintext.len());
        }
        let mut done = 0;
        while done < plaintext.len() && self.unsent.is_empty() {
            pieces.clear();
            let (consumed, sealed, fault) = self.seal(plaintext.get(done..).unwrap_or_default(), wire, pieces);
            done += consumed;
            // What was sealed goes out even when the key or the buffer has come to its end.
            self.write(transport, wire.get(..sealed).unwrap_or_default(), pieces).map_err(SendError::Socket)?;
            match fault {
                Some(fault) => return Err(SendError::Codec(fault)),
                None if sealed == 0 => return Err(SendError::Codec(CodecError::Broken(NO_PROGRESS.into()))),
                None => {}
            }
        }
        Ok(done)
    }

    /// Writes what is unsent until it is gone or the socket takes no more. Returns whether anything went.
    pub(crate) fn flush(&mut self, transport: &impl Transport) -> io::Result<bool> {
        let mut moved = false;
        while !self.unsent.is_empty() {
            let rest = self.unsent.rest();
            let asked = rest.len();
            let written = write_once(transport, rest)?;
            self.handed += self.unsent.take(written) as u64;
            moved |= written > 0;
            if written < asked {
                break;
            }
        }
        Ok(moved)
    }

    /// Queues the mark of a clean end behind all that was sealed.
    pub(crate) fn queue_end(&mut self, buffers: &mut Buffers) {
        buffers.reply.clear();
        self.codec.seal_end(&mut buffers.reply);
        self.unsent.queue_reply(&buffers.reply);
        self.state = Writing::Ending;
    }

    /// Seals as much as fits. Returns plaintext done with, sealed bytes, and why it stopped early if it did.
    fn seal(
        &mut self,
        plaintext: &[u8],
        wire: &mut [u8],
        pieces: &mut Vec<Piece>,
    ) -> (usize, usize, Option<CodecError>) {
        let (mut consumed, mut produced) = (0, 0);
        while let Some(rest) = plaintext.get(consumed..).filter(|rest| !rest.is_empty()) {
            let piece = rest.get(..PIECE_MAX).unwrap_or(rest);
            let room = wire.get_mut(produced..).unwrap_or_default();
            let (piece_len, room_len) = (piece.len(), room.len());
            match self.codec.seal(piece, room) {
                Ok(sealed) if sealed.consumed > piece_len || sealed.produced > room_len => {
                    return (consumed, produced, Some(CodecError::Broken(OUT_OF_BOUNDS.into())));
                }
                Ok(sealed) if sealed.consumed == 0 => break,
                Ok(sealed) => {
                    pieces.push(Piece::new(sealed.consumed, sealed.produced));
                    consumed += sealed.consumed;
                    produced += sealed.produced;
                }
                Err(fault) => return (consumed, produced, Some(fault)),
            }
        }
        (consumed, produced, None)
    }

    /// One write; what the socket does not take is kept.
    pub(crate) fn write(&mut self, transport: &impl Transport, sealed: &[u8], pieces: &mut [Piece]) -> io::Result<()> {
        if sealed.is_empty() {
            return Ok(());
        }
        let written = write_once(transport, sealed)?;
        let mut beyond = written;
        for piece in pieces.iter_mut() {
            let (rest, plain) = piece.take(beyond);
            self.handed += plain as u64;
            beyond = rest;
            if beyond == 0 {
                break;
            }
        }
        if let Some(rest) = sealed.get(written..).filter(|rest| !rest.is_empty()) {
            self.unsent.keep(rest, pieces);
        }
        Ok(())
    }
}

/// Bytes taken; zero when the socket is full.
fn write_once(transport: &impl Transport, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match transport.try_write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => return Ok(written.min(bytes.len())),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Plaintext sealed and counted in one step: one TLS record (RFC 8446 §5.1), so that counts are exact to the record.
pub(crate) const PIECE_MAX: usize = 16 * 1024;

const NO_PROGRESS: &str = "a whole buffer has no room for one sealed byte";
pub(crate) const OUT_OF_BOUNDS: &str = "the codec went past its buffers";
