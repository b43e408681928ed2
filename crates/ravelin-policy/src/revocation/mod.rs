//! Revocation: which CRLs count, and what they say of a certificate.
//!
//! - A CRL counts for the key that signed it, and for no other key of the same name. A certificate authority that was
//!   renewed with a new key has one CRL per key; each speaks for the certificates of its own key.
//! - A CRL that cannot be used spoils nothing: it is set aside, and named in a [`Notice`] with the cure.
//! - Good comes only from a CRL that is complete for the certificate, current, and the newest of its kind. Revoked comes
//!   from any CRL that the issuer's key signed, however old, partial or odd it is.
//! - Look-ups need nothing but memory: about the serial number and six bytes for each entry.
//!
//! Absent on purpose: fetching, files, PEM, delta CRLs merged into complete ones, CRLs of another issuer's name
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

pub(crate) use crls::Crls;
pub(crate) use query::{Authority, CertificateToCheck};
pub(crate) use status::Status;
