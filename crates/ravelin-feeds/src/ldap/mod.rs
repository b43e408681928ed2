//! LDAP (RFC 4511) as far as fetching a directory needs it: bind, search with controls, StartTLS, and what a server answers.
//!
//! Sans-I/O but for [`read_message`], which takes any `Read`. A server's bytes are read without recursion, without setting
//! aside what it merely announces, and whole or not at all: a length that does not come out even is an error, never a value
//! cut short.

mod answer;
mod ber;
mod frame;
mod malformed;
mod request;
mod values;

pub use answer::{LdapResult, Message, Response, SearchEntry};
pub use frame::{ReadProblem, read_message};
pub use malformed::Malformed;
pub use request::{EXTENDED_DN, Filter, SHOW_DELETED, Scope, Search, bind, search, start_tls, unbind};
pub use values::{AttributeRange, range_of, sid_of, without_extension};

#[cfg(test)]
mod tests;
