//! Signatures over certificates and lists.

use aws_lc_rs::digest::{self, Digest, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature as lc;

use super::der;
use super::key::{Key, KeyType, Pair};
use super::rsa_sha1;

/// How a certificate or list is signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SignatureAlgorithm {
    /// ecdsa-with-SHA1: must be refused.
    EcdsaSha1,
    /// ecdsa-with-SHA256, with any curve.
    EcdsaSha256,
    /// ecdsa-with-SHA384, with any curve.
    EcdsaSha384,
    /// ecdsa-with-SHA512, with any curve.
    EcdsaSha512,
    /// Ed25519.
    Ed25519,
    /// RSASSA-PSS, hash and MGF1 SHA-256, salt 32: what `AlternateSignatureAlgorithm=1` makes AD CS write.
    RsaPssSha256,
    /// RSASSA-PSS with SHA-384, salt 48.
    RsaPssSha384,
    /// RSASSA-PSS with SHA-512, salt 64.
    RsaPssSha512,
    /// sha1WithRSAEncryption: must be refused.
    RsaSha1,
    /// sha256WithRSAEncryption.
    RsaSha256,
    /// sha384WithRSAEncryption.
    RsaSha384,
    /// sha512WithRSAEncryption.
    RsaSha512,
}

impl SignatureAlgorithm {
    /// What goes with a key unless asked otherwise.
    ///
    /// # Panics
    /// If the key cannot sign.
    #[track_caller]
    pub fn usual_for(key: &Key) -> SignatureAlgorithm {
        match key.pair() {
            Pair::Ecdsa { curve: KeyType::P384, .. } => SignatureAlgorithm::EcdsaSha384,
            Pair::Ecdsa { curve: KeyType::P521, .. } => SignatureAlgorithm::EcdsaSha512,
            Pair::Ecdsa { .. } => SignatureAlgorithm::EcdsaSha256,
            Pair::Ed25519(_) => SignatureAlgorithm::Ed25519,
            Pair::Rsa(_) => SignatureAlgorithm::RsaSha256,
            Pair::PublicOnly => panic!("a key made with public_only cannot sign"),
        }
    }

    /// AlgorithmIdentifier.
    pub fn to_der(self) -> Vec<u8> {
        let ecdsa = |last: &str| der::sequence(&[der::oid(&format!("1.2.840.10045.4.{last}"))]);
        let rsa = |last: &str| der::sequence(&[der::oid(&format!("1.2.840.113549.1.1.{last}")), der::null()]);
        match self {
            SignatureAlgorithm::EcdsaSha1 => ecdsa("1"),
            SignatureAlgorithm::EcdsaSha256 => ecdsa("3.2"),
            SignatureAlgorithm::EcdsaSha384 => ecdsa("3.3"),
            SignatureAlgorithm::EcdsaSha512 => ecdsa("3.4"),
            SignatureAlgorithm::Ed25519 => der::sequence(&[der::oid("1.3.101.112")]),
            SignatureAlgorithm::RsaPssSha256 => pss("1", 32),
            SignatureAlgorithm::RsaPssSha384 => pss("2", 48),
            SignatureAlgorithm::RsaPssSha512 => pss("3", 64),
            SignatureAlgorithm::RsaSha1 => rsa("5"),
            SignatureAlgorithm::RsaSha256 => rsa("11"),
            SignatureAlgorithm::RsaSha384 => rsa("12"),
            SignatureAlgorithm::RsaSha512 => rsa("13"),
        }
    }

    /// The signature's bytes.
    ///
    /// # Panics
    /// If the key does not go with the algorithm.
    #[track_caller]
    pub fn sign(self, key: &Key, message: &[u8]) -> Vec<u8> {
        match (self, key.pair()) {
            (SignatureAlgorithm::EcdsaSha1, Pair::Ecdsa { pair, curve }) => {
                sign_ecdsa(pair, *curve, &digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, message))
            }
            (SignatureAlgorithm::EcdsaSha256, Pair::Ecdsa { pair, curve }) => {
                sign_ecdsa(pair, *curve, &digest(&digest::SHA256, message))
            }
            (SignatureAlgorithm::EcdsaSha384, Pair::Ecdsa { pair, curve }) => {
                sign_ecdsa(pair, *curve, &digest(&digest::SHA384, message))
            }
            (SignatureAlgorithm::EcdsaSha512, Pair::Ecdsa { pair, curve }) => {
                sign_ecdsa(pair, *curve, &digest(&digest::SHA512, message))
            }
            (SignatureAlgorithm::Ed25519, Pair::Ed25519(pair)) => pair.sign(message).as_ref().to_vec(),
            (SignatureAlgorithm::RsaSha1, Pair::Rsa(_)) => rsa_sha1::sign(key.pkcs8_der(), message),
            (SignatureAlgorithm::RsaSha256, Pair::Rsa(pair)) => sign_rsa(pair, &lc::RSA_PKCS1_SHA256, message),
            (SignatureAlgorithm::RsaSha384, Pair::Rsa(pair)) => sign_rsa(pair, &lc::RSA_PKCS1_SHA384, message),
            (SignatureAlgorithm::RsaSha512, Pair::Rsa(pair)) => sign_rsa(pair, &lc::RSA_PKCS1_SHA512, message),
            (SignatureAlgorithm::RsaPssSha256, Pair::Rsa(pair)) => sign_rsa(pair, &lc::RSA_PSS_SHA256, message),
            (SignatureAlgorithm::RsaPssSha384, Pair::Rsa(pair)) => sign_rsa(pair, &lc::RSA_PSS_SHA384, message),
            (SignatureAlgorithm::RsaPssSha512, Pair::Rsa(pair)) => sign_rsa(pair, &lc::RSA_PSS_SHA512, message),
            (algorithm, _) => panic!("{key:?} cannot sign with {algorithm:?}"),
        }
    }
}

/// Any hash with any curve. The library ties each curve to one hash; but ECDSA takes the leftmost bits of the hash as a
/// number (FIPS 186-5 §6.4.1), so a longer one may be cut and a shorter one be filled with zeros in front.
fn sign_ecdsa(pair: &lc::EcdsaKeyPair, curve: KeyType, hash: &Digest) -> Vec<u8> {
    let native = match curve {
        KeyType::P384 => &digest::SHA384,
        KeyType::P521 => &digest::SHA512,
        KeyType::Ed25519 | KeyType::P256 | KeyType::Rsa2048 | KeyType::Rsa3072 | KeyType::Rsa4096 => &digest::SHA256,
    };
    let (bytes, size) = (hash.as_ref(), native.output_len());
    let mut fitted = vec![0; size.saturating_sub(bytes.len())];
    fitted.extend_from_slice(&bytes[..bytes.len().min(size)]);
    let fitted = Digest::import_less_safe(&fitted, native).expect("a digest of the native length");
    pair.sign_digest(&fitted).expect("ECDSA signs").as_ref().to_vec()
}

fn sign_rsa(pair: &lc::RsaKeyPair, encoding: &'static dyn lc::RsaEncoding, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(encoding, &SystemRandom::new(), message, &mut signature).expect("RSA signs");
    signature
}

/// AlgorithmIdentifier with RSASSA-PSS-params (RFC 4055 §3.1), hash and MGF1 alike.
fn pss(hash: &str, salt: u64) -> Vec<u8> {
    let hash = der::sequence(&[der::oid(&format!("2.16.840.1.101.3.4.2.{hash}")), der::null()]);
    let mask = der::sequence(&[der::oid("1.2.840.113549.1.1.8"), hash.clone()]);
    let parameters =
        der::sequence(&[der::explicit(0, &hash), der::explicit(1, &mask), der::explicit(2, &der::integer(salt))]);
    der::sequence(&[der::oid("1.2.840.113549.1.1.10"), parameters])
}
