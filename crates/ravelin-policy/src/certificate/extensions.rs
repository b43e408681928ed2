//! The extensions of a certificate (RFC 5280 §4.2), each read once and strictly.

use super::general_name::GeneralName;
use crate::der::{self, DerReader, Malformed, tag};

/// What policy knows of a certificate's extensions. `None`: not there.
#[derive(Debug, Default)]
pub(crate) struct Extensions {
    /// keyIdentifier of the authority key identifier.
    pub(crate) authority_key_identifier: Option<Vec<u8>>,
    pub(crate) basic_constraints: Option<BasicConstraints>,
    /// CRL distribution points, the extension's value as it came.
    pub(crate) distribution_points: Option<Vec<u8>>,
    /// Microsoft's CA version is there (MS-WCCE §2.2.2.7.5), which AD CS writes into certificates of authorities.
    pub(crate) is_of_ad_cs: bool,
    /// DER contents of each object identifier.
    pub(crate) extended_key_usage: Option<Vec<Vec<u8>>>,
    pub(crate) key_usage: Option<KeyUsage>,
    pub(crate) name_constraints: Option<NameConstraints>,
    pub(crate) policies: Policies,
    /// Microsoft's security identifier (MS-WCCE §2.2.2.7.7.4), the extension's value as it came: the account rule reads it.
    pub(crate) security_identifier: Option<Vec<u8>>,
    pub(crate) subject_alternative_name: Option<Vec<GeneralName>>,
    pub(crate) subject_key_identifier: Option<Vec<u8>>,
    /// The first critical extension that policy does not process (DER contents of its object identifier).
    pub(crate) unknown_critical: Option<Vec<u8>>,
}

/// `basicConstraints` (RFC 5280 §4.2.1.9).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct BasicConstraints {
    pub(crate) is_authority: bool,
    /// `pathLenConstraint`; what exceeds 32 bits constrains nothing.
    pub(crate) path_length: Option<u32>,
}

/// `keyUsage` (RFC 5280 §4.2.1.3): bit 0 (digitalSignature) is the highest.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct KeyUsage(u16);

impl KeyUsage {
    pub(crate) fn digital_signature(self) -> bool {
        self.0 & 0x8000 != 0
    }
    pub(crate) fn certificate_signing(self) -> bool {
        self.0 & 0x0400 != 0
    }
    pub(crate) fn crl_signing(self) -> bool {
        self.0 & 0x0200 != 0
    }
}

/// `nameConstraints` (RFC 5280 §4.2.1.10).
#[derive(Debug, Default)]
pub(crate) struct NameConstraints {
    pub(crate) permitted: Vec<GeneralName>,
    pub(crate) excluded: Vec<GeneralName>,
}

/// The four extensions about certificate policies (RFC 5280 §4.2.1.4, .5, .11, .14).
#[derive(Debug, Default)]
pub(crate) struct Policies {
    /// Policies stated, without their qualifiers.
    pub(crate) stated: Option<Vec<Vec<u8>>>,
    pub(crate) mappings: Vec<PolicyMapping>,
    pub(crate) require_explicit: Option<u32>,
    pub(crate) inhibit_mapping: Option<u32>,
    pub(crate) inhibit_any: Option<u32>,
}

/// Issuer's policy, subject's policy.
pub(crate) type PolicyMapping = (Vec<u8>, Vec<u8>);

impl Extensions {
    /// Reads the contents of `Extensions ::= SEQUENCE SIZE (1..MAX) OF Extension`.
    ///
    /// # Errors
    /// An extension twice, a known one that cannot be read, or one that is critical and must never be.
    pub(super) fn read(contents: &[u8]) -> Result<Extensions, Malformed> {
        let mut reader = DerReader::new(contents);
        if reader.is_empty() {
            return Err(Malformed("an empty list of extensions"));
        }
        let mut extensions = Extensions::default();
        let mut seen: Vec<&[u8]> = Vec::new();
        while !reader.is_empty() {
            let mut fields = reader.nested(tag::SEQUENCE)?;
            let oid = der::oid(fields.read(tag::OID)?)?;
            // DER leaves `FALSE` out; writers that do not are common and can be understood.
            let critical = fields.optional(tag::BOOLEAN)?.map(der::boolean).transpose()?.unwrap_or(false);
            let value = fields.read(tag::OCTET_STRING)?;
            fields.end()?;
            // RFC 5280 §4.2: never twice. Unknown ones too: the security identifier of MS-WCCE must not hide in a second.
            if seen.contains(&oid) {
                return Err(Malformed("an extension that is there twice"));
            }
            if seen.len() == EXTENSIONS_MAX {
                return Err(Malformed("more than 64 extensions"));
            }
            seen.push(oid);
            if !extensions.take(oid, critical, value)? && critical && extensions.unknown_critical.is_none() {
                extensions.unknown_critical = Some(oid.to_vec());
            }
        }
        Ok(extensions)
    }

    /// Reads one extension; `false` where it is not known.
    fn take(&mut self, oid: &[u8], critical: bool, value: &[u8]) -> Result<bool, Malformed> {
        match oid {
            oids::AUTHORITY_KEY_IDENTIFIER | oids::SUBJECT_KEY_IDENTIFIER if critical => {
                // RFC 5280 §4.2.1.1, §4.2.1.2: "MUST mark this extension as non-critical".
                return Err(Malformed("a key identifier that is critical"));
            }
            oids::AUTHORITY_INFORMATION_ACCESS => authority_information_access(value)?,
            oids::AUTHORITY_KEY_IDENTIFIER => self.authority_key_identifier = authority_key_identifier(value)?,
            oids::AD_CS_VERSION => self.is_of_ad_cs = true,
            oids::BASIC_CONSTRAINTS => self.basic_constraints = Some(basic_constraints(value)?),
            oids::CERTIFICATE_POLICIES => self.policies.stated = Some(certificate_policies(value)?),
            oids::CRL_DISTRIBUTION_POINTS => self.distribution_points = Some(value.to_vec()),
            oids::EXTENDED_KEY_USAGE => self.extended_key_usage = Some(extended_key_usage(value)?),
            oids::INHIBIT_ANY_POLICY => self.policies.inhibit_any = Some(count(der::only(value, tag::INTEGER)?)?),
            oids::KEY_USAGE => self.key_usage = Some(key_usage(value)?),
            oids::NAME_CONSTRAINTS => self.name_constraints = Some(name_constraints(value)?),
            oids::POLICY_CONSTRAINTS => {
                (self.policies.require_explicit, self.policies.inhibit_mapping) = policy_constraints(value)?;
            }
            oids::POLICY_MAPPINGS => self.policies.mappings = policy_mappings(value)?,
            oids::SECURITY_IDENTIFIER => {
                self.security_identifier = Some(value.to_vec());
                // Not every policy asks for accounts; critical, it must be processed by all, and AD CS never makes it so.
                return Ok(false);
            }
            oids::SUBJECT_ALTERNATIVE_NAME => {
                self.subject_alternative_name = Some(GeneralName::read_all(value)?);
            }
            oids::SUBJECT_KEY_IDENTIFIER => {
                self.subject_key_identifier = Some(der::only(value, tag::OCTET_STRING)?.to_vec());
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Not used: nothing is fetched on a stranger's word. Read for its form alone (RFC 5280 §4.2.2.1).
fn authority_information_access(value: &[u8]) -> Result<(), Malformed> {
    let mut reader = DerReader::new(der::only(value, tag::SEQUENCE)?);
    while !reader.is_empty() {
        let mut fields = reader.nested(tag::SEQUENCE)?;
        der::oid(fields.read(tag::OID)?)?;
        GeneralName::read(&mut fields)?;
        fields.end()?;
    }
    Ok(())
}

fn authority_key_identifier(value: &[u8]) -> Result<Option<Vec<u8>>, Malformed> {
    let mut fields = DerReader::new(der::only(value, tag::SEQUENCE)?);
    let key_identifier = fields.optional(tag::context(0))?.map(<[u8]>::to_vec);
    fields.optional(tag::context_constructed(1))?;
    fields.optional(tag::context(2))?;
    fields.end()?;
    Ok(key_identifier)
}

fn basic_constraints(value: &[u8]) -> Result<BasicConstraints, Malformed> {
    let mut fields = DerReader::new(der::only(value, tag::SEQUENCE)?);
    let is_authority = fields.optional(tag::BOOLEAN)?.map(der::boolean).transpose()?.unwrap_or(false);
    let path_length = fields.optional(tag::INTEGER)?.map(count).transpose()?;
    fields.end()?;
    Ok(BasicConstraints { is_authority, path_length })
}

/// `PolicyInformation ::= SEQUENCE { policyIdentifier, policyQualifiers OPTIONAL }`; qualifiers are for people.
fn certificate_policies(value: &[u8]) -> Result<Vec<Vec<u8>>, Malformed> {
    let mut reader = DerReader::new(der::only(value, tag::SEQUENCE)?);
    let mut policies: Vec<Vec<u8>> = Vec::new();
    while !reader.is_empty() {
        let mut fields = reader.nested(tag::SEQUENCE)?;
        let policy = der::oid(fields.read(tag::OID)?)?;
        fields.optional(tag::SEQUENCE)?;
        fields.end()?;
        if policies.iter().any(|known| known == policy) {
            return Err(Malformed("a certificate policy that is stated twice"));
        }
        if policies.len() == POLICIES_MAX {
            return Err(Malformed("more than 64 certificate policies"));
        }
        policies.push(policy.to_vec());
    }
    if policies.is_empty() { Err(Malformed("an empty list of certificate policies")) } else { Ok(policies) }
}

fn policy_mappings(value: &[u8]) -> Result<Vec<PolicyMapping>, Malformed> {
    let mut reader = DerReader::new(der::only(value, tag::SEQUENCE)?);
    let mut mappings = Vec::new();
    while !reader.is_empty() {
        let mut fields = reader.nested(tag::SEQUENCE)?;
        let (issuer, subject) = (der::oid(fields.read(tag::OID)?)?, der::oid(fields.read(tag::OID)?)?);
        fields.end()?;
        if mappings.len() == POLICIES_MAX {
            return Err(Malformed("more than 64 policy mappings"));
        }
        mappings.push((issuer.to_vec(), subject.to_vec()));
    }
    if mappings.is_empty() { Err(Malformed("an empty list of policy mappings")) } else { Ok(mappings) }
}

fn policy_constraints(value: &[u8]) -> Result<(Option<u32>, Option<u32>), Malformed> {
    let mut fields = DerReader::new(der::only(value, tag::SEQUENCE)?);
    let require_explicit = fields.optional(tag::context(0))?.map(count).transpose()?;
    let inhibit_mapping = fields.optional(tag::context(1))?.map(count).transpose()?;
    fields.end()?;
    if require_explicit.is_none() && inhibit_mapping.is_none() {
        return Err(Malformed("empty policy constraints"));
    }
    Ok((require_explicit, inhibit_mapping))
}

fn extended_key_usage(value: &[u8]) -> Result<Vec<Vec<u8>>, Malformed> {
    let mut reader = DerReader::new(der::only(value, tag::SEQUENCE)?);
    let mut purposes = Vec::new();
    while !reader.is_empty() {
        if purposes.len() == PURPOSES_MAX {
            return Err(Malformed("more than 64 purposes"));
        }
        purposes.push(der::oid(reader.read(tag::OID)?)?.to_vec());
    }
    if purposes.is_empty() { Err(Malformed("an empty list of purposes")) } else { Ok(purposes) }
}

/// A named bit list: unused bits are zero.
fn key_usage(value: &[u8]) -> Result<KeyUsage, Malformed> {
    let (first, second, unused, last) = match *der::only(value, tag::BIT_STRING)? {
        [unused, one] => (one, 0, unused, one),
        [unused, one, two] => (one, two, unused, two),
        // No bit at all: allowed by the encoding, good for nothing.
        [0] => return Ok(KeyUsage(0)),
        _ => return Err(BAD_KEY_USAGE),
    };
    if unused > 7 || last & ((1 << unused) - 1) != 0 {
        return Err(BAD_KEY_USAGE);
    }
    Ok(KeyUsage(u16::from_be_bytes([first, second])))
}

fn name_constraints(value: &[u8]) -> Result<NameConstraints, Malformed> {
    let mut fields = DerReader::new(der::only(value, tag::SEQUENCE)?);
    let permitted = fields.optional(tag::context_constructed(0))?.map(subtrees).transpose()?;
    let excluded = fields.optional(tag::context_constructed(1))?.map(subtrees).transpose()?;
    fields.end()?;
    if permitted.is_none() && excluded.is_none() {
        return Err(Malformed("empty name constraints"));
    }
    Ok(NameConstraints { permitted: permitted.unwrap_or_default(), excluded: excluded.unwrap_or_default() })
}

fn subtrees(contents: &[u8]) -> Result<Vec<GeneralName>, Malformed> {
    let mut reader = DerReader::new(contents);
    let mut subtrees = Vec::new();
    while !reader.is_empty() {
        if subtrees.len() == SUBTREES_MAX {
            return Err(Malformed("more than 128 name constraints"));
        }
        let mut fields = reader.nested(tag::SEQUENCE)?;
        subtrees.push(GeneralName::read(&mut fields)?);
        // RFC 5280 §4.2.1.10: "minimum MUST be zero, and maximum MUST be absent". DER leaves the zero out; writers exist that do not.
        if fields.optional(tag::context(0))?.is_some_and(|minimum| minimum != [0]) {
            return Err(Malformed("a name constraint with a minimum"));
        }
        if fields.optional(tag::context(1))?.is_some() {
            return Err(Malformed("a name constraint with a maximum"));
        }
        fields.end()?;
    }
    if subtrees.is_empty() { Err(Malformed("empty name constraints")) } else { Ok(subtrees) }
}

/// `INTEGER (0..MAX)`. What does not fit is as good as no bound: no path is that long.
fn count(value: &[u8]) -> Result<u32, Malformed> {
    let bytes = der::integer(value)?;
    if bytes.first().is_some_and(|first| first & 0x80 != 0) {
        return Err(Malformed("a negative count"));
    }
    if bytes.len() > 4 {
        return Ok(u32::MAX);
    }
    Ok(bytes.iter().fold(0, |count, &byte| (count << 8) | u32::from(byte)))
}

const BAD_KEY_USAGE: Malformed = Malformed("a key usage that cannot be read");

/// AD CS writes about a dozen. The search for doubles is quadratic.
const EXTENSIONS_MAX: usize = 64;
/// AD CS writes one to three. Bounds the policy graph of a path.
const POLICIES_MAX: usize = 64;
/// A template of AD CS has a handful; the certificate of a multi-purpose server perhaps ten.
const PURPOSES_MAX: usize = 64;
/// Every name of every certificate below is held against each: 100 names make 12,800 comparisons, a quarter of a
/// millisecond, which only an authority that is trusted can cause.
const SUBTREES_MAX: usize = 128;

pub(crate) mod oids {
    /// 1.3.6.1.4.1.311.21.1
    pub(crate) const AD_CS_VERSION: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x15, 0x01];
    pub(crate) const AUTHORITY_INFORMATION_ACCESS: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01];
    /// 1.3.6.1.4.1.311.25.2
    pub(crate) const SECURITY_IDENTIFIER: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x19, 0x02];
    pub(crate) const SUBJECT_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 0x0e];
    pub(crate) const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
    pub(crate) const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
    pub(crate) const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
    pub(crate) const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x1e];
    pub(crate) const CRL_DISTRIBUTION_POINTS: &[u8] = &[0x55, 0x1d, 0x1f];
    pub(crate) const CERTIFICATE_POLICIES: &[u8] = &[0x55, 0x1d, 0x20];
    pub(crate) const POLICY_MAPPINGS: &[u8] = &[0x55, 0x1d, 0x21];
    pub(crate) const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 0x23];
    pub(crate) const POLICY_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x24];
    pub(crate) const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
    pub(crate) const INHIBIT_ANY_POLICY: &[u8] = &[0x55, 0x1d, 0x36];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extension(oid: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
        let wrap = |tag: u8, value: &[u8]| [&[tag, u8::try_from(value.len()).unwrap()], value].concat();
        let critical = if critical { vec![0x01, 0x01, 0xff] } else { Vec::new() };
        wrap(0x30, &[wrap(0x06, oid), critical, wrap(0x04, value)].concat())
    }

    #[test]
    fn forms() {
        let unknown: &[u8] = &[0x2a, 0x03];
        for (case, contents, readable) in [
            ("empty", Vec::new(), false),
            ("unknown", extension(unknown, false, &[0xff]), true),
            ("unknown twice", [extension(unknown, false, &[]), extension(unknown, false, &[1])].concat(), false),
            ("key identifier", extension(oids::SUBJECT_KEY_IDENTIFIER, false, &[0x04, 0x01, 0xaa]), true),
            ("critical key identifier", extension(oids::SUBJECT_KEY_IDENTIFIER, true, &[0x04, 0x01, 0xaa]), false),
            ("trailing bytes", extension(oids::SUBJECT_KEY_IDENTIFIER, false, &[0x04, 0x01, 0xaa, 0x00]), false),
            ("empty purposes", extension(oids::EXTENDED_KEY_USAGE, false, &[0x30, 0x00]), false),
            ("empty names", extension(oids::SUBJECT_ALTERNATIVE_NAME, false, &[0x30, 0x00]), false),
            ("empty constraints", extension(oids::NAME_CONSTRAINTS, true, &[0x30, 0x00]), false),
            (
                "constraint with a maximum",
                extension(
                    oids::NAME_CONSTRAINTS,
                    true,
                    &[0x30, 0x0a, 0xa0, 0x08, 0x30, 0x06, 0x82, 0x01, b'a', 0x81, 0x01, 0x00],
                ),
                false,
            ),
            ("negative path length", extension(oids::BASIC_CONSTRAINTS, true, &[0x30, 0x03, 0x02, 0x01, 0xff]), false),
            (
                "huge path length",
                extension(oids::BASIC_CONSTRAINTS, true, &[0x30, 0x07, 0x02, 0x05, 1, 0, 0, 0, 0]),
                true,
            ),
            ("key usage", extension(oids::KEY_USAGE, true, &[0x03, 0x02, 0x05, 0xa0]), true),
            (
                "key usage with bits set that are unused",
                extension(oids::KEY_USAGE, true, &[0x03, 0x02, 0x05, 0xa1]),
                false,
            ),
            (
                "boolean of one",
                {
                    let mut der = extension(unknown, true, &[]);
                    der[8] = 0x01;
                    der
                },
                false,
            ),
        ] {
            assert_eq!(Extensions::read(&contents).is_ok(), readable, "{case}");
        }
    }

    #[test]
    fn first_unknown_critical_is_kept() {
        let contents = [extension(&[0x2a, 0x03], false, &[]), extension(&[0x2a, 0x04], true, &[])].concat();
        assert_eq!(Extensions::read(&contents).unwrap().unknown_critical, Some(vec![0x2a, 0x04]));
    }
}
