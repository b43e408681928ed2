//! The live tunnels: an index of every session that has a permit, and the judgement of all of them again.
//!
//! - A session enters the index before it is judged under the generation in force; so a change that comes between
//!   the two finds it here (the race of traps row 66), and a session that is not in the index has no tunnel.
//! - Each judgement calls the same `decide` as the handshake did. Exactly the sessions that it denies are stopped,
//!   each with its own reason.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use ravelin_policy::{Context, Denial, Permit, PresentedChain, Verdict};
use ravelin_relay::Counters;
use rustls_pki_types::{CertificateDer, UnixTime};
use time::OffsetDateTime;
use tokio::sync::Notify;

use crate::trust::generation::Generation;
use ravelin_ops::record::SessionEnd;

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
    soonest: Arc<Soonest>,
}

/// Unix seconds at which the next permit of any session runs out, or earlier: nothing need be looked for before.
#[derive(Debug)]
struct Soonest(AtomicU64);

impl Default for Soonest {
    fn default() -> Soonest {
        Soonest(AtomicU64::new(u64::MAX))
    }
}

impl Soonest {
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
    /// The proved chain.
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
    fn note(&self, generation: u64, judged: &Result<Permit, (SessionEnd, String)>) -> bool {
        let mut state = lock(&self.state);
        if generation < state.standing.generation {
            return false;
        }
        match judged {
            Ok(permit) => {
                state.standing = Standing::of(permit);
                self.soonest.note(permit.valid_until());
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
    soonest: Arc<Soonest>,
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
        permit: &Permit,
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
            chain: inner.keep(&admission.chain),
            negotiated: admission.negotiated,
            since: admission.since,
            counters: Arc::default(),
            stop: Stop::default(),
            state: Mutex::new(LiveState { standing: Standing::of(permit), server: None }),
            soonest: Arc::clone(&self.soonest),
        });
        self.soonest.note(permit.valid_until());
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

    /// Sessions whose permit has run out by `now`. Costs nothing while there can be none, however many there are.
    pub(crate) fn run_out(&self, now: UnixTime) -> Vec<Arc<LiveSession>> {
        if self.soonest.0.load(Ordering::Relaxed) >= now.as_secs() {
            return Vec::new();
        }
        // Before the walk: a permit that comes meanwhile is noted on its own.
        self.soonest.0.store(u64::MAX, Ordering::Relaxed);
        let run_out = |session: &&Arc<LiveSession>| {
            let valid_until = lock(&session.state).standing.valid_until;
            self.soonest.note(valid_until);
            valid_until < now
        };
        lock(&self.inner).sessions.values().filter(run_out).cloned().collect()
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

/// The permit of a session under a generation: the one it has where that is of this generation and holds now, else a new
/// one.
///
/// # Errors
/// As [`judge`].
pub(crate) fn permit_under(
    session: &LiveSession,
    permit: Permit,
    generation: &Generation,
    now: UnixTime,
) -> Result<Permit, (SessionEnd, String)> {
    if permit.generation() == generation.number && now <= permit.valid_until() {
        return Ok(permit);
    }
    let judged = judge(&session.chain(), &session.site, generation, now);
    session.note(generation.number, &judged);
    judged
}

/// Judges sessions again, each by the generation that is `in_force` then; stops those that are denied and renews the permits
/// of the others. Returns the stopped.
pub(crate) fn judge_again(
    sessions: &[Arc<LiveSession>],
    in_force: impl Fn() -> Arc<Generation>,
    now: UnixTime,
) -> Vec<(Arc<LiveSession>, SessionEnd, String)> {
    let mut stopped = Vec::new();
    for session in sessions {
        if let Some((end, detail)) = judge_one_again(session, &in_force, now)
            && session.stop.set(end, detail.clone())
        {
            stopped.push((Arc::clone(session), end, detail));
        }
    }
    stopped
}

/// What a session is to be stopped for, if it is.
fn judge_one_again(
    session: &LiveSession,
    in_force: impl Fn() -> Arc<Generation>,
    now: UnixTime,
) -> Option<(SessionEnd, String)> {
    loop {
        let generation = in_force();
        if session.judged_by() > generation.number {
            // A younger generation has judged it in the meantime, and has the last word.
            return None;
        }
        let judged = judge(&session.chain(), &session.site, &generation, now);
        if judged.is_err() && in_force().number > generation.number {
            // The cure may have come meanwhile, and a session is stopped once and for all.
            continue;
        }
        return if session.note(generation.number, &judged) { judged.err() } else { None };
    }
}

/// Every lock here guards a step that cannot leave half a change, so a panic elsewhere does not poison it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ravelin_lab::pki::Estate;
    use ravelin_policy::Reason;
    use ravelin_tls::{Engine, Negotiated};

    use super::*;
    use crate::{clock, config, generation};

    /// A generation of the standard estate; lists count for `grace` after their end.
    fn generation(folder: &Path, number: u64, grace: &str) -> Generation {
        let text = format!(
            r#"
            listeners.edge = {{ bind = ["127.0.0.1:0"], sites = ["main"] }}
            [sites.main]
            server_names = ["da.corp.example.test"]
            certificates = [{{ chain = "tls/face-ecdsa.pem", key = "tls/face-ecdsa.key" }}]
            policy = "main"
            pool = "main"
            [policies.main]
            trust_anchors = ["ca/root.pem"]
            intermediates = ["ca/issuing.pem"]
            names = {{ allow = ["*.corp.example.test"] }}
            revocation = {{ crls = ["crl"], stale_grace = "{grace}" }}
            [pools.main]
            servers = [{{ name = "da1", address = "127.0.0.1:1" }}]
            upstream = {{ mode = "bridge", ca = "ca/root.pem", server_name = "da.corp.example.test" }}
            "#
        );
        let file = folder.join("ravelin.toml");
        std::fs::write(&file, text).unwrap();
        let (config, _) = config::load(&file).unwrap();
        generation::build(&config, number, clock::now()).unwrap_or_else(|problems| panic!("{problems:?}"))
    }

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

    #[test]
    fn the_word_of_the_youngest_generation_is_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let now = clock::now();
        let estate = Estate::standard(i64::try_from(now.as_secs()).unwrap());
        estate.write(folder.path()).unwrap();
        let (older, younger) = (generation(folder.path(), 1, "2h"), generation(folder.path(), 2, "1h"));
        let chain = PresentedChain {
            certificates: estate.clients.healthy.chain().into_iter().map(CertificateDer::from).collect(),
        };
        let permit = judge(&chain, "main", &older, now).unwrap();
        let (live, entry) = healthy(&estate, &older, now);
        let longer = permit.valid_until();

        // A reload came between the handshake and the request.
        let permit = permit_under(&entry.session, permit, &younger, now).unwrap();
        assert_eq!(permit.generation(), 2);
        assert!(permit.valid_until() < longer, "else this test shows nothing");
        let in_force = ("main".to_owned(), 2, permit.valid_until());
        assert_eq!(entry.session.permit(), in_force);
        let after = UnixTime::since_unix_epoch(std::time::Duration::from_secs(permit.valid_until().as_secs() + 1));
        let in_time =
            permit_under(&entry.session, judge(&chain, "main", &younger, now).unwrap(), &younger, permit.valid_until());
        assert_eq!(in_time.unwrap().generation(), 2);
        let late = permit_under(&entry.session, judge(&chain, "main", &younger, now).unwrap(), &younger, after);
        assert_eq!(late.unwrap_err().0, SessionEnd::Denied(Reason::CrlExpired), "a permit that ran out is none");
        assert_eq!(live.run_out(permit.valid_until()).len(), 0);
        assert_eq!(live.run_out(after).len(), 1, "it ends when the younger generation says");
        assert_eq!(live.run_out(after).len(), 1, "it is looked for until it is gone");

        // A judgement that had begun under the older generation neither prolongs nor ends it.
        let mut older = Arc::new(older);
        assert!(judge_again(&live.all(), || Arc::clone(&older), now).is_empty());
        Arc::get_mut(&mut older).unwrap().sites.clear();
        assert!(judge_again(&live.all(), || Arc::clone(&older), now).is_empty());
        assert_eq!(entry.session.permit(), in_force);
        assert!(entry.session.stop.cause().is_none());
    }

    #[test]
    fn a_generation_that_comes_while_an_older_one_denies_has_the_last_word() {
        let folder = tempfile::tempdir().unwrap();
        let now = clock::now();
        let estate = Estate::standard(i64::try_from(now.as_secs()).unwrap());
        estate.write(folder.path()).unwrap();
        let (mut older, younger) = (generation(folder.path(), 1, "1h"), Arc::new(generation(folder.path(), 2, "1h")));
        let (_live, entry) = healthy(&estate, &older, now);
        older.sites.clear();
        let older = Arc::new(older);

        // The older one is asked, and then is no longer in force.
        let looks = std::cell::Cell::new(0);
        let in_force = || {
            looks.set(looks.get() + 1);
            Arc::clone(if looks.get() == 1 { &older } else { &younger })
        };
        let sessions = [Arc::clone(&entry.session)];
        assert!(judge_again(&sessions, in_force, now).is_empty());
        assert_eq!((entry.session.judged_by(), entry.session.stop.cause()), (2, None));

        // A denial is by the generation that denies.
        let mut third = generation(folder.path(), 3, "1h");
        third.sites.clear();
        let third = Arc::new(third);
        assert_eq!(judge_again(&sessions, || Arc::clone(&third), now).len(), 1);
        assert_eq!(entry.session.judged_by(), 3);
    }

    /// A live session of the healthy client by a generation's permit.
    fn healthy(estate: &Estate, generation: &Generation, now: UnixTime) -> (Arc<Live>, LiveEntry) {
        let chain = PresentedChain {
            certificates: estate.clients.healthy.chain().into_iter().map(CertificateDer::from).collect(),
        };
        let permit = judge(&chain, "main", generation, now).unwrap();
        let live: Arc<Live> = Arc::default();
        let admission = Admission {
            session: 7,
            site: "main".to_owned(),
            client: "192.0.2.1:1".parse().unwrap(),
            identity: String::new(),
            chain,
            negotiated: Negotiated { version: "TLSv1.3", suite: "", engine: Engine::Rustls },
            since: clock::utc(),
        };
        let entry = live.enter(admission, &permit, 4).unwrap();
        (live, entry)
    }
}
