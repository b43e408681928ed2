//! What policy knows: the directory snapshot's file format, and what fills it.
//!
//! [`ldap`] is what a domain controller is asked and answers, [`ldif`] gives entries, [`collect`] makes a table of accounts of
//! them, [`snapshot`] is the file that holds it.
//!
//! Absent on purpose: sockets, clocks, TLS. Whoever fetches brings them, in a process of its own.

pub mod collect;
mod entry;
pub mod ldap;
pub mod ldif;
pub mod snapshot;

pub use entry::Entry;
