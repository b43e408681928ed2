//! TLS settings of a client, as rustls wants them.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};

use super::Versions;
use crate::end::End;
use crate::pki::{Key, KeyType};

#[derive(Clone, Debug)]
pub(super) struct TlsSpec {
    pub(super) certificate: Option<(Vec<Vec<u8>>, Key)>,
    pub(super) trust: Option<Vec<u8>>,
    pub(super) sni: bool,
    pub(super) versions: Versions,
    pub(super) schemes: Option<Vec<SignatureScheme>>,
    pub(super) alpn: Vec<Vec<u8>>,
    pub(super) remembering: bool,
    /// Of a record, at most; with its header.
    pub(super) record_bytes: Option<usize>,
    pub(super) hints: Hints,
}

/// What servers said in their CertificateRequest, as the connections of one client saw it.
#[derive(Clone, Debug, Default)]
pub struct Hints(Arc<Mutex<Option<Vec<Vec<u8>>>>>);

impl Hints {
    /// Subjects (DER) of the last request; `None`: no certificate was asked for.
    pub fn last(&self) -> Option<Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl super::Client {
    /// Where this client and its clones note the CA hints of CertificateRequests.
    pub fn hints(&self) -> Hints {
        self.tls.as_ref().map(|tls| tls.hints.clone()).unwrap_or_default()
    }
}

impl Default for TlsSpec {
    fn default() -> Self {
        TlsSpec {
            certificate: None,
            trust: None,
            sni: true,
            versions: Versions::Both,
            schemes: None,
            alpn: Vec::new(),
            remembering: false,
            record_bytes: None,
            hints: Hints::default(),
        }
    }
}

impl TlsSpec {
    pub(super) fn config(&self) -> Result<Arc<ClientConfig>, End> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let versions = match self.versions {
            Versions::Both => rustls::DEFAULT_VERSIONS,
            Versions::Tls12 => &[&rustls::version::TLS12],
            Versions::Tls13 => &[&rustls::version::TLS13],
        };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions);
        let verifier = Verifier { trusted: self.trusted(&provider)?, schemes: self.schemes.clone(), provider };
        let resolver = Resolver { certified: self.certified()?, hints: self.hints.clone() };
        let mut config = builder
            .map_err(|error| End::of_tls(&error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::new(resolver));
        config.enable_sni = self.sni;
        config.alpn_protocols.clone_from(&self.alpn);
        config.resumption = if self.remembering { Resumption::in_memory_sessions(16) } else { Resumption::disabled() };
        config.enable_early_data = self.remembering;
        config.max_fragment_size = self.record_bytes;
        Ok(Arc::new(config))
    }

    fn trusted(&self, provider: &Arc<CryptoProvider>) -> Result<Option<Arc<WebPkiServerVerifier>>, End> {
        let Some(der) = &self.trust else { return Ok(None) };
        let broken = |error: &dyn std::fmt::Display| End::Broken(error.to_string());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(der.clone())).map_err(|error| broken(&error))?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
        Ok(Some(verifier.map_err(|error| broken(&error))?))
    }

    fn certified(&self) -> Result<Option<Arc<CertifiedKey>>, End> {
        let Some((chain, key)) = &self.certificate else { return Ok(None) };
        let stand_in = if key.has_private_half() { key.clone() } else { Key::new(KeyType::P256) };
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(stand_in.pkcs8_der().to_vec()));
        let key = aws_lc_rs::sign::any_supported_type(&key).map_err(|error| End::of_tls(&error))?;
        let chain = chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
        Ok(Some(Arc::new(CertifiedKey::new(chain, key))))
    }
}

/// Shows what it was reported to show, whatever the server hints at.
#[derive(Debug)]
struct Resolver {
    certified: Option<Arc<CertifiedKey>>,
    hints: Hints,
}

impl ResolvesClientCert for Resolver {
    fn resolve(&self, hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let subjects = hints.iter().map(|subject| subject.to_vec()).collect();
        *self.hints.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(subjects);
        self.certified.clone()
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Verifies against one authority, or nothing but the proof of the key.
#[derive(Debug)]
struct Verifier {
    trusted: Option<Arc<WebPkiServerVerifier>>,
    schemes: Option<Vec<SignatureScheme>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.trusted {
            Some(verifier) => verifier.verify_server_cert(leaf, intermediates, name, ocsp, now),
            None => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, leaf, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, leaf, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        match &self.schemes {
            Some(schemes) => schemes.clone(),
            None => self.provider.signature_verification_algorithms.supported_schemes(),
        }
    }
}
