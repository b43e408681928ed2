//! One X.509 certificate, read whole and strictly into values that cannot borrow from a stranger's buffer.
//!
//! Reading fails on what RFC 5280 forbids in the *form*: bytes left over, an extension twice, two signature algorithms
//! that differ, an empty issuer. What a certificate may be *used* for is judged where paths are, after its signature
//! was verified: a stranger's claims are not worth a reason of their own.

mod extensions;
mod general_name;
mod key;

pub(crate) use extensions::{Extensions, NameConstraints, PolicyMapping};
pub(crate) use general_name::GeneralName;
pub(crate) use key::{PublicKey, RSA_BITS_MAX, RSA_BITS_MIN, SignatureAlgorithm, Weakness};

use crate::der::{self, DerReader, Malformed, tag};
use crate::digest::hex;
use crate::name;
use crate::time;

/// One certificate.
#[derive(Debug)]
pub(crate) struct Certificate {
    /// The whole of it, as it came.
    pub(crate) der: Vec<u8>,
    pub(crate) version: Version,
    /// Contents of the INTEGER, as they came; may be negative or zero.
    pub(crate) serial: Vec<u8>,
    pub(crate) issuer: DistinguishedName,
    pub(crate) subject: DistinguishedName,
    /// First and last second of validity (Unix), both inclusive.
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
    pub(crate) public_key: PublicKey,
    pub(crate) extensions: Extensions,
    /// What is signed, by which algorithm, and the signature.
    pub(crate) signed: Vec<u8>,
    pub(crate) signature_algorithm: SignatureAlgorithm,
    pub(crate) signature: Vec<u8>,
}

/// `version` (RFC 5280 §4.1.2.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Version {
    V1,
    V2,
    V3,
}

/// A name in the two forms it is needed in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct DistinguishedName {
    pub(crate) der: Vec<u8>,
    /// See [`name::canonical`].
    pub(crate) canonical: Vec<u8>,
}

impl DistinguishedName {
    fn read(reader: &mut DerReader<'_>) -> Result<DistinguishedName, Malformed> {
        let der = reader.element(tag::SEQUENCE)?.whole;
        Ok(DistinguishedName { der: der.to_vec(), canonical: name::canonical(der)? })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.canonical.is_empty()
    }

    /// What a person calls it, escaped: the last common name, else all of it.
    pub(crate) fn label(&self) -> String {
        let common_names = name::values(&self.der, name::COMMON_NAME).unwrap_or_default();
        common_names.last().map_or_else(
            || crate::escape::escape_name(&self.text()),
            |name| format!("'{}'", crate::escape::escape(name)),
        )
    }

    /// RFC 4514 form. Not escaped for logs.
    pub(crate) fn text(&self) -> String {
        name::rfc4514(&self.der).unwrap_or_default()
    }
}

impl Certificate {
    /// Reads one certificate and nothing after it (RFC 5280 §4.1).
    ///
    /// # Errors
    /// The first broken rule of form.
    pub(crate) fn read(der: &[u8]) -> Result<Certificate, Malformed> {
        let mut outer = DerReader::new(der::only(der, tag::SEQUENCE)?);
        let signed = outer.element(tag::SEQUENCE)?;
        let outer_algorithm = outer.read(tag::SEQUENCE)?;
        let signature = der::bit_string_bytes(outer.read(tag::BIT_STRING)?)?;
        outer.end()?;

        let mut inner = DerReader::new(signed.value);
        let version = version(&mut inner)?;
        let serial = serial(inner.read(tag::INTEGER)?)?;
        // RFC 5280 §4.1.1.2: both fields must be the same; the outer one is not signed.
        if inner.read(tag::SEQUENCE)? != outer_algorithm {
            return Err(Malformed("two signature algorithms that differ"));
        }
        let issuer = DistinguishedName::read(&mut inner)?;
        if issuer.is_empty() {
            return Err(Malformed("an empty issuer"));
        }
        let mut validity = inner.nested(tag::SEQUENCE)?;
        let (not_before, not_after) = (time::read(validity.any()?)?, time::read(validity.any()?)?);
        validity.end()?;
        let subject = DistinguishedName::read(&mut inner)?;
        let public_key = PublicKey::read(inner.element(tag::SEQUENCE)?.whole)?;
        // issuerUniqueID and subjectUniqueID: read over. Names are not reused in an estate (RFC 5280 §4.1.2.8).
        for unique_id in [1, 2] {
            if inner.optional(tag::context(unique_id))?.is_some() && version == Version::V1 {
                return Err(Malformed("a unique identifier in a version 1 certificate"));
            }
        }
        let extensions = match inner.optional(tag::context_constructed(3))? {
            Some(_) if version != Version::V3 => return Err(Malformed("extensions in a certificate before version 3")),
            Some(extensions) => Extensions::read(der::only(extensions, tag::SEQUENCE)?)?,
            None => Extensions::default(),
        };
        inner.end()?;

        Ok(Certificate {
            der: der.to_vec(),
            version,
            serial: serial.to_vec(),
            issuer,
            subject,
            not_before,
            not_after,
            public_key,
            extensions,
            signed: signed.whole.to_vec(),
            signature_algorithm: SignatureAlgorithm::read(outer_algorithm)?,
            signature: signature.to_vec(),
        })
    }

    /// Subject and issuer are the same name (RFC 5280 §3.2, "self-issued").
    pub(crate) fn is_self_issued(&self) -> bool {
        self.subject.canonical == self.issuer.canonical
    }

    /// The same authority, perhaps under another certificate: same name, same key.
    pub(crate) fn is_same_authority(&self, other: &Certificate) -> bool {
        self.subject.canonical == other.subject.canonical && self.public_key.spki == other.public_key.spki
    }

    /// Serial number in lower-case hex without leading zeros; `-` before a negative one.
    pub(crate) fn serial_text(&self) -> String {
        serial_text(&self.serial)
    }

    /// What it is called in a detail, escaped: its subject where there is one, else the serial number.
    pub(crate) fn label(&self) -> String {
        if self.subject.is_empty() { format!("serial {}", self.serial_text()) } else { self.subject.label() }
    }
}

fn version(inner: &mut DerReader<'_>) -> Result<Version, Malformed> {
    let Some(explicit) = inner.optional(tag::context_constructed(0))? else {
        return Ok(Version::V1);
    };
    match der::integer(der::only(explicit, tag::INTEGER)?)? {
        // DER leaves a default out; some writers of version 1 do not.
        [0] => Ok(Version::V1),
        [1] => Ok(Version::V2),
        [2] => Ok(Version::V3),
        _ => Err(Malformed("a version that does not exist")),
    }
}

/// At most 20 bytes (RFC 5280 §4.1.2.2), the sign byte of a number of 20 bytes not counted, as NIST PKITS has it.
fn serial(value: &[u8]) -> Result<&[u8], Malformed> {
    let serial = der::integer(value)?;
    let magnitude = serial.strip_prefix(&[0]).unwrap_or(serial);
    if magnitude.len() > SERIAL_BYTES_MAX {
        return Err(Malformed("a serial number of more than 20 bytes"));
    }
    Ok(serial)
}

/// See [`Certificate::serial_text`].
fn serial_text(serial: &[u8]) -> String {
    let negative = serial.first().is_some_and(|first| first & 0x80 != 0);
    let magnitude = if negative { negated(serial) } else { serial.to_vec() };
    let hex = hex(&magnitude);
    let digits = hex.trim_start_matches('0');
    format!("{}{}", if negative { "-" } else { "" }, if digits.is_empty() { "0" } else { digits })
}

/// Two's complement.
fn negated(bytes: &[u8]) -> Vec<u8> {
    let mut carry = true;
    let mut negated: Vec<u8> = bytes
        .iter()
        .rev()
        .map(|byte| {
            let (sum, overflow) = (!byte).overflowing_add(u8::from(carry));
            carry = overflow;
            sum
        })
        .collect();
    negated.reverse();
    negated
}

/// RFC 5280 §4.1.2.2.
const SERIAL_BYTES_MAX: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers() {
        for (bytes, text) in [
            (&[0x00][..], "0"),
            (&[0x01], "1"),
            (&[0x00, 0xff], "ff"),
            (&[0x0a, 0xbc], "abc"),
            (&[0xff], "-1"),
            (&[0x80], "-80"),
            (&[0xff, 0x00], "-100"),
        ] {
            assert_eq!(serial_text(bytes), text);
        }
        let twenty = [&[0x00][..], &[0xff; 20]].concat();
        assert!(serial(&twenty).is_ok());
        assert!(serial(&[0x7f; 21]).is_err());
        assert!(serial(&[]).is_err());
        assert!(serial(&[0x00, 0x01]).is_err());
    }
}
