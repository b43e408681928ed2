//! GeneralName of RFC 5280 §4.2.1.6, every kind that machine certificates carry.

use std::net::IpAddr;

use super::der;
use super::name::Name;

/// A name in a SAN, a name constraint or a distribution point. Text is bytes, so that NUL and worse can be written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum GeneralName {
    /// dNSName.
    Dns(Vec<u8>),
    /// rfc822Name.
    Email(Vec<u8>),
    /// iPAddress.
    Ip(IpAddr),
    /// iPAddress with any bytes: address and mask in a name constraint, or nonsense.
    IpBytes(Vec<u8>),
    /// directoryName.
    Directory(Name),
    /// otherName with any type; `value` is the DER inside `[0] EXPLICIT`.
    Other {
        /// Type, dotted decimal.
        oid: String,
        /// DER.
        value: Vec<u8>,
    },
    /// registeredID.
    RegisteredId(String),
    /// otherName User Principal Name (1.3.6.1.4.1.311.20.2.3).
    Upn(String),
    /// uniformResourceIdentifier.
    Uri(Vec<u8>),
}

impl GeneralName {
    /// dNSName from text.
    pub fn dns(name: &str) -> GeneralName {
        GeneralName::Dns(name.as_bytes().to_vec())
    }

    /// uniformResourceIdentifier from text.
    pub fn uri(uri: &str) -> GeneralName {
        GeneralName::Uri(uri.as_bytes().to_vec())
    }

    /// rfc822Name from text.
    pub fn email(address: &str) -> GeneralName {
        GeneralName::Email(address.as_bytes().to_vec())
    }

    /// The URI in which templates with subjects from the request carry a SID (MS-PKCA §3.1.5.2.1.6).
    pub fn sid_uri(sid: &str) -> GeneralName {
        GeneralName::uri(&format!("tag:microsoft.com,2022-09-14:sid:{sid}"))
    }

    /// DER.
    pub fn to_der(&self) -> Vec<u8> {
        match self {
            GeneralName::Dns(bytes) => der::implicit(2, bytes),
            GeneralName::Email(bytes) => der::implicit(1, bytes),
            GeneralName::Ip(IpAddr::V4(address)) => der::implicit(7, &address.octets()),
            GeneralName::Ip(IpAddr::V6(address)) => der::implicit(7, &address.octets()),
            GeneralName::IpBytes(bytes) => der::implicit(7, bytes),
            GeneralName::Directory(name) => der::explicit(4, &name.to_der()),
            GeneralName::Other { oid, value } => {
                der::implicit_constructed(0, &[der::oid(oid), der::explicit(0, value)].concat())
            }
            GeneralName::RegisteredId(oid) => der::implicit(8, &der::oid_contents(oid)),
            GeneralName::Upn(text) => {
                GeneralName::Other { oid: UPN.to_owned(), value: der::tlv(0x0c, text.as_bytes()) }.to_der()
            }
            GeneralName::Uri(bytes) => der::implicit(6, bytes),
        }
    }
}

/// `GeneralNames`: contents of the SEQUENCE, for implicit tags.
pub(super) fn contents(names: &[GeneralName]) -> Vec<u8> {
    names.iter().flat_map(GeneralName::to_der).collect()
}

const UPN: &str = "1.3.6.1.4.1.311.20.2.3";
