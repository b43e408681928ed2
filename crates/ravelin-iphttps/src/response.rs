//! The server's response head: `200` without a length begins the tunnel (MS-IPHTTPS §3.2.5.1).
//!
//! Bytes are kept as they came, since the client gets them as the server sent them, once they are checked.
//!
//! Spec: RFC 9112 §4 (status line), §6.3 (a body that ends at close); RFC 9110 §15.2 (interim responses).

mod error;
#[cfg(test)]
mod tests;
mod write;

pub use error::ResponseError;
pub use write::write_response_head;

use crate::fields::{Fields, HEAD_BYTES_MAX, Step, SyntaxError, check_control};
use crate::progress::Progress;
use crate::text::{escaped, shown};

/// A well-formed final response head. Only with `status` 200 does a tunnel follow.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ResponseHead {
    /// 200 to 599.
    pub status: u16,
    /// Escaped and bounded; may be empty.
    pub reason: String,
    /// The head as it came, empty line included.
    pub bytes: Vec<u8>,
}

/// Reads one response head from any number of pushes. Holds the head, at most [`crate::HEAD_BYTES_MAX`].
#[derive(Clone, Debug)]
pub struct ResponseParser {
    state: State,
    bytes: Vec<u8>,
    status: u16,
    reason: Vec<u8>,
    fields: Fields,
    outcome: Option<Result<ResponseHead, ResponseError>>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Matching [`VERSION`]; so many bytes have.
    Version(usize),
    Minor,
    StatusSpace,
    /// So many digits were read.
    Status(usize),
    StatusEnd,
    Reason,
    LineLf,
    Fields,
}

/// Spec: RFC 9112 §2.3; the minor version is 0 or 1. Under both, a body without a length ends at close.
const VERSION: &[u8] = b"HTTP/1.";

impl Default for ResponseParser {
    fn default() -> Self {
        Self::new()
    }
}

impl ResponseParser {
    /// A parser before its first byte.
    pub fn new() -> Self {
        Self {
            state: State::Version(0),
            bytes: Vec::new(),
            status: 0,
            reason: Vec::new(),
            fields: Fields::default(),
            outcome: None,
        }
    }

    /// Takes the next bytes of the stream, up to the end of the head and no further.
    ///
    /// # Errors
    /// The cause, which every later push gets again. A status other than 200 is no error here: the head says it.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Progress<ResponseHead>, ResponseError> {
        if let Some(outcome) = &self.outcome {
            return outcome.clone().map(|head| Progress::Complete(head, 0));
        }
        for (&byte, taken) in bytes.iter().zip(1..) {
            let Some(outcome) = self.step(byte).transpose() else { continue };
            self.bytes = Vec::new();
            self.reason = Vec::new();
            self.fields = Fields::default();
            self.outcome = Some(outcome.clone());
            return outcome.map(|head| Progress::Complete(head, taken));
        }
        Ok(Progress::NeedMore)
    }

    fn step(&mut self, byte: u8) -> Result<Option<ResponseHead>, ResponseError> {
        if self.bytes.len() == HEAD_BYTES_MAX {
            return Err(SyntaxError::HeadTooLarge.into());
        }
        self.bytes.push(byte);
        match self.state {
            State::Version(matched) if VERSION.get(matched) == Some(&byte) => {
                let matched = matched + 1;
                self.state = if matched == VERSION.len() { State::Minor } else { State::Version(matched) };
            }
            State::Minor if matches!(byte, b'0' | b'1') => self.state = State::StatusSpace,
            State::StatusSpace if byte == b' ' => self.state = State::Status(0),
            State::Version(_) | State::Minor | State::StatusSpace => {
                return Err(ResponseError::NotHttp { seen: shown(&self.bytes) });
            }
            State::Status(digits) => self.state = self.status_byte(digits, byte)?,
            State::StatusEnd if byte == b' ' => self.state = State::Reason,
            // RFC 9112 §4 wants the space even without a reason; servers that leave it out are understood by everybody.
            State::StatusEnd | State::Reason if byte == b'\r' => self.state = State::LineLf,
            State::StatusEnd => {
                check_control(byte)?;
                return Err(self.wrong_status());
            }
            State::Reason => self.reason_byte(byte)?,
            State::LineLf if byte == b'\n' => self.state = State::Fields,
            State::LineLf => return Err(SyntaxError::BareCr.into()),
            State::Fields => match self.fields.step(byte)? {
                Step::Name => self.check_name()?,
                Step::HeadEnd => return Ok(Some(self.head())),
                Step::Inside | Step::Value(_) | Step::FieldEnd => {}
            },
        }
        Ok(None)
    }

    fn status_byte(&mut self, digits: usize, byte: u8) -> Result<State, ResponseError> {
        let digit = match byte {
            b'0'..=b'9' => u16::from(byte - b'0'),
            _ => return Err(self.wrong_status()),
        };
        self.status = self.status * 10 + digit;
        if digits < 2 {
            return Ok(State::Status(digits + 1));
        }
        match self.status {
            // 101 would hand the stream to another protocol, the others precede an answer that a tunnel never waits for.
            100..=199 => Err(ResponseError::Interim { status: self.status }),
            200..=599 => Ok(State::StatusEnd),
            _ => Err(self.wrong_status()),
        }
    }

    fn wrong_status(&self) -> ResponseError {
        ResponseError::WrongStatus { seen: shown(&self.bytes) }
    }

    fn reason_byte(&mut self, byte: u8) -> Result<(), ResponseError> {
        if byte != b'\t' {
            check_control(byte)?;
        }
        self.reason.push(byte);
        Ok(())
    }

    /// A tunnel ends at close; a length or a coding would make its bytes mean something else. Spec: RFC 9112 §6.3.
    fn check_name(&self) -> Result<(), ResponseError> {
        let is = |field: &str| self.fields.name().eq_ignore_ascii_case(field.as_bytes());
        if self.status != 200 {
            return Ok(());
        }
        if is("Content-Length") {
            return Err(ResponseError::ContentLength);
        }
        if is("Transfer-Encoding") {
            return Err(ResponseError::TransferEncoding);
        }
        Ok(())
    }

    fn head(&mut self) -> ResponseHead {
        ResponseHead { status: self.status, reason: escaped(&self.reason), bytes: std::mem::take(&mut self.bytes) }
    }
}
