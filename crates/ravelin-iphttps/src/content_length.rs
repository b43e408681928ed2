//! The length of a tunnel, as its request states it.

/// The one legal `Content-Length` of a request, 2^64-1: a body without an end. Spec: MS-IPHTTPS §3.1.5.2.
pub const TUNNEL_CONTENT_LENGTH: &str = "18446744073709551615";
