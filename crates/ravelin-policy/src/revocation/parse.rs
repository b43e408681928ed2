//! Reads one `CertificateList` (RFC 5280 §5.1), in one pass over its bytes.
//!
//! - Whatever the bytes, the result is a CRL or an error; nothing is trusted before the signature, which is not
//!   looked at here.
//! - Bytes after any structure, a doubled extension, a signature algorithm that differs between the signed part and the
//!   outside, an empty signature: errors.
//! - What is read but may never call a certificate good is said by [`Parsed::set_aside`].

use super::scope::{self, Scope};
use super::serials::{Entry, Serials};

use crate::der::{self, DerReader, Malformed, tag};
use crate::{name, oid, time};

/// One CRL, not verified.
#[derive(Debug)]
pub(super) struct Parsed<'a> {
    /// The signed part, DER.
    pub(super) signed_part: &'a [u8],
    /// Contents of the AlgorithmIdentifier.
    pub(super) algorithm: &'a [u8],
    pub(super) signature: &'a [u8],
    /// DER Name, and its canonical form.
    pub(super) issuer: &'a [u8],
    pub(super) issuer_canonical: Vec<u8>,
    /// Unix seconds.
    pub(super) this_update: i64,
    pub(super) next_update: Option<i64>,
    /// When AD CS means to publish the next CRL; before `next_update`, which leaves time to distribute it.
    pub(super) next_publish: Option<i64>,
    /// CRL number, without leading zeros.
    pub(super) number: Option<&'a [u8]>,
    pub(super) key_identifier: Option<&'a [u8]>,
    /// `None` for a CRL that speaks for every certificate of its issuer.
    pub(super) scope: Option<Scope>,
    pub(super) serials: Serials,
    /// Why the CRL may never call a certificate good.
    pub(super) set_aside: Option<SetAside>,
}

/// Why a CRL that can be read may call certificates revoked, and none good.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum SetAside {
    /// It lists attribute certificates.
    AttributeCertificates,
    /// Its CRL number is critical, which RFC 5280 §5.2.3 forbids.
    CriticalNumber,
    /// It lists what changed since another CRL.
    Delta,
    /// Its next update lies before its this update.
    EndsBeforeItBegins,
    /// It may list certificates of other issuers.
    Indirect,
    /// It does not say until when it counts.
    NoNextUpdate,
    /// It has no CRL number, which RFC 5280 §5.2.3 demands: of two such CRLs nobody can tell the newer.
    NoNumber,
    /// It lists certificates revoked for some reasons only.
    SomeReasons,
    /// It holds an extension that must be understood and is not, by dotted identifier.
    UnknownCritical(String),
}

/// Reads a CRL.
///
/// # Errors
/// The bytes are no CRL, or one that breaks a rule that its reading rests on.
pub(super) fn parse(crl: &[u8]) -> Result<Parsed<'_>, Malformed> {
    let mut outer = DerReader::new(der::only(crl, tag::SEQUENCE)?);
    let signed_part = outer.element(tag::SEQUENCE)?;
    let algorithm = outer.read(tag::SEQUENCE)?;
    // RUSTSEC-2026-0104 was a panic at an empty BIT STRING in this place.
    let signature = der::bit_string_bytes(outer.read(tag::BIT_STRING)?)?;
    outer.end()?;
    if signature.is_empty() {
        return Err(Malformed("an empty signature"));
    }

    let mut reader = DerReader::new(signed_part.value);
    let version_2 = match reader.optional(tag::INTEGER)? {
        None => false,
        Some([1]) => true,
        Some(_) => return Err(Malformed("a version that is not 1 or 2")),
    };
    // RFC 5280 §5.1.1.2.
    if reader.read(tag::SEQUENCE)? != algorithm {
        return Err(Malformed("two different signature algorithms"));
    }
    let issuer = reader.element(tag::SEQUENCE)?.whole;
    let issuer_canonical = name::canonical(issuer)?;
    if issuer_canonical.is_empty() {
        return Err(Malformed("an empty issuer name"));
    }
    let this_update = time::read(reader.any()?)?;
    let next_update = match reader.peek() {
        Some(tag::UTC_TIME | tag::GENERALIZED_TIME) => Some(time::read(reader.any()?)?),
        _ => None,
    };
    let revoked = reader.optional(tag::SEQUENCE)?.unwrap_or_default();
    let extensions = match reader.optional(tag::context_constructed(0))? {
        Some(_) if !version_2 => return Err(Malformed("extensions in a CRL of version 1")),
        Some(explicit) => Extensions::read(der::only(explicit, tag::SEQUENCE)?, issuer)?,
        None => Extensions::default(),
    };
    reader.end()?;
    let entries = Entries::read(revoked, version_2, extensions.delta, &issuer_canonical)?;

    let ends_before = next_update.is_some_and(|next_update| next_update < this_update);
    let scope = extensions.scope.as_ref();
    let unknown_critical = extensions.unknown_critical.or(entries.unknown_critical);
    let set_aside = [
        scope.is_some_and(|scope| scope.attributes_only).then_some(SetAside::AttributeCertificates),
        unknown_critical.map(SetAside::UnknownCritical),
        extensions.delta.then_some(SetAside::Delta),
        (entries.foreign || scope.is_some_and(|scope| scope.indirect)).then_some(SetAside::Indirect),
        scope.is_some_and(|scope| scope.some_reasons_only).then_some(SetAside::SomeReasons),
        next_update.is_none().then_some(SetAside::NoNextUpdate),
        ends_before.then_some(SetAside::EndsBeforeItBegins),
        extensions.number.is_none().then_some(SetAside::NoNumber),
        extensions.number_is_critical.then_some(SetAside::CriticalNumber),
    ];
    Ok(Parsed {
        signed_part: signed_part.whole,
        algorithm,
        signature,
        issuer,
        issuer_canonical,
        this_update,
        next_update,
        next_publish: extensions.next_publish,
        number: extensions.number,
        key_identifier: extensions.key_identifier,
        scope: extensions.scope,
        serials: entries.serials,
        set_aside: set_aside.into_iter().flatten().next(),
    })
}

/// What the extensions of a CRL say.
#[derive(Default)]
struct Extensions<'a> {
    number: Option<&'a [u8]>,
    number_is_critical: bool,
    key_identifier: Option<&'a [u8]>,
    scope: Option<Scope>,
    delta: bool,
    next_publish: Option<i64>,
    unknown_critical: Option<String>,
}

impl<'a> Extensions<'a> {
    fn read(sequence: &'a [u8], issuer: &'a [u8]) -> Result<Extensions<'a>, Malformed> {
        let mut read = Extensions::default();
        for_each_extension(sequence, |extension| {
            match extension.id {
                AUTHORITY_KEY_IDENTIFIER => {
                    let mut identifier = DerReader::new(der::only(extension.value, tag::SEQUENCE)?);
                    read.key_identifier = identifier.optional(tag::context(0))?;
                }
                CRL_NUMBER => {
                    read.number = Some(number(der::only(extension.value, tag::INTEGER)?)?);
                    read.number_is_critical = extension.critical;
                }
                DELTA_CRL_INDICATOR => {
                    number(der::only(extension.value, tag::INTEGER)?)?;
                    read.delta = true;
                }
                ISSUING_DISTRIBUTION_POINT => read.scope = Some(Scope::read(extension.value, issuer)?),
                // Only for an earlier warning: what Microsoft means by it is no reason to refuse a CRL.
                NEXT_PUBLISH => read.next_publish = DerReader::new(extension.value).any().and_then(time::read).ok(),
                other if extension.critical => {
                    read.unknown_critical.get_or_insert_with(|| oid::dotted(other));
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(read)
    }
}

/// What the entries of a CRL say.
struct Entries {
    serials: Serials,
    /// There are entries that name their issuer.
    foreign: bool,
    unknown_critical: Option<String>,
}

impl Entries {
    fn read(revoked: &[u8], version_2: bool, delta: bool, issuer_canonical: &[u8]) -> Result<Entries, Malformed> {
        let mut read = Entries { serials: Serials::default(), foreign: false, unknown_critical: None };
        // RFC 5280 §5.3.3: an entry without a certificate issuer has that of the entry before it.
        let mut of_crl_issuer = true;
        let mut reader = DerReader::new(revoked);
        while !reader.is_empty() {
            let mut entry = reader.nested(tag::SEQUENCE)?;
            let serial = entry.read(tag::INTEGER)?;
            let since = time::read(entry.any()?)?;
            let extensions = entry.optional(tag::SEQUENCE)?;
            entry.end()?;
            if serial.is_empty() {
                return Err(Malformed("an empty serial number"));
            }
            let mut reason = UNSPECIFIED;
            match extensions {
                Some(_) if !version_2 => return Err(Malformed("extensions in a CRL of version 1")),
                Some(sequence) => for_each_extension(sequence, |extension| {
                    match extension.id {
                        REASON_CODE => reason = reason_code(extension.value)?,
                        CERTIFICATE_ISSUER => {
                            read.foreign = true;
                            let names = der::only(extension.value, tag::SEQUENCE)?;
                            of_crl_issuer = scope::names_directory(names, issuer_canonical)?;
                        }
                        INVALIDITY_DATE | HOLD_INSTRUCTION_CODE => {}
                        other if extension.critical => {
                            read.unknown_critical.get_or_insert_with(|| oid::dotted(other));
                        }
                        _ => {}
                    }
                    Ok(())
                })?,
                None => {}
            }
            // In a delta CRL an entry may say that a hold was lifted. In any other CRL the reason has no meaning
            // (RFC 5280 §5.3.1), and the certificate is listed.
            if of_crl_issuer && !(delta && reason == REMOVE_FROM_CRL) {
                read.serials.push(serial, Entry { since, reason });
            }
        }
        read.serials.seal();
        Ok(read)
    }
}

/// One `Extension`.
struct Extension<'a> {
    id: &'a [u8],
    critical: bool,
    value: &'a [u8],
}

/// Calls `visit` for each extension of a non-empty sequence without doubles (RFC 5280 §4.2).
fn for_each_extension<'a>(
    sequence: &'a [u8],
    mut visit: impl FnMut(Extension<'a>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let mut reader = DerReader::new(sequence);
    let mut seen: [&[u8]; EXTENSIONS_MAX] = [&[]; EXTENSIONS_MAX];
    for slot in 0..=EXTENSIONS_MAX {
        if reader.is_empty() {
            return if slot == 0 { Err(Malformed("extensions without an extension")) } else { Ok(()) };
        }
        let mut fields = reader.nested(tag::SEQUENCE)?;
        let id = der::oid(fields.read(tag::OID)?)?;
        let critical = fields.optional(tag::BOOLEAN)?.map_or(Ok(false), der::boolean)?;
        let value = fields.read(tag::OCTET_STRING)?;
        fields.end()?;
        if seen.contains(&id) {
            return Err(Malformed("an extension that is there twice"));
        }
        *seen.get_mut(slot).ok_or(TOO_MANY_EXTENSIONS)? = id;
        visit(Extension { id, critical, value })?;
    }
    Err(TOO_MANY_EXTENSIONS)
}

/// A non-negative INTEGER of at most 20 bytes (RFC 5280 §5.2.3), without leading zeros.
fn number(value: &[u8]) -> Result<&[u8], Malformed> {
    let significant = match der::integer(value)? {
        [0, rest @ ..] => rest,
        [first, ..] if first & 0x80 != 0 => return Err(Malformed("a negative CRL number")),
        all => all,
    };
    if significant.len() > 20 { Err(Malformed("a CRL number of more than 20 bytes")) } else { Ok(significant) }
}

/// `CRLReason ::= ENUMERATED`.
fn reason_code(extension: &[u8]) -> Result<u8, Malformed> {
    match der::only(extension, ENUMERATED)? {
        [code] => Ok(*code),
        _ => Err(Malformed("a reason that is no CRLReason")),
    }
}

const ENUMERATED: u8 = 0x0a;
/// Real CRLs have up to eight, real entries up to three.
const EXTENSIONS_MAX: usize = 32;
const TOO_MANY_EXTENSIONS: Malformed = Malformed("more than 32 extensions");
const UNSPECIFIED: u8 = 0;
const REMOVE_FROM_CRL: u8 = 8;

const CRL_NUMBER: &[u8] = &[0x55, 0x1d, 0x14];
const REASON_CODE: &[u8] = &[0x55, 0x1d, 0x15];
const HOLD_INSTRUCTION_CODE: &[u8] = &[0x55, 0x1d, 0x17];
const INVALIDITY_DATE: &[u8] = &[0x55, 0x1d, 0x18];
const DELTA_CRL_INDICATOR: &[u8] = &[0x55, 0x1d, 0x1b];
const ISSUING_DISTRIBUTION_POINT: &[u8] = &[0x55, 0x1d, 0x1c];
const CERTIFICATE_ISSUER: &[u8] = &[0x55, 0x1d, 0x1d];
const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 0x23];
/// szOID_CRL_NEXT_PUBLISH, 1.3.6.1.4.1.311.21.4.
const NEXT_PUBLISH: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x15, 0x04];
