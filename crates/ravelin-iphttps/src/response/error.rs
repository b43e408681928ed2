//! Why a response head is none that a tunnel, or a refusal, can begin with.

use std::fmt;

use crate::fields::SyntaxError;

/// Why a response head was refused: one variant a cause. What the server sent is escaped and bounded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ResponseError {
    /// 200 with a `Content-Length`: no tunnel, which ends at close. Spec: MS-IPHTTPS §3.2.5.1.
    ContentLength,
    /// 1xx. Nothing in MS-IPHTTPS asks for one.
    Interim {
        /// The status.
        status: u16,
    },
    /// Not HTTP/1.0 or HTTP/1.1.
    NotHttp {
        /// Up to the first wrong byte.
        seen: String,
    },
    /// Not a well-formed head.
    Syntax(SyntaxError),
    /// 200 with a `Transfer-Encoding`.
    TransferEncoding,
    /// Not three digits, or no status that exists. Spec: RFC 9110 §15.
    WrongStatus {
        /// Up to the first wrong byte.
        seen: String,
    },
}

impl ResponseError {
    /// The cause as a stable word. Add freely; never rename.
    pub fn label(&self) -> &'static str {
        match self {
            Self::ContentLength => "content_length",
            Self::Interim { .. } => "interim_response",
            Self::NotHttp { .. } => "not_http",
            Self::Syntax(error) => error.label(),
            Self::TransferEncoding => "transfer_encoding",
            Self::WrongStatus { .. } => "wrong_status",
        }
    }
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ContentLength => f.write_str("200 with a Content-Length, which a tunnel cannot have"),
            Self::Interim { status } => write!(f, "the interim status {status}"),
            Self::NotHttp { seen } => write!(f, "not HTTP/1.0 or HTTP/1.1: {seen}"),
            Self::Syntax(error) => error.fmt(f),
            Self::TransferEncoding => f.write_str("200 with a Transfer-Encoding, which a tunnel cannot have"),
            Self::WrongStatus { seen } => write!(f, "no status: {seen}"),
        }
    }
}

impl std::error::Error for ResponseError {}

impl From<SyntaxError> for ResponseError {
    fn from(error: SyntaxError) -> Self {
        Self::Syntax(error)
    }
}
