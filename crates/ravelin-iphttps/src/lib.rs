//! The IP-HTTPS wire (MS-IPHTTPS): request head, response head, IPv6 framing.
//!
//! - Bytes in, values out: nothing here opens a socket, waits, logs or asks the time.
//! - Any split of a stream into pushes gives the same outcome, in linear time and bounded memory.
//! - Bytes that follow a head are never taken: the caller is told how many of its bytes belong to the head.
//! - A stranger's text leaves this crate only escaped and bounded.
//!
//! Absent by design: general HTTP. One request is legal, everything else is refused with its cause, and neither peer
//! ever sees a head that the other wrote unless it was checked here first.

mod fields;
mod packet;
mod request;
mod response;
mod text;

pub use fields::{HEAD_BYTES_MAX, HEAD_FIELDS_MAX, SyntaxError};
pub use packet::{Framer, IPV6_HEADER_LEN, PACKET_LEN_MAX, Packet, PacketError, Packets, Piece, Pieces};
pub use request::{RequestError, RequestHead, RequestParser, RequestRules, write_request_head};
pub use response::{ResponseError, ResponseHead, ResponseParser, write_response_head};

/// The one legal `Content-Length` of a request, 2^64-1: a body without an end. Spec: MS-IPHTTPS §3.1.5.2.
pub const TUNNEL_CONTENT_LENGTH: &str = "18446744073709551615";

/// What a parser made of a push.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Progress<Head> {
    /// Every byte of the push was taken; the head goes on.
    NeedMore,
    /// The head is whole. Only the first so many bytes of this push belong to it; the rest is the tunnel's. A push after
    /// this one takes nothing and returns the same head with 0.
    Complete(Head, usize),
}

/// Why a head was not written: what it was to hold could have been read as something else.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HeadWriteError {
    /// Not an HTTP-date's characters.
    Date(String),
    /// Not a host name or address with an optional port.
    Host(String),
    /// Not an absolute path of visible ASCII without query or fragment.
    Path(String),
}

impl std::fmt::Display for HeadWriteError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Date(shown) => write!(f, "not a date that can stand in a head: {shown}"),
            Self::Host(shown) => write!(f, "not a host that can stand in a head: {shown}"),
            Self::Path(shown) => write!(f, "not a path that can stand in a head: {shown}"),
        }
    }
}

impl std::error::Error for HeadWriteError {}
