//! For demo, tests and benches: throw-away PKI like AD CS, an IP-HTTPS client, a DirectAccess stand-in.
//!
//! - [`pki`]: authorities, certificates and revocation lists in every shape, good and bad.
//! - [`clock`]: the one place of this crate that reads the wall clock.
//!
//! Absent on purpose: anything that decides. The lab makes input and watches output; it names no other crate of
//! the product but the wire format.

pub mod clock;
pub mod pki;
