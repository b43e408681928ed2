//! Ed25519 keys of snapshots, as `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout` write them.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};

/// Signs snapshots. Never printed; aws-lc wipes it when it is freed.
pub struct SigningKey(Ed25519KeyPair);

/// Verifies snapshots.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicKey([u8; 32]);

/// Why a file is no key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyProblem(&'static str);

impl fmt::Display for KeyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for KeyProblem {}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

impl SigningKey {
    /// Reads PEM (`BEGIN PRIVATE KEY`).
    ///
    /// # Errors
    /// No such key in it.
    pub fn from_pem(pem: &[u8]) -> Result<SigningKey, KeyProblem> {
        let problem = KeyProblem("is no Ed25519 private key in PEM; `openssl genpkey -algorithm ed25519` makes one");
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| problem)?;
        // OpenSSL leaves the public key out, which is then derived.
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der()).map(SigningKey).map_err(|_| problem)
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }
}

impl PublicKey {
    /// Reads PEM (`BEGIN PUBLIC KEY`).
    ///
    /// # Errors
    /// No such key in it.
    pub fn from_pem(pem: &[u8]) -> Result<PublicKey, KeyProblem> {
        let problem = KeyProblem("is no Ed25519 public key in PEM; `openssl pkey -in KEY -pubout` writes one");
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem).map_err(|_| problem)?;
        let key = der.as_ref().strip_prefix(SPKI).and_then(|key| <[u8; 32]>::try_from(key).ok());
        key.map(PublicKey).ok_or(problem)
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }
}

/// SubjectPublicKeyInfo of Ed25519 up to the key (RFC 8410 §4).
const SPKI: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
