//! Why a head was not written.

use std::error::Error;
use std::fmt;

/// Why a head was not written: what it was to hold could have been read as something else.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HeadWriteError {
    /// Not an HTTP-date's characters.
    Date(String),
    /// Not a host name or address with an optional port.
    Host(String),
    /// Not an absolute path of visible ASCII without query or fragment.
    Path(String),
}

impl fmt::Display for HeadWriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date(shown) => write!(f, "not a date that can stand in a head: {shown}"),
            Self::Host(shown) => write!(f, "not a host that can stand in a head: {shown}"),
            Self::Path(shown) => write!(f, "not a path that can stand in a head: {shown}"),
        }
    }
}

impl Error for HeadWriteError {}
