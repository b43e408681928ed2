//! Key pairs, made once where making is slow.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self as lc, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};

use super::der;

/// What kind of key.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum KeyType {
    /// Ed25519.
    Ed25519,
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// ECDSA on P-521.
    P521,
    /// RSA, 2048 bits.
    Rsa2048,
    /// RSA, 3072 bits.
    Rsa3072,
    /// RSA, 4096 bits.
    Rsa4096,
}

/// A key pair, or a public key whose private half nobody has. Cheap to clone.
#[derive(Clone)]
pub struct Key(Arc<Inner>);

struct Inner {
    pair: Pair,
    spki: Vec<u8>,
    pkcs8: Option<Vec<u8>>,
}

pub(super) enum Pair {
    Ecdsa { pair: EcdsaKeyPair, curve: KeyType },
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
    PublicOnly,
}

impl Key {
    /// A new pair. RSA takes its time: about 0.1 s for 2048 bits, seconds for 4096; see [`Key::shared`].
    ///
    /// # Panics
    /// If there is no randomness.
    pub fn new(key_type: KeyType) -> Key {
        match key_type {
            KeyType::Ed25519 => ed25519(),
            KeyType::P256 | KeyType::P384 | KeyType::P521 => ecdsa(key_type),
            KeyType::Rsa2048 => rsa(KeySize::Rsa2048),
            KeyType::Rsa3072 => rsa(KeySize::Rsa3072),
            KeyType::Rsa4096 => rsa(KeySize::Rsa4096),
        }
    }

    /// The `nth` pair of this type in this process, made at first use: the same arguments give the same key.
    pub fn shared(key_type: KeyType, nth: usize) -> Key {
        type Pool = HashMap<(KeyType, usize), Arc<OnceLock<Key>>>;
        static POOL: OnceLock<Mutex<Pool>> = OnceLock::new();
        let slot = {
            // The lock is not held while a key is made: other types must not wait for RSA 4096.
            let mut pool = POOL.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(pool.entry((key_type, nth)).or_default())
        };
        slot.get_or_init(|| Key::new(key_type)).clone()
    }

    /// A key from its PKCS#8, unencrypted; `None` if it is none of [`KeyType`].
    pub fn from_pkcs8(pkcs8_der: &[u8]) -> Option<Key> {
        let curves = [
            (KeyType::P256, &lc::ECDSA_P256_SHA256_ASN1_SIGNING),
            (KeyType::P384, &lc::ECDSA_P384_SHA384_ASN1_SIGNING),
            (KeyType::P521, &lc::ECDSA_P521_SHA512_ASN1_SIGNING),
        ];
        for (curve, algorithm) in curves {
            if let Ok(pair) = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8_der) {
                return Some(of_ecdsa(pair, curve));
            }
        }
        let ed25519 = || Ed25519KeyPair::from_pkcs8(pkcs8_der).ok().map(of_ed25519);
        RsaKeyPair::from_pkcs8(pkcs8_der).ok().map(of_rsa).or_else(ed25519)
    }

    /// A public key of any kind, from its SubjectPublicKeyInfo. It can be certified but cannot sign.
    pub fn public_only(spki_der: Vec<u8>) -> Key {
        Key(Arc::new(Inner { pair: Pair::PublicOnly, spki: spki_der, pkcs8: None }))
    }

    /// An RSA public key of any size: a random odd number of so many bits, exponent 65537. It can be certified but
    /// cannot sign; good for keys that must be refused for their size, 512 as well as 16,384 bits.
    ///
    /// # Panics
    /// If `bits` is no multiple of 8, or there is no randomness.
    pub fn public_rsa(bits: usize) -> Key {
        assert!(bits >= 16 && bits.is_multiple_of(8), "whole bytes, got {bits} bits");
        let mut modulus = random(bits / 8);
        modulus[0] |= 0x80;
        modulus[bits / 8 - 1] |= 1;
        let key = der::sequence(&[der::integer_unsigned(&modulus), der::integer(65_537)]);
        let algorithm = der::sequence(&[der::oid("1.2.840.113549.1.1.1"), der::null()]);
        Key::public_only(der::sequence(&[algorithm, der::bit_string(&key)]))
    }

    /// SubjectPublicKeyInfo.
    pub fn spki_der(&self) -> &[u8] {
        &self.0.spki
    }

    /// It can sign: it was not made with [`Key::public_only`].
    pub fn has_private_half(&self) -> bool {
        self.0.pkcs8.is_some()
    }

    /// PKCS#8, unencrypted.
    ///
    /// # Panics
    /// If the private half is missing.
    #[track_caller]
    pub fn pkcs8_der(&self) -> &[u8] {
        self.0.pkcs8.as_deref().expect("a key made with public_only has no private half")
    }

    /// PKCS#8 as PEM.
    ///
    /// # Panics
    /// If the private half is missing.
    #[track_caller]
    pub fn pem(&self) -> String {
        super::pem("PRIVATE KEY", self.pkcs8_der())
    }

    /// SHA-1 of the subjectPublicKey bits: the usual key identifier (RFC 5280 §4.2.1.2, method 1).
    pub fn identifier(&self) -> Vec<u8> {
        use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
        let bits = der::read(&self.0.spki)
            .and_then(|(_, spki, _)| der::read(spki))
            .and_then(|(_, _, after_algorithm)| der::read(after_algorithm))
            .and_then(|(_, bit_string, _)| bit_string.get(1..));
        digest(&SHA1_FOR_LEGACY_USE_ONLY, bits.unwrap_or(&self.0.spki)).as_ref().to_vec()
    }

    /// SHA-256 of SubjectPublicKeyInfo, lower-case hex, as deny lists write it.
    pub fn spki_sha256(&self) -> String {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.0.spki);
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(super) fn pair(&self) -> &Pair {
        &self.0.pair
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.spki_sha256())
    }
}

impl From<KeyType> for Key {
    fn from(key_type: KeyType) -> Key {
        Key::new(key_type)
    }
}

/// Bytes from the system's generator.
pub(super) fn random(bytes: usize) -> Vec<u8> {
    let mut out = vec![0; bytes];
    SystemRandom::new().fill(&mut out).expect("the system has randomness");
    out
}

fn ecdsa(curve: KeyType) -> Key {
    let algorithm = match curve {
        KeyType::P256 => &lc::ECDSA_P256_SHA256_ASN1_SIGNING,
        KeyType::P384 => &lc::ECDSA_P384_SHA384_ASN1_SIGNING,
        KeyType::P521 => &lc::ECDSA_P521_SHA512_ASN1_SIGNING,
        KeyType::Ed25519 | KeyType::Rsa2048 | KeyType::Rsa3072 | KeyType::Rsa4096 => panic!("{curve:?} is no curve"),
    };
    of_ecdsa(EcdsaKeyPair::generate(algorithm).expect("an ECDSA key"), curve)
}

fn ed25519() -> Key {
    of_ed25519(Ed25519KeyPair::generate().expect("an Ed25519 key"))
}

fn rsa(size: KeySize) -> Key {
    of_rsa(RsaKeyPair::generate(size).expect("an RSA key"))
}

fn of_ecdsa(pair: EcdsaKeyPair, curve: KeyType) -> Key {
    let spki = pair.public_key().as_der().expect("a public key has DER").as_ref().to_vec();
    let pkcs8 = pair.to_pkcs8v1().expect("a private key has DER").as_ref().to_vec();
    Key(Arc::new(Inner { pair: Pair::Ecdsa { pair, curve }, spki, pkcs8: Some(pkcs8) }))
}

fn of_ed25519(pair: Ed25519KeyPair) -> Key {
    let spki = pair.public_key().as_der().expect("a public key has DER").as_ref().to_vec();
    let pkcs8 = pair.to_pkcs8v1().expect("a private key has DER").as_ref().to_vec();
    Key(Arc::new(Inner { pair: Pair::Ed25519(pair), spki, pkcs8: Some(pkcs8) }))
}

fn of_rsa(pair: RsaKeyPair) -> Key {
    let spki = pair.public_key().as_der().expect("a public key has DER").as_ref().to_vec();
    let pkcs8 = AsDer::as_der(&pair).expect("a private key has DER").as_ref().to_vec();
    Key(Arc::new(Inner { pair: Pair::Rsa(pair), spki, pkcs8: Some(pkcs8) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back() {
        for key_type in [KeyType::Ed25519, KeyType::P256, KeyType::P384, KeyType::P521, KeyType::Rsa2048] {
            let key = Key::shared(key_type, 0);
            let read = Key::from_pkcs8(key.pkcs8_der()).expect("a key");
            assert_eq!(read.spki_der(), key.spki_der(), "{key_type:?}");
        }
        assert!(Key::from_pkcs8(b"none").is_none());
    }
}
