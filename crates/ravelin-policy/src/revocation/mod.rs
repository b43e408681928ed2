//! Revocation: which lists count, and what they say of a certificate.
//!
//! - A list counts for the key that signed it, and for no other key of the same name. A certificate authority that was
//!   renewed with a new key has one list per key; each speaks for the certificates of its own key.
//! - A list that cannot be used spoils nothing: it is set aside, and named in a [`Notice`] with the cure.
//! - Good comes only from a list that is complete for the certificate, current, and the newest of its kind. Revoked comes
//!   from any list that the issuer's key signed, however old, partial or odd it is.
//! - Look-ups need nothing but memory: about the serial number and six octets for each entry.
//!
//! Absent on purpose: fetching, files, PEM, delta lists merged into complete ones, lists of another issuer's name
//! (indirect ones).

mod crl;
mod crls;
mod parse;
mod query;
mod scope;
mod serials;
mod signature;
mod status;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use crls::Lists;
pub(crate) use query::{Authority, CertificateToCheck};
pub(crate) use status::Status;
