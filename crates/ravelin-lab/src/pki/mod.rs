//! Throw-away PKI shaped like AD CS: authorities, certificates and CRLs in every shape, good and bad.
//!
//! Start from a good value and change one thing:
//!
//! ```
//! use ravelin_lab::clock::{self, DAY};
//! use ravelin_lab::pki::{Authority, CertificateSpec, CrlSpec, purpose};
//!
//! let now = clock::now();
//! let root = Authority::root("Corp Root CA", now);
//! let issuing = root.issue_authority(CertificateSpec::authority("DC=test,DC=example,DC=corp,CN=Corp Issuing CA 1"));
//! let healthy = issuing.issue(CertificateSpec::client("pc17.corp.example.test"));
//! let expired = issuing.issue(CertificateSpec::client("pc18.corp.example.test").not_after(now - DAY));
//! let wrong = issuing.issue(CertificateSpec::client("pc19.corp.example.test").purposes(&[purpose::SERVER_AUTH]));
//! let list = issuing.crl(CrlSpec::new().number(7).revoke(&wrong));
//! # let _ = (healthy, expired, list);
//! ```
//!
//! - Times are Unix seconds (`i64`); an authority knows the `now` it was made with, and defaults lie around it.
//! - Names are written as AD writes them, in DER order: `DC=test,DC=example,DC=corp,CN=Corp Issuing CA 1`.
//! - What is asked for is what is written: nothing checks that a certificate makes sense.
//! - A fixture that cannot be made panics and says why.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "fixtures are made from their author's constants, never from a stranger's bytes; a wrong one must stop the test"
)]

mod authority;
mod certificate;
mod crl;
pub mod der;
mod estate;
mod extensions;
mod general_name;
mod key;
mod name;
mod pem;
mod rsa_sha1;
mod signature;

pub use authority::{Authority, Issued, self_signed};
pub use certificate::{
    BasicConstraints, CertificateSpec, KeyId, NameConstraints, Points, Template, key_usage, purpose,
};
pub use crl::{Crl, CrlEntry, CrlSpec, DistributionScope, NextUpdate, reason};
pub use estate::{Clients, Estate};
pub use extensions::Extension;
pub use general_name::GeneralName;
pub use key::{Key, KeyType};
pub use name::{Attribute, Name, StringType};
pub use pem::pem;
pub use signature::SignatureAlgorithm;
