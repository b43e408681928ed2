//! The IP-HTTPS wire (MS-IPHTTPS): request head, response head, IPv6 framing.
//!
//! - Bytes in, values out: nothing here opens a socket, waits, logs or asks the time.
//! - Any split of a stream into pushes gives the same outcome, in linear time and bounded memory.
//! - Bytes that follow a head are never taken: the caller learns how many of its bytes belong to the head.
//! - A stranger's text leaves this crate only escaped and bounded.
//!
//! Absent by design: general HTTP. One request is legal, everything else is refused with its cause, and neither peer
//! ever sees a head that the other wrote unless it was checked here first.

mod content_length;
mod fields;
mod head_write_error;
mod packet;
mod progress;
mod request;
mod response;
mod text;

pub use content_length::TUNNEL_CONTENT_LENGTH;
pub use fields::{HEAD_BYTES_MAX, HEAD_FIELDS_MAX, SyntaxError};
pub use head_write_error::HeadWriteError;
pub use packet::{Framer, IPV6_HEADER_LEN, PACKET_LEN_MAX, Packet, PacketError, Packets, Piece, Pieces};
pub use progress::Progress;
pub use request::{CheckedRequest, RequestError, RequestParser, RequestRules, write_request_head};
pub use response::{ResponseError, ResponseHead, ResponseParser, write_response_head};
