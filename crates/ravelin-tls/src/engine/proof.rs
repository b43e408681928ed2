//! The proof that a client holds the key of its certificate (CertificateVerify), by the key alone.
//!
//! rustls would parse the certificate once more, by the rules of its own verifier, and end the handshake of a client
//! that policy permits: over a critical extension that policy knows and it does not, for one. What a certificate means
//! is for policy to decide.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use rustls::{CertificateError, DigitallySignedStruct, Error, PeerMisbehaved};
use webpki::RawPublicKeyEntity;

/// RFC 5246 §7.4.8: any scheme that was offered, if the key is of its type.
///
/// # Errors
/// Not signed by the key of this certificate, or by a scheme that was not offered.
pub(crate) fn verify_tls12(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let key = key_of(certificate)?;
    let entity = RawPublicKeyEntity::try_from(&key).map_err(|_| CertificateError::BadEncoding)?;
    let (_, candidates) = algorithms
        .mapping
        .iter()
        .find(|(scheme, _)| *scheme == signed.scheme)
        .ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
    // TLS 1.2 binds no curve to a scheme: each is tried, and what is for another kind of key fails at once.
    if candidates.iter().any(|algorithm| entity.verify_signature(*algorithm, message, signed.signature()).is_ok()) {
        Ok(HandshakeSignatureValid::assertion())
    } else {
        Err(CertificateError::BadSignature.into())
    }
}

/// RFC 8446 §4.4.3: the scheme names the curve, and RSA signs by PSS alone.
///
/// # Errors
/// As [`verify_tls12`].
pub(crate) fn verify_tls13(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    verify_tls13_signature_with_raw_key(message, &key_of(certificate)?, signed, algorithms)
}

/// The key of a certificate that policy has judged, by policy's own reader: no other reads a stranger's certificate.
fn key_of(certificate: &CertificateDer<'_>) -> Result<SubjectPublicKeyInfoDer<'static>, Error> {
    ravelin_policy::public_key(certificate).ok_or_else(|| CertificateError::BadEncoding.into())
}
