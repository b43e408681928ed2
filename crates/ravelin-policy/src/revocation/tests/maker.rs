//! Makes CRLs and the authorities that sign them, right ones and wrong ones.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaEncoding};
use rustls_pki_types::{AlgorithmIdentifier, alg_id};

use crate::der::tag;
use crate::revocation::{Authority, CertificateToCheck};
use crate::time::rfc3339;

/// 2026-11-24T00:00:00Z: when the tables are judged.
pub(super) const NOW: i64 = 1_795_478_400;
pub(super) const DAY: i64 = 86_400;

/// One DER element.
pub(super) fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = contents.len().to_be_bytes();
    let length: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    match (contents.len(), length.len()) {
        (0..0x80, _) => out.push(u8::try_from(contents.len()).unwrap()),
        (_, bytes) => {
            out.push(0x80 | u8::try_from(bytes).unwrap());
            out.extend(length);
        }
    }
    out.extend_from_slice(contents);
    out
}

pub(super) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    der(tag::SEQUENCE, &parts.concat())
}

pub(super) fn oid(dotted: &str) -> Vec<u8> {
    der(tag::OID, &crate::oid::encode(dotted).unwrap())
}

/// A DER Name of one common name.
pub(super) fn named(string_tag: u8, common_name: &str) -> Vec<u8> {
    let attribute = sequence(&[oid("2.5.4.3"), der(string_tag, common_name.as_bytes())]);
    sequence(&[der(tag::SET, &attribute)])
}

/// UTCTime until 2049, GeneralizedTime from then on.
pub(super) fn time(unix_seconds: i64) -> Vec<u8> {
    let text: String =
        rfc3339(unix_seconds).chars().filter(|character| !matches!(character, '-' | ':' | 'T')).collect();
    if (0..2_524_608_000).contains(&unix_seconds) {
        der(tag::UTC_TIME, &text.as_bytes()[2..])
    } else {
        der(tag::GENERALIZED_TIME, text.as_bytes())
    }
}

pub(super) fn extension(id: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { der(tag::BOOLEAN, &[0xff]) } else { Vec::new() };
    sequence(&[oid(id), critical, der(tag::OCTET_STRING, value)])
}

/// `fullName` of one address.
pub(super) fn address(uri: &str) -> Vec<u8> {
    der(tag::context_constructed(0), &der(tag::context(6), uri.as_bytes()))
}

/// A cRLDistributionPoints value with one point for each `DistributionPointName`.
pub(super) fn points(names: &[Vec<u8>]) -> Vec<u8> {
    let points: Vec<_> = names.iter().map(|name| sequence(&[der(tag::context_constructed(0), name)])).collect();
    sequence(&points)
}

/// A key that signs CRLs.
pub(super) enum Key {
    Ec(EcdsaKeyPair, AlgorithmIdentifier, AlgorithmIdentifier),
    Ed25519(Ed25519KeyPair),
    Rsa(rsa::KeyPair, &'static dyn RsaEncoding, AlgorithmIdentifier),
}

impl Key {
    pub(super) fn p256() -> Key {
        Key::ec(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, alg_id::ECDSA_P256, alg_id::ECDSA_SHA256)
    }

    pub(super) fn ec(
        signing: &'static EcdsaSigningAlgorithm,
        key: AlgorithmIdentifier,
        signature: AlgorithmIdentifier,
    ) -> Key {
        Key::Ec(EcdsaKeyPair::generate(signing).unwrap(), key, signature)
    }

    pub(super) fn ed25519() -> Key {
        Key::Ed25519(Ed25519KeyPair::generate().unwrap())
    }

    pub(super) fn rsa(encoding: &'static dyn RsaEncoding, signature: AlgorithmIdentifier) -> Key {
        Key::Rsa(rsa::KeyPair::generate(KeySize::Rsa2048).unwrap(), encoding, signature)
    }

    fn algorithm(&self) -> AlgorithmIdentifier {
        match self {
            Key::Ec(_, _, signature) | Key::Rsa(_, _, signature) => *signature,
            Key::Ed25519(_) => alg_id::ED25519,
        }
    }

    pub(super) fn spki(&self) -> Vec<u8> {
        let (algorithm, key) = match self {
            Key::Ec(pair, key, _) => (*key, pair.public_key().as_ref()),
            Key::Ed25519(pair) => (alg_id::ED25519, pair.public_key().as_ref()),
            Key::Rsa(pair, _, _) => (alg_id::RSA_ENCRYPTION, pair.public_key().as_ref()),
        };
        spki(&algorithm, key)
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Key::Ec(pair, _, _) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Key::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Key::Rsa(pair, encoding, _) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }
}

/// A SubjectPublicKeyInfo.
pub(super) fn spki(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    sequence(&[der(tag::SEQUENCE, algorithm), der(tag::BIT_STRING, &[&[0], key].concat())])
}

/// An authority with its key.
pub(super) struct Ca {
    pub(super) name: Vec<u8>,
    pub(super) key: Key,
    pub(super) spki: Vec<u8>,
    pub(super) key_identifier: Option<Vec<u8>>,
    pub(super) may_sign_crls: bool,
}

impl Ca {
    pub(super) fn new(common_name: &str) -> Ca {
        Ca::with_key(common_name, Key::p256())
    }

    pub(super) fn with_key(common_name: &str, key: Key) -> Ca {
        let spki = key.spki();
        let key_identifier = Some(crate::revocation::signature::key_hash(&spki)[..20].to_vec());
        Ca { name: named(tag::UTF8_STRING, common_name), key, spki, key_identifier, may_sign_crls: true }
    }

    pub(super) fn authority(&self) -> Authority<'_> {
        Authority {
            subject: &self.name,
            spki: &self.spki,
            key_identifier: self.key_identifier.as_deref(),
            may_sign_crls: self.may_sign_crls,
        }
    }

    /// A certificate of this authority.
    pub(super) fn issued<'a>(&'a self, serial: &'a [u8]) -> CertificateToCheck<'a> {
        CertificateToCheck { serial, issuer_name: &self.name, distribution_points: None, is_authority: false }
    }

    /// A current CRL without entries.
    pub(super) fn crl(&self) -> Maker<'_> {
        Maker {
            ca: self,
            issuer: self.name.clone(),
            version: Some(1),
            inner_algorithm: self.key.algorithm().to_vec(),
            outer_algorithm: self.key.algorithm().to_vec(),
            this_update: time(NOW - DAY),
            next_update: Some(time(NOW + 6 * DAY)),
            entries: Vec::new(),
            key_identifier: self.key_identifier.clone(),
            number: Some(vec![1]),
            extensions: Vec::new(),
            signature: None,
        }
    }
}

/// A CRL under construction.
pub(super) struct Maker<'a> {
    ca: &'a Ca,
    pub(super) issuer: Vec<u8>,
    pub(super) version: Option<u8>,
    pub(super) inner_algorithm: Vec<u8>,
    pub(super) outer_algorithm: Vec<u8>,
    pub(super) this_update: Vec<u8>,
    pub(super) next_update: Option<Vec<u8>>,
    pub(super) entries: Vec<Vec<u8>>,
    pub(super) key_identifier: Option<Vec<u8>>,
    pub(super) number: Option<Vec<u8>>,
    /// Further ones.
    pub(super) extensions: Vec<Vec<u8>>,
    /// Contents of the BIT STRING; signed if `None`.
    pub(super) signature: Option<Vec<u8>>,
}

impl Maker<'_> {
    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(super) fn number(self, number: u8) -> Self {
        self.with(|crl| crl.number = Some(vec![number]))
    }

    pub(super) fn dates(self, this_update: i64, next_update: i64) -> Self {
        self.with(|crl| (crl.this_update, crl.next_update) = (time(this_update), Some(time(next_update))))
    }

    pub(super) fn revoke(self, serial: &[u8], reason: Option<u8>) -> Self {
        let reason = reason.map(|code| sequence(&[extension("2.5.29.21", false, &der(0x0a, &[code]))]));
        self.entry(serial, reason)
    }

    pub(super) fn entry(mut self, serial: &[u8], extensions: Option<Vec<u8>>) -> Self {
        let fields = [der(tag::INTEGER, serial), time(NOW - 2 * DAY), extensions.unwrap_or_default()];
        self.entries.push(sequence(&fields));
        self
    }

    pub(super) fn extended(mut self, id: &str, critical: bool, value: &[u8]) -> Self {
        self.extensions.push(extension(id, critical, value));
        self
    }

    /// An issuing distribution point of these fields.
    pub(super) fn scope(self, fields: &[Vec<u8>]) -> Self {
        self.extended("2.5.29.28", true, &sequence(fields))
    }

    pub(super) fn build(self) -> Vec<u8> {
        let mut extensions = Vec::new();
        if let Some(key_identifier) = &self.key_identifier {
            let value = sequence(&[der(tag::context(0), key_identifier)]);
            extensions.push(extension("2.5.29.35", false, &value));
        }
        if let Some(number) = &self.number {
            extensions.push(extension("2.5.29.20", false, &der(tag::INTEGER, number)));
        }
        extensions.extend(self.extensions);
        let signed_part = sequence(&[
            self.version.map(|version| der(tag::INTEGER, &[version])).unwrap_or_default(),
            der(tag::SEQUENCE, &self.inner_algorithm),
            self.issuer,
            self.this_update,
            self.next_update.unwrap_or_default(),
            if self.entries.is_empty() { Vec::new() } else { sequence(&self.entries) },
            if extensions.is_empty() { Vec::new() } else { der(tag::context_constructed(0), &sequence(&extensions)) },
        ]);
        let signature = self.signature.unwrap_or_else(|| [&[0], self.ca.key.sign(&signed_part).as_slice()].concat());
        sequence(&[signed_part, der(tag::SEQUENCE, &self.outer_algorithm), der(tag::BIT_STRING, &signature)])
    }
}

/// A SubjectPublicKeyInfo of an RSA key of this size that nobody has.
pub(super) fn rsa_spki_of_bits(bits: usize) -> Vec<u8> {
    let modulus = [&[0x00][..], &vec![0xff; bits / 8]].concat();
    let key = sequence(&[der(tag::INTEGER, &modulus), der(tag::INTEGER, &[0x01, 0x00, 0x01])]);
    spki(&alg_id::RSA_ENCRYPTION, &key)
}
