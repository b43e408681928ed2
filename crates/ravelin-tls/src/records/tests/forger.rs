//! Providers for tests: one whose peer can put anything into a properly protected record, one whose keys wear out soon.

use rustls::crypto::cipher::{
    AeadKey, Iv, KeyBlockShape, MessageDecrypter, MessageEncrypter, OutboundChunks, OutboundOpaqueMessage,
    OutboundPlainMessage, Tls12AeadAlgorithm, Tls13AeadAlgorithm, UnsupportedOperationError,
};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ConnectionTrafficSecrets, ContentType, Error, SupportedCipherSuite, Tls12CipherSuite, Tls13CipherSuite};

/// Plaintext that begins so is sent as the content type of the next byte, without both.
pub(super) const FORGED: &[u8] = b"\0forged\0";

/// aws-lc-rs, with the encrypters of a forger.
pub(super) fn forging_provider() -> CryptoProvider {
    with_suites(|suite| match suite {
        SupportedCipherSuite::Tls12(suite) => SupportedCipherSuite::Tls12(Box::leak(Box::new(Tls12CipherSuite {
            common: common(suite.common.suite, suite.common.hash_provider, suite.common.confidentiality_limit),
            prf_provider: suite.prf_provider,
            kx: suite.kx,
            sign: suite.sign,
            aead_alg: Box::leak(Box::new(Forging(suite.aead_alg))),
        }))),
        SupportedCipherSuite::Tls13(suite) => SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite {
            common: common(suite.common.suite, suite.common.hash_provider, suite.common.confidentiality_limit),
            hkdf_provider: suite.hkdf_provider,
            aead_alg: Box::leak(Box::new(Forging(suite.aead_alg))),
            quic: None,
        }))),
    })
}

/// aws-lc-rs, with keys that may seal only so many records.
pub(super) fn limited_provider(records: u64) -> CryptoProvider {
    with_suites(|suite| match suite {
        SupportedCipherSuite::Tls12(suite) => SupportedCipherSuite::Tls12(Box::leak(Box::new(Tls12CipherSuite {
            common: common(suite.common.suite, suite.common.hash_provider, records),
            prf_provider: suite.prf_provider,
            kx: suite.kx,
            sign: suite.sign,
            aead_alg: suite.aead_alg,
        }))),
        SupportedCipherSuite::Tls13(suite) => SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite {
            common: common(suite.common.suite, suite.common.hash_provider, records),
            hkdf_provider: suite.hkdf_provider,
            aead_alg: suite.aead_alg,
            quic: None,
        }))),
    })
}

fn with_suites(change: impl Fn(SupportedCipherSuite) -> SupportedCipherSuite) -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites = provider.cipher_suites.into_iter().map(change).collect();
    provider
}

fn common(
    suite: rustls::CipherSuite,
    hash_provider: &'static dyn rustls::crypto::hash::Hash,
    confidentiality_limit: u64,
) -> rustls::CipherSuiteCommon {
    rustls::CipherSuiteCommon { suite, hash_provider, confidentiality_limit }
}

struct Forging<A: ?Sized + 'static>(&'static A);

impl Tls12AeadAlgorithm for Forging<dyn Tls12AeadAlgorithm> {
    fn encrypter(&self, key: AeadKey, iv: &[u8], extra: &[u8]) -> Box<dyn MessageEncrypter> {
        Box::new(ForgingEncrypter(self.0.encrypter(key, iv, extra)))
    }
    fn decrypter(&self, key: AeadKey, iv: &[u8]) -> Box<dyn MessageDecrypter> {
        self.0.decrypter(key, iv)
    }
    fn key_block_shape(&self) -> KeyBlockShape {
        self.0.key_block_shape()
    }
    fn extract_keys(
        &self,
        key: AeadKey,
        iv: &[u8],
        explicit: &[u8],
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.0.extract_keys(key, iv, explicit)
    }
}

impl Tls13AeadAlgorithm for Forging<dyn Tls13AeadAlgorithm> {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        Box::new(ForgingEncrypter(self.0.encrypter(key, iv)))
    }
    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        self.0.decrypter(key, iv)
    }
    fn key_len(&self) -> usize {
        self.0.key_len()
    }
    fn extract_keys(&self, key: AeadKey, iv: Iv) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.0.extract_keys(key, iv)
    }
}

struct ForgingEncrypter(Box<dyn MessageEncrypter>);

impl MessageEncrypter for ForgingEncrypter {
    fn encrypt(&mut self, message: OutboundPlainMessage<'_>, seq: u64) -> Result<OutboundOpaqueMessage, Error> {
        let payload = message.payload.to_vec();
        match payload.strip_prefix(FORGED) {
            Some([kind, body @ ..]) if message.typ == ContentType::ApplicationData => {
                let forged = OutboundPlainMessage {
                    typ: ContentType::from(*kind),
                    version: message.version,
                    payload: OutboundChunks::Single(body),
                };
                self.0.encrypt(forged, seq)
            }
            _ => self.0.encrypt(message, seq),
        }
    }
    fn encrypted_payload_len(&self, payload_len: usize) -> usize {
        self.0.encrypted_payload_len(payload_len)
    }
}
