//! CRLs, good and bad.

use super::authority::{self, Authority, Issued};
use super::certificate::KeyId;
use super::extensions::{self, Extension};
use super::general_name::GeneralName;
use super::key::Key;
use super::name::Name;
use super::signature::SignatureAlgorithm;
use super::{der, pem};
use crate::clock::{DAY, HOUR};

/// A CRL to be signed. Every field is public; the methods are for chaining.
#[derive(Clone, Debug)]
pub struct CrlSpec {
    /// CRL number, big-endian; `None`: no extension.
    pub number: Option<Vec<u8>>,
    /// Unix seconds; `None`: an hour before the authority's `now`.
    pub this_update: Option<i64>,
    /// See [`NextUpdate`].
    pub next_update: NextUpdate,
    /// Revoked certificates.
    pub entries: Vec<CrlEntry>,
    /// Issuing distribution point (critical); `None`: no extension.
    pub scope: Option<DistributionScope>,
    /// Base CRL number of a delta list (critical); `None`: no extension.
    pub delta_base: Option<u64>,
    /// Authority key identifier.
    pub authority_key_id: KeyId,
    /// `None`: what goes with the key that signs.
    pub signature: Option<SignatureAlgorithm>,
    /// `None`: the authority's key.
    pub signed_by: Option<Key>,
    /// `None`: the authority's name.
    pub issuer: Option<Name>,
    /// Written after all other extensions, as they stand.
    pub extra: Vec<Extension>,
    /// Version 1: no extension is written.
    pub version_1: bool,
    /// Flips one bit of the signature.
    pub tampered: bool,
}

/// When the next list is promised.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NextUpdate {
    /// A week after the authority's `now`, as AD CS does it.
    Usual,
    /// No nextUpdate, which RFC 5280 forbids and CAs do.
    Omitted,
    /// Unix seconds.
    At(i64),
}

impl Default for CrlSpec {
    fn default() -> Self {
        CrlSpec::new()
    }
}

impl CrlSpec {
    /// An empty, current, complete list, number 1.
    pub fn new() -> CrlSpec {
        CrlSpec {
            number: Some(vec![1]),
            this_update: None,
            next_update: NextUpdate::Usual,
            entries: Vec::new(),
            scope: None,
            delta_base: None,
            authority_key_id: KeyId::Usual,
            signature: None,
            signed_by: None,
            issuer: None,
            extra: Vec::new(),
            version_1: false,
            tampered: false,
        }
    }

    /// CRL number.
    #[must_use]
    pub fn number(self, number: u64) -> Self {
        CrlSpec { number: Some(number.to_be_bytes().to_vec()), ..self }
    }

    /// Leaves the CRL number out.
    #[must_use]
    pub fn without_number(self) -> Self {
        CrlSpec { number: None, ..self }
    }

    /// Unix seconds.
    #[must_use]
    pub fn this_update(self, at: i64) -> Self {
        CrlSpec { this_update: Some(at), ..self }
    }

    /// Unix seconds.
    #[must_use]
    pub fn next_update(self, at: i64) -> Self {
        CrlSpec { next_update: NextUpdate::At(at), ..self }
    }

    /// Leaves nextUpdate out.
    #[must_use]
    pub fn without_next_update(self) -> Self {
        CrlSpec { next_update: NextUpdate::Omitted, ..self }
    }

    /// Revokes a certificate.
    #[must_use]
    pub fn revoke(self, issued: &Issued) -> Self {
        self.entry(CrlEntry::new(&issued.serial))
    }

    /// Revokes an authority's own certificate.
    #[must_use]
    pub fn revoke_authority(self, authority: &Authority) -> Self {
        self.entry(CrlEntry::new(authority.serial()))
    }

    /// One more entry.
    #[must_use]
    pub fn entry(mut self, entry: CrlEntry) -> Self {
        self.entries.push(entry);
        self
    }

    /// Issuing distribution point.
    #[must_use]
    pub fn scope(self, scope: DistributionScope) -> Self {
        CrlSpec { scope: Some(scope), ..self }
    }

    /// Makes it a delta list over this base number.
    #[must_use]
    pub fn delta(self, base: u64) -> Self {
        CrlSpec { delta_base: Some(base), ..self }
    }

    /// See [`CrlSpec::authority_key_id`].
    #[must_use]
    pub fn authority_key_id(self, id: KeyId) -> Self {
        CrlSpec { authority_key_id: id, ..self }
    }

    /// Another way to sign than the usual for the key.
    #[must_use]
    pub fn signature(self, algorithm: SignatureAlgorithm) -> Self {
        CrlSpec { signature: Some(algorithm), ..self }
    }

    /// Signs with another key than the authority's.
    #[must_use]
    pub fn signed_by(self, key: impl Into<Key>) -> Self {
        CrlSpec { signed_by: Some(key.into()), ..self }
    }

    /// Another issuer name than the authority's.
    #[must_use]
    pub fn issuer(self, name: impl Into<Name>) -> Self {
        CrlSpec { issuer: Some(name.into()), ..self }
    }

    /// One more extension, written as it stands.
    #[must_use]
    pub fn extension(mut self, oid: &str, critical: bool, value: Vec<u8>) -> Self {
        self.extra.push(Extension::new(oid, critical, value));
        self
    }

    /// Version 1: no extension is written.
    #[must_use]
    pub fn version_1(self) -> Self {
        CrlSpec { version_1: true, ..self }
    }

    /// Flips one bit of the signature.
    #[must_use]
    pub fn tampered(self) -> Self {
        CrlSpec { tampered: true, ..self }
    }
}

/// One revoked certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CrlEntry {
    /// Contents of the serial number's INTEGER.
    pub serial: Vec<u8>,
    /// Unix seconds; `None`: two hours before the authority's `now`.
    pub date: Option<i64>,
    /// Reason code, see [`reason`]; `None`: no extension.
    pub reason: Option<u8>,
    /// Further entry extensions, as they stand (certificate issuer of an indirect list, an unknown critical one).
    pub extra: Vec<Extension>,
}

impl CrlEntry {
    /// By serial number: contents of the INTEGER.
    pub fn new(serial: &[u8]) -> CrlEntry {
        CrlEntry { serial: serial.to_vec(), date: None, reason: None, extra: Vec::new() }
    }

    /// Unix seconds.
    #[must_use]
    pub fn date(self, at: i64) -> Self {
        CrlEntry { date: Some(at), ..self }
    }

    /// See [`reason`].
    #[must_use]
    pub fn reason(self, code: u8) -> Self {
        CrlEntry { reason: Some(code), ..self }
    }

    /// One more entry extension.
    #[must_use]
    pub fn extension(mut self, oid: &str, critical: bool, value: Vec<u8>) -> Self {
        self.extra.push(Extension::new(oid, critical, value));
        self
    }

    /// Certificate issuer extension (critical), for indirect lists.
    #[must_use]
    pub fn certificate_issuer(self, name: impl Into<Name>) -> Self {
        let names = der::sequence(&[GeneralName::Directory(name.into()).to_der()]);
        self.extension("2.5.29.29", true, names)
    }

    fn to_der(&self, now: i64) -> Vec<u8> {
        let mut parts = vec![der::integer_raw(&self.serial), der::time(self.date.unwrap_or(now - 2 * HOUR))];
        let reason = self.reason.map(|code| Extension::new("2.5.29.21", false, der::enumerated(code)));
        let all: Vec<_> = reason.iter().chain(&self.extra).map(Extension::to_der).collect();
        if !all.is_empty() {
            parts.push(der::sequence(&all));
        }
        der::sequence(&parts)
    }
}

/// Issuing distribution point (RFC 5280 §5.2.5): what a list leaves out.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DistributionScope {
    /// Full name of the distribution point; empty: left out.
    pub names: Vec<GeneralName>,
    /// onlyContainsUserCerts.
    pub only_user: bool,
    /// onlyContainsCACerts.
    pub only_authorities: bool,
    /// onlySomeReasons, bit 0 the highest.
    pub only_some_reasons: Option<u16>,
    /// indirectCRL.
    pub indirect: bool,
    /// onlyContainsAttributeCerts.
    pub only_attribute: bool,
}

impl DistributionScope {
    fn to_der(&self) -> Vec<u8> {
        let flag = |number: u8, value: bool| if value { der::implicit(number, &[0xff]) } else { Vec::new() };
        let names = if self.names.is_empty() { Vec::new() } else { extensions::distribution_point_name(&self.names) };
        let reasons = self.only_some_reasons.map(|bits| der::implicit(3, &der::named_bits_contents(bits)));
        der::sequence(&[
            names,
            flag(1, self.only_user),
            flag(2, self.only_authorities),
            reasons.unwrap_or_default(),
            flag(4, self.indirect),
            flag(5, self.only_attribute),
        ])
    }
}

/// A signed list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Crl {
    /// DER.
    pub der: Vec<u8>,
}

impl Crl {
    /// PEM.
    pub fn pem(&self) -> String {
        pem("X509 CRL", &self.der)
    }
}

/// Reason codes (RFC 5280 §5.3.1).
pub mod reason {
    /// keyCompromise.
    pub const KEY_COMPROMISE: u8 = 1;
    /// cACompromise.
    pub const CA_COMPROMISE: u8 = 2;
    /// affiliationChanged.
    pub const AFFILIATION_CHANGED: u8 = 3;
    /// superseded.
    pub const SUPERSEDED: u8 = 4;
    /// cessationOfOperation.
    pub const CESSATION: u8 = 5;
    /// certificateHold.
    pub const HOLD: u8 = 6;
    /// removeFromCRL (delta lists only).
    pub const REMOVE_FROM_CRL: u8 = 8;
}

#[track_caller]
pub(super) fn sign(spec: CrlSpec, name: &Name, key: &Key, now: i64) -> Crl {
    let key = spec.signed_by.as_ref().unwrap_or(key);
    let algorithm = spec.signature.unwrap_or_else(|| SignatureAlgorithm::usual_for(key));
    let mut parts = Vec::new();
    if !spec.version_1 {
        parts.push(der::integer(1));
    }
    parts.extend([
        algorithm.to_der(),
        spec.issuer.as_ref().unwrap_or(name).to_der(),
        der::time(spec.this_update.unwrap_or(now - HOUR)),
    ]);
    match spec.next_update {
        NextUpdate::Usual => parts.push(der::time(now + 7 * DAY)),
        NextUpdate::Omitted => {}
        NextUpdate::At(at) => parts.push(der::time(at)),
    }
    // RFC 5280 §5.1.2.6: an empty list of revoked certificates is left out.
    if !spec.entries.is_empty() {
        let entries: Vec<_> = spec.entries.iter().map(|entry| entry.to_der(now)).collect();
        parts.push(der::sequence(&entries));
    }
    let extensions: Vec<_> = list_extensions(&spec, key).iter().map(Extension::to_der).collect();
    if !spec.version_1 && !extensions.is_empty() {
        parts.push(der::explicit(0, &der::sequence(&extensions)));
    }
    Crl { der: authority::signed(&der::sequence(&parts), algorithm, key, spec.tampered) }
}

fn list_extensions(spec: &CrlSpec, key: &Key) -> Vec<Extension> {
    let mut out = Vec::new();
    out.extend(extensions::authority_key_id(&spec.authority_key_id, key));
    out.extend(spec.number.as_ref().map(|number| Extension::new("2.5.29.20", false, der::integer_unsigned(number))));
    out.extend(spec.delta_base.map(|base| Extension::new("2.5.29.27", true, der::integer(base))));
    out.extend(spec.scope.as_ref().map(|scope| Extension::new("2.5.29.28", true, scope.to_der())));
    out.extend(spec.extra.iter().cloned());
    out
}
