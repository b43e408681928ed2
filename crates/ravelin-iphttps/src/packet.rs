//! Where IPv6 packets begin and end in a tunnel's bytes. Spec: MS-IPHTTPS §3.1.5.3, §3.2.5.2: packets back to back,
//! nothing between them; RFC 8200 §3: a packet is 40 bytes and Payload Length.
//!
//! - Nothing is copied and nothing grows: state is a few bytes whatever the packet.
//! - The first byte that cannot belong to a packet ends the framing for good, since nothing behind it has a boundary.

mod boundary;
mod framer;
#[cfg(test)]
mod tests;

pub use boundary::{IPV6_HEADER_LEN, PACKET_LEN_MAX, PacketError};
pub use framer::{Framer, Piece, Pieces};

use boundary::boundary;
use std::net::Ipv6Addr;

/// One whole IPv6 packet, in place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Packet<'a> {
    header: &'a [u8; IPV6_HEADER_LEN],
    bytes: &'a [u8],
}

impl<'a> Packet<'a> {
    /// The packet at the front of `bytes` and what is behind it; `None` where it is not whole yet.
    ///
    /// # Errors
    /// As soon as the bytes tell that no packet begins here, whole or not.
    pub fn split_first(bytes: &'a [u8]) -> Result<Option<(Packet<'a>, &'a [u8])>, PacketError> {
        let Some(len) = boundary(bytes)? else { return Ok(None) };
        let Some((bytes, rest)) = bytes.split_at_checked(len) else { return Ok(None) };
        Ok(bytes.first_chunk().map(|header| (Packet { header, bytes }, rest)))
    }

    /// The whole packet.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Source Address.
    pub fn source(&self) -> Ipv6Addr {
        self.address::<8>()
    }

    /// Destination Address.
    pub fn destination(&self) -> Ipv6Addr {
        self.address::<24>()
    }

    /// Next Header: the type of what [`Packet::payload`] begins with.
    pub fn next_header(&self) -> u8 {
        let [_, _, _, _, _, _, next_header, ..] = self.header;
        *next_header
    }

    /// Hop Limit.
    pub fn hop_limit(&self) -> u8 {
        let [_, _, _, _, _, _, _, hop_limit, ..] = self.header;
        *hop_limit
    }

    /// Everything behind the fixed header, extension headers included.
    pub fn payload(&self) -> &'a [u8] {
        self.bytes.get(IPV6_HEADER_LEN..).unwrap_or_default()
    }

    fn address<const AT: usize>(&self) -> Ipv6Addr {
        let bytes: [u8; 16] = self.header.get(AT..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
        Ipv6Addr::from(bytes)
    }
}

/// The whole packets of a slice, in order; at most one error, then nothing.
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    rest: &'a [u8],
    failed: bool,
}

impl<'a> Packets<'a> {
    /// Packets of `bytes`, which begins where a packet begins.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, failed: false }
    }

    /// What was not yielded: at the end a partial packet, after an error the bytes from the wrong header on.
    pub fn remainder(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, PacketError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        match Packet::split_first(self.rest) {
            Ok(Some((packet, rest))) => {
                self.rest = rest;
                Some(Ok(packet))
            }
            Ok(None) => None,
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}

impl std::iter::FusedIterator for Packets<'_> {}
