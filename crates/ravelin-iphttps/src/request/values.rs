//! The two field values that are read.

use super::{RequestError, RequestRules};
use crate::content_length::TUNNEL_CONTENT_LENGTH;
use crate::text::shown;

/// `Content-Length`, byte by byte.
#[derive(Clone, Debug, Default)]
pub(super) struct ContentLength {
    space_seen: bool,
    digits: Vec<u8>,
}

impl ContentLength {
    /// Told whole before it is refused as wrong, so that the record shows what the client announced; a number with more
    /// digits than the legal one is reported up to the first digit too many.
    pub(super) fn push(&mut self, byte: u8) -> Result<(), RequestError> {
        match byte {
            // RFC 9112 §5.1: the one space that everybody sends, or none.
            b' ' if self.digits.is_empty() && !self.space_seen => self.space_seen = true,
            b' ' | b'\t' => return Err(RequestError::ContentLengthWhitespace),
            b'+' | b'-' if self.digits.is_empty() => return Err(RequestError::ContentLengthSign),
            b',' => return Err(RequestError::ContentLengthList),
            b'0'..=b'9' if self.digits == b"0" => return Err(RequestError::ContentLengthLeadingZero),
            b'0'..=b'9' => {
                self.digits.push(byte);
                if self.digits.len() > TUNNEL_CONTENT_LENGTH.len() {
                    return Err(RequestError::ContentLengthWrong { seen: shown(&self.digits) });
                }
            }
            _ => {
                self.digits.push(byte);
                return Err(RequestError::ContentLengthInvalid { seen: shown(&self.digits) });
            }
        }
        Ok(())
    }

    pub(super) fn end(self) -> Result<(), RequestError> {
        if self.digits.is_empty() {
            return Err(RequestError::ContentLengthInvalid { seen: shown(b"") });
        }
        if self.digits != TUNNEL_CONTENT_LENGTH.as_bytes() {
            return Err(RequestError::ContentLengthWrong { seen: shown(&self.digits) });
        }
        Ok(())
    }
}

/// `Host`, byte by byte.
#[derive(Clone, Debug, Default)]
pub(super) struct Host {
    value: Vec<u8>,
}

/// A host name of 253 characters, its trailing dot, a colon and five digits (RFC 1035 §2.3.4); white space behind it
/// counts.
const HOST_VALUE_LEN_MAX: usize = 253 + 1 + 6;

impl Host {
    pub(super) fn push(&mut self, byte: u8) -> Result<(), RequestError> {
        if self.value.is_empty() && matches!(byte, b' ' | b'\t') {
            return Ok(());
        }
        self.value.push(byte);
        match self.value.len() > HOST_VALUE_LEN_MAX {
            true => Err(RequestError::HostUnknown { seen: shown(&self.value) }),
            false => Ok(()),
        }
    }

    /// The site's name, and the port where there is one. Any port fits: the client names the one it dialled, and a
    /// translating device in front may have changed it. Spec: RFC 9110 §7.2.
    pub(super) fn end(self, rules: &RequestRules) -> Result<(String, Option<u16>), RequestError> {
        let sent = self.value.trim_ascii_end();
        let unknown = || RequestError::HostUnknown { seen: shown(sent) };
        let text = std::str::from_utf8(sent).map_err(|_| unknown())?;
        let (name, port) = match text.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (text, None),
        };
        let name = rules.host(name).ok_or_else(unknown)?;
        let port = port.map(|port| read_port(port).ok_or_else(|| RequestError::HostPort { seen: shown(sent) }));
        Ok((name.to_owned(), port.transpose()?))
    }
}

/// 1 to 65535, digits only.
fn read_port(text: &str) -> Option<u16> {
    let digits = (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let port: u16 = if digits { text.parse().ok()? } else { return None };
    (port != 0).then_some(port)
}
