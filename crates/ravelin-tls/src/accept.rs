//! Terminates TLS for one client.

use std::sync::Arc;

use ravelin_policy::DecisionReport;
use tokio::net::TcpStream;

use crate::alert::Alert;
use crate::choose::Choice;
use crate::engine;
use crate::engine::proven::ProvenChain;
use crate::hello::PeekedHello;
use crate::hello::server_name::ServerName;
use crate::outcome::{HandshakeEnd, HandshakeFailure, Judge, Negotiated};
use crate::site::SiteTls;
use crate::stream::{TlsParts, TlsStream};
use crate::wire;

/// A finished handshake: the client has proved to hold the leaf's key. Made by [`accept`] alone.
#[non_exhaustive]
pub struct Accepted {
    /// Ready for the request head.
    pub stream: TlsStream,
    /// The certificate chain that the client presented, and whose key it has proved to hold.
    pub chain: ProvenChain,
    /// What the judge reported in the handshake besides the permit, which `chain` has.
    pub report: DecisionReport,
    /// What was agreed.
    pub negotiated: Negotiated,
}

/// Runs the handshake. Total time is the caller's: wrap in a timeout.
///
/// # Errors
/// See [`HandshakeFailure`].
pub async fn accept(
    mut stream: TcpStream,
    hello: PeekedHello,
    site: &SiteTls,
    judge: Arc<dyn Judge>,
) -> Result<Accepted, HandshakeFailure> {
    if let ServerName::Unusable(name) = &hello.hello.server_name {
        // No site has such a name. Should a caller have found one, this is where it ends.
        let detail = format!("unusable server name {name}");
        return Err(turned_away(stream, &hello, HandshakeEnd::Failed, Alert::UNRECOGNIZED_NAME, detail).await);
    }
    let choice = match site.choice(&hello.hello) {
        Choice::Rustls => None,
        Choice::OpenSsl(offer) => Some(offer),
        Choice::None { why, alert } => {
            return Err(turned_away(stream, &hello, HandshakeEnd::NoCommonSuite, alert, why).await);
        }
    };
    // Where it cannot be set, small records are late and nothing else.
    let _ = stream.set_nodelay(true);
    let terminated = match choice {
        None => engine::rustls::terminate(&mut stream, hello, site, judge).await,
        #[cfg(feature = "legacy-tls")]
        Some(offer) => engine::openssl::terminate(&mut stream, hello, offer, judge).await,
        // There are no offers in a build without that engine.
        #[cfg(not(feature = "legacy-tls"))]
        Some(_) => engine::rustls::terminate(&mut stream, hello, site, judge).await,
    };
    match terminated {
        Ok(terminated) => {
            let parts = TlsParts {
                tcp: stream,
                records: terminated.records,
                received: terminated.received,
                opened: Vec::new(),
            };
            Ok(Accepted {
                stream: TlsStream::new(parts),
                chain: terminated.chain,
                report: terminated.report,
                negotiated: terminated.negotiated,
            })
        }
        Err(refused) => {
            if let Some(last_words) = refused.last_words {
                wire::send_and_linger(&mut stream, &last_words).await;
            }
            Err(HandshakeFailure { end: refused.end, alert_sent: refused.alert, detail: refused.detail })
        }
    }
}

async fn turned_away(
    stream: TcpStream,
    hello: &PeekedHello,
    end: HandshakeEnd,
    alert: Alert,
    detail: String,
) -> HandshakeFailure {
    refuse(stream, hello, alert).await;
    HandshakeFailure { end, alert_sent: Some(alert), detail }
}

/// Sends one fatal alert to a client that no engine has taken (an unknown server name, say) and lets it arrive.
pub async fn refuse(mut stream: TcpStream, hello: &PeekedHello, alert: Alert) {
    // A client older than TLS 1.2 reads an alert in its own version only.
    let version = hello.hello.versions.iter().copied().filter(|version| *version <= wire::TLS12).max();
    let version = version.filter(|version| version.to_be_bytes().first() == Some(&3)).unwrap_or(wire::TLS12);
    wire::send_and_linger(&mut stream, &wire::plain_alert(alert, version)).await;
}
