//! What a certificate shall say. Start from a constructor, change one thing.

use super::extensions::Extension;
use super::general_name::GeneralName;
use super::key::{Key, KeyType};
use super::name::Name;
use super::signature::SignatureAlgorithm;

/// A certificate to be issued. Every field is public; the methods are for chaining.
#[derive(Clone, Debug)]
pub struct CertificateSpec {
    /// 1 or 3 (2 was never used). Version 1 is written without extensions.
    pub version: u8,
    /// Contents of the INTEGER, as they stand; `None`: 19 bytes, of which the first is 0x5b as AD CS likes them.
    pub serial: Option<Vec<u8>>,
    /// `None`: what goes with the issuer's key.
    pub signature: Option<SignatureAlgorithm>,
    /// `None`: the name of the authority that signs.
    pub issuer: Option<Name>,
    /// Subject; may be empty.
    pub subject: Name,
    /// Unix seconds; `None`: a day before the authority's `now` (AD CS: ten minutes).
    pub not_before: Option<i64>,
    /// Unix seconds; `None`: a year after the authority's `now`, ten for an authority.
    pub not_after: Option<i64>,
    /// The key that is certified.
    pub key: Key,
    /// SAN; empty: no extension.
    pub names: Vec<GeneralName>,
    /// SAN is critical, as it must be when the subject is empty.
    pub names_critical: bool,
    /// Extended key usage, dotted decimal; `None`: no extension, `Some` of nothing: an empty one.
    pub purposes: Option<Vec<String>>,
    /// Extended key usage is critical.
    pub purposes_critical: bool,
    /// Key usage, see [`key_usage`]; `None`: no extension.
    pub key_usage: Option<u16>,
    /// `None`: no extension.
    pub basic_constraints: Option<BasicConstraints>,
    /// Text for the SID extension (1.3.6.1.4.1.311.25.2, MS-WCCE §2.2.2.7.7.4); `None`: no extension.
    pub sid: Option<String>,
    /// `None`: no extension.
    pub template: Option<Template>,
    /// CRL distribution points.
    pub crl_points: Points,
    /// URLs of the issuer's certificate (authority information access).
    pub issuer_points: Points,
    /// URLs of OCSP responders (authority information access).
    pub ocsp: Vec<String>,
    /// Subject key identifier.
    pub subject_key_id: KeyId,
    /// Authority key identifier.
    pub authority_key_id: KeyId,
    /// `None`: no extension.
    pub name_constraints: Option<NameConstraints>,
    /// Written after all others, as they stand: an extension twice, an unknown critical one, broken DER.
    pub extra: Vec<Extension>,
    /// Flips one bit of the signature.
    pub tampered: bool,
}

impl CertificateSpec {
    /// A computer certificate, as the Workstation Authentication template makes it: SAN with this DNS name, purpose client
    /// authentication, a new P-256 key; and a CN, which the older Computer template has.
    pub fn client(dns_name: &str) -> CertificateSpec {
        CertificateSpec {
            names: vec![GeneralName::dns(dns_name)],
            purposes: Some(vec![purpose::CLIENT_AUTH.to_owned()]),
            key_usage: Some(key_usage::DIGITAL_SIGNATURE | key_usage::KEY_ENCIPHERMENT),
            template: Some(Template::workstation()),
            crl_points: Points::Usual,
            issuer_points: Points::Usual,
            subject_key_id: KeyId::Usual,
            authority_key_id: KeyId::Usual,
            ..CertificateSpec::bare(Name::cn(dns_name))
        }
    }

    /// A web server certificate with these DNS names (the first is the CN too), a new P-256 key.
    ///
    /// # Panics
    /// Without a name.
    #[track_caller]
    pub fn server(dns_names: &[&str]) -> CertificateSpec {
        CertificateSpec {
            names: dns_names.iter().map(|name| GeneralName::dns(name)).collect(),
            purposes: Some(vec![purpose::SERVER_AUTH.to_owned()]),
            template: Some(Template::web_server()),
            ..CertificateSpec::client(dns_names[0])
        }
    }

    /// A certificate authority: CA:TRUE, keyCertSign, no purposes, a new P-256 key.
    pub fn authority(subject: impl Into<Name>) -> CertificateSpec {
        CertificateSpec {
            key_usage: Some(key_usage::DIGITAL_SIGNATURE | key_usage::KEY_CERT_SIGN | key_usage::CRL_SIGN),
            basic_constraints: Some(BasicConstraints { ca: true, path_len: None }),
            crl_points: Points::Usual,
            issuer_points: Points::Usual,
            subject_key_id: KeyId::Usual,
            authority_key_id: KeyId::Usual,
            ..CertificateSpec::bare(subject)
        }
    }

    /// No extension at all, a new P-256 key.
    pub fn bare(subject: impl Into<Name>) -> CertificateSpec {
        CertificateSpec {
            version: 3,
            serial: None,
            signature: None,
            issuer: None,
            subject: subject.into(),
            not_before: None,
            not_after: None,
            key: Key::new(KeyType::P256),
            names: Vec::new(),
            names_critical: false,
            purposes: None,
            purposes_critical: false,
            key_usage: None,
            basic_constraints: None,
            sid: None,
            template: None,
            crl_points: Points::Omitted,
            issuer_points: Points::Omitted,
            ocsp: Vec::new(),
            subject_key_id: KeyId::Omitted,
            authority_key_id: KeyId::Omitted,
            name_constraints: None,
            extra: Vec::new(),
            tampered: false,
        }
    }

    /// Version 1: no extension is written.
    #[must_use]
    pub fn version_1(self) -> Self {
        CertificateSpec { version: 1, ..self }
    }

    /// See [`CertificateSpec::serial`].
    #[must_use]
    pub fn serial(self, contents: &[u8]) -> Self {
        CertificateSpec { serial: Some(contents.to_vec()), ..self }
    }

    /// Another way to sign than the usual for the issuer's key.
    #[must_use]
    pub fn signature(self, algorithm: SignatureAlgorithm) -> Self {
        CertificateSpec { signature: Some(algorithm), ..self }
    }

    /// Another issuer name than that of the authority that signs.
    #[must_use]
    pub fn issuer(self, name: impl Into<Name>) -> Self {
        CertificateSpec { issuer: Some(name.into()), ..self }
    }

    /// Another subject; the SAN stays.
    #[must_use]
    pub fn subject(self, name: impl Into<Name>) -> Self {
        CertificateSpec { subject: name.into(), ..self }
    }

    /// Unix seconds.
    #[must_use]
    pub fn not_before(self, at: i64) -> Self {
        CertificateSpec { not_before: Some(at), ..self }
    }

    /// Unix seconds, the last second in which the certificate is valid.
    #[must_use]
    pub fn not_after(self, at: i64) -> Self {
        CertificateSpec { not_after: Some(at), ..self }
    }

    /// Another key. A [`KeyType`] makes a new one.
    #[must_use]
    pub fn key(self, key: impl Into<Key>) -> Self {
        CertificateSpec { key: key.into(), ..self }
    }

    /// Replaces the SAN.
    #[must_use]
    pub fn names(self, names: &[GeneralName]) -> Self {
        CertificateSpec { names: names.to_vec(), ..self }
    }

    /// One more name in the SAN.
    #[must_use]
    pub fn and_name(mut self, name: GeneralName) -> Self {
        self.names.push(name);
        self
    }

    /// Marks the SAN critical.
    #[must_use]
    pub fn names_critical(self) -> Self {
        CertificateSpec { names_critical: true, ..self }
    }

    /// Replaces the extended key usage, dotted decimal; see [`purpose`].
    #[must_use]
    pub fn purposes(self, oids: &[&str]) -> Self {
        CertificateSpec { purposes: Some(oids.iter().map(|oid| (*oid).to_owned()).collect()), ..self }
    }

    /// Leaves the extended key usage out.
    #[must_use]
    pub fn without_purposes(self) -> Self {
        CertificateSpec { purposes: None, ..self }
    }

    /// Replaces the key usage; see [`key_usage`].
    #[must_use]
    pub fn key_usage(self, bits: u16) -> Self {
        CertificateSpec { key_usage: Some(bits), ..self }
    }

    /// Leaves the key usage out.
    #[must_use]
    pub fn without_key_usage(self) -> Self {
        CertificateSpec { key_usage: None, ..self }
    }

    /// Replaces the basic constraints.
    #[must_use]
    pub fn basic_constraints(self, ca: bool, path_len: Option<u64>) -> Self {
        CertificateSpec { basic_constraints: Some(BasicConstraints { ca, path_len }), ..self }
    }

    /// Leaves the basic constraints out.
    #[must_use]
    pub fn without_basic_constraints(self) -> Self {
        CertificateSpec { basic_constraints: None, ..self }
    }

    /// Adds the SID extension.
    #[must_use]
    pub fn sid(self, sid: &str) -> Self {
        CertificateSpec { sid: Some(sid.to_owned()), ..self }
    }

    /// Replaces or leaves out the template extension.
    #[must_use]
    pub fn template(self, template: Option<Template>) -> Self {
        CertificateSpec { template, ..self }
    }

    /// CRL distribution points of one URL each.
    #[must_use]
    pub fn crl_urls(self, urls: &[&str]) -> Self {
        let points = urls.iter().map(|url| vec![GeneralName::uri(url)]).collect();
        CertificateSpec { crl_points: Points::These(points), ..self }
    }

    /// CRL distribution points of any shape, or none.
    #[must_use]
    pub fn crl_points(self, points: Points) -> Self {
        CertificateSpec { crl_points: points, ..self }
    }

    /// URLs of the issuer's certificate, or none.
    #[must_use]
    pub fn issuer_points(self, points: Points) -> Self {
        CertificateSpec { issuer_points: points, ..self }
    }

    /// URLs of OCSP responders.
    #[must_use]
    pub fn ocsp(self, urls: &[&str]) -> Self {
        CertificateSpec { ocsp: urls.iter().map(|url| (*url).to_owned()).collect(), ..self }
    }

    /// See [`CertificateSpec::subject_key_id`].
    #[must_use]
    pub fn subject_key_id(self, id: KeyId) -> Self {
        CertificateSpec { subject_key_id: id, ..self }
    }

    /// See [`CertificateSpec::authority_key_id`].
    #[must_use]
    pub fn authority_key_id(self, id: KeyId) -> Self {
        CertificateSpec { authority_key_id: id, ..self }
    }

    /// Adds name constraints (critical).
    #[must_use]
    pub fn name_constraints(self, permitted: &[GeneralName], excluded: &[GeneralName]) -> Self {
        let constraints = NameConstraints { permitted: permitted.to_vec(), excluded: excluded.to_vec() };
        CertificateSpec { name_constraints: Some(constraints), ..self }
    }

    /// One more extension, written as it stands after all others.
    #[must_use]
    pub fn extension(mut self, oid: &str, critical: bool, value: Vec<u8>) -> Self {
        self.extra.push(Extension::new(oid, critical, value));
        self
    }

    /// Flips one bit of the signature.
    #[must_use]
    pub fn tampered(self) -> Self {
        CertificateSpec { tampered: true, ..self }
    }
}

/// Basic constraints.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BasicConstraints {
    /// CA:TRUE.
    pub ca: bool,
    /// pathLenConstraint.
    pub path_len: Option<u64>,
}

/// A key identifier extension.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyId {
    /// SHA-1 of the public key.
    Usual,
    /// No extension.
    Omitted,
    /// These bytes.
    These(Vec<u8>),
}

/// Name constraints.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NameConstraints {
    /// Permitted subtrees.
    pub permitted: Vec<GeneralName>,
    /// Excluded subtrees.
    pub excluded: Vec<GeneralName>,
}

/// Where something can be fetched.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Points {
    /// `http://pki.corp.example.test/NAME.crl` (or `.crt`), NAME being the issuer's CN with `_` for every blank.
    Usual,
    /// No extension.
    Omitted,
    /// One distribution point for each list of names; for issuer points one access description for each name.
    These(Vec<Vec<GeneralName>>),
}

/// The certificate template extension.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Template {
    /// 1.3.6.1.4.1.311.20.2, a name, as version 1 templates write it (`Machine`).
    Named(String),
    /// 1.3.6.1.4.1.311.21.7, as version 2 templates write it.
    Versioned {
        /// Template, dotted decimal.
        oid: String,
        /// Major version.
        major: u64,
        /// Minor version.
        minor: u64,
    },
}

impl Template {
    /// Computer (version 1).
    pub fn machine() -> Template {
        Template::Named("Machine".to_owned())
    }

    /// Workstation Authentication (version 2).
    pub fn workstation() -> Template {
        Template::Versioned { oid: "1.3.6.1.4.1.311.21.8.1234567.7654321.1.30".to_owned(), major: 101, minor: 3 }
    }

    /// Web Server (version 1).
    pub fn web_server() -> Template {
        Template::Named("WebServer".to_owned())
    }
}

/// Extended key usages.
pub mod purpose {
    /// anyExtendedKeyUsage.
    pub const ANY: &str = "2.5.29.37.0";
    /// clientAuth.
    pub const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
    /// emailProtection.
    pub const EMAIL: &str = "1.3.6.1.5.5.7.3.4";
    /// OCSPSigning.
    pub const OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";
    /// serverAuth.
    pub const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";
    /// Microsoft smart card logon.
    pub const SMART_CARD: &str = "1.3.6.1.4.1.311.20.2.2";
}

/// Bits of key usage (RFC 5280 §4.2.1.3).
pub mod key_usage {
    /// digitalSignature.
    pub const DIGITAL_SIGNATURE: u16 = 0x8000;
    /// nonRepudiation.
    pub const NON_REPUDIATION: u16 = 0x4000;
    /// keyEncipherment.
    pub const KEY_ENCIPHERMENT: u16 = 0x2000;
    /// dataEncipherment.
    pub const DATA_ENCIPHERMENT: u16 = 0x1000;
    /// keyAgreement.
    pub const KEY_AGREEMENT: u16 = 0x0800;
    /// keyCertSign.
    pub const KEY_CERT_SIGN: u16 = 0x0400;
    /// cRLSign.
    pub const CRL_SIGN: u16 = 0x0200;
}
