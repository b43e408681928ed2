//! TLS to a DirectAccess server (bridging).

use std::io;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, UnbufferedClientConnection, WebPkiServerVerifier};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, Error, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;

use crate::connection::{Broken, Handshake};
use crate::hello;
use crate::identity::{IdentityProblem, ServerIdentity};
use crate::legacy::{LegacyTls, TlsVersion};
use crate::records::{Records, describe};
use crate::site::{provider, rustls_versions};
use crate::stream::{TlsParts, TlsStream};
use crate::wire;

/// How the gateway meets a server over TLS.
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
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
}

impl UpstreamTls {
    /// Builds it or says what stops it.
    ///
    /// # Errors
    /// No authority, one that cannot be read, a name that is no DNS name.
    pub fn build(spec: UpstreamTlsSpec) -> Result<UpstreamTls, Vec<IdentityProblem>> {
        let mut problems = Vec::new();
        let mut roots = RootCertStore::empty();
        for (origin, der) in spec.authorities {
            if let Err(error) = roots.add(CertificateDer::from(der)) {
                let text = format!("is no certificate of an authority: {error}");
                problems.push(IdentityProblem { origin, text });
            }
        }
        if roots.is_empty() && problems.is_empty() {
            let text = "no authority to verify the server by: name one, the system's are never used".to_owned();
            problems.push(IdentityProblem { origin: "ca".to_owned(), text });
        }
        if spec.legacy != LegacyTls::default() || spec.min < TlsVersion::V1_2 {
            let text = "null encryption, old suites and TLS below 1.2 are not built into this gateway".to_owned();
            problems.push(IdentityProblem { origin: "tls".to_owned(), text });
        }
        if spec.min > spec.max {
            let text = "min is newer than max, so that no version is left: swap them or drop one".to_owned();
            problems.push(IdentityProblem { origin: "tls".to_owned(), text });
        }
        let versions = rustls_versions(spec.min, spec.max);
        let server_name =
            hello::normalized(spec.server_name.as_bytes()).and_then(|name| ServerName::try_from(name).ok());
        if server_name.is_none() {
            let text = format!("{:?} is no DNS name to verify the server by", spec.server_name);
            problems.push(IdentityProblem { origin: "server_name".to_owned(), text });
        }
        let (Some(server_name), true) = (server_name, problems.is_empty()) else { return Err(problems) };
        let config = client_config(roots, spec.client_identity, versions)
            .map_err(|text| vec![IdentityProblem { origin: "upstream".to_owned(), text }])?;
        Ok(UpstreamTls { config: Arc::new(config), server_name })
    }
}

fn client_config(
    roots: RootCertStore,
    identity: Option<ServerIdentity>,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<ClientConfig, String> {
    let provider = provider();
    let verifier: Arc<dyn ServerCertVerifier> =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .build()
            .map_err(|error| error.to_string())?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|error| describe(&error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified().as_ref().clone())))
        }
    };
    // DESIGN.md §1.12, on this side too.
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    Ok(config)
}

/// Handshake as a client. Total time is the caller's.
///
/// # Errors
/// The socket broke, the server's certificate does not verify (`InvalidData`, with the cause in words).
pub async fn connect(mut tcp: TcpStream, upstream: &UpstreamTls) -> io::Result<TlsStream> {
    // Where it cannot be set, small records are late and nothing else.
    let _ = tcp.set_nodelay(true);
    let mut connection = UnbufferedClientConnection::new(upstream.config.clone(), upstream.server_name.clone())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, describe(&error)))?;
    let mut handshake = Handshake::default();
    match handshake.run(&mut tcp, &mut connection).await {
        Ok(()) => {}
        Err(Broken::Socket(error)) => return Err(error),
        Err(Broken::TooMuchInput) => {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "more bytes than a handshake may have"));
        }
        Err(Broken::Engine(error, last_words)) => {
            wire::send_and_linger(&mut tcp, &last_words).await;
            return Err(io::Error::new(io::ErrorKind::InvalidData, explain(&error)));
        }
    }
    handshake.input.shrink_to_fit();
    let parts =
        TlsParts { tcp, records: Records::client(connection), received: handshake.input, opened: handshake.opened };
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
