//! Certificates that a site presents to its clients: PEM pairs and PFX files.

pub(crate) mod candidate;
mod pfx;

use std::fmt;
use std::sync::Arc;

#[cfg(feature = "legacy-tls")]
use openssl::pkey::{PKey, Private};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{NamedGroup, SignatureAlgorithm};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use zeroize::Zeroize;

use crate::suites::KeyKind;
use candidate::Candidate;

/// A certificate chain with its private key, checked to belong together.
pub struct ServerIdentity {
    certified: Arc<CertifiedKey>,
    curve: Option<NamedGroup>,
    subject: String,
    dns_names: Vec<String>,
    validity: (i64, i64),
    /// The key as OpenSSL holds it, which cleanses it when it is freed; `None` where it could not read it.
    #[cfg(feature = "legacy-tls")]
    openssl_key: Option<PKey<Private>>,
}

/// Why a certificate or key cannot be used, and the cure.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IdentityProblem {
    /// The file.
    pub origin: String,
    /// What and the cure.
    pub text: String,
}

impl ServerIdentity {
    /// From PEM text: chain (leaf first) and key (PKCS#8, PKCS#1 or SEC1). Either may hold the other's sections too, so
    /// that one file can serve as both. `origin`s are for messages.
    ///
    /// # Errors
    /// Unreadable, empty, key and leaf do not match, encrypted key, …
    pub fn from_pem(
        chain_origin: &str,
        chain: &[u8],
        key_origin: &str,
        key: &[u8],
    ) -> Result<ServerIdentity, IdentityProblem> {
        let certificates =
            read_chain(chain).map_err(|text| IdentityProblem { origin: chain_origin.to_owned(), text })?;
        let key = read_key(key).map_err(|text| IdentityProblem { origin: key_origin.to_owned(), text })?;
        assemble(chain_origin, certificates, key_origin, key)
    }

    /// From PKCS#12, legacy RC2/3DES included.
    ///
    /// # Errors
    /// Wrong password, no key, unsupported protection (the text names how to re-export), …
    pub fn from_pfx(origin: &str, pfx: &[u8], password: &str) -> Result<ServerIdentity, IdentityProblem> {
        let (certificates, key) = pfx::read(pfx, password)
            .map_err(|error| IdentityProblem { origin: origin.to_owned(), text: error.to_string() })?;
        assemble(origin, certificates, origin, key)
    }

    /// Subject for metrics, RFC 4514, else the first DNS name.
    pub fn subject(&self) -> &str {
        match self.dns_names.first() {
            Some(name) if self.subject.is_empty() => name,
            _ => &self.subject,
        }
    }
    /// DNS names of the leaf, lower case (wildcards as they are).
    pub fn dns_names(&self) -> &[String] {
        &self.dns_names
    }
    /// Validity, Unix seconds.
    pub fn validity(&self) -> (i64, i64) {
        self.validity
    }

    pub(crate) fn candidate(&self) -> Candidate {
        Candidate { certified: self.certified.clone(), curve: self.curve }
    }

    /// The kind of its key, where suites of TLS 1.2 know it.
    pub(crate) fn key(&self) -> Option<KeyKind> {
        let algorithm = self.certified.key.algorithm();
        let known = [(SignatureAlgorithm::RSA, KeyKind::Rsa), (SignatureAlgorithm::ECDSA, KeyKind::Ecdsa)];
        known.into_iter().find(|(known, _)| *known == algorithm).map(|(_, key)| key)
    }

    #[cfg(feature = "legacy-tls")]
    pub(crate) fn openssl_key(&self) -> Option<&PKey<Private>> {
        self.openssl_key.as_ref()
    }

    pub(crate) fn certified(&self) -> Arc<CertifiedKey> {
        self.certified.clone()
    }
}

/// Without the key.
impl fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerIdentity").field("subject", &self.subject()).finish_non_exhaustive()
    }
}

impl fmt::Display for IdentityProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.text)
    }
}

fn read_chain(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = pem_text(text)?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(text).collect::<Result<_, _>>().map_err(not_pem)?;
    if certificates.is_empty() {
        return Err(
            "holds no CERTIFICATE section: the leaf must be there, and its issuing authorities behind it".into()
        );
    }
    Ok(certificates)
}

fn read_key(text: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    let text = pem_text(text)?;
    // The old form of encryption has the label of a plain key, and headers where base64 should be (RFC 1421 §4.6.1.1).
    if contains(text, b"Proc-Type: 4,ENCRYPTED") {
        return Err(ENCRYPTED.to_owned());
    }
    let mut keys = PrivateKeyDer::pem_slice_iter(text);
    let key = match keys.next() {
        Some(key) => key.map_err(not_pem)?,
        None if contains(text, b"BEGIN ENCRYPTED PRIVATE KEY") => return Err(ENCRYPTED.to_owned()),
        None => {
            return Err("holds no private key: PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY is looked for".to_owned());
        }
    };
    if let Some(Ok(mut second)) = keys.next() {
        second.zeroize();
        return Err("holds more than one private key: which is meant cannot be known, leave one".to_owned());
    }
    Ok(key)
}

/// What Windows tools like to write instead of plain PEM is named.
fn pem_text(text: &[u8]) -> Result<&[u8], String> {
    match text {
        [] => Err("is empty".to_owned()),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            Err("is UTF-16, as PowerShell's redirection writes: save it as ASCII (Set-Content -Encoding ascii)"
                .to_owned())
        }
        [0x30, 0x80..=0x84, ..] => Err("is DER or PFX, not PEM: convert it (openssl x509 -inform der, openssl pkey), \
             or name it as pfx"
            .to_owned()),
        [0xef, 0xbb, 0xbf, rest @ ..] => Ok(rest),
        text => Ok(text),
    }
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}

/// Without the line itself: in a key file it may be a piece of the key.
#[expect(clippy::wildcard_enum_match_arm, reason = "the reader's errors are an open set; files are not read here")]
fn not_pem(error: pem::Error) -> String {
    let what = match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no END line",
        pem::Error::IllegalSectionStart { .. } => "a BEGIN line is malformed",
        pem::Error::Base64Decode(_) => "the text of a section is not base64",
        _ => "a section cannot be read",
    };
    format!("is not proper PEM: {what}")
}

fn assemble(
    chain_origin: &str,
    certificates: Vec<CertificateDer<'static>>,
    key_origin: &str,
    mut key: PrivateKeyDer<'static>,
) -> Result<ServerIdentity, IdentityProblem> {
    let problem = |origin: &str, text: String| IdentityProblem { origin: origin.to_owned(), text };
    let signing = any_supported_type(&key);
    #[cfg(feature = "legacy-tls")]
    crate::openssl_library::without_configuration();
    #[cfg(feature = "legacy-tls")]
    let openssl_key = PKey::private_key_from_der(key.secret_der()).ok();
    // aws-lc has its own copy now, which it wipes when it is freed.
    key.zeroize();
    let signing = signing.map_err(|_| {
        problem(
            key_origin,
            "the private key is of no supported kind: RSA of 2048 to 8192 bits, P-256, P-384, P-521".into(),
        )
    })?;
    let mut leaf = None;
    for (index, der) in certificates.iter().enumerate() {
        let facts = Facts::read(der)
            .ok_or_else(|| problem(chain_origin, format!("certificate {} cannot be read", index + 1)))?;
        leaf.get_or_insert(facts);
    }
    let Some(leaf) = leaf else { return Err(problem(chain_origin, "holds no certificate".to_owned())) };
    let matches =
        |der: &CertificateDer<'static>| CertifiedKey::new(vec![der.clone()], signing.clone()).keys_match().is_ok();
    match certificates.iter().position(matches) {
        Some(0) => {}
        Some(place) => {
            let text = format!(
                "the key belongs to certificate {} of the file: put that one first, and its issuing authorities behind it",
                place + 1
            );
            return Err(problem(chain_origin, text));
        }
        None => {
            let text = format!("the key does not belong to the certificate in {chain_origin}");
            return Err(problem(key_origin, text));
        }
    }
    if leaf.rsa_bits.is_some_and(|bits| bits < RSA_BITS_MIN) {
        let text = format!("the key is RSA with fewer than {RSA_BITS_MIN} bits, which clients refuse: issue a new one");
        return Err(problem(chain_origin, text));
    }
    Ok(ServerIdentity {
        certified: Arc::new(CertifiedKey::new(certificates, signing)),
        curve: leaf.curve,
        subject: leaf.subject,
        dns_names: leaf.dns_names,
        validity: leaf.validity,
        #[cfg(feature = "legacy-tls")]
        openssl_key,
    })
}

/// What is reported about a certificate, and what it is checked by.
struct Facts {
    curve: Option<NamedGroup>,
    rsa_bits: Option<usize>,
    subject: String,
    dns_names: Vec<String>,
    validity: (i64, i64),
}

impl Facts {
    fn read(der: &[u8]) -> Option<Facts> {
        let (rest, certificate) = X509Certificate::from_der(der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let names = certificate.subject_alternative_name().ok().flatten();
        let dns_names = names
            .iter()
            .flat_map(|names| &names.value.general_names)
            .filter_map(|name| {
                let GeneralName::DNSName(name) = name else { return None };
                Some(name.to_ascii_lowercase())
            })
            .collect();
        let key = certificate.public_key();
        let rsa_bits = match key.parsed() {
            Ok(PublicKey::RSA(key)) => Some(key.key_size()),
            _ => None,
        };
        let curve = key.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
        let curve = curve.and_then(|curve| match curve.to_id_string().as_str() {
            "1.2.840.10045.3.1.7" => Some(NamedGroup::secp256r1),
            "1.3.132.0.34" => Some(NamedGroup::secp384r1),
            "1.3.132.0.35" => Some(NamedGroup::secp521r1),
            _ => None,
        });
        let validity = certificate.validity();
        Some(Facts {
            curve,
            rsa_bits,
            subject: ravelin_policy::distinguished_name(certificate.subject().as_raw()).unwrap_or_default(),
            dns_names,
            validity: (validity.not_before.timestamp(), validity.not_after.timestamp()),
        })
    }
}

const ENCRYPTED: &str = "the private key is encrypted, and PEM keys are read without a password: decrypt it (openssl pkey \
                         -in FILE -out FILE.plain) and protect the file by its permissions, or use a PFX with password_file";

/// NIST SP 800-131A; Windows refuses less since 2024.
const RSA_BITS_MIN: usize = 2048;

#[cfg(test)]
mod tests;
