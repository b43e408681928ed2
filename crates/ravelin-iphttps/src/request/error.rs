//! Why a request head was refused.

use std::fmt;

use crate::content_length::TUNNEL_CONTENT_LENGTH;
use crate::fields::SyntaxError;
use crate::text::shown_byte;

/// Why a request head was refused: one variant a cause. What a stranger sent is escaped and bounded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RequestError {
    /// `https://…` or `host:port` where a path belongs. Spec: RFC 9112 §3.2.2, §3.2.3.
    AbsoluteTarget,
    /// White space or an empty line before the method. Stricter than RFC 9112 §2.2, which lets a server skip it.
    BytesBeforeMethod {
        /// The first byte.
        byte: u8,
    },
    /// Not a number.
    ContentLengthInvalid {
        /// The value as far as it was read.
        seen: String,
    },
    /// Zeros before the number.
    ContentLengthLeadingZero,
    /// A list, of equal values or not. Stricter than RFC 9110 §8.6, which lets a recipient fold equal values.
    ContentLengthList,
    /// A sign before the number.
    ContentLengthSign,
    /// White space other than one space before the number.
    ContentLengthWhitespace,
    /// A number other than 2^64-1. Spec: MS-IPHTTPS §3.1.5.2.
    ContentLengthWrong {
        /// The value as far as it was read.
        seen: String,
    },
    /// `Content-Length` twice, equal or not.
    DuplicateContentLength,
    /// `Host` twice, equal or not. Spec: RFC 9112 §3.2.
    DuplicateHost,
    /// `Expect` is there.
    Expect,
    /// `Host` with something behind the colon that is no port, or with nothing.
    HostPort {
        /// The value.
        seen: String,
    },
    /// `Host` is no name of the site.
    HostUnknown {
        /// The value as far as it was read.
        seen: String,
    },
    /// No `Content-Length`.
    MissingContentLength,
    /// No `Host`. Spec: RFC 9112 §3.2.
    MissingHost,
    /// A path of the site with a query.
    QueryString,
    /// `Range` is there.
    Range,
    /// Not a well-formed head at all.
    Syntax(SyntaxError),
    /// `*`, a second space, or anything else that is no path.
    TargetNotPath {
        /// The first byte.
        seen: String,
    },
    /// `Trailer` is there.
    Trailer,
    /// `Transfer-Encoding` is there. Spec: RFC 9112 §6.1.
    TransferEncoding,
    /// `Upgrade` is there.
    Upgrade,
    /// A method other than `POST`, or no HTTP at all.
    WrongMethod {
        /// Up to the first wrong byte.
        seen: String,
    },
    /// No path of the site.
    WrongPath {
        /// The path, up to the first byte more than the longest path of the site has.
        seen: String,
    },
    /// A version other than HTTP/1.1, or none.
    WrongVersion {
        /// Up to the first wrong byte.
        seen: String,
    },
}

impl RequestError {
    /// The cause as a stable word. Add freely; never rename.
    pub fn label(&self) -> &'static str {
        match self {
            Self::AbsoluteTarget => "absolute_target",
            Self::BytesBeforeMethod { .. } => "bytes_before_method",
            Self::ContentLengthInvalid { .. } => "content_length_invalid",
            Self::ContentLengthLeadingZero => "content_length_leading_zero",
            Self::ContentLengthList => "content_length_list",
            Self::ContentLengthSign => "content_length_sign",
            Self::ContentLengthWhitespace => "content_length_whitespace",
            Self::ContentLengthWrong { .. } => "content_length_wrong",
            Self::DuplicateContentLength => "duplicate_content_length",
            Self::DuplicateHost => "duplicate_host",
            Self::Expect => "expect",
            Self::HostPort { .. } => "host_port",
            Self::HostUnknown { .. } => "host_unknown",
            Self::MissingContentLength => "missing_content_length",
            Self::MissingHost => "missing_host",
            Self::QueryString => "query_string",
            Self::Range => "range",
            Self::Syntax(error) => error.label(),
            Self::TargetNotPath { .. } => "target_not_path",
            Self::Trailer => "trailer",
            Self::TransferEncoding => "transfer_encoding",
            Self::Upgrade => "upgrade",
            Self::WrongMethod { .. } => "wrong_method",
            Self::WrongPath { .. } => "wrong_path",
            Self::WrongVersion { .. } => "wrong_version",
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AbsoluteTarget => f.write_str("the target is a whole address, not a path"),
            Self::BytesBeforeMethod { byte } => write!(f, "the byte {} before the method", shown_byte(*byte)),
            Self::ContentLengthInvalid { seen } => write!(f, "Content-Length is no number: {seen}"),
            Self::ContentLengthLeadingZero => f.write_str("Content-Length begins with a zero"),
            Self::ContentLengthList => f.write_str("Content-Length is a list"),
            Self::ContentLengthSign => f.write_str("Content-Length has a sign"),
            Self::ContentLengthWhitespace => f.write_str("Content-Length has white space of its own"),
            Self::ContentLengthWrong { seen } => {
                write!(f, "Content-Length is {seen}, not {TUNNEL_CONTENT_LENGTH}")
            }
            Self::DuplicateContentLength => f.write_str("a second Content-Length"),
            Self::DuplicateHost => f.write_str("a second Host"),
            Self::Expect => f.write_str("the field Expect"),
            Self::HostPort { seen } => write!(f, "the port of Host is no port: {seen}"),
            Self::HostUnknown { seen } => write!(f, "Host is no name of the site: {seen}"),
            Self::MissingContentLength => f.write_str("no Content-Length"),
            Self::MissingHost => f.write_str("no Host"),
            Self::QueryString => f.write_str("a query behind the path"),
            Self::Range => f.write_str("the field Range"),
            Self::Syntax(error) => error.fmt(f),
            Self::TargetNotPath { seen } => write!(f, "the target is no path: {seen}"),
            Self::Trailer => f.write_str("the field Trailer"),
            Self::TransferEncoding => f.write_str("the field Transfer-Encoding"),
            Self::Upgrade => f.write_str("the field Upgrade"),
            Self::WrongMethod { seen } => write!(f, "not the method POST: {seen}"),
            Self::WrongPath { seen } => write!(f, "no path of the site: {seen}"),
            Self::WrongVersion { seen } => write!(f, "not HTTP/1.1: {seen}"),
        }
    }
}

impl std::error::Error for RequestError {}

impl From<SyntaxError> for RequestError {
    fn from(error: SyntaxError) -> Self {
        Self::Syntax(error)
    }
}
