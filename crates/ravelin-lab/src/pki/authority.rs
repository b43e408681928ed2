//! Certificate authorities and what they issue.

use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::certificate::{CertificateSpec, Points};
use super::crl::{self, Crl, CrlSpec};
use super::key::{self, Key};
use super::name::Name;
use super::signature::SignatureAlgorithm;
use super::{der, extensions, pem};
use crate::clock::DAY;

/// A certificate authority: a name, a key, a certificate. Cheap enough to clone.
#[derive(Clone, Debug)]
pub struct Authority {
    name: Name,
    key: Key,
    serial: Vec<u8>,
    /// Own certificate first, the self-signed one last.
    path: Vec<Vec<u8>>,
    now: i64,
}

impl Authority {
    /// A self-signed root with a P-256 key, valid from a day before `now` for ten years. `name` is a CN, or a whole name if it
    /// has a `=`.
    pub fn root(name: &str, now: i64) -> Authority {
        let name = if name.contains('=') { Name::from(name) } else { Name::cn(name) };
        let spec = CertificateSpec::authority(name).crl_points(Points::Omitted).issuer_points(Points::Omitted);
        Authority::root_from(spec, now)
    }

    /// A self-signed root of any shape.
    ///
    /// # Panics
    /// If its key cannot sign.
    #[track_caller]
    pub fn root_from(spec: CertificateSpec, now: i64) -> Authority {
        let issued = self_signed(spec, now);
        Authority {
            name: issued.subject,
            key: issued.key,
            serial: issued.serial,
            path: vec![issued.certificate_der],
            now,
        }
    }

    /// Issues a certificate and stands behind it as an authority. With the same key in two calls: cross-certification; with the
    /// same name and another key: a renewed authority.
    ///
    /// # Panics
    /// If this authority's key cannot make the signature that is asked for.
    #[track_caller]
    pub fn issue_authority(&self, spec: CertificateSpec) -> Authority {
        let issued = self.issue(spec);
        let path = [vec![issued.certificate_der], self.path.clone()].concat();
        Authority { name: issued.subject, key: issued.key, serial: issued.serial, path, now: self.now }
    }

    /// Issues a certificate.
    ///
    /// # Panics
    /// If this authority's key cannot make the signature that is asked for.
    #[track_caller]
    pub fn issue(&self, spec: CertificateSpec) -> Issued {
        issue(spec, &self.name, &self.key, self.now, &self.path)
    }

    /// Signs a CRL.
    ///
    /// # Panics
    /// If the key cannot make the signature that is asked for.
    #[track_caller]
    pub fn crl(&self, spec: CrlSpec) -> Crl {
        crl::sign(spec, &self.name, &self.key, self.now)
    }

    /// An authority of the same name and certificate path with another key: what a forger, or a careless renewal, has.
    #[must_use]
    pub fn with_key(&self, key: impl Into<Key>) -> Authority {
        Authority { key: key.into(), ..self.clone() }
    }

    /// The same authority at another time: defaults of what it issues lie around it.
    #[must_use]
    pub fn at(&self, now: i64) -> Authority {
        Authority { now, ..self.clone() }
    }

    /// Its own certificate.
    pub fn certificate_der(&self) -> &[u8] {
        &self.path[0]
    }

    /// Its own certificate.
    pub fn pem(&self) -> String {
        pem("CERTIFICATE", self.certificate_der())
    }

    /// Its own certificate first, the self-signed one last.
    pub fn path(&self) -> &[Vec<u8>] {
        &self.path
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Its key.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Serial number of its own certificate: contents of the INTEGER.
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// Unix seconds around which defaults lie.
    pub fn now(&self) -> i64 {
        self.now
    }
}

/// A certificate, its key, and the path above it.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The certificate.
    pub certificate_der: Vec<u8>,
    /// Its key.
    pub key: Key,
    /// Its subject.
    pub subject: Name,
    /// Contents of the serial number's INTEGER.
    pub serial: Vec<u8>,
    /// Authorities above it: its issuer first, the self-signed one last.
    pub path: Vec<Vec<u8>>,
}

impl Issued {
    /// What a well-kept TLS client sends: the leaf, then its authorities without the root. DER.
    pub fn chain(&self) -> Vec<Vec<u8>> {
        let above = self.path.len().saturating_sub(1);
        [std::slice::from_ref(&self.certificate_der), &self.path[..above]].concat()
    }

    /// [`Issued::chain`] for rustls.
    pub fn certificates(&self) -> Vec<CertificateDer<'static>> {
        self.chain().into_iter().map(CertificateDer::from).collect()
    }

    /// The key for rustls.
    ///
    /// # Panics
    /// If the private half is missing.
    #[track_caller]
    pub fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.pkcs8_der().to_vec()))
    }

    /// [`Issued::chain`] as PEM.
    pub fn chain_pem(&self) -> String {
        self.chain().iter().map(|der| pem("CERTIFICATE", der)).collect()
    }

    /// The leaf alone as PEM.
    pub fn certificate_pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate_der)
    }

    /// The key as PEM, PKCS#8.
    ///
    /// # Panics
    /// If the private half is missing.
    #[track_caller]
    pub fn key_pem(&self) -> String {
        self.key.pem()
    }

    /// Serial number, lower-case hex without separators, as deny lists write it.
    pub fn serial_hex(&self) -> String {
        self.serial.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A certificate signed with its own key.
///
/// # Panics
/// If its key cannot sign.
#[track_caller]
pub fn self_signed(spec: CertificateSpec, now: i64) -> Issued {
    let (name, key) = (spec.subject.clone(), spec.key.clone());
    issue(spec, &name, &key, now, &[])
}

#[track_caller]
fn issue(spec: CertificateSpec, issuer: &Name, issuer_key: &Key, now: i64, path: &[Vec<u8>]) -> Issued {
    let algorithm = spec.signature.unwrap_or_else(|| SignatureAlgorithm::usual_for(issuer_key));
    let serial = spec.serial.clone().unwrap_or_else(usual_serial);
    let years = if spec.basic_constraints.is_some_and(|constraints| constraints.ca) { 10 } else { 1 };
    let issuer = spec.issuer.as_ref().unwrap_or(issuer);
    let mut parts = Vec::new();
    if spec.version > 1 {
        parts.push(der::explicit(0, &der::integer(u64::from(spec.version - 1))));
    }
    parts.extend([
        der::integer_raw(&serial),
        algorithm.to_der(),
        issuer.to_der(),
        der::sequence(&[
            der::time(spec.not_before.unwrap_or(now - DAY)),
            der::time(spec.not_after.unwrap_or(now + years * 365 * DAY)),
        ]),
        spec.subject.to_der(),
        spec.key.spki_der().to_vec(),
    ]);
    let extensions = extensions::of_certificate(&spec, issuer, issuer_key);
    if spec.version > 1 && !extensions.is_empty() {
        let extensions: Vec<_> = extensions.iter().map(super::Extension::to_der).collect();
        parts.push(der::explicit(3, &der::sequence(&extensions)));
    }
    let certificate_der = signed(&der::sequence(&parts), algorithm, issuer_key, spec.tampered);
    Issued { certificate_der, key: spec.key, subject: spec.subject, serial, path: path.to_vec() }
}

/// `SEQUENCE { toBeSigned, algorithm, signature }`, of certificates and lists.
#[track_caller]
pub(super) fn signed(to_be_signed: &[u8], algorithm: SignatureAlgorithm, key: &Key, tampered: bool) -> Vec<u8> {
    let mut signature = algorithm.sign(key, to_be_signed);
    if tampered {
        // The last byte is part of `s`, or of the RSA number: the DER stays whole.
        let last = signature.len() - 1;
        signature[last] ^= 1;
    }
    der::sequence(&[to_be_signed.to_vec(), algorithm.to_der(), der::bit_string(&signature)])
}

/// As AD CS makes them: 19 bytes, positive, the first small.
fn usual_serial() -> Vec<u8> {
    [vec![0x5b, 0, 0], key::random(16)].concat()
}
