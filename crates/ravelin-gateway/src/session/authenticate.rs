//! From the first byte to an authorization: ClientHello, site, TLS, judgement.

use std::sync::Arc;
use std::time::Duration;

use ravelin_ops::process::clock;
use ravelin_ops::record::{Ending, SessionEnd};
use ravelin_policy::{Context, Decision, Policy, PresentedChain, Verdict};
use ravelin_tls::alert::Alert;
use ravelin_tls::hello::{self, PeekedHello};
use ravelin_tls::{Accepted, HandshakeEnd, HandshakeFailure, Judge, TlsStream};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::gateway::Gateway;
use crate::session::draft::Draft;
use crate::session::request::client_broke;
use crate::trust::authorized::Authorized;
use crate::trust::live::Applicant;

/// A client that connects and sends nothing is gone after this, whatever `handshake_deadline` allows the others: a
/// Windows client sends its ClientHello at once (docs/rules.md rule 4).
const FIRST_BYTE_DEADLINE: Duration = Duration::from_secs(3);

/// Waits for the ClientHello and peeks it. A silent connection holds a socket and this wait, and no more: there is no TLS
/// state before the first byte.
///
/// # Errors
/// `handshake_timeout`, `handshake_failed`, `client_failed` and the like.
pub(super) async fn read_hello(
    mut tcp: TcpStream,
    deadline: Instant,
    draft: &mut Draft,
) -> Result<(TcpStream, PeekedHello), Ending> {
    let first_byte = Instant::from_std(draft.accepted) + FIRST_BYTE_DEADLINE;
    let silent = || Ending::new(SessionEnd::HandshakeTimeout, "the client sent nothing");
    timeout_at(first_byte.min(deadline), tcp.readable()).await.map_err(|_| silent())?.map_err(client_broke)?;
    let hello = timeout_at(deadline, hello::read(&mut tcp))
        .await
        .map_err(|_| late())?
        .map_err(|failure| failed(draft, failure))?;
    Ok((tcp, hello))
}

/// Terminates TLS and authorizes the client: the handshake's own judgement picks the alert, the generation in force then
/// decides.
///
/// # Errors
/// The handshake failed or was refused, or the generation in force denies the client.
pub(super) async fn authenticate(
    gateway: &Arc<Gateway>,
    tcp: TcpStream,
    hello: PeekedHello,
    deadline: Instant,
    draft: &mut Draft,
) -> Result<(TlsStream, Authorized), Ending> {
    let generation = gateway.generation();
    draft.hello(&hello.hello);
    let Some(site) = generation.choose(&draft.record.listener, &hello.hello.server_name) else {
        let alert = Alert::UNRECOGNIZED_NAME;
        draft.record.alert_sent = Some(alert.0);
        let _ = timeout_at(deadline, ravelin_tls::refuse(tcp, &hello, alert)).await;
        return Err(Ending::new(SessionEnd::UnknownServerName, "no site of this listener has the name"));
    };
    draft.record.site = Some(site.name.clone());
    draft.record.generation = generation.number;
    let judge = SiteJudge { policy: Arc::clone(&site.policy), generation: generation.number };
    let accepted = timeout_at(deadline, ravelin_tls::accept(tcp, hello, &site.tls, Arc::new(judge)))
        .await
        .map_err(|_| late())?
        .map_err(|failure| failed(draft, failure))?;
    authorize(gateway, accepted, &site.name, draft)
}

fn authorize(
    gateway: &Arc<Gateway>,
    accepted: Accepted,
    site: &str,
    draft: &mut Draft,
) -> Result<(TlsStream, Authorized), Ending> {
    let Accepted { stream, chain: proven, report, negotiated, .. } = accepted;
    draft.negotiated(negotiated);
    draft.decided(report);
    warn_of_weak_mapping(draft);
    if gateway.is_draining() {
        return Err(Ending::new(SessionEnd::Draining, "the gateway is draining"));
    }
    let applicant = Applicant {
        session: draft.record.session,
        site: site.to_owned(),
        client: draft.record.client,
        identity: draft.display_name(),
        negotiated,
        since: clock::utc(),
    };
    let judged = Authorized::judge(proven, applicant, &gateway.live, || gateway.generation());
    Ok((stream, draft.authorized(judged)?))
}

/// What `mapping = "strong"` would refuse is logged each time, so that an administrator knows when nobody is left.
fn warn_of_weak_mapping(draft: &Draft) {
    if let Some(account) = draft.record.account.as_ref().filter(|account| account.is_weak) {
        let (session, mapping) = (draft.record.session, account.mapping);
        tracing::warn!(session, account = %account.name, sid = %account.sid, mapping, "weak mapping: strong would refuse it");
    }
}

/// Judges in the handshake, by the site's policy of one generation.
struct SiteJudge {
    policy: Arc<Policy>,
    generation: u64,
}

impl Judge for SiteJudge {
    fn judge(&self, chain: &PresentedChain) -> Decision {
        self.policy.decide(chain, &Context { now: clock::now(), generation: self.generation })
    }
}

fn failed(draft: &mut Draft, failure: HandshakeFailure) -> Ending {
    draft.record.alert_sent = failure.alert_sent.map(|alert| alert.0);
    match failure.end {
        HandshakeEnd::Denied(decision) => {
            let (verdict, report) = decision.into_parts();
            draft.decided(report);
            match verdict {
                Verdict::Denial(denial) => Ending::denied(denial),
                // An engine that calls a permit a denial is a bug; refuse, and say so.
                Verdict::Permit(_) => Ending::new(SessionEnd::InternalError, "refused in spite of a permit"),
            }
        }
        HandshakeEnd::Failed => Ending::new(SessionEnd::HandshakeFailed, failure.detail),
        HandshakeEnd::NoCommonSuite => Ending::new(SessionEnd::NoCommonSuite, failure.detail),
        HandshakeEnd::Socket(error) => Ending::new(SessionEnd::HandshakeFailed, format!("{}: {error}", failure.detail)),
    }
}

fn late() -> Ending {
    Ending::new(SessionEnd::HandshakeTimeout, "the handshake was not done within handshake_deadline")
}
