//! Boundaries across slices.

use super::boundary::{BOUNDARY_LEN, PacketError, boundary};

/// Follows a stream slice by slice and tells where packets begin and end. Holds no packet: a dozen bytes of state.
#[derive(Clone, Debug, Default)]
pub struct Framer {
    header: [u8; BOUNDARY_LEN],
    /// Bytes of the present packet that went by; 0 between packets.
    seen: usize,
    /// Its length, once its header tells.
    len: Option<usize>,
    error: Option<PacketError>,
}

/// A part of one packet that lies in one slice.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Piece<'a> {
    /// Never empty.
    pub bytes: &'a [u8],
    /// The packet's first byte is in it.
    pub begins: bool,
    /// The packet's last byte is in it.
    pub ends: bool,
}

/// The pieces of one slice, in order. All of them are to be taken: what is left untaken is not framed.
#[derive(Debug)]
pub struct Pieces<'f, 'a> {
    framer: &'f mut Framer,
    rest: &'a [u8],
    failed: bool,
}

impl Framer {
    /// At the beginning of a stream, where a packet begins.
    pub fn new() -> Self {
        Self::default()
    }

    /// The pieces of the stream's next slice. Without gaps, they are the slice; an error is the last item, and the bytes
    /// from [`Pieces::remainder`] on belong to no packet. Header bytes that came in earlier slices were pieces before the
    /// error was known: who must not pass on a part of a bad packet holds a piece back until its header is whole.
    pub fn pieces<'f, 'a>(&'f mut self, slice: &'a [u8]) -> Pieces<'f, 'a> {
        Pieces { framer: self, rest: slice, failed: false }
    }

    /// Whether the stream so far ends where a packet ends.
    pub fn is_between_packets(&self) -> bool {
        self.seen == 0 && self.error.is_none()
    }

    /// Counts the bytes of the present packet at the front of `bytes`.
    fn advance(&mut self, bytes: &[u8]) -> Result<usize, PacketError> {
        let missing = self.header.get_mut(self.seen..).unwrap_or_default();
        let mut known = self.seen;
        for (slot, byte) in missing.iter_mut().zip(bytes) {
            *slot = *byte;
            known += 1;
        }
        if self.len.is_none() {
            self.len = boundary(self.header.get(..known).unwrap_or_default())?;
        }
        let taken = match self.len {
            Some(len) => bytes.len().min(len.saturating_sub(self.seen)),
            None => bytes.len(),
        };
        self.seen += taken;
        Ok(taken)
    }
}

impl<'a> Pieces<'_, 'a> {
    /// What was not yielded.
    pub fn remainder(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Pieces<'_, 'a> {
    type Item = Result<Piece<'a>, PacketError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.rest.is_empty() {
            return None;
        }
        if let Some(error) = self.framer.error {
            self.failed = true;
            return Some(Err(error));
        }
        let begins = self.framer.seen == 0;
        let taken = match self.framer.advance(self.rest) {
            Ok(taken) => taken,
            Err(error) => {
                self.framer.error = Some(error);
                self.failed = true;
                return Some(Err(error));
            }
        };
        let (bytes, rest) = self.rest.split_at_checked(taken)?;
        self.rest = rest;
        let ends = self.framer.len == Some(self.framer.seen);
        if ends {
            self.framer.seen = 0;
            self.framer.len = None;
        }
        Some(Ok(Piece { bytes, begins, ends }))
    }
}
