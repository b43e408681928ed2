//! The CRLs of one policy: read, verified, and the one that decides found for each issuer, key and scope.

use std::collections::HashMap;
use std::sync::Arc;

use rustls_pki_types::UnixTime;

use super::crl::{self, Authenticity, Crl};
use super::parse::{self, SetAside};
use super::query::Authority;
use super::signature::{self, Signed};
use super::words;
use crate::crl_status::CrlStatus;
use crate::name;
use crate::spec::{Notice, Source};
use crate::time::unix_seconds;

/// The CRLs of one policy.
#[derive(Debug)]
pub(crate) struct Crls {
    /// By canonical name of the issuer.
    pub(super) by_issuer: HashMap<Vec<u8>, Vec<Arc<Crl>>>,
    in_use: Vec<CrlStatus>,
}

impl Crls {
    /// Reads CRLs and finds the authority behind each. Never fails: whatever is left out or odd is in the notices, by
    /// file. Authorities that CRLs are to be verified with later (sent by a client) need not be among `authorities`.
    pub(crate) fn load(sources: &[Source], authorities: &[Authority<'_>], now: UnixTime) -> (Crls, Vec<Notice>) {
        let now = unix_seconds(now);
        let mut crls = Crls { by_issuer: HashMap::new(), in_use: Vec::new() };
        let mut notices = Vec::new();
        for source in sources {
            let mut tell = |text: String| notices.push(Notice { origin: source.origin.clone(), text });
            if let Some((issuer, crl)) = read(source, authorities, now, &mut tell) {
                crls.by_issuer.entry(issuer).or_default().push(Arc::new(crl));
            }
        }
        notices.extend(crls.choose(now));
        notices.sort_by(|left, right| left.origin.cmp(&right.origin));
        (crls, notices)
    }

    /// Takes over what the generation before knew better: for each of `authorities`, the CRLs that decided there and
    /// that none of these is as new as. So an authority's number never goes back while the process runs, and a file that
    /// was replaced by an older CRL, by a broken one or by none costs nobody the access before the last good CRL ends.
    pub(crate) fn keep_newer_of(
        &mut self,
        previous: &Crls,
        authorities: &[Authority<'_>],
        now: UnixTime,
    ) -> Vec<Notice> {
        let now = unix_seconds(now);
        let mut notices = Vec::new();
        for authority in authorities.iter().filter(|authority| authority.may_sign_crls) {
            let Ok(name) = name::canonical(authority.subject) else { continue };
            let Some(before) = previous.by_issuer.get(&name) else { continue };
            let key = signature::key_hash(authority.spki);
            for group in crl::by_scope(crl::of_key(before, &key)) {
                let Some(best_before) = crl::deciding(&group, now) else { continue };
                let here = self.by_issuer.get(&name).map_or(&[][..], Vec::as_slice);
                let rivals = crl::of_key(here, &key).filter(|crl| crl.set_aside.is_none());
                let same_scope = rivals.filter(|crl| crl.scope == best_before.scope);
                // Of equal ones the first decides, so the CRL from before comes last.
                let candidates: Vec<&Crl> = same_scope.chain([best_before]).collect();
                let decides = crl::deciding(&candidates, now).is_some_and(|crl| std::ptr::eq(crl, best_before));
                let Some(kept) = before.iter().find(|crl| decides && std::ptr::eq(crl.as_ref(), best_before)) else {
                    continue;
                };
                notices.push(kept.notice(words::kept(kept)));
                self.by_issuer.entry(name.clone()).or_default().push(Arc::clone(kept));
            }
        }
        // Which CRLs are older than another was reported when they were loaded.
        self.choose(now);
        notices
    }

    /// Finds the CRLs that decide; the notices name those that are older.
    fn choose(&mut self, now: i64) -> Vec<Notice> {
        let mut notices = Vec::new();
        self.in_use.clear();
        for group in self.by_issuer.values().flat_map(|crls| crl::groups(crls)) {
            let Some(newest) = crl::deciding(&group, now) else { continue };
            self.in_use.push(newest.describe());
            let older = group.iter().filter(|crl| crl.this_update <= now && crl.is_other_than(newest));
            notices.extend(older.map(|older| older.notice(words::older_than(older, newest))));
        }
        self.in_use.sort_by(|left, right| left.origin.cmp(&right.origin));
        self.in_use.dedup();
        notices
    }

    /// The CRLs that decide, one for each issuer, key and scope. Those set aside, older ones and those of authorities
    /// that are not configured are not among them.
    pub(crate) fn describe(&self) -> Vec<CrlStatus> {
        self.in_use.clone()
    }

    /// Is there a CRL, complete or for some distribution points, that this authority signed? Where not, every
    /// certificate it issued is of unknown status: `check` names it.
    pub(crate) fn has_crl_of(&self, authority: &Authority<'_>) -> bool {
        let crls = name::canonical(authority.subject).ok().and_then(|name| self.by_issuer.get(&name));
        crls.is_some_and(|crls| crls.iter().any(|crl| crl.set_aside.is_none() && crl.is_signed_by(authority)))
    }
}

/// Reads one CRL and verifies it with the authorities of its issuer's name. `None` where nothing of it can be used.
fn read(
    source: &Source,
    authorities: &[Authority<'_>],
    now: i64,
    tell: &mut impl FnMut(String),
) -> Option<(Vec<u8>, Crl)> {
    let parsed = match parse::parse(&source.der) {
        Ok(parsed) => parsed,
        Err(malformed) => {
            tell(words::unreadable(malformed));
            return None;
        }
    };
    let issuer = words::shown(parsed.issuer);
    let signed = match Signed::new(parsed.algorithm, parsed.signed_part, parsed.signature) {
        Ok(signed) => signed,
        Err(unaccepted) => {
            tell(format!("the CRL of {issuer} {unaccepted}; it is left out"));
            return None;
        }
    };
    if let Some(set_aside) = &parsed.set_aside {
        tell(words::set_aside(&issuer, set_aside));
        if *set_aside == SetAside::AttributeCertificates {
            return None;
        }
    }
    let same_name: Vec<&Authority<'_>> = authorities
        .iter()
        .filter(|authority| name::canonical(authority.subject).is_ok_and(|name| name == parsed.issuer_canonical))
        .collect();
    let (authenticity, unsigned_because) = Authenticity::of(signed, parsed.key_identifier, &same_name);
    match unsigned_because {
        Some(cause) => tell(words::of_no_authority(&issuer, cause)),
        None if parsed.set_aside.is_none() => {
            words::age(&issuer, &parsed, now).into_iter().for_each(&mut *tell);
        }
        None => {}
    }
    let crl = Crl {
        origin: source.origin.clone(),
        issuer,
        number: parsed.number.map(<[u8]>::to_vec),
        this_update: parsed.this_update,
        next_update: parsed.next_update.unwrap_or(parsed.this_update),
        scope: parsed.scope,
        set_aside: parsed.set_aside,
        serials: parsed.serials,
        authenticity,
    };
    Some((parsed.issuer_canonical, crl))
}
