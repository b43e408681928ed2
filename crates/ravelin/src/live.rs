//! The live tunnels: an index of every session that has a permit, and the judgement of all of them again.
//!
//! - A session enters the index before it is judged under the generation in force; so a change that comes between
//!   the two finds it here (the race of traps row 66), and a session that is not in the index has no tunnel.
//! - Each judgement calls the same `decide` as the handshake did. Exactly the sessions that it denies are stopped,
//!   each with its own reason.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use ravelin_policy::{Context, Denial, Permit, PresentedChain, Verdict};
use ravelin_relay::Counters;
use rustls_pki_types::UnixTime;
use time::OffsetDateTime;
use tokio::sync::Notify;

use crate::generation::Generation;
use crate::record::SessionEnd;

/// One session with a permit.
#[derive(Debug)]
pub(crate) struct LiveSession {
    /// Number of the session.
    pub(crate) session: u64,
    /// Its site's name.
    pub(crate) site: String,
    /// The client.
    pub(crate) client: SocketAddr,
    /// The name a person would use.
    pub(crate) identity: String,
    /// What it is balanced and limited by.
    pub(crate) identity_key: String,
    /// What the client proved to hold; judged again whenever policy's data change.
    pub(crate) chain: PresentedChain,
    /// TLS version and suite.
    pub(crate) negotiated: ravelin_tls::Negotiated,
    /// When the permit was given.
    pub(crate) since: OffsetDateTime,
    /// Bytes so far.
    pub(crate) counters: Arc<Counters>,
    /// Ends it from outside.
    pub(crate) stop: Stop,
    state: Mutex<LiveState>,
}

/// What changes while a session lives.
#[derive(Debug)]
struct LiveState {
    permit: Permit,
    server: Option<String>,
}

impl LiveSession {
    /// Policy and generation of the permit now in force, and when it ends.
    pub(crate) fn permit(&self) -> (String, u64, UnixTime) {
        let state = lock(&self.state);
        (state.permit.policy().to_owned(), state.permit.generation(), state.permit.valid_until())
    }

    /// The server's name, once there is a tunnel.
    pub(crate) fn server(&self) -> Option<String> {
        lock(&self.state).server.clone()
    }

    /// Tells which server relays for it.
    pub(crate) fn set_server(&self, server: &str) {
        lock(&self.state).server = Some(server.to_owned());
    }
}

/// Ends one session from outside, once, with a cause. The first cause stays.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    cause: Mutex<Option<(SessionEnd, String)>>,
    notify: Notify,
}

impl Stop {
    /// Asks the session to end. `false` if it was asked before.
    pub(crate) fn set(&self, end: SessionEnd, detail: impl Into<String>) -> bool {
        let mut cause = lock(&self.cause);
        if cause.is_some() {
            return false;
        }
        *cause = Some((end, detail.into()));
        self.notify.notify_one();
        true
    }

    /// Resolves when the session is asked to end. One waiter at a time.
    pub(crate) async fn requested(&self) {
        if self.cause().is_none() {
            self.notify.notified().await;
        }
    }

    /// Why, once asked.
    pub(crate) fn cause(&self) -> Option<(SessionEnd, String)> {
        lock(&self.cause).clone()
    }
}

/// The index.
#[derive(Debug, Default)]
pub(crate) struct Live {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    sessions: BTreeMap<u64, Arc<LiveSession>>,
    per_identity: HashMap<String, usize>,
}

/// What is known of a session when its permit was given.
pub(crate) struct Admission {
    /// Number of the session.
    pub(crate) session: u64,
    /// Site's name.
    pub(crate) site: String,
    /// The client.
    pub(crate) client: SocketAddr,
    /// Display name.
    pub(crate) identity: String,
    /// The proved chain.
    pub(crate) chain: PresentedChain,
    /// What TLS agreed.
    pub(crate) negotiated: ravelin_tls::Negotiated,
    /// Now.
    pub(crate) since: OffsetDateTime,
}

/// Keeps a session in the index; leaving is dropping it.
#[derive(Debug)]
pub(crate) struct LiveEntry {
    live: Arc<Live>,
    /// The session.
    pub(crate) session: Arc<LiveSession>,
}

impl Live {
    /// Enters a session with its permit.
    ///
    /// # Errors
    /// The identity has `per_identity_max` sessions already: `identity_limit`.
    pub(crate) fn enter(
        self: &Arc<Self>,
        admission: Admission,
        permit: Permit,
        per_identity_max: usize,
    ) -> Result<LiveEntry, SessionEnd> {
        let identity_key = permit.identity_key().to_owned();
        let mut inner = lock(&self.inner);
        let held = inner.per_identity.entry(identity_key.clone()).or_insert(0);
        if *held >= per_identity_max {
            return Err(SessionEnd::IdentityLimit);
        }
        *held += 1;
        let session = Arc::new(LiveSession {
            session: admission.session,
            site: admission.site,
            client: admission.client,
            identity: admission.identity,
            identity_key,
            chain: admission.chain,
            negotiated: admission.negotiated,
            since: admission.since,
            counters: Arc::default(),
            stop: Stop::default(),
            state: Mutex::new(LiveState { permit, server: None }),
        });
        inner.sessions.insert(session.session, Arc::clone(&session));
        drop(inner);
        Ok(LiveEntry { live: Arc::clone(self), session })
    }

    /// Every session, oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<LiveSession>> {
        lock(&self.inner).sessions.values().cloned().collect()
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        lock(&self.inner).sessions.len()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sessions whose permit has run out by `now`.
    pub(crate) fn run_out(&self, now: UnixTime) -> Vec<Arc<LiveSession>> {
        let inner = lock(&self.inner);
        inner.sessions.values().filter(|session| lock(&session.state).permit.valid_until() < now).cloned().collect()
    }
}

impl Drop for LiveEntry {
    fn drop(&mut self) {
        let mut inner = lock(&self.live.inner);
        inner.sessions.remove(&self.session.session);
        if let Some(held) = inner.per_identity.get_mut(&self.session.identity_key) {
            *held -= 1;
            if *held == 0 {
                inner.per_identity.remove(&self.session.identity_key);
            }
        }
    }
}

/// Judges one session under a generation: what it would be denied for, or the new permit.
///
/// # Errors
/// The denial; a site that the generation no longer has is `draining`.
pub(crate) fn judge(
    chain: &PresentedChain,
    site: &str,
    generation: &Generation,
    now: UnixTime,
) -> Result<Permit, (SessionEnd, String)> {
    let Some(site) = generation.sites.get(site) else {
        return Err((SessionEnd::Draining, format!("the configuration no longer has the site {site}")));
    };
    match site.policy.decide(chain, &Context { now, generation: generation.number }).verdict {
        Verdict::Permit(permit) => Ok(permit),
        Verdict::Denial(Denial { reason, detail }) => Err((SessionEnd::Denied(reason), detail)),
    }
}

/// Judges sessions again; stops those that are denied and renews the permits of the others. Returns the stopped.
pub(crate) fn judge_again(
    sessions: &[Arc<LiveSession>],
    generation: &Generation,
    now: UnixTime,
) -> Vec<(Arc<LiveSession>, SessionEnd, String)> {
    let mut stopped = Vec::new();
    for session in sessions {
        match judge(&session.chain, &session.site, generation, now) {
            Ok(permit) => lock(&session.state).permit = permit,
            Err((end, detail)) => {
                if session.stop.set(end, detail.clone()) {
                    stopped.push((Arc::clone(session), end, detail));
                }
            }
        }
    }
    stopped
}

/// Every lock here guards a step that cannot leave half a change, so a panic elsewhere does not poison it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
