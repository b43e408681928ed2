//! The request head that a server gets: ours, never the client's.

use crate::content_length::TUNNEL_CONTENT_LENGTH;
use crate::head_write_error::HeadWriteError;
use crate::text::shown;

/// `POST <path> HTTP/1.1` with `Host` and the one `Content-Length`, nothing else. Spec: MS-IPHTTPS §3.1.5.2, §4.1.
///
/// # Errors
/// A path or host that could be read as anything but a path or a host, such as one with white space, a control byte or
/// a query: neither configuration nor certificate can write a field of its own.
pub fn write_request_head(path: &str, host: &str) -> Result<Vec<u8>, HeadWriteError> {
    if !is_path(path) {
        return Err(HeadWriteError::Path(shown(path.as_bytes())));
    }
    if !is_host(host) {
        return Err(HeadWriteError::Host(shown(host.as_bytes())));
    }
    let head = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {TUNNEL_CONTENT_LENGTH}\r\n\r\n");
    Ok(head.into_bytes())
}

fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && path.len() <= PATH_LEN_MAX
        && path.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#'))
}

fn is_host(host: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    !host.is_empty() && host.len() <= HOST_LEN_MAX && host.bytes().all(fits)
}

/// With the longest host, still far below what any peer takes as a head.
const PATH_LEN_MAX: usize = 1024;
/// A host name, its trailing dot and a port.
const HOST_LEN_MAX: usize = 253 + 1 + 6;
