//! What the policy's reader finds in one certificate, for others to hold their own reading against.

use crate::certificate::{Certificate, GeneralName};
use crate::der::Malformed;

/// One certificate as the policy reads it. Nothing in it is verified: holding one says nothing of its signature.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InspectedCertificate {
    /// Contents of the serial number's INTEGER.
    pub serial: Vec<u8>,
    /// Issuer, DER.
    pub issuer: Vec<u8>,
    /// Subject, DER.
    pub subject: Vec<u8>,
    /// First second of validity, Unix.
    pub not_before: i64,
    /// Last second of validity, Unix.
    pub not_after: i64,
    /// SubjectPublicKeyInfo, DER.
    pub spki: Vec<u8>,
    /// Extended key usage, DER contents of each object identifier; `None`: not there.
    pub extended_key_usage: Option<Vec<Vec<u8>>>,
    /// Basic constraints: whether it is an authority, and the path length; `None`: not there.
    pub basic_constraints: Option<(bool, Option<u32>)>,
    /// Names of the subject alternative name, in order; `None`: not there.
    pub alternative_names: Option<Vec<InspectedName>>,
}

/// One alternative name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum InspectedName {
    /// A directory name.
    Directory,
    /// A DNS name, as it came.
    Dns(Vec<u8>),
    /// The bytes of an address.
    Ip(Vec<u8>),
    /// A mail address, as it came.
    Mail(Vec<u8>),
    /// Another form: its tag.
    Other(u8),
    /// A URI, as it came.
    Uri(Vec<u8>),
}

/// Why bytes are no certificate: a fixed text, safe to print.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UnreadableCertificate(pub &'static str);

impl std::fmt::Display for UnreadableCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for UnreadableCertificate {}

/// Reads one certificate and nothing behind it, as strictly as a decision does.
///
/// # Errors
/// The first rule of form that it breaks.
pub fn inspect(der: &[u8]) -> Result<InspectedCertificate, UnreadableCertificate> {
    let read = Certificate::read(der).map_err(|Malformed(why)| UnreadableCertificate(why))?;
    let constraints = read.extensions.basic_constraints;
    let names = read.extensions.subject_alternative_name;
    Ok(InspectedCertificate {
        serial: read.serial,
        issuer: read.issuer.der,
        subject: read.subject.der,
        not_before: read.not_before,
        not_after: read.not_after,
        spki: read.public_key.spki,
        extended_key_usage: read.extensions.extended_key_usage,
        basic_constraints: constraints.map(|constraints| (constraints.is_authority, constraints.path_length)),
        alternative_names: names.map(|names| names.into_iter().map(InspectedName::of).collect()),
    })
}

impl InspectedName {
    fn of(name: GeneralName) -> InspectedName {
        match name {
            GeneralName::Directory(_) => InspectedName::Directory,
            GeneralName::Dns(bytes) => InspectedName::Dns(bytes),
            GeneralName::Ip(bytes) => InspectedName::Ip(bytes),
            GeneralName::Mail(bytes) => InspectedName::Mail(bytes),
            GeneralName::Other(tag, _) => InspectedName::Other(tag),
            GeneralName::Uri(bytes) => InspectedName::Uri(bytes),
        }
    }
}
