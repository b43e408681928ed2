//! One message of a stream.

use std::fmt;
use std::io::{self, Read};

use super::ber::{self, SEQUENCE};
use super::malformed::Malformed;

/// Why no message came.
#[derive(Debug)]
pub enum ReadProblem {
    /// The stream ended, between two messages or within one.
    Closed,
    /// It is none.
    Malformed(Malformed),
    /// It announces more bytes than are taken.
    TooLarge(usize),
    /// The stream failed.
    Io(io::Error),
}

impl fmt::Display for ReadProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the server closed the connection"),
            Self::Malformed(what) => write!(f, "the server does not speak LDAP: {what}"),
            Self::TooLarge(bytes) => write!(f, "the server announces a message of {bytes} bytes"),
            Self::Io(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for ReadProblem {}

impl From<io::Error> for ReadProblem {
    fn from(error: io::Error) -> ReadProblem {
        if error.kind() == io::ErrorKind::UnexpectedEof { ReadProblem::Closed } else { ReadProblem::Io(error) }
    }
}

/// Reads the next message: the contents of its outermost element, of at most `most` bytes. Memory grows with what has come,
/// not with what is announced.
///
/// # Errors
/// The stream ends or fails, or what comes is no message.
pub fn read_message(stream: &mut impl Read, most: usize) -> Result<Vec<u8>, ReadProblem> {
    let mut head = Vec::with_capacity(16);
    let header = loop {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend_from_slice(&byte);
        if let Some(header) = ber::header(&head).map_err(ReadProblem::Malformed)? {
            break header;
        }
    };
    if header.tag != SEQUENCE {
        return Err(ReadProblem::Malformed(Malformed("a message that is no sequence")));
    }
    if header.contents > most {
        return Err(ReadProblem::TooLarge(header.contents));
    }
    let mut message = Vec::new();
    stream.take(header.contents as u64).read_to_end(&mut message)?;
    if message.len() == header.contents { Ok(message) } else { Err(ReadProblem::Closed) }
}
