//! What policy knows: the directory snapshot's file format, and what fills it.
//!
//! [`ldif`] gives entries, [`collect`] makes a table of accounts of them, [`snapshot`] is the file that holds it.
//!
//! Absent on purpose: anything that the gateway's own process must not do.

pub mod collect;
mod entry;
pub mod ldif;
pub mod snapshot;

pub use entry::Entry;
