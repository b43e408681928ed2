//! The domains together, and their snapshot.

use ravelin_feeds::collect::collect_parts;
use ravelin_feeds::snapshot::Snapshot;
use ravelin_policy::directory::{Account, DirectoryData, Domain, Group, Sid};

use super::failure::FetchProblem;
use super::order::Mark;
use super::state::{Applied, DomainState};
use crate::publish::{PublishProblem, Publisher};
use ravelin_ops::process::memory;

/// Every domain as far as it is known, and the file that says so.
pub(super) struct DomainTable {
    names: Vec<String>,
    domains: Vec<DomainState>,
    publisher: Publisher,
    /// What the file said when this process began: for domains that have not been fetched since.
    carried: Option<DirectoryData>,
    /// Something is otherwise than in the file.
    dirty: bool,
    /// How old what the file says may become while nothing changes, seconds.
    refresh_s: i64,
    written: Option<i64>,
    /// Domains that are fetched whole next time, because together they made no sense: a machine that was moved to another domain
    /// is still in the first until that is swept.
    suspect: Vec<bool>,
    /// They were suspected since the last snapshot: once is enough.
    suspected: bool,
}

/// What became of the file.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Published {
    /// Written under this serial number.
    Written(u64),
    /// Nothing new to say yet.
    NotDue,
    /// This domain was never fetched: nothing is written until it is.
    Waiting(String),
}

impl DomainTable {
    /// `names` are DNS names; `before` is the snapshot that is there.
    pub(super) fn new(
        names: Vec<String>,
        publisher: Publisher,
        before: Option<Snapshot>,
        refresh_s: i64,
    ) -> DomainTable {
        let domains = names.iter().map(|_| DomainState::default()).collect();
        let suspect = vec![false; names.len()];
        let carried = before.map(|before| before.data);
        DomainTable {
            names,
            domains,
            publisher,
            carried,
            dirty: false,
            refresh_s,
            written: None,
            suspect,
            suspected: false,
        }
    }

    /// How far a domain's changes are known.
    pub(super) fn mark(&self, domain: usize) -> Option<Mark> {
        let suspect = self.suspect.get(domain).copied().unwrap_or_default();
        self.domains.get(domain).filter(|_| !suspect).and_then(DomainState::mark).cloned()
    }

    /// When a domain was last asked for, here or, before that, by whoever wrote the file; Unix seconds.
    pub(super) fn as_of(&self, domain: usize) -> Option<i64> {
        let carried = || self.carried_domain(self.names.get(domain)?).map(|domain| domain.as_of);
        self.domains.get(domain).and_then(DomainState::as_of).or_else(carried)
    }

    /// Takes what a fetch has brought.
    pub(super) fn apply(
        &mut self,
        domain: usize,
        text: &[u8],
        since: Option<&Mark>,
        as_of: i64,
    ) -> Result<Applied, FetchProblem> {
        let (Some(name), Some(state)) = (self.names.get(domain), self.domains.get_mut(domain)) else {
            return Err(FetchProblem::new(super::failure::FetchFailure::Crashed, "no such domain"));
        };
        let first = state.as_of().is_none();
        let applied = state.apply(name, text, since, as_of)?;
        self.dirty |= applied.changed || first;
        if let Some(suspect) = self.suspect.get_mut(domain).filter(|_| applied.whole) {
            *suspect = false;
        }
        Ok(applied)
    }

    /// Writes the snapshot, where every domain is known and there is something to say. `alone` is the one domain's table, where
    /// there is but one.
    pub(super) fn publish(&mut self, alone: Option<DirectoryData>, now: i64) -> Result<Published, PublishProblem> {
        let fresh = self.written.is_some_and(|written| now.saturating_sub(written) < self.refresh_s);
        if !self.dirty && fresh {
            return Ok(Published::NotDue);
        }
        let data = match alone.filter(|_| self.domains.len() == 1) {
            Some(data) => data,
            None => match self.together()? {
                Ok(data) => data,
                Err(waiting) => return Ok(Published::Waiting(waiting)),
            },
        };
        let large = data.accounts.len() > LARGE_ACCOUNTS;
        let serial = self.publisher.publish(data, now).map_err(|problem| {
            if matches!(problem, PublishProblem::Contradiction(_) | PublishProblem::Form(_)) && !self.suspected {
                self.suspect.fill(true);
                self.suspected = true;
            }
            problem
        })?;
        self.suspected = false;
        self.dirty = false;
        self.written = Some(now);
        if large {
            memory::give_back();
        }
        Ok(Published::Written(serial))
    }

    /// One table of all domains: as they were fetched, or as the file had them. The inner error names one of which nothing is
    /// known.
    fn together(&self) -> Result<Result<DirectoryData, String>, PublishProblem> {
        let fetched: Vec<_> =
            self.domains.iter().filter(|state| state.as_of().is_some()).map(DomainState::part).collect();
        let mut data = if fetched.is_empty() {
            DirectoryData { domains: Vec::new(), groups: Vec::new(), accounts: Vec::new() }
        } else {
            collect_parts(&fetched, &[]).map_err(|problems| {
                PublishProblem::Collect(problems.first().map(ToString::to_string).unwrap_or_default())
            })?
        };
        for (name, state) in self.names.iter().zip(&self.domains) {
            if state.as_of().is_some() {
                continue;
            }
            match (&self.carried, self.carried_domain(name)) {
                (Some(carried), Some(domain)) => carry_over(&mut data, carried, domain),
                _ => return Ok(Err(name.clone())),
            }
        }
        Ok(Ok(data))
    }

    fn carried_domain(&self, name: &str) -> Option<&Domain> {
        self.carried.as_ref()?.domains.iter().find(|domain| domain.dns_name == name)
    }
}

/// Adds a domain as the file had it, with its own time.
fn carry_over(data: &mut DirectoryData, carried: &DirectoryData, domain: &Domain) {
    let own = |account: &&Account| account.sid.split().is_some_and(|(sid, _)| sid == domain.sid);
    let mut known: std::collections::HashMap<Sid, u32> = data.groups.iter().map(|group| group.sid).zip(0..).collect();
    for account in carried.accounts.iter().filter(own) {
        let mut account = account.clone();
        let names = account.groups.iter().filter_map(|place| carried.groups.get(usize::try_from(*place).ok()?));
        let mut groups: Vec<u32> =
            names.map(|group| *known.entry(group.sid).or_insert_with(|| add_group(&mut data.groups, group))).collect();
        groups.sort_unstable();
        account.groups = groups;
        data.accounts.push(account);
    }
    // Those without a member of the domain, too: a policy may name one.
    for group in &carried.groups {
        if group.sid.split().is_some_and(|(sid, _)| sid == domain.sid) && !known.contains_key(&group.sid) {
            known.insert(group.sid, add_group(&mut data.groups, group));
        }
    }
    data.domains.push(domain.clone());
}

fn add_group(groups: &mut Vec<Group>, group: &Group) -> u32 {
    let place = u32::try_from(groups.len()).unwrap_or(u32::MAX);
    groups.push(group.clone());
    place
}

/// From here on what a snapshot took is worth giving back.
const LARGE_ACCOUNTS: usize = 10_000;

#[cfg(test)]
mod tests;
