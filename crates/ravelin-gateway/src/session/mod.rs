//! The story of a session, from accept to tunnel.
//!
//! - Every early exit is an `Ending`; every ending becomes exactly one record (`draft.rs`).
//! - Nothing reaches a server before the authorization, and nothing is relayed before its renewal: `pool::connect` and the
//!   relay take them as values that only judging makes (`trust/authorized.rs`).
//! - The client's head is checked, never forwarded; servers get a head of our own.

mod authenticate;
pub(crate) mod draft;
mod packed;
mod request;
pub mod tunnel;
mod upstream;

use std::sync::Arc;
use std::time::Duration;

use ravelin_ops::metrics::GaugeGuard;
use ravelin_ops::record::{Ending, SessionEnd};
use ravelin_tls::TlsStream;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::admission::WaitingPlace;
use crate::gateway::Gateway;
use crate::trust::authorized::Authorized;
use draft::Draft;
use tunnel::Tunnel;

/// A place among those who wait for a permit, counted in the metrics.
pub(crate) type Waiting = (WaitingPlace, GaugeGuard);

/// Serves one connection from accept to record.
pub(crate) async fn serve(gateway: Arc<Gateway>, tcp: TcpStream, place: Waiting, mut draft: Draft) {
    let shed = Arc::clone(&place.0.shed);
    let outcome = tokio::select! {
        biased;
        () = shed.notified() => Err(Ending::new(SessionEnd::SessionLimit, "made room for a source with fewer connections")),
        outcome = admit(&gateway, tcp, place, &mut draft) => outcome,
    };
    match outcome {
        Ok(tunnel) => tunnel::hand_over(&gateway, tunnel, draft),
        Err(ending) => draft.finish(ending),
    }
}

/// Everything between accept and tunnel.
async fn admit(gateway: &Arc<Gateway>, tcp: TcpStream, place: Waiting, draft: &mut Draft) -> Result<Tunnel, Ending> {
    let limits = &gateway.generation().config.limits;
    let (deadline, request_deadline) =
        (Instant::from_std(draft.accepted) + limits.handshake_deadline, limits.request_deadline);
    let (tcp, hello) = authenticate::read_hello(tcp, deadline, draft).await?;
    // Boxed: what follows needs much more room than a connection that has said nothing may take.
    Box::pin(async move {
        let (client, authorized) = authenticate::authenticate(gateway, tcp, hello, deadline, draft).await?;
        drop(place); // Authenticated: no longer one of its source's strangers.
        let session = Arc::clone(authorized.session());
        tokio::select! {
            biased;
            () = session.stop.requested() => {
                draft.record.generation = session.judged_by();
                Err(session.stop.cause().unwrap_or_else(|| Ending::new(SessionEnd::Shutdown, "")))
            }
            tunnel = open_tunnel(gateway, client, authorized, request_deadline, draft) => tunnel,
        }
    })
    .await
}

/// Reads the request, connects a server, judges once more, answers.
async fn open_tunnel(
    gateway: &Gateway,
    client: TlsStream,
    authorized: Authorized,
    deadline: Duration,
    draft: &mut Draft,
) -> Result<Tunnel, Ending> {
    let (client, request) = request::read(client, authorized.site(), deadline).await?;
    draft.record.extra_headers = request.head.other_fields();
    let renewed = match upstream::connect(gateway, authorized, &request.head, deadline, draft).await {
        Ok(renewed) => renewed,
        Err(ending) => {
            // A clean end would look like the server's own: the client reconnects sooner after a reset.
            client.reset();
            return Err(ending);
        }
    };
    let client = request::answer(client, renewed.server_head(), deadline).await?;
    Ok(Tunnel::new(client, request.early_bytes, renewed))
}
