//! rustls with aws-lc-rs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ravelin_policy::{PresentedChain, Verdict};
use rustls::pki_types::UnixTime;
use rustls::server::{NoServerSessionStorage, UnbufferedServerConnection};
use rustls::time_provider::TimeProvider;
use rustls::{AlertDescription, CipherSuite, CommonState, Error, PeerIncompatible, ProtocolVersion, ServerConfig};
use tokio::net::TcpStream;

use super::judging::{Judgement, JudgingVerifier};
use super::proven::ProvenChain;
use super::resolver::Resolver;
use super::result::{RefusedHandshake, TerminatedHandshake};
use crate::alert::{self, Alert};
use crate::connection::{RustlsHandshake, RustlsHandshakeError, alert_in_the_clear};
use crate::escape::describe;
use crate::hello::PeekedHello;
use crate::outcome::{Engine, HandshakeEnd, Judge, Negotiated};
use crate::records::Records;
use crate::records::secrets::TrafficSecrets;
use crate::site::SiteTls;

/// Runs one handshake.
pub(crate) async fn terminate(
    tcp: &mut TcpStream,
    hello: PeekedHello,
    site: &SiteTls,
    judge: Arc<dyn Judge>,
) -> Result<TerminatedHandshake, RefusedHandshake> {
    let judgement = Judgement::default();
    let name_differs = Arc::new(AtomicBool::new(false));
    let secrets = Arc::new(TrafficSecrets::default());
    let mut connection = begin(&hello, site, judge.clone(), &judgement, &name_differs, &secrets).map_err(internal)?;
    let mut handshake = RustlsHandshake::with_hello(hello.bytes);
    // The connection and the bytes on their way are dropped with this future, or live on in the tunnel; nothing of a
    // handshake stays behind.
    if let Err(broken) = handshake.run(tcp, &mut connection).await {
        return Err(refused(broken, judge.as_ref(), &judgement, &name_differs));
    }
    let Some((presented, decision)) = judgement.take() else { return Err(unjudged()) };
    let (Verdict::Permit(permit), report) = decision.into_parts() else { return Err(unjudged()) };
    let Some(negotiated) = negotiated(&connection) else { return Err(unjudged()) };
    let Some(chain) = ProvenChain::by_rustls(&connection, presented, permit) else { return Err(unproven()) };
    if !handshake.opened.is_empty() {
        // No early data is allowed, and the engine is fed record by record up to Finished.
        return Err(unjudged());
    }
    // What grew for certificates is not kept for a tunnel's lifetime.
    handshake.input.shrink_to_fit();
    let records = Records::server(connection, &secrets).map_err(internal)?;
    Ok(TerminatedHandshake { records, received: handshake.input, chain, report, negotiated })
}

/// One configuration a connection: its verifier and resolver carry what belongs to this client alone. What costs
/// (certificates, keys, provider) is shared by reference.
fn begin(
    hello: &PeekedHello,
    site: &SiteTls,
    judge: Arc<dyn Judge>,
    judgement: &Judgement,
    name_differs: &Arc<AtomicBool>,
    secrets: &Arc<TrafficSecrets>,
) -> Result<UnbufferedServerConnection, Error> {
    let tls13 = u16::from(ProtocolVersion::TLSv1_3);
    let site_speaks_13 = site.versions.iter().any(|version| version.version == ProtocolVersion::TLSv1_3);
    let verifier = JudgingVerifier {
        judge,
        hints: site.hints.clone(),
        algorithms: site.provider.signature_verification_algorithms,
        judgement: judgement.clone(),
    };
    let resolver = Resolver {
        candidates: site.candidates.clone(),
        peeked: hello.hello.server_name.clone(),
        tls12: !(site_speaks_13 && hello.hello.versions.contains(&tls13)),
        name_differs: name_differs.clone(),
    };
    let mut config = ServerConfig::builder_with_details(site.provider.clone(), Arc::new(NoClock))
        .with_protocol_versions(site.versions)?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(Arc::new(resolver));
    // No resumption of any kind (docs/rules.md rule 9; docs/traps.md rows 1 to 11): nothing is kept, nothing is
    // handed out. The default ticketer makes no tickets.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_tls13_tickets = 0;
    config.max_early_data_size = 0;
    config.send_half_rtt_data = false;
    // `alpn_protocols` stays empty: what a client offers there is ignored. `require_ems` stays off: schannel before
    // KB3081320 has no extended master secret, and what it protects (resumption, triple handshake) is not there.
    config.cert_compression_cache = Arc::new(rustls::compress::CompressionCache::Disabled);
    // For the record layer, which takes over after the handshake.
    config.enable_secret_extraction = true;
    config.key_log = secrets.clone();
    UnbufferedServerConnection::new(Arc::new(config))
}

fn refused(
    broken: RustlsHandshakeError,
    judge: &dyn Judge,
    judgement: &Judgement,
    name_differs: &AtomicBool,
) -> RefusedHandshake {
    let (error, last_words) = match broken {
        RustlsHandshakeError::Engine(error, last_words) => (error, last_words),
        RustlsHandshakeError::Socket(error) => {
            let detail = format!("in the handshake: {error}");
            return RefusedHandshake { end: HandshakeEnd::Socket(error), alert: None, detail, last_words: None };
        }
        RustlsHandshakeError::TooMuchInput => {
            let detail = "more bytes than a handshake may have".to_owned();
            return RefusedHandshake { end: HandshakeEnd::Failed, alert: None, detail, last_words: Some(Vec::new()) };
        }
    };
    let mut detail = describe(&error);
    let mut alert =
        if last_words.is_empty() { None } else { alert_in_the_clear(&last_words).or_else(|| alert_for(&error)) };
    let decision = if matches!(error, Error::InvalidCertificate(_)) {
        judgement.take().map(|(_, decision)| decision)
    } else if matches!(error, Error::NoCertificatesPresented) {
        // The judge denies it, so that its record is like that of any other denial.
        Some(judge.judge(&PresentedChain::default()))
    } else {
        None
    };
    let end = match decision {
        Some(decision) => match &decision.verdict {
            Verdict::Denial(denial) => {
                detail.clone_from(&denial.detail);
                alert = alert.map(|_| alert::for_reason(denial.reason));
                HandshakeEnd::Denied(Box::new(decision))
            }
            // A permit whose key was not proved.
            Verdict::Permit(_) => HandshakeEnd::Failed,
        },
        None if matches!(error, Error::PeerIncompatible(_)) => HandshakeEnd::NoCommonSuite,
        None => HandshakeEnd::Failed,
    };
    if name_differs.load(Ordering::Relaxed) {
        detail = "the server name read by the engine is not the one the site was chosen by".to_owned();
    }
    RefusedHandshake { end, alert, detail, last_words: Some(last_words) }
}

/// Which alert rustls has queued with an error, where it was encrypted.
#[expect(clippy::wildcard_enum_match_arm, reason = "rustls' errors are an open set; what is not here sends none")]
fn alert_for(error: &Error) -> Option<Alert> {
    let description = match error {
        Error::InvalidCertificate(error) => AlertDescription::from(error.clone()),
        Error::NoCertificatesPresented => AlertDescription::CertificateRequired,
        Error::DecryptError => AlertDescription::BadRecordMac,
        Error::PeerSentOversizedRecord => AlertDescription::RecordOverflow,
        Error::InvalidMessage(error) => AlertDescription::from(*error),
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            AlertDescription::UnexpectedMessage
        }
        Error::PeerIncompatible(
            PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::SupportedVersionsExtensionRequired,
        ) => AlertDescription::ProtocolVersion,
        Error::PeerIncompatible(_) => AlertDescription::HandshakeFailure,
        Error::PeerMisbehaved(_) => AlertDescription::IllegalParameter,
        _ => return None,
    };
    Some(Alert(description.into()))
}

/// Version and suite by their closed sets of names.
pub(crate) fn negotiated(connection: &CommonState) -> Option<Negotiated> {
    let version = connection.protocol_version()?;
    let version = VERSIONS.iter().find(|(known, _)| *known == version)?.1;
    let suite = connection.negotiated_cipher_suite()?.suite();
    // rustls has names of its own for the suites of TLS 1.3.
    let renamed = SUITES_13.iter().find(|(known, _)| *known == suite).map(|(_, name)| *name);
    let suite = renamed.or_else(|| suite.as_str())?;
    Some(Negotiated { version, suite, engine: Engine::Rustls })
}

const VERSIONS: &[(ProtocolVersion, &str)] =
    &[(ProtocolVersion::TLSv1_2, "TLSv1.2"), (ProtocolVersion::TLSv1_3, "TLSv1.3")];
const SUITES_13: &[(CipherSuite, &str)] = &[
    (CipherSuite::TLS13_AES_128_GCM_SHA256, "TLS_AES_128_GCM_SHA256"),
    (CipherSuite::TLS13_AES_256_GCM_SHA384, "TLS_AES_256_GCM_SHA384"),
    (CipherSuite::TLS13_CHACHA20_POLY1305_SHA256, "TLS_CHACHA20_POLY1305_SHA256"),
];

/// Fail closed: an engine that reports success without a permit has a fault, or this file has.
fn unjudged() -> RefusedHandshake {
    let detail = "the engine finished a handshake that nobody permitted".to_owned();
    RefusedHandshake { end: HandshakeEnd::Failed, alert: None, detail, last_words: Some(Vec::new()) }
}

/// Fail closed, likewise.
fn unproven() -> RefusedHandshake {
    let detail = "the client proved the key of another certificate than was judged".to_owned();
    RefusedHandshake { end: HandshakeEnd::Failed, alert: None, detail, last_words: Some(Vec::new()) }
}

fn internal(error: Error) -> RefusedHandshake {
    RefusedHandshake { end: HandshakeEnd::Failed, alert: None, detail: describe(&error), last_words: Some(Vec::new()) }
}

/// The engine needs no time: judging is the judge's, and there are no tickets to age.
#[derive(Debug)]
struct NoClock;

impl TimeProvider for NoClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(std::time::Duration::ZERO))
    }
}
