//! What policy knows: the directory snapshot's file format, and the fetchers that fill it.
//!
//! Absent on purpose: anything that the gateway's own process must not do. The fetchers run in `ravelin sync` alone.

pub mod snapshot;
