//! The client's request head: one shape is legal (MS-IPHTTPS §3.1.5.2), every other is refused with its exact cause.
//!
//! - Refused as soon as the bytes tell the cause; a wrong method, version or target form at its first wrong byte.
//! - The head never leaves: the server gets one that [`write_request_head`] wrote.
//!
//! Spec: RFC 9112 §3 (request line), §5 (field lines), §6 (body); RFC 9110 §7.2 (Host), §8.6 (Content-Length).

mod error;
mod rules;
#[cfg(test)]
mod tests;
mod values;
mod write;

pub use error::RequestError;
pub use rules::RequestRules;
pub use write::write_request_head;

use crate::fields::{Fields, HEAD_BYTES_MAX, Step, SyntaxError, check_control};
use crate::progress::Progress;
use crate::text::shown;
use values::{ContentLength, Host};

/// Proof that a whole request head passed every rule, and what it said. Only [`RequestParser`] can make one: no public
/// constructor, no `Clone`, no `Default`.
#[derive(Debug, Eq, PartialEq)]
pub struct CheckedRequest {
    head: Head,
}

/// What a legal head said.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Head {
    path: String,
    host: String,
    port: Option<u16>,
    other_fields: usize,
    len: usize,
}

impl CheckedRequest {
    /// The site's path that it asked for, as the rules spell it.
    pub fn path(&self) -> &str {
        &self.head.path
    }

    /// The site's name that it asked for: lower case, no trailing dot.
    pub fn host(&self) -> &str {
        &self.head.host
    }

    /// The port of `Host`, where it had one.
    pub fn port(&self) -> Option<u16> {
        self.head.port
    }

    /// Fields besides `Content-Length` and `Host`: counted, then forgotten.
    pub fn other_fields(&self) -> usize {
        self.head.other_fields
    }

    /// Bytes of the head, empty line included. Never 0.
    #[expect(clippy::len_without_is_empty, reason = "a checked head is never empty")]
    pub fn len(&self) -> usize {
        self.head.len
    }
}

/// Reads one request head from any number of pushes. Holds one field at a time, never the head.
#[derive(Debug)]
pub struct RequestParser {
    state: State,
    len: usize,
    token: Vec<u8>,
    path: String,
    fields: Fields,
    value: Value,
    host: Option<(String, Option<u16>)>,
    length_seen: bool,
    outcome: Option<Result<Head, RequestError>>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Matching [`METHOD`]; so many bytes have.
    Method(usize),
    Path,
    /// Matching [`VERSION`]; so many bytes have.
    Version(usize),
    LineCr,
    LineLf,
    Fields,
}

/// Whose value the present field line holds.
#[derive(Clone, Debug)]
enum Value {
    ContentLength(ContentLength),
    Host(Host),
    Other,
}

/// The method and its space. Spec: MS-IPHTTPS §3.1.5.2; a method is case-sensitive (RFC 9110 §9.1).
const METHOD: &[u8] = b"POST ";
/// Spec: MS-IPHTTPS §4.1, RFC 9112 §2.3.
const VERSION: &[u8] = b"HTTP/1.1";

impl Default for RequestParser {
    fn default() -> Self {
        Self::new()
    }
}

impl RequestParser {
    /// A parser before its first byte.
    pub fn new() -> Self {
        Self {
            state: State::Method(0),
            len: 0,
            token: Vec::new(),
            path: String::new(),
            fields: Fields::default(),
            value: Value::Other,
            host: None,
            length_seen: false,
            outcome: None,
        }
    }

    /// Takes the next bytes of the stream, up to the end of the head and no further.
    ///
    /// # Errors
    /// The cause of the refusal, which every later push gets again.
    pub fn push(&mut self, rules: &RequestRules, bytes: &[u8]) -> Result<Progress<CheckedRequest>, RequestError> {
        if let Some(outcome) = &self.outcome {
            return outcome.clone().map(|head| Progress::Complete(CheckedRequest { head }, 0));
        }
        for (&byte, taken) in bytes.iter().zip(1..) {
            let Some(outcome) = self.step(rules, byte).transpose() else { continue };
            self.token = Vec::new();
            self.fields = Fields::default();
            self.outcome = Some(outcome.clone());
            return outcome.map(|head| Progress::Complete(CheckedRequest { head }, taken));
        }
        Ok(Progress::NeedMore)
    }

    /// Bytes of the head taken so far.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no byte was taken yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn step(&mut self, rules: &RequestRules, byte: u8) -> Result<Option<Head>, RequestError> {
        if self.len == HEAD_BYTES_MAX {
            return Err(SyntaxError::HeadTooLarge.into());
        }
        self.len += 1;
        match self.state {
            State::Method(matched) => self.state = method_byte(matched, byte)?,
            State::Path => self.path_byte(rules, byte)?,
            State::Version(matched) => self.state = version_byte(matched, byte)?,
            State::LineCr if byte == b'\r' => self.state = State::LineLf,
            State::LineCr => {
                check_control(byte)?;
                return Err(RequestError::WrongVersion { seen: seen(VERSION, VERSION.len(), byte) });
            }
            State::LineLf if byte == b'\n' => self.state = State::Fields,
            State::LineLf => return Err(SyntaxError::BareCr.into()),
            State::Fields => match self.fields.step(byte)? {
                Step::Inside => {}
                Step::Name => self.value = self.named()?,
                Step::Value(byte) => self.value.push(byte)?,
                Step::FieldEnd => self.field_end(rules)?,
                Step::HeadEnd => return self.head_end().map(Some),
            },
        }
        Ok(None)
    }

    fn path_byte(&mut self, rules: &RequestRules, byte: u8) -> Result<(), RequestError> {
        match byte {
            b'/' if self.token.is_empty() => {}
            _ if self.token.is_empty() => return Err(wrong_target(byte)),
            b' ' | b'\r' | b'?' | b'#' => return self.path_end(rules, byte),
            _ => check_control(byte)?,
        }
        self.token.push(byte);
        match self.token.len() > rules.path_len_max() {
            true => Err(RequestError::WrongPath { seen: shown(&self.token) }),
            false => Ok(()),
        }
    }

    /// Judged whole, so that the record shows what the client asked for; a path longer than every legal one was refused
    /// at its first byte too many.
    fn path_end(&mut self, rules: &RequestRules, byte: u8) -> Result<(), RequestError> {
        let path = rules.path(&self.token).ok_or_else(|| RequestError::WrongPath { seen: shown(&self.token) })?;
        match byte {
            b' ' => {
                self.path = path.to_owned();
                self.state = State::Version(0);
                Ok(())
            }
            b'?' => Err(RequestError::QueryString),
            b'\r' => Err(RequestError::WrongVersion { seen: shown(b"") }),
            _ => Err(RequestError::WrongPath { seen: shown(&[&self.token, &[byte][..]].concat()) }),
        }
    }

    /// A name was read: whose value follows, or why it may not be there at all.
    fn named(&self) -> Result<Value, RequestError> {
        let name = self.fields.name();
        let is = |field: &str| name.eq_ignore_ascii_case(field.as_bytes());
        if is("Content-Length") {
            return match self.length_seen {
                false => Ok(Value::ContentLength(ContentLength::default())),
                true => Err(RequestError::DuplicateContentLength),
            };
        }
        if is("Host") {
            return match self.host {
                None => Ok(Value::Host(Host::default())),
                Some(_) => Err(RequestError::DuplicateHost),
            };
        }
        match FORBIDDEN.iter().find(|(field, _)| is(field)) {
            Some((_, error)) => Err(error.clone()),
            None => Ok(Value::Other),
        }
    }

    fn field_end(&mut self, rules: &RequestRules) -> Result<(), RequestError> {
        match std::mem::replace(&mut self.value, Value::Other) {
            Value::ContentLength(length) => {
                length.end()?;
                self.length_seen = true;
            }
            Value::Host(host) => self.host = Some(host.end(rules)?),
            Value::Other => {}
        }
        Ok(())
    }

    fn head_end(&mut self) -> Result<Head, RequestError> {
        let (host, port) = self.host.take().ok_or(RequestError::MissingHost)?;
        if !self.length_seen {
            return Err(RequestError::MissingContentLength);
        }
        Ok(Head {
            path: std::mem::take(&mut self.path),
            host,
            port,
            other_fields: self.fields.count().saturating_sub(2),
            len: self.len,
        })
    }
}

/// Fields that change what a request means, or that a parser behind once fell over (docs/traps.md row 60; CVE-2015-1635 for
/// `Range`, CVE-2022-21907 for `Trailer`).
const FORBIDDEN: [(&str, RequestError); 5] = [
    ("Expect", RequestError::Expect),
    ("Range", RequestError::Range),
    ("Trailer", RequestError::Trailer),
    ("Transfer-Encoding", RequestError::TransferEncoding),
    ("Upgrade", RequestError::Upgrade),
];

impl Value {
    fn push(&mut self, byte: u8) -> Result<(), RequestError> {
        match self {
            Self::ContentLength(length) => length.push(byte),
            Self::Host(host) => host.push(byte),
            Self::Other => Ok(()),
        }
    }
}

fn method_byte(matched: usize, byte: u8) -> Result<State, RequestError> {
    if METHOD.get(matched) == Some(&byte) {
        let matched = matched + 1;
        return Ok(if matched == METHOD.len() { State::Path } else { State::Method(matched) });
    }
    if matched == 0 && matches!(byte, b'\r' | b'\n' | b'\t' | b' ') {
        return Err(RequestError::BytesBeforeMethod { byte });
    }
    if matched > 0 {
        check_control(byte)?;
    }
    Err(RequestError::WrongMethod { seen: seen(METHOD, matched, byte) })
}

/// The first byte of a target that is no path. Spec: RFC 9112 §3.2.
fn wrong_target(byte: u8) -> RequestError {
    match check_control(byte) {
        Err(error) if byte != b'\r' => error.into(),
        _ if byte.is_ascii_alphabetic() => RequestError::AbsoluteTarget,
        _ => RequestError::TargetNotPath { seen: shown(&[byte]) },
    }
}

fn version_byte(matched: usize, byte: u8) -> Result<State, RequestError> {
    if VERSION.get(matched) == Some(&byte) {
        let matched = matched + 1;
        return Ok(if matched == VERSION.len() { State::LineCr } else { State::Version(matched) });
    }
    if byte != b'\r' {
        check_control(byte)?;
    }
    Err(RequestError::WrongVersion { seen: seen(VERSION, matched, byte) })
}

/// What was expected as far as it came, and the first byte that was not.
fn seen(expected: &[u8], matched: usize, byte: u8) -> String {
    let mut bytes: Vec<u8> = expected.iter().copied().take(matched).collect();
    bytes.push(byte);
    shown(&bytes)
}
