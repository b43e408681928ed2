//! The live index: every session that has a permit.
//!
//! A session enters the index before it is judged under the generation in force. So a change that comes between the two
//! finds it here (docs/traps.md row 66), and a session that is not in the index has no tunnel.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use ravelin_ops::metrics::ByteCounts;
use ravelin_ops::record::{Ending, SessionEnd};
use ravelin_policy::{Permit, PresentedChain};
use ravelin_relay::Counters;
use rustls_pki_types::{CertificateDer, UnixTime};
use time::OffsetDateTime;
use tokio::sync::Notify;

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
    chain: KeptChain,
    /// TLS version and suite.
    pub(crate) negotiated: ravelin_tls::Negotiated,
    /// When the permit was given.
    pub(crate) since: OffsetDateTime,
    /// Bytes so far.
    pub(crate) counters: Arc<Counters>,
    /// Ends it from outside.
    pub(crate) stop: Stop,
    state: Mutex<LiveState>,
    next_expiry: Arc<NextExpiry>,
}

/// Unix seconds at which the next permit of any session expires, or earlier: nothing need be looked for before.
#[derive(Debug)]
struct NextExpiry(AtomicU64);

impl Default for NextExpiry {
    fn default() -> NextExpiry {
        NextExpiry(AtomicU64::new(u64::MAX))
    }
}

impl NextExpiry {
    fn note(&self, valid_until: UnixTime) {
        self.0.fetch_min(valid_until.as_secs(), Ordering::Relaxed);
    }
}

/// What changes while a session lives.
#[derive(Debug)]
struct LiveState {
    standing: Standing,
    server: Option<String>,
}

/// What is known of the permit in force; the permit itself stays with whoever connects by it.
#[derive(Clone, Debug)]
struct Standing {
    policy: String,
    /// That judged the session last.
    generation: u64,
    valid_until: UnixTime,
}

impl Standing {
    fn of(permit: &Permit) -> Standing {
        Standing {
            policy: permit.policy().to_owned(),
            generation: permit.generation(),
            valid_until: permit.valid_until(),
        }
    }
}

/// What the client proved to hold; judged again whenever policy's data change. Certificates of authorities, which come
/// with every client of an estate, are held once.
#[derive(Debug)]
struct KeptChain(Box<[Arc<[u8]>]>);

impl LiveSession {
    /// The chain whose key the client proved to hold.
    pub(crate) fn chain(&self) -> PresentedChain {
        PresentedChain { certificates: self.chain.0.iter().map(|der| CertificateDer::from(der.to_vec())).collect() }
    }

    /// Policy of the permit now in force, the generation that judged it last, and when it ends.
    pub(crate) fn permit(&self) -> (String, u64, UnixTime) {
        let Standing { policy, generation, valid_until } = lock(&self.state).standing.clone();
        (policy, generation, valid_until)
    }

    /// Notes how a generation judged it, and says whether that counts. Where a younger one has judged it before, nothing
    /// changes: two judgements may cross, and the older one may deny, or be good for longer.
    pub(super) fn note(&self, generation: u64, judged: &Result<Permit, Ending>) -> bool {
        let mut state = lock(&self.state);
        if generation < state.standing.generation {
            return false;
        }
        match judged {
            Ok(permit) => {
                state.standing = Standing::of(permit);
                self.next_expiry.note(permit.valid_until());
            }
            Err(_) => state.standing.generation = generation,
        }
        true
    }

    /// The generation that judged it last.
    pub(crate) fn judged_by(&self) -> u64 {
        lock(&self.state).standing.generation
    }

    /// The server's name, once there is a tunnel.
    pub(crate) fn server(&self) -> Option<String> {
        lock(&self.state).server.clone()
    }

    /// Notes which server relays for it.
    pub(crate) fn set_server(&self, server: &str) {
        lock(&self.state).server = Some(server.to_owned());
    }
}

/// What the metrics count while the session lives.
impl ByteCounts for LiveSession {
    fn to_client(&self) -> u64 {
        self.counters.to_client()
    }
    fn to_server(&self) -> u64 {
        self.counters.to_server()
    }
}

/// Ends one session from outside, once, with a cause. The first cause stays.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    cause: Mutex<Option<Ending>>,
    notify: Notify,
}

impl Stop {
    /// Asks the session to end. `false` if it was asked before.
    pub(crate) fn set(&self, ending: Ending) -> bool {
        let mut cause = lock(&self.cause);
        if cause.is_some() {
            return false;
        }
        *cause = Some(ending);
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
    pub(crate) fn cause(&self) -> Option<Ending> {
        lock(&self.cause).clone()
    }
}

/// The index.
#[derive(Debug, Default)]
pub(crate) struct Live {
    inner: Mutex<Inner>,
    next_expiry: Arc<NextExpiry>,
}

#[derive(Debug, Default)]
struct Inner {
    sessions: BTreeMap<u64, Arc<LiveSession>>,
    per_identity: HashMap<String, usize>,
    /// Certificates of authorities that live sessions share.
    authorities: HashSet<Arc<[u8]>>,
}

impl Inner {
    fn keep(&mut self, chain: &PresentedChain) -> KeptChain {
        let mut keep = |(place, certificate): (usize, &CertificateDer<'static>)| {
            let shared = self.authorities.get(certificate.as_ref()).filter(|_| place > 0);
            if let Some(shared) = shared {
                return Arc::clone(shared);
            }
            let own: Arc<[u8]> = Arc::from(certificate.as_ref());
            if place > 0 {
                self.authorities.insert(Arc::clone(&own));
            }
            own
        };
        KeptChain(chain.certificates.iter().enumerate().map(&mut keep).collect())
    }

    /// Lets go of what no other session shares. `chain` is still held by the session that leaves.
    fn let_go(&mut self, chain: &KeptChain) {
        for certificate in chain.0.iter().skip(1) {
            let own = chain.0.iter().filter(|other| Arc::ptr_eq(certificate, other)).count();
            if Arc::strong_count(certificate) == own + 1 {
                self.authorities.remove(certificate);
            }
        }
    }
}

/// What is known of a session when its permit is given, besides its chain.
pub(crate) struct Applicant {
    /// Number of the session.
    pub(crate) session: u64,
    /// Site's name.
    pub(crate) site: String,
    /// The client.
    pub(crate) client: SocketAddr,
    /// Display name.
    pub(crate) identity: String,
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
        applicant: Applicant,
        chain: &PresentedChain,
        permit: &Permit,
        per_identity_max: usize,
    ) -> Result<LiveEntry, Ending> {
        let identity_key = permit.identity_key().to_owned();
        let mut inner = lock(&self.inner);
        let held = inner.per_identity.entry(identity_key.clone()).or_insert(0);
        if *held >= per_identity_max {
            let detail = format!("the identity has {per_identity_max} tunnels already");
            return Err(Ending::new(SessionEnd::IdentityLimit, detail));
        }
        *held += 1;
        let session = Arc::new(LiveSession {
            session: applicant.session,
            site: applicant.site,
            client: applicant.client,
            identity: applicant.identity,
            identity_key,
            chain: inner.keep(chain),
            negotiated: applicant.negotiated,
            since: applicant.since,
            counters: Arc::default(),
            stop: Stop::default(),
            state: Mutex::new(LiveState { standing: Standing::of(permit), server: None }),
            next_expiry: Arc::clone(&self.next_expiry),
        });
        self.next_expiry.note(permit.valid_until());
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

    /// Sessions whose permit has expired by `now`. Costs nothing while there can be none, however many there are.
    pub(crate) fn expired(&self, now: UnixTime) -> Vec<Arc<LiveSession>> {
        if self.next_expiry.0.load(Ordering::Relaxed) >= now.as_secs() {
            return Vec::new();
        }
        // Before the walk: a permit that comes meanwhile is noted on its own.
        self.next_expiry.0.store(u64::MAX, Ordering::Relaxed);
        let is_expired = |session: &&Arc<LiveSession>| {
            let valid_until = lock(&session.state).standing.valid_until;
            self.next_expiry.note(valid_until);
            valid_until < now
        };
        lock(&self.inner).sessions.values().filter(is_expired).cloned().collect()
    }
}

impl Drop for LiveEntry {
    fn drop(&mut self) {
        let mut inner = lock(&self.live.inner);
        inner.sessions.remove(&self.session.session);
        inner.let_go(&self.session.chain);
        if let Some(held) = inner.per_identity.get_mut(&self.session.identity_key) {
            *held -= 1;
            if *held == 0 {
                inner.per_identity.remove(&self.session.identity_key);
            }
        }
    }
}

/// Every lock here guards a step that cannot leave half a change, so a panic elsewhere does not poison it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clients of one estate come with the same authorities; a client that sends one twice leaves nothing behind.
    #[test]
    fn authorities_are_held_once_and_while_they_are_used() {
        let mut inner = Inner::default();
        let chain = |bytes: &[u8]| PresentedChain {
            certificates: bytes.iter().map(|byte| CertificateDer::from(vec![*byte; 8])).collect(),
        };
        let (first, second) = (inner.keep(&chain(b"aIR")), inner.keep(&chain(b"bIR")));
        assert_eq!(inner.authorities.len(), 2);
        assert!(Arc::ptr_eq(&first.0[1], &second.0[1]) && Arc::ptr_eq(&first.0[2], &second.0[2]));
        let twice = inner.keep(&chain(b"cII"));
        let leaf_only = inner.keep(&chain(b"I"));
        for (leaves, left) in [(first, 2), (leaf_only, 2), (second, 1), (twice, 0)] {
            inner.let_go(&leaves);
            drop(leaves);
            assert_eq!(inner.authorities.len(), left);
        }
        let alone = inner.keep(&chain(b"cII"));
        inner.let_go(&alone);
        assert!(inner.authorities.is_empty());
    }
}
