//! The story of a session, from accept to tunnel.
//!
//! - Every early exit is an [`Ending`]; every ending becomes exactly one record (see [`crate::draft::Draft`]).
//! - Nothing reaches a server before the permit: [`crate::pool::connect`] takes it by reference.
//! - The client's head is checked, never forwarded; servers get a head of our own.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use ravelin_iphttps::{Progress, RequestParser, ResponseParser};
use ravelin_policy::{Context, Decision, Permit, Policy, PresentedChain, Verdict};
use ravelin_tls::{Accepted, HandshakeEnd, HandshakeFailure, Judge, TlsStream, hello};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use crate::clock;
use crate::draft::{Draft, Ending};
use crate::front::Place;
use crate::gateway::Gateway;
use crate::generation::{Generation, Site};
use crate::live::{self, Admission, LiveEntry};
use crate::metrics::GaugeGuard;
use crate::pool::{self, Connected};
use crate::record::SessionEnd;
use crate::tunnel::{self, Tunnel};

/// A client that connects and says nothing is gone after this, whatever `handshake_deadline` allows the others: a
/// Windows client sends its ClientHello at once (robustness rule 4).
const FIRST_BYTE_DEADLINE: Duration = Duration::from_secs(3);
/// Read in one go while heads are read; what follows the head in it is kept for the tunnel.
const HEAD_READ_BYTES: usize = 4 * 1024;

/// A place among those who wait for a permit, counted in the metrics.
pub(crate) type Waiting = (Place, GaugeGuard);

/// Serves one connection from accept to record.
pub(crate) async fn serve(gateway: Arc<Gateway>, tcp: TcpStream, place: Waiting, mut draft: Draft) {
    let shed = Arc::clone(&place.0.shed);
    let outcome = tokio::select! {
        biased;
        () = shed.notified() => Err(Ending::new(SessionEnd::SessionLimit, "made room for a source with fewer connections")),
        outcome = admit(&gateway, tcp, place, &mut draft) => outcome,
    };
    match outcome {
        Ok((tunnel, entry)) => tunnel::hand_over(&gateway, tunnel, entry, draft),
        Err(ending) => draft.finish(ending),
    }
}

/// Everything between accept and tunnel.
async fn admit(
    gateway: &Arc<Gateway>,
    mut tcp: TcpStream,
    place: Waiting,
    draft: &mut Draft,
) -> Result<(Tunnel, LiveEntry), Ending> {
    let limits = gateway.generation().config.limits.clone();
    let deadline = Instant::from_std(draft.accepted) + limits.handshake_deadline;
    let first_byte = Instant::from_std(draft.accepted) + FIRST_BYTE_DEADLINE;
    // A silent connection holds this much and no more: no TLS state before the first byte.
    timeout_at(first_byte.min(deadline), tcp.readable()).await.map_err(|_| silent())?.map_err(client_broke)?;
    let hello = timeout_at(deadline, hello::read(&mut tcp))
        .await
        .map_err(|_| late())?
        .map_err(|failure| failed(draft, failure))?;

    Box::pin(async move {
        let (stream, permit, entry, site) = authenticate(gateway, tcp, hello, deadline, draft).await?;
        drop(place); // Authenticated: no longer one of its source's strangers.
        let tunnel = tokio::select! {
            biased;
            () = entry.session.stop.requested() => return Err(stopped(&entry, draft)),
            tunnel = open_tunnel(gateway, stream, (permit, site), &entry, limits.request_deadline, draft) => tunnel?,
        };
        Ok((tunnel, entry))
    })
    .await
}

/// Terminates TLS, judges, and enters the session among the live ones.
async fn authenticate(
    gateway: &Arc<Gateway>,
    tcp: TcpStream,
    hello: hello::PeekedHello,
    deadline: Instant,
    draft: &mut Draft,
) -> Result<(TlsStream, Permit, LiveEntry, Arc<Site>), Ending> {
    let generation = gateway.generation();
    draft.hello(&hello.hello);
    let Some(site) = generation.choose(&draft.record.listener, &hello.hello.server_name) else {
        let alert = ravelin_tls::alert::Alert::UNRECOGNIZED_NAME;
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
    enter(gateway, accepted, &site, draft)
}

/// Enters the session among the live ones under the handshake's permit, then asks the generation in force: whatever
/// changes from here on finds it there.
fn enter(
    gateway: &Arc<Gateway>,
    accepted: Accepted,
    site: &Arc<Site>,
    draft: &mut Draft,
) -> Result<(TlsStream, Permit, LiveEntry, Arc<Site>), Ending> {
    let Accepted { stream, chain, decision, negotiated, .. } = accepted;
    draft.negotiated(negotiated);
    let verdict = draft.decision(decision);
    warn_of_weak_mapping(draft);
    let handshake_permit = match verdict {
        Verdict::Permit(permit) => permit,
        Verdict::Denial(denial) => return Err(Ending::denied(denial)),
    };
    if gateway.is_draining() {
        return Err(Ending::new(SessionEnd::Draining, "the gateway is draining"));
    }
    let admission = Admission {
        session: draft.record.session,
        site: site.name.clone(),
        client: draft.record.client,
        identity: draft.display_name(),
        chain: chain.into_presented(),
        negotiated,
        since: clock::utc(),
    };
    let limit = gateway.generation().config.limits.tunnels_per_identity;
    let entry = gateway
        .live
        .enter(admission, &handshake_permit, limit)
        .map_err(|end| Ending::new(end, format!("the identity has {limit} tunnels already")))?;
    let (permit, site, _) = in_force(gateway, (handshake_permit, Arc::clone(site)), &entry, draft)?;
    Ok((stream, permit, entry, site))
}

/// What `mapping = "strong"` would refuse is told each time, so that an administrator knows when nobody is left.
fn warn_of_weak_mapping(draft: &Draft) {
    if let Some(account) = draft.record.account.as_ref().filter(|account| account.is_weak) {
        let (session, mapping) = (draft.record.session, account.mapping);
        tracing::warn!(session, account = %account.name, sid = %account.sid, mapping, "weak mapping: strong would refuse it");
    }
}

/// What a session may be connected by: its permit, and the site, both of the generation in force now.
///
/// A client may take its time, and judging every tunnel again after a reload takes a while: after the handshake, before a
/// server is dialled, and once more before the first byte is relayed, the generation in force is asked at once.
fn in_force(
    gateway: &Gateway,
    (permit, site): (Permit, Arc<Site>),
    entry: &LiveEntry,
    draft: &mut Draft,
) -> Result<(Permit, Arc<Site>, Arc<Generation>), Ending> {
    let generation = gateway.generation();
    draft.record.generation = generation.number;
    let permit = live::permit_under(&entry.session, permit, &generation, clock::now())
        .map_err(|(end, detail)| Ending::new(end, detail))?;
    draft.permitted(&permit);
    let site = generation.sites.get(&site.name).cloned().unwrap_or(site);
    Ok((permit, site, generation))
}

/// Reads the request, connects a server, exchanges heads.
async fn open_tunnel(
    gateway: &Arc<Gateway>,
    mut client: TlsStream,
    admitted: (Permit, Arc<Site>),
    entry: &LiveEntry,
    request_deadline: Duration,
    draft: &mut Draft,
) -> Result<Tunnel, Ending> {
    let head = match timeout(request_deadline, read_request(&mut client, &admitted.1)).await {
        Ok(Ok(head)) => head,
        // A client that is refused, or has ended cleanly itself, gets a clean end.
        Ok(Err(ending)) if [SessionEnd::BadRequest, SessionEnd::ClientClosed].contains(&ending.end) => {
            client.close().await;
            return Err(ending);
        }
        Ok(Err(ending)) => {
            client.reset();
            return Err(ending);
        }
        Err(_) => {
            client.close().await;
            return Err(Ending::new(SessionEnd::RequestTimeout, format!("no whole head within {request_deadline:?}")));
        }
    };
    draft.record.extra_headers = head.extra_headers;
    match meet_server(gateway, admitted, entry, request_deadline, draft).await {
        Ok(met) => {
            match timeout(request_deadline, client.write_all(&met.head)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(client_broke(error)),
                Err(_) => {
                    client.reset();
                    let detail = format!("the client did not take the answer within {request_deadline:?}");
                    return Err(Ending::new(SessionEnd::ClientFailed, detail));
                }
            }
            Ok(Tunnel::new(client, head.early_bytes, met.connected, met.early_bytes))
        }
        Err(ending) => {
            // A clean end would look like the server's own: the client reconnects sooner after a reset.
            client.reset();
            Err(ending)
        }
    }
}

struct ClientHead {
    extra_headers: usize,
    /// What the client sent after its head, before any answer: held, bounded by one read.
    early_bytes: Vec<u8>,
}

async fn read_request(client: &mut TlsStream, site: &Site) -> Result<ClientHead, Ending> {
    let mut parser = RequestParser::new();
    let mut buffer = vec![0; HEAD_READ_BYTES];
    loop {
        let read = match client.read(&mut buffer).await {
            Ok(0) => {
                return Err(Ending::new(SessionEnd::ClientClosed, "the client closed before its request was whole"));
            }
            Ok(read) => read,
            Err(error) => return Err(client_broke(error)),
        };
        let bytes = buffer.get(..read).unwrap_or_default();
        match parser.push(&site.request, bytes) {
            Ok(Progress::NeedMore) => {}
            Ok(Progress::Complete(head, consumed)) => {
                let early_bytes = bytes.get(consumed..).unwrap_or_default().to_vec();
                return Ok(ClientHead { extra_headers: head.other_fields, early_bytes });
            }
            Err(error) => return Err(Ending::new(SessionEnd::BadRequest, format!("{}: {error}", error.label()))),
        }
    }
}

struct MetServer {
    connected: Connected,
    /// The server's head, as it sent it.
    head: Vec<u8>,
    /// What the server sent after it.
    early_bytes: Vec<u8>,
}

async fn meet_server(
    gateway: &Arc<Gateway>,
    admitted: (Permit, Arc<Site>),
    entry: &LiveEntry,
    request_deadline: Duration,
    draft: &mut Draft,
) -> Result<MetServer, Ending> {
    let (permit, site, generation) = in_force(gateway, admitted, entry, draft)?;
    let gone = || Ending::new(SessionEnd::NoServer, format!("the configuration no longer has the pool {}", site.pool));
    let config = generation.config.pools.get(&site.pool).ok_or_else(gone)?;
    let upstream = generation.upstreams.get(&site.pool).and_then(Option::as_ref);
    let mut connected = pool::connect(&permit, &gateway.pools, &site.pool, config, upstream)
        .await
        .map_err(|failure| Ending::new(SessionEnd::NoServer, failure.0))?;
    draft.record.server = Some(connected.server.name.clone());
    let server_broke = |error: io::Error| Ending::new(SessionEnd::ServerFailed, format!("before its answer: {error}"));
    let exchange = async {
        connected.stream.write_all(&site.server_head).await.map_err(server_broke)?;
        read_response(&mut connected).await
    };
    let (head, early_bytes) = timeout(request_deadline, exchange).await.map_err(|_| {
        Ending::new(SessionEnd::ServerFailed, format!("no answer to the request within {request_deadline:?}"))
    })??;
    in_force(gateway, (permit, site), entry, draft)?;
    Ok(MetServer { connected, head, early_bytes })
}

async fn read_response(connected: &mut Connected) -> Result<(Vec<u8>, Vec<u8>), Ending> {
    let mut parser = ResponseParser::new();
    let mut buffer = vec![0; HEAD_READ_BYTES];
    loop {
        let read = match connected.stream.read(&mut buffer).await {
            Ok(0) => return Err(Ending::new(SessionEnd::ServerFailed, "closed before its answer was whole")),
            Ok(read) => read,
            Err(error) => return Err(Ending::new(SessionEnd::ServerFailed, format!("before its answer: {error}"))),
        };
        let bytes = buffer.get(..read).unwrap_or_default();
        match parser.push(bytes) {
            Ok(Progress::NeedMore) => {}
            Ok(Progress::Complete(head, consumed)) if head.status == 200 => {
                return Ok((head.bytes, bytes.get(consumed..).unwrap_or_default().to_vec()));
            }
            Ok(Progress::Complete(head, _)) => {
                return Err(Ending::new(SessionEnd::ServerRefused, format!("status {} {}", head.status, head.reason)));
            }
            Err(error) => return Err(Ending::new(SessionEnd::ServerRefused, format!("{}: {error}", error.label()))),
        }
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
        HandshakeEnd::Denied(decision) => match draft.decision(*decision) {
            Verdict::Denial(denial) => Ending::denied(denial),
            // An engine that calls a permit a denial is a bug; refuse, and say so.
            Verdict::Permit(_) => Ending::new(SessionEnd::InternalError, "refused in spite of a permit"),
        },
        HandshakeEnd::Failed => Ending::new(SessionEnd::HandshakeFailed, failure.detail),
        HandshakeEnd::NoCommonSuite => Ending::new(SessionEnd::NoCommonSuite, failure.detail),
        HandshakeEnd::Socket(error) => Ending::new(SessionEnd::HandshakeFailed, format!("{}: {error}", failure.detail)),
    }
}

fn stopped(entry: &LiveEntry, draft: &mut Draft) -> Ending {
    draft.record.generation = entry.session.judged_by();
    let (end, detail) = entry.session.stop.cause().unwrap_or((SessionEnd::Shutdown, String::new()));
    Ending::new(end, detail)
}

fn silent() -> Ending {
    Ending::new(SessionEnd::HandshakeTimeout, "the client said nothing")
}

fn late() -> Ending {
    Ending::new(SessionEnd::HandshakeTimeout, "the handshake was not done within handshake_deadline")
}

/// A client's socket that broke, told apart from one that was cut.
fn client_broke(error: io::Error) -> Ending {
    let end =
        if error.kind() == io::ErrorKind::UnexpectedEof { SessionEnd::ClientCut } else { SessionEnd::ClientFailed };
    Ending::new(end, error.to_string())
}
