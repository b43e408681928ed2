//! For demo, tests and benches: throw-away PKI like AD CS, an IP-HTTPS client, a DirectAccess stand-in.
//!
//! - [`pki`]: authorities, certificates and CRLs in every shape, good and bad.
//! - [`client`]: an IP-HTTPS client, well-behaved or not.
//! - [`server`]: a DirectAccess server stand-in that sees and remembers everything.
//! - [`end`]: one word for every way in which a connection ends.
//! - [`stream`], [`hello`], [`packets`], [`bulk`]: what these are made of.
//! - `tun` (feature `tun`): a kernel's packets through IP-HTTPS, and the binary `lab-tun` that does it.
//! - [`clock`]: the one place of this crate that reads the wall clock.
//!
//! Absent on purpose: anything that decides. The lab makes input and watches output; it names no other crate of
//! the product but the wire format.

pub mod bulk;
pub mod client;
pub mod clock;
pub mod end;
pub mod hello;
pub mod packets;
pub mod pki;
pub mod server;
pub mod stream;
#[cfg(feature = "tun")]
pub mod tun;
