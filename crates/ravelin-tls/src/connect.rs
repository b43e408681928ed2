//! TLS to a DirectAccess server (bridging).

use std::io;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, UnbufferedClientConnection, WebPkiServerVerifier};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, Error, RootCertStore};
use tokio::net::TcpStream;

use crate::connection::{RustlsHandshake, RustlsHandshakeError};
#[cfg(feature = "legacy-tls")]
use crate::engine::openssl::connect;
use crate::escape::describe;
use crate::hello::server_name;
use crate::identity::ServerIdentity;
use crate::legacy::{LegacyTls, TlsVersion};
#[cfg(feature = "legacy-tls")]
use crate::openssl_context;
use crate::records::Records;
use crate::records::secrets::TrafficSecrets;
use crate::setting_problem::SettingProblem;
use crate::site::{provider, rustls_versions};
use crate::stream::{TlsParts, TlsStream};
#[cfg(feature = "legacy-tls")]
use crate::suites;
use crate::wire;

/// How the gateway connects to a server over TLS.
pub struct UpstreamTlsSpec {
    /// Authorities a server's certificate must come from, DER with origins for messages. Never empty, never the system's.
    pub authorities: Vec<(String, Vec<u8>)>,
    /// The name to verify and to send as SNI.
    pub server_name: String,
    /// A certificate of our own, where the server asks for one.
    pub client_identity: Option<ServerIdentity>,
    /// What is allowed beyond rustls: nothing by default.
    pub legacy: LegacyTls,
    /// Oldest version.
    pub min: TlsVersion,
    /// Newest version. Where `legacy` allows anything, or `min` is older than TLS 1.2, TLS 1.3 is not offered.
    pub max: TlsVersion,
}

/// Built once a generation.
pub struct UpstreamTls {
    engine: UpstreamEngine,
    server_name: ServerName<'static>,
}

enum UpstreamEngine {
    Rustls(Arc<ClientConfig>),
    /// Servers are verified by the same verifier as there.
    #[cfg(feature = "legacy-tls")]
    OpenSsl(openssl::ssl::SslContext, Arc<dyn ServerCertVerifier>),
}

impl UpstreamTls {
    /// Builds it, or reports what stops it.
    ///
    /// # Errors
    /// No authority, one that cannot be read, a name that is no DNS name.
    pub fn build(spec: UpstreamTlsSpec) -> Result<UpstreamTls, Vec<SettingProblem>> {
        let mut problems = Vec::new();
        let mut roots = RootCertStore::empty();
        for (origin, der) in spec.authorities {
            if let Err(error) = roots.add(CertificateDer::from(der)) {
                let text = format!("{origin} is no certificate of an authority: {error}");
                problems.push(SettingProblem { key: "ca", text });
            }
        }
        if roots.is_empty() && problems.is_empty() {
            let text = "no authority to verify the server by: name one, the system's are never used".to_owned();
            problems.push(SettingProblem { key: "ca", text });
        }
        if spec.min > spec.max {
            let text = "min is newer than max, so that no version is left: swap them or drop one".to_owned();
            problems.push(SettingProblem::of_tls(text));
        }
        let server_name =
            server_name::normalized(spec.server_name.as_bytes()).and_then(|name| ServerName::try_from(name).ok());
        if server_name.is_none() {
            let text = format!("{:?} is no DNS name to verify the server by", spec.server_name);
            problems.push(SettingProblem { key: "server_name", text });
        }
        let (Some(server_name), true) = (server_name, problems.is_empty()) else { return Err(problems) };
        let settings =
            UpstreamSettings { identity: spec.client_identity, legacy: spec.legacy, min: spec.min, max: spec.max };
        let engine = verifier(roots).and_then(|verifier| settings.engine(verifier))?;
        Ok(UpstreamTls { engine, server_name })
    }
}

struct UpstreamSettings {
    identity: Option<ServerIdentity>,
    legacy: LegacyTls,
    min: TlsVersion,
    max: TlsVersion,
}

impl UpstreamSettings {
    /// A hello must hold everything at once, so the engine is chosen by what the settings allow.
    fn engine(self, verifier: Arc<dyn ServerCertVerifier>) -> Result<UpstreamEngine, Vec<SettingProblem>> {
        if self.legacy == LegacyTls::default() && self.min >= TlsVersion::V1_2 {
            return self
                .rustls(verifier)
                .map(|config| UpstreamEngine::Rustls(Arc::new(config)))
                .map_err(|problem| vec![problem]);
        }
        self.openssl(verifier)
    }

    #[cfg(not(feature = "legacy-tls"))]
    fn openssl(self, _: Arc<dyn ServerCertVerifier>) -> Result<UpstreamEngine, Vec<SettingProblem>> {
        Err(vec![SettingProblem::of_tls(crate::legacy::NOT_BUILT_IN)])
    }

    #[cfg(feature = "legacy-tls")]
    fn openssl(self, verifier: Arc<dyn ServerCertVerifier>) -> Result<UpstreamEngine, Vec<SettingProblem>> {
        let suites = suites::for_upstream(&self.legacy);
        let problems = suites::version_problems(self.min, self.max, &self.legacy, &suites);
        if !problems.is_empty() {
            return Err(problems);
        }
        let context = openssl_context::client_context(self.identity.as_ref(), self.min, self.max, &suites)
            .map_err(|why| vec![SettingProblem::of_tls(format!("OpenSSL cannot connect to servers so: {why}"))])?;
        Ok(UpstreamEngine::OpenSsl(context, verifier))
    }

    fn rustls(self, verifier: Arc<dyn ServerCertVerifier>) -> Result<ClientConfig, SettingProblem> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(rustls_versions(self.min, self.max))
            .map_err(|error| SettingProblem::of_tls(describe(&error)))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder
                .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified().as_ref().clone()))),
        };
        // docs/rules.md rule 9, on this side too.
        config.resumption = Resumption::disabled();
        config.enable_early_data = false;
        // For the record layer, which takes over after the handshake.
        config.enable_secret_extraction = true;
        Ok(config)
    }
}

fn verifier(roots: RootCertStore) -> Result<Arc<dyn ServerCertVerifier>, Vec<SettingProblem>> {
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
    Ok(verifier.map_err(|error| vec![SettingProblem::of_tls(error.to_string())])?)
}

/// Handshake as a client. Total time is the caller's.
///
/// # Errors
/// The socket broke, the server's certificate does not verify (`InvalidData`, with the cause as text).
pub async fn connect(mut tcp: TcpStream, upstream: &UpstreamTls) -> io::Result<TlsStream> {
    // Where it cannot be set, small records are late and nothing else.
    let _ = tcp.set_nodelay(true);
    let config = match &upstream.engine {
        UpstreamEngine::Rustls(config) => config.as_ref(),
        #[cfg(feature = "legacy-tls")]
        UpstreamEngine::OpenSsl(context, verifier) => {
            return connect::connect(tcp, context, &upstream.server_name, verifier.as_ref()).await;
        }
    };
    let unusable = |error: Error| io::Error::new(io::ErrorKind::InvalidInput, describe(&error));
    // What belongs to this connection alone; the rest is shared by reference.
    let secrets = Arc::new(TrafficSecrets::default());
    let mut config = config.clone();
    config.key_log = secrets.clone();
    let mut connection =
        UnbufferedClientConnection::new(Arc::new(config), upstream.server_name.clone()).map_err(unusable)?;
    let mut handshake = RustlsHandshake::default();
    match handshake.run(&mut tcp, &mut connection).await {
        Ok(()) => {}
        Err(RustlsHandshakeError::Socket(error)) => return Err(error),
        Err(RustlsHandshakeError::TooMuchInput) => {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "more bytes than a handshake may have"));
        }
        Err(RustlsHandshakeError::Engine(error, last_words)) => {
            wire::send_and_linger(&mut tcp, &last_words).await;
            return Err(io::Error::new(io::ErrorKind::InvalidData, explain(&error)));
        }
    }
    handshake.input.shrink_to_fit();
    let records = Records::client(connection, &secrets).map_err(unusable)?;
    let parts = TlsParts { tcp, records, received: handshake.input, opened: handshake.opened };
    Ok(TlsStream::new(parts))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "rustls' errors are an open set; the engine's own words follow")]
fn explain(error: &Error) -> String {
    let what = match error {
        Error::InvalidCertificate(_) => "the server's certificate does not verify",
        Error::AlertReceived(_) => "the server refused the handshake",
        Error::PeerIncompatible(_) => "no TLS version, suite or group in common with the server",
        _ => "the handshake with the server failed",
    };
    format!("{what}: {}", describe(error))
}
