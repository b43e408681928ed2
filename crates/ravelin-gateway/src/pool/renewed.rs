//! The last judgement before bytes are relayed.

use std::sync::Arc;

use crate::pool::stream::AnsweredServer;
use crate::trust::authorized::{Authorized, Confirmed, Unauthorized};
use crate::trust::generation::Generation;
use crate::trust::live::LiveEntry;

/// A session that was judged after its server had answered, with that server: the only thing that a relay starts from.
pub struct RenewedTunnel {
    confirmed: Confirmed,
    server: AnsweredServer,
}

impl RenewedTunnel {
    /// Judges under the generation in force now. Connecting takes a while, and a client that is denied meanwhile is not yet
    /// relayed for.
    ///
    /// # Errors
    /// The generation in force denies the client.
    pub(crate) fn judge(
        authorized: Authorized,
        server: AnsweredServer,
        in_force: impl Fn() -> Arc<Generation>,
    ) -> Result<RenewedTunnel, Unauthorized> {
        Ok(RenewedTunnel { confirmed: authorized.confirm(in_force)?, server })
    }

    /// The head of the server's answer, for the client.
    pub(crate) fn server_head(&self) -> &[u8] {
        self.server.head()
    }

    /// The generation that judged it.
    pub(crate) fn generation(&self) -> u64 {
        self.confirmed.generation()
    }

    /// For the relay.
    pub(crate) fn into_parts(self) -> (LiveEntry, AnsweredServer) {
        (self.confirmed.into_entry(), self.server)
    }
}
