//! Judges live sessions again, whenever what policy knows has changed.
//!
//! Each judgement calls the same `Policy::decide` as the handshake did. Exactly the sessions that it denies are stopped, each
//! with its own reason.

use std::sync::Arc;

use ravelin_ops::record::{Ending, SessionEnd};
use ravelin_policy::{Context, Permit, PresentedChain, Verdict};
use rustls_pki_types::UnixTime;

use crate::trust::generation::Generation;
use crate::trust::live::LiveSession;
use crate::trust::site::Site;

/// A session whose permit was withdrawn.
#[derive(Debug)]
pub(crate) struct WithdrawnSession {
    /// Which.
    pub(crate) session: Arc<LiveSession>,
    /// Why.
    pub(crate) ending: Ending,
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
) -> Result<Permit, Ending> {
    match site_of(generation, site)?.policy.decide(chain, &Context { now, generation: generation.number }).verdict {
        Verdict::Permit(permit) => Ok(permit),
        Verdict::Denial(denial) => Err(Ending::denied(denial)),
    }
}

/// A site of a generation, by its name.
///
/// # Errors
/// `draining`: the generation no longer has it.
pub(crate) fn site_of(generation: &Generation, name: &str) -> Result<Arc<Site>, Ending> {
    let gone = || Ending::new(SessionEnd::Draining, format!("the configuration no longer has the site {name}"));
    generation.sites.get(name).cloned().ok_or_else(gone)
}

/// A permit that holds now, by the generation that was asked. Only [`permit_under`] makes one.
pub(crate) struct CurrentPermit {
    permit: Permit,
    site: Arc<Site>,
    generation: Arc<Generation>,
}

impl CurrentPermit {
    /// The permit, of that generation.
    pub(crate) fn permit(&self) -> &Permit {
        &self.permit
    }

    /// The session's site, of that generation.
    pub(crate) fn site(&self) -> &Arc<Site> {
        &self.site
    }

    /// The generation.
    pub(crate) fn generation(&self) -> &Generation {
        &self.generation
    }

    /// The permit, which may be of an older generation when it is asked for again.
    pub(crate) fn into_permit(self) -> Permit {
        self.permit
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
    generation: Arc<Generation>,
    now: UnixTime,
) -> Result<CurrentPermit, Ending> {
    let permit = if permit.generation() == generation.number && now <= permit.valid_until() {
        permit
    } else {
        let judged = judge(&session.chain(), &session.site, &generation, now);
        session.note(generation.number, &judged);
        judged?
    };
    let site = site_of(&generation, &session.site)?;
    Ok(CurrentPermit { permit, site, generation })
}

/// Judges sessions again, each by the generation that is `in_force` then; stops those that are denied and renews the permits
/// of the others. Returns those that it stopped.
pub(crate) fn judge_again(
    sessions: &[Arc<LiveSession>],
    in_force: impl Fn() -> Arc<Generation>,
    now: UnixTime,
) -> Vec<WithdrawnSession> {
    let mut withdrawn = Vec::new();
    for session in sessions {
        if let Some(ending) = judge_one_again(session, &in_force, now)
            && session.stop.set(ending.clone())
        {
            withdrawn.push(WithdrawnSession { session: Arc::clone(session), ending });
        }
    }
    withdrawn
}

/// What a session is to be stopped for, if it is.
fn judge_one_again(session: &LiveSession, in_force: impl Fn() -> Arc<Generation>, now: UnixTime) -> Option<Ending> {
    loop {
        let generation = in_force();
        if session.judged_by() > generation.number {
            // A younger generation has judged it in the meantime, and decides.
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ravelin_lab::pki::Estate;
    use ravelin_policy::Reason;
    use ravelin_tls::{Engine, Negotiated};
    use rustls_pki_types::CertificateDer;

    use super::*;
    use crate::trust::generation;
    use crate::trust::live::{Applicant, Live, LiveEntry};
    use ravelin_ops::process::clock;

    /// A generation of the standard estate; CRLs count for `grace` after they expired.
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
        let (config, _) = ravelin_config::load(&file).unwrap();
        generation::build(&config, number, clock::now()).unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    #[test]
    fn the_youngest_generation_that_judged_a_session_decides() {
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
        let younger = Arc::new(younger);
        let again = |permit, at| permit_under(&entry.session, permit, Arc::clone(&younger), at);
        let permit = again(permit, now).unwrap().into_permit();
        assert_eq!(permit.generation(), 2);
        assert!(permit.valid_until() < longer, "else this test shows nothing");
        let in_force = ("main".to_owned(), 2, permit.valid_until());
        assert_eq!(entry.session.permit(), in_force);
        let after = UnixTime::since_unix_epoch(std::time::Duration::from_secs(permit.valid_until().as_secs() + 1));
        let in_time = again(judge(&chain, "main", &younger, now).unwrap(), permit.valid_until());
        assert_eq!(in_time.unwrap().permit().generation(), 2);
        let late = again(judge(&chain, "main", &younger, now).unwrap(), after);
        assert_eq!(late.err().unwrap().end, SessionEnd::Denied(Reason::CrlExpired), "an expired permit is none");
        assert_eq!(live.expired(permit.valid_until()).len(), 0);
        assert_eq!(live.expired(after).len(), 1, "it ends when the younger generation says");
        assert_eq!(live.expired(after).len(), 1, "it is looked for until it is gone");

        // A judgement that had begun under the older generation neither prolongs nor ends it.
        let mut older = Arc::new(older);
        assert!(judge_again(&live.all(), || Arc::clone(&older), now).is_empty());
        Arc::get_mut(&mut older).unwrap().sites.clear();
        assert!(judge_again(&live.all(), || Arc::clone(&older), now).is_empty());
        assert_eq!(entry.session.permit(), in_force);
        assert!(entry.session.stop.cause().is_none());
    }

    #[test]
    fn a_younger_generation_that_comes_while_an_older_one_denies_decides() {
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
        let applicant = Applicant {
            session: 7,
            site: "main".to_owned(),
            client: "192.0.2.1:1".parse().unwrap(),
            identity: String::new(),
            negotiated: Negotiated { version: "TLSv1.3", suite: "", engine: Engine::Rustls },
            since: clock::utc(),
        };
        let entry = live.enter(applicant, &chain, &permit, 4).unwrap();
        (live, entry)
    }
}
