//! Where one packet ends, by its header.

use std::fmt;

/// Bytes of the fixed header. Spec: RFC 8200 §3.
pub const IPV6_HEADER_LEN: usize = 40;

/// The longest packet that can be framed: Payload Length has 16 bits.
pub const PACKET_LEN_MAX: usize = IPV6_HEADER_LEN + u16::MAX as usize;

/// Bytes that tell a packet's length: version to Next Header.
pub(super) const BOUNDARY_LEN: usize = 7;

/// Spec: RFC 8200 §4.3.
pub(super) const HOP_BY_HOP: u8 = 0;

/// Why bytes are no packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PacketError {
    /// Payload Length 0 before a hop-by-hop header: the length would be in an option (RFC 2675 §2). A link of MTU 1280
    /// has no use for it.
    Jumbogram,
    /// The version is not 6.
    Version(u8),
}

impl PacketError {
    /// The cause as a stable word. Add freely; never rename.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Jumbogram => "jumbogram",
            Self::Version(_) => "not_ipv6",
        }
    }
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jumbogram => f.write_str("an IPv6 jumbogram"),
            Self::Version(version) => write!(f, "not IPv6: version {version}"),
        }
    }
}

impl std::error::Error for PacketError {}

/// The length of the packet that begins with `header`; `None` while the header does not tell.
pub(super) fn boundary(header: &[u8]) -> Result<Option<usize>, PacketError> {
    match header.first() {
        Some(first) if first >> 4 != 6 => return Err(PacketError::Version(first >> 4)),
        Some(_) => {}
        None => return Ok(None),
    }
    match header {
        [_, _, _, _, 0, 0, HOP_BY_HOP, ..] => Err(PacketError::Jumbogram),
        [_, _, _, _, high, low, _, ..] => Ok(Some(IPV6_HEADER_LEN + usize::from(u16::from_be_bytes([*high, *low])))),
        _ => Ok(None),
    }
}
