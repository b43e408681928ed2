//! Signatures of CRLs: what is accepted, and verification by key.
//!
//! - The algorithms are those the policy accepts in certificates: RSA of 2048 to 4096 bits (PKCS #1 v1.5 and PSS) and
//!   ECDSA over P-256, P-384 and P-521, each with SHA-256, SHA-384 or SHA-512; Ed25519. SHA-1 and MD5 are out.
//! - A CRL is hashed once, when it is loaded. Keys met later (an authority that only a client sent) cost one
//!   verification over the hash and need nothing of the CRL's bytes.

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use rustls_pki_types::{AlgorithmIdentifier, alg_id};

use crate::certificate::{RSA_BITS_MAX, RSA_BITS_MIN};
use crate::der::{self, DerReader, Malformed, tag};

/// The signature of one CRL over that CRL.
pub(super) struct Signed {
    algorithm: &'static Algorithm,
    message: Message,
    signature: Box<[u8]>,
}

impl Signed {
    /// `message` is the DER of the signed part, `algorithm` the contents of its AlgorithmIdentifier.
    ///
    /// # Errors
    /// The algorithm is not accepted; the text says what to do.
    pub(super) fn new(algorithm: &[u8], message: &[u8], signature: &[u8]) -> Result<Signed, String> {
        let algorithm = ALGORITHMS.iter().find(|known| known.is(algorithm)).ok_or_else(|| why_not(algorithm))?;
        let message = match algorithm.digest {
            Some(digest) => Message::Hashed(digest::digest(digest, message)),
            None => Message::Whole(message.into()),
        };
        Ok(Signed { algorithm, message, signature: signature.into() })
    }

    /// Was the CRL signed by the key of this SubjectPublicKeyInfo (DER)?
    pub(super) fn verify(&self, spki: &[u8]) -> Verification {
        let Ok((key_algorithm, key)) = public_key(spki) else { return Verification::WrongKey };
        if *key_algorithm == *alg_id::RSA_ENCRYPTION && !rsa_size_accepted(key) {
            return Verification::WeakKey;
        }
        // RFC 5480 §2.2: the first byte of a point says how it is written, and there are these three ways.
        let is_point = matches!(key.first(), Some(0x02..=0x04));
        if self.algorithm.is_ecdsa && !is_point {
            return Verification::WrongKey;
        }
        let fitting = self.algorithm.keys.iter().find(|(id, _)| **id == *key_algorithm);
        let Some((_, verification)) = fitting else { return Verification::WrongKey };
        let key = UnparsedPublicKey::new(*verification, key);
        let verified = match &self.message {
            Message::Hashed(digest) => key.verify_digest(digest, &self.signature),
            Message::Whole(message) => key.verify(message, &self.signature),
        };
        if verified.is_ok() { Verification::Signed } else { Verification::WrongKey }
    }
}

impl std::fmt::Debug for Signed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Signed").finish_non_exhaustive()
    }
}

/// What a key says of a signature.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verification {
    /// The key made it.
    Signed,
    /// The key is too small, or too large, to be asked.
    WeakKey,
    /// The key did not make it.
    WrongKey,
}

/// SHA-256 of a SubjectPublicKeyInfo: what a key is remembered by.
pub(super) fn key_hash(spki: &[u8]) -> KeyHash {
    let mut hash = KeyHash::default();
    for (to, from) in hash.iter_mut().zip(digest::digest(&digest::SHA256, spki).as_ref()) {
        *to = *from;
    }
    hash
}

/// See [`key_hash`].
pub(super) type KeyHash = [u8; 32];

enum Message {
    Hashed(Digest),
    /// Ed25519 signs the message itself.
    Whole(Box<[u8]>),
}

struct Algorithm {
    /// Contents of the AlgorithmIdentifier.
    id: AlgorithmIdentifier,
    digest: Option<&'static digest::Algorithm>,
    is_ecdsa: bool,
    /// Algorithm of the key, and how to verify with it.
    keys: Keys,
}

impl Algorithm {
    /// RFC 4055 §5: the NULL parameters of RSA PKCS #1 v1.5 may be left out.
    fn is(&self, id: &[u8]) -> bool {
        *self.id == *id || (id.len() == RSA_PKCS1_OID_BYTES && self.id.strip_suffix(NULL) == Some(id))
    }
}

/// Algorithm (contents of the AlgorithmIdentifier) and key (contents of the BIT STRING) of a SubjectPublicKeyInfo.
fn public_key(spki: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let mut reader = DerReader::new(der::only(spki, tag::SEQUENCE)?);
    let algorithm = reader.read(tag::SEQUENCE)?;
    let key = der::bit_string_bytes(reader.read(tag::BIT_STRING)?)?;
    reader.end()?;
    Ok((algorithm, key))
}

/// Reads `RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }` for the size of the modulus.
fn rsa_size_accepted(key: &[u8]) -> bool {
    let modulus = der::only(key, tag::SEQUENCE).and_then(|contents| DerReader::new(contents).read(tag::INTEGER));
    let Ok(modulus) = modulus else { return false };
    let significant = match modulus {
        [0, rest @ ..] => rest,
        all => all,
    };
    let Some(first) = significant.first() else { return false };
    let bits = significant.len() * 8 - first.leading_zeros() as usize;
    (RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits)
}

/// Says in plain words why an algorithm is not accepted.
fn why_not(algorithm: &[u8]) -> String {
    let oid = DerReader::new(algorithm).read(tag::OID).unwrap_or_default();
    let plain = match oid {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05] => Some("RSA with SHA-1"),
        [0x2b, 0x0e, 0x03, 0x02, 0x1d] => Some("RSA with SHA-1"),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x02..=0x04] => Some("RSA with MD2, MD4 or MD5"),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01] => Some("ECDSA with SHA-1"),
        // Without parameters RSASSA-PSS means SHA-1 (RFC 4055 §3.1).
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a] => {
            Some("RSASSA-PSS with other parameters than SHA-256, SHA-384 or SHA-512 throughout")
        }
        [0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03] => Some("DSA with SHA-1"),
        _ => None,
    };
    let what = plain.map_or_else(|| format!("algorithm {}", crate::oid::dotted(oid)), str::to_owned);
    format!(
        "is signed by {what}, which is not accepted; have the certificate authority sign with SHA-256 or better \
         (AD CS: certutil -setreg ca\\csp\\CNGHashAlgorithm SHA256, restart the service, certutil -crl)"
    )
}

const NULL: &[u8] = &[0x05, 0x00];
/// Tag, length and nine bytes of 1.2.840.113549.1.1.x.
const RSA_PKCS1_OID_BYTES: usize = 11;

type Keys = &'static [(AlgorithmIdentifier, &'static dyn VerificationAlgorithm)];

const ALGORITHMS: &[Algorithm] = &[
    rsa(alg_id::RSA_PKCS1_SHA256, &digest::SHA256, &[(alg_id::RSA_ENCRYPTION, &signature::RSA_PKCS1_2048_8192_SHA256)]),
    rsa(alg_id::RSA_PKCS1_SHA384, &digest::SHA384, &[(alg_id::RSA_ENCRYPTION, &signature::RSA_PKCS1_2048_8192_SHA384)]),
    rsa(alg_id::RSA_PKCS1_SHA512, &digest::SHA512, &[(alg_id::RSA_ENCRYPTION, &signature::RSA_PKCS1_2048_8192_SHA512)]),
    rsa(alg_id::RSA_PSS_SHA256, &digest::SHA256, &[(alg_id::RSA_ENCRYPTION, &signature::RSA_PSS_2048_8192_SHA256)]),
    rsa(alg_id::RSA_PSS_SHA384, &digest::SHA384, &[(alg_id::RSA_ENCRYPTION, &signature::RSA_PSS_2048_8192_SHA384)]),
    rsa(alg_id::RSA_PSS_SHA512, &digest::SHA512, &[(alg_id::RSA_ENCRYPTION, &signature::RSA_PSS_2048_8192_SHA512)]),
    ecdsa(
        alg_id::ECDSA_SHA256,
        &digest::SHA256,
        &[
            (alg_id::ECDSA_P256, &signature::ECDSA_P256_SHA256_ASN1),
            (alg_id::ECDSA_P384, &signature::ECDSA_P384_SHA256_ASN1),
            (alg_id::ECDSA_P521, &signature::ECDSA_P521_SHA256_ASN1),
        ],
    ),
    ecdsa(
        alg_id::ECDSA_SHA384,
        &digest::SHA384,
        &[
            (alg_id::ECDSA_P256, &signature::ECDSA_P256_SHA384_ASN1),
            (alg_id::ECDSA_P384, &signature::ECDSA_P384_SHA384_ASN1),
            (alg_id::ECDSA_P521, &signature::ECDSA_P521_SHA384_ASN1),
        ],
    ),
    ecdsa(
        alg_id::ECDSA_SHA512,
        &digest::SHA512,
        &[
            (alg_id::ECDSA_P256, &signature::ECDSA_P256_SHA512_ASN1),
            (alg_id::ECDSA_P384, &signature::ECDSA_P384_SHA512_ASN1),
            (alg_id::ECDSA_P521, &signature::ECDSA_P521_SHA512_ASN1),
        ],
    ),
    Algorithm { id: alg_id::ED25519, digest: None, is_ecdsa: false, keys: &[(alg_id::ED25519, &signature::ED25519)] },
];

const fn rsa(id: AlgorithmIdentifier, digest: &'static digest::Algorithm, keys: Keys) -> Algorithm {
    Algorithm { id, digest: Some(digest), is_ecdsa: false, keys }
}

const fn ecdsa(id: AlgorithmIdentifier, digest: &'static digest::Algorithm, keys: Keys) -> Algorithm {
    Algorithm { id, digest: Some(digest), is_ecdsa: true, keys }
}
