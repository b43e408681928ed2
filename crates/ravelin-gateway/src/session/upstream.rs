//! From a checked request to a tunnel that may be relayed: connect a server, ask it, judge once more.

use std::time::Duration;

use ravelin_iphttps::CheckedRequest;
use ravelin_ops::record::{Ending, SessionEnd};

use crate::gateway::Gateway;
use crate::pool::{self, RenewedTunnel};
use crate::session::draft::Draft;
use crate::trust::authorized::Authorized;

/// Connects an authorized client to a server that says 200. A client may take its time, so the generation in force is asked
/// before a server is dialled, and once more before the first byte is relayed.
///
/// # Errors
/// No server could be reached, or it refused; or the generation in force denies the client.
pub(super) async fn connect(
    gateway: &Gateway,
    authorized: Authorized,
    request: &CheckedRequest,
    deadline: Duration,
    draft: &mut Draft,
) -> Result<RenewedTunnel, Ending> {
    let in_force = || gateway.generation();
    let authorized = draft.authorized(authorized.again(in_force))?;
    let server = pool::connect(&authorized, request, &gateway.pools)
        .await
        .map_err(|failure| Ending::new(SessionEnd::NoServer, failure.to_string()))?;
    draft.record.server = Some(server.name().to_owned());
    let answered = server.ask(deadline).await.map_err(|problem| problem.ending())?;
    let judged = RenewedTunnel::judge(authorized, answered, in_force);
    draft.renewed(judged)
}
