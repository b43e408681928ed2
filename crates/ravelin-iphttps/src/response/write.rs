//! The response head of a DirectAccess server, for its stand-in.

use crate::head_write_error::HeadWriteError;
use crate::text::shown;

/// `HTTP/1.1 200 OK` with `Server` and `Date`, which a server must send, and no length. Spec: MS-IPHTTPS §3.2.5.1, §4.1.
/// `date` is an HTTP-date: `Tue, 24 Nov 2026 18:07:42 GMT` (RFC 9110 §5.6.7).
///
/// # Errors
/// A date with other characters than letters, digits, spaces, commas and colons.
pub fn write_response_head(date: &str) -> Result<Vec<u8>, HeadWriteError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b',' | b':');
    if date.is_empty() || date.len() > DATE_LEN_MAX || !date.bytes().all(fits) {
        return Err(HeadWriteError::Date(shown(date.as_bytes())));
    }
    let head = format!("HTTP/1.1 200 OK\r\nServer: Microsoft-HTTPAPI/2.0\r\nDate: {date}\r\n\r\n");
    Ok(head.into_bytes())
}

/// The longest form of an HTTP-date, RFC 850's, has 33.
const DATE_LEN_MAX: usize = 40;
