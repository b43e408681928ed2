//! LDAP (RFC 4511) as far as fetching a directory needs it: bind, search with controls, StartTLS, and what a server answers.
//!
//! Sans-I/O but for [`read_message`], which takes any `Read`. A server's octets are read without recursion, without setting
//! aside what it merely announces, and whole or not at all: a length that does not come out even is an error, never a value
//! cut short.

mod answer;
mod ber;
mod frame;
mod request;
mod values;

use std::fmt;

pub use answer::{LdapResult, Message, Response, SearchEntry};
pub use frame::{ReadProblem, read_message};
pub use request::{EXTENDED_DN, Filter, SHOW_DELETED, Scope, Search, bind, search, start_tls, unbind};
pub use values::{AttributeRange, range_of, sid_of, without_extension};

/// Octets that are not LDAP, or more than is taken of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Malformed(pub &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Malformed {}

#[cfg(test)]
mod tests;
