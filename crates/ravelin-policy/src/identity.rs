//! Who the leaf says it is.

use crate::escape::{escape, escape_name};

/// What was read from a leaf: for records, listings and rules. Text in it is as the certificate has it; escape before printing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Identity {
    /// DNS names of the subject alternative name, lower case, in order.
    pub dns_names: Vec<String>,
    /// Subject, in RFC 4514 form; empty for AD CS workstation certificates.
    pub subject: String,
    /// Issuer, in RFC 4514 form.
    pub issuer: String,
    /// Serial number, lower-case hex, no leading zeros.
    pub serial: String,
    /// SHA-256 of the SubjectPublicKeyInfo, lower-case hex.
    pub spki_sha256: String,
    /// End of validity, Unix seconds.
    pub not_after: i64,
}

impl Identity {
    /// The name a person would use for this machine, escaped: the first DNS name, else the subject, else the serial number.
    pub fn display_name(&self) -> String {
        match self.dns_names.first() {
            Some(name) => escape(name),
            None if self.subject.is_empty() => self.serial.clone(),
            None => escape_name(&self.subject),
        }
    }
}
