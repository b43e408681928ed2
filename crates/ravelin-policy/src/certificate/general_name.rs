//! `GeneralName` (RFC 5280 §4.2.1.6): what a certificate names besides its subject, and what constraints speak of.

use crate::der::{self, DerReader, Malformed, tag};
use crate::name;

/// One name, by form. Text is kept as the bytes that came: what is a good DNS name is a rule, not a matter of form.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum GeneralName {
    /// Canonical form, see [`name::canonical`].
    Directory(Vec<u8>),
    Dns(Vec<u8>),
    /// Address bytes; in a constraint, address and mask.
    Ip(Vec<u8>),
    Mail(Vec<u8>),
    /// otherName (Microsoft's user principal name is one), x400Address, ediPartyName, registeredID: tag and contents.
    Other(u8, Vec<u8>),
    Uri(Vec<u8>),
}

impl GeneralName {
    /// Reads one.
    ///
    /// # Errors
    /// A tag that no form has, or contents that are not of the form.
    pub(crate) fn read(reader: &mut DerReader<'_>) -> Result<GeneralName, Malformed> {
        let element = reader.any()?;
        let value = element.value;
        Ok(match element.tag {
            MAIL => GeneralName::Mail(value.to_vec()),
            DNS => GeneralName::Dns(value.to_vec()),
            DIRECTORY => GeneralName::Directory(name::canonical(value)?),
            URI => GeneralName::Uri(value.to_vec()),
            IP => GeneralName::Ip(value.to_vec()),
            OTHER_NAME => {
                let mut fields = DerReader::new(value);
                der::oid(fields.read(tag::OID)?)?;
                fields.read(tag::context_constructed(0))?;
                fields.end()?;
                GeneralName::Other(element.tag, value.to_vec())
            }
            REGISTERED_ID => GeneralName::Other(element.tag, der::oid(value)?.to_vec()),
            X400 | EDI_PARTY => GeneralName::Other(element.tag, value.to_vec()),
            _ => return Err(Malformed("a general name of no known form")),
        })
    }

    /// Reads `GeneralNames ::= SEQUENCE SIZE (1..MAX) OF GeneralName`.
    ///
    /// # Errors
    /// As [`GeneralName::read`]; an empty sequence, or more than [`NAMES_MAX`].
    pub(crate) fn read_all(bytes: &[u8]) -> Result<Vec<GeneralName>, Malformed> {
        let mut reader = DerReader::new(der::only(bytes, tag::SEQUENCE)?);
        let mut names = Vec::new();
        while !reader.is_empty() {
            if names.len() == NAMES_MAX {
                return Err(Malformed("more than 100 alternative names"));
            }
            names.push(GeneralName::read(&mut reader)?);
        }
        if names.is_empty() { Err(Malformed("an empty list of names")) } else { Ok(names) }
    }

    /// Whether `other` is of the same form: constraints on one form say nothing of another (RFC 5280 §4.2.1.10).
    pub(crate) fn is_of_form(&self, other: &GeneralName) -> bool {
        match (self, other) {
            (GeneralName::Other(one, _), GeneralName::Other(two, _)) => one == two,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// The form, as RFC 5280 calls it.
    pub(crate) fn form(&self) -> &'static str {
        match self {
            GeneralName::Directory(_) => "directoryName",
            GeneralName::Dns(_) => "dNSName",
            GeneralName::Ip(_) => "iPAddress",
            GeneralName::Mail(_) => "rfc822Name",
            GeneralName::Other(OTHER_NAME, _) => "otherName",
            GeneralName::Other(X400, _) => "x400Address",
            GeneralName::Other(EDI_PARTY, _) => "ediPartyName",
            GeneralName::Other(_, _) => "registeredID",
            GeneralName::Uri(_) => "uniformResourceIdentifier",
        }
    }
}

/// docs/rules.md rule 2. A machine has one name, a server perhaps ten. Bounds what reading, constraints and name rules cost.
const NAMES_MAX: usize = 100;

const OTHER_NAME: u8 = tag::context_constructed(0);
const MAIL: u8 = tag::context(1);
const DNS: u8 = tag::context(2);
const X400: u8 = tag::context_constructed(3);
/// Explicit, since `Name` is a CHOICE: the contents are the whole name.
const DIRECTORY: u8 = tag::context_constructed(4);
const EDI_PARTY: u8 = tag::context_constructed(5);
const URI: u8 = tag::context(6);
const IP: u8 = tag::context(7);
const REGISTERED_ID: u8 = tag::context(8);
