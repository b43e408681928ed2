//! The proof that a session may be connected: types that only judging makes.
//!
//! ```text
//! PresentedChain    a chain as it came; anybody may make one
//! ProvenChain       its key was proved in this handshake; only an engine of ravelin-tls makes one
//! Authorized        judged under the generation in force, and entered in the live index; only `Authorized::judge` makes one
//! RenewedTunnel     judged once more after the server had answered; see `pool/renewed.rs`
//! ```
//!
//! [`crate::pool::connect`] takes an `Authorized`, the relay starts from a `RenewedTunnel`: a judgement that is left out does
//! not compile, as the examples beside each of them show.

use std::sync::Arc;

use ravelin_ops::process::clock;
use ravelin_ops::record::Ending;
use ravelin_policy::Permit;
use ravelin_tls::ProvenChain;

use crate::trust::generation::Generation;
use crate::trust::judge_again::{CurrentPermit, permit_under};
use crate::trust::live::{Applicant, Live, LiveEntry, LiveSession};
use crate::trust::site::Site;

/// A client that may be connected to a server now: its key was proved, it is in the live index, and the generation in force
/// permitted it after it had entered. No `Clone`, no `Default`, no other way to make one than judging a
/// [`ProvenChain`].
///
/// What it rests on can be read:
///
/// ```
/// use ravelin_gateway::trust::authorized::Authorized;
/// use ravelin_policy::Permit;
///
/// fn permit_of(authorized: &Authorized) -> &Permit {
///     authorized.permit()
/// }
/// ```
///
/// It cannot be put together from its parts, nor does `explain`, which has a permit too, come by one:
///
/// ```compile_fail,E0451
/// use ravelin_gateway::trust::authorized::Authorized;
///
/// fn authorize() -> Authorized {
///     Authorized { current: todo!(), entry: todo!() }
/// }
/// ```
pub struct Authorized {
    current: CurrentPermit,
    entry: LiveEntry,
}

/// A session whose authorization was judged again; see [`Authorized::confirm`].
pub(crate) struct Confirmed {
    current: CurrentPermit,
    entry: LiveEntry,
}

/// Why a client may not be connected, and the generation that says so.
#[derive(Debug)]
pub(crate) struct Unauthorized {
    /// The denial, or the limit.
    pub(crate) ending: Ending,
    /// Its number.
    pub(crate) generation: u64,
}

impl Authorized {
    /// Enters a client that has proved its key in the live index, then judges it under the generation in force: whatever
    /// changes from here on finds it there. So `in_force` is asked after the entry, never before.
    ///
    /// # Errors
    /// The identity has as many tunnels as it may; or the generation in force denies the client.
    pub(crate) fn judge(
        proven: ProvenChain,
        applicant: Applicant,
        live: &Arc<Live>,
        in_force: impl Fn() -> Arc<Generation>,
    ) -> Result<Authorized, Unauthorized> {
        let (chain, permit) = proven.into_judged();
        let limit = in_force().config.limits.tunnels_per_identity;
        let generation = permit.generation();
        let entry =
            live.enter(applicant, &chain, &permit, limit).map_err(|ending| Unauthorized { ending, generation })?;
        Authorized::under(permit, entry, in_force())
    }

    /// Judges again: a client may take its time, and judging every session after a reload takes a while.
    ///
    /// # Errors
    /// The generation in force denies the client.
    pub(crate) fn again(self, in_force: impl Fn() -> Arc<Generation>) -> Result<Authorized, Unauthorized> {
        Authorized::under(self.current.into_permit(), self.entry, in_force())
    }

    /// Judges again, and says so by a type: for what must not begin without it.
    ///
    /// # Errors
    /// The generation in force denies the client.
    pub(crate) fn confirm(self, in_force: impl Fn() -> Arc<Generation>) -> Result<Confirmed, Unauthorized> {
        let Authorized { current, entry } = self.again(in_force)?;
        Ok(Confirmed { current, entry })
    }

    fn under(permit: Permit, entry: LiveEntry, generation: Arc<Generation>) -> Result<Authorized, Unauthorized> {
        let number = generation.number;
        let current = permit_under(&entry.session, permit, generation, clock::now())
            .map_err(|ending| Unauthorized { ending, generation: number })?;
        Ok(Authorized { current, entry })
    }

    /// The permit, of the generation that judged last.
    pub fn permit(&self) -> &Permit {
        self.current.permit()
    }

    /// The site, of that generation.
    pub fn site(&self) -> &Arc<Site> {
        self.current.site()
    }

    /// That generation.
    pub fn generation(&self) -> &Generation {
        self.current.generation()
    }

    /// The session in the live index.
    pub(crate) fn session(&self) -> &Arc<LiveSession> {
        &self.entry.session
    }
}

impl Confirmed {
    /// The number of the generation that judged last.
    pub(crate) fn generation(&self) -> u64 {
        self.current.generation().number
    }

    /// The place in the live index.
    pub(crate) fn into_entry(self) -> LiveEntry {
        self.entry
    }
}
