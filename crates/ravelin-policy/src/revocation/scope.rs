//! Which certificates a CRL speaks for: its issuing distribution point, held against a certificate's own points.
//!
//! Without the extension a CRL speaks for every certificate of its issuer. AD CS writes it, with the CRL's addresses,
//! into ordinary complete CRLs when an administrator ticked "Include in the IDP extension of issued CRLs": such a CRL
//! speaks for the certificates that name one of these addresses (RFC 5280 §6.3.3 (b)(2)).

use super::query::CertificateToCheck;
use crate::der::{self, DerReader, Malformed, tag};
use crate::name;

/// `IssuingDistributionPoint` of RFC 5280 §5.2.5.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Scope {
    /// Names of the distribution point; `None` where the CRL states none.
    points: Option<Vec<PointName>>,
    users_only: bool,
    authorities_only: bool,
    /// Only certificates revoked for some reasons are listed.
    pub(super) some_reasons_only: bool,
    /// Certificates of other issuers may be listed.
    pub(super) indirect: bool,
    /// Only attribute certificates are listed.
    pub(super) attributes_only: bool,
}

/// A general name in a form that is byte-equal for equal names: its tag, and its contents made canonical.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct PointName(Vec<u8>);

impl Scope {
    /// Reads the extension of a CRL of this issuer (DER Name).
    ///
    /// # Errors
    /// It is malformed, or contradicts itself: at most one "only" may be said (RFC 5280 §5.2.5).
    pub(super) fn read(extension: &[u8], issuer: &[u8]) -> Result<Scope, Malformed> {
        let mut reader = DerReader::new(der::only(extension, tag::SEQUENCE)?);
        let mut scope = Scope::default();
        if let Some(point) = reader.optional(tag::context_constructed(0))? {
            scope.points = Some(point_names(point, issuer)?);
        }
        scope.users_only = flag(&mut reader, 1)?;
        scope.authorities_only = flag(&mut reader, 2)?;
        if let Some(reasons) = reader.optional(tag::context(3))? {
            scope.some_reasons_only = true;
            reason_flags(reasons)?;
        }
        scope.indirect = flag(&mut reader, 4)?;
        scope.attributes_only = flag(&mut reader, 5)?;
        reader.end()?;
        if [scope.users_only, scope.authorities_only, scope.attributes_only].into_iter().filter(|only| *only).count()
            > 1
        {
            return Err(Malformed("an issuing distribution point that contradicts itself"));
        }
        Ok(scope)
    }

    /// Does the CRL say everything about this certificate? In plain words why not.
    pub(super) fn covers(&self, certificate: &CertificateToCheck<'_>) -> Result<(), &'static str> {
        if self.users_only && certificate.is_authority {
            return Err("is only for certificates of users and computers");
        }
        if self.authorities_only && !certificate.is_authority {
            return Err("is only for certificates of certificate authorities");
        }
        let Some(points) = &self.points else { return Ok(()) };
        match certificate_points(certificate) {
            Err(Malformed(_)) => Err("is for a distribution point, and those of the certificate cannot be read"),
            Ok(own) if own.iter().any(|name| points.contains(name)) => Ok(()),
            Ok(_) => Err("is for a distribution point that the certificate does not name"),
        }
    }
}

/// Reads `GeneralNames` for a directory name that equals this one (canonical form).
pub(super) fn names_directory(general_names: &[u8], canonical: &[u8]) -> Result<bool, Malformed> {
    Ok(general_names_of(general_names)?.contains(&PointName::directory(canonical)))
}

/// Every name of every distribution point of a certificate for which its issuer itself lists all reasons. Any of them
/// may match: RUSTSEC-2026-0049 was to look at the first point alone.
fn certificate_points(certificate: &CertificateToCheck<'_>) -> Result<Vec<PointName>, Malformed> {
    let issuer = PointName::directory(&name::canonical(certificate.issuer_name)?);
    // RFC 5280 §6.3.3, last paragraph: for a CRL that no point names, the issuer's name is taken as the point's.
    let mut names = vec![issuer.clone()];
    let Some(extension) = certificate.distribution_points else { return Ok(names) };
    let mut points = DerReader::new(der::only(extension, tag::SEQUENCE)?);
    while !points.is_empty() {
        let mut point = points.nested(tag::SEQUENCE)?;
        let own_name = point.optional(tag::context_constructed(0))?;
        let reasons = point.optional(tag::context(1))?;
        let crl_issuer = point.optional(tag::context_constructed(2))?;
        point.end()?;
        let crl_issuers = crl_issuer.map(general_names_of).transpose()?;
        let some_reasons_only = reasons.map(reason_flags).transpose()?.is_some();
        let of_another_issuer = crl_issuers.as_ref().is_some_and(|names| !names.contains(&issuer));
        if some_reasons_only || of_another_issuer {
            continue;
        }
        match own_name {
            Some(own_name) => names.extend(point_names(own_name, certificate.issuer_name)?),
            None => names.extend(crl_issuers.unwrap_or_default()),
        }
    }
    Ok(names)
}

/// `DistributionPointName ::= CHOICE { fullName [0] GeneralNames, nameRelativeToCRLIssuer [1] RDN }`.
fn point_names(choice: &[u8], issuer: &[u8]) -> Result<Vec<PointName>, Malformed> {
    let mut reader = DerReader::new(choice);
    let names = if let Some(full) = reader.optional(tag::context_constructed(0))? {
        general_names_of(full)?
    } else {
        let rdn = reader.read(tag::context_constructed(1))?;
        vec![PointName::directory(&name::canonical(&below(issuer, rdn)?)?)]
    };
    reader.end()?;
    Ok(names)
}

fn general_names_of(contents: &[u8]) -> Result<Vec<PointName>, Malformed> {
    let mut reader = DerReader::new(contents);
    let mut names = Vec::new();
    while !reader.is_empty() {
        let general = reader.any()?;
        names.push(match general.tag {
            DIRECTORY_NAME => PointName::directory(&name::canonical(general.value)?),
            URI => PointName::uri(general.value),
            other => PointName([&[other], general.value].concat()),
        });
    }
    if names.is_empty() { Err(Malformed("a distribution point without a name")) } else { Ok(names) }
}

impl PointName {
    fn directory(canonical: &[u8]) -> PointName {
        PointName([&[DIRECTORY_NAME], canonical].concat())
    }

    /// RFC 5280 §7.4: scheme and host are compared without regard to case, the rest byte by byte.
    fn uri(uri: &[u8]) -> PointName {
        let scheme_end = uri.windows(3).position(|window| window == b"://").map_or(0, |at| at + 3);
        let (scheme, rest) = uri.split_at_checked(scheme_end).unwrap_or((&[], uri));
        let host_end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
        let (host, path) = rest.split_at_checked(host_end).unwrap_or((rest, &[]));
        // Where there is no "://" nothing is a host.
        let host = if scheme.is_empty() { host.to_vec() } else { host.to_ascii_lowercase() };
        PointName([&[URI], scheme.to_ascii_lowercase().as_slice(), host.as_slice(), path].concat())
    }
}

/// The DER Name that is `issuer` with one more RDN (contents of its SET).
fn below(issuer: &[u8], rdn: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut rdns = der::only(issuer, tag::SEQUENCE)?.to_vec();
    push(&mut rdns, tag::SET, rdn);
    let mut name = Vec::with_capacity(rdns.len() + 5);
    push(&mut name, tag::SEQUENCE, &rdns);
    Ok(name)
}

/// Appends one DER element.
fn push(out: &mut Vec<u8>, tag: u8, value: &[u8]) {
    out.push(tag);
    let bytes = value.len().to_be_bytes();
    let bytes = bytes.iter().skip_while(|byte| **byte == 0).copied();
    match u8::try_from(value.len()) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let long: Vec<u8> = bytes.collect();
            // At most eight.
            out.push(0x80 | u8::try_from(long.len()).unwrap_or(8));
            out.extend(long);
        }
    }
    out.extend_from_slice(value);
}

/// `[number] IMPLICIT BOOLEAN DEFAULT FALSE`.
fn flag(reader: &mut DerReader<'_>, number: u8) -> Result<bool, Malformed> {
    reader.optional(tag::context(number))?.map_or(Ok(false), der::boolean)
}

/// `ReasonFlags ::= BIT STRING`: which reasons does not matter here, only that they are readable.
fn reason_flags(value: &[u8]) -> Result<(), Malformed> {
    match value {
        [unused, _, ..] if *unused < 8 => Ok(()),
        _ => Err(Malformed("reason flags that are no BIT STRING")),
    }
}

/// `directoryName [4] Name`, explicit because Name is a CHOICE.
const DIRECTORY_NAME: u8 = tag::context_constructed(4);
/// `uniformResourceIdentifier [6] IA5String`.
const URI: u8 = tag::context(6);
