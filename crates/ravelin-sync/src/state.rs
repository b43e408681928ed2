//! What is known of one domain between two fetches.

use std::collections::HashMap;

use ravelin_feeds::collect::{Part, collect_parts};
use ravelin_feeds::{Entry, ldif};
use ravelin_policy::directory::DirectoryData;

use super::failure::{FetchFailure, FetchProblem};
use super::order::Mark;

/// objectGUID, which outlives every name.
type Guid = [u8; 16];

/// One domain's entries as one controller told them.
#[derive(Default)]
pub(super) struct DomainState {
    /// Computers and groups.
    objects: HashMap<Guid, Entry>,
    /// The domain itself, the forest's domains and its authorities.
    forest: Vec<Entry>,
    /// How far the controller's changes are in it; `None`: nothing is known.
    mark: Option<Mark>,
    /// When they were asked for, Unix seconds.
    as_of: i64,
}

/// What a fetch has changed.
#[derive(Debug)]
pub(super) struct Applied {
    /// Everything was fetched, and what was not there is gone.
    pub(super) whole: bool,
    /// Anything is otherwise than before.
    pub(super) changed: bool,
    /// The domain by itself.
    pub(super) data: DirectoryData,
}

impl DomainState {
    /// How far its controller's changes are known.
    pub(super) fn mark(&self) -> Option<&Mark> {
        self.mark.as_ref()
    }

    /// When it was asked for; `None`: nothing is known.
    pub(super) fn as_of(&self) -> Option<i64> {
        self.mark.as_ref().map(|_| self.as_of)
    }

    /// For making a table of several domains.
    pub(super) fn part(&self) -> Part<'_> {
        Part { entries: self.forest.iter().chain(self.objects.values()).collect(), as_of: self.as_of }
    }

    /// Takes what a fetch has brought, whole or not at all: on an error everything is as it was.
    pub(super) fn apply(
        &mut self,
        domain: &str,
        text: &[u8],
        since: Option<&Mark>,
        as_of: i64,
    ) -> Result<Applied, FetchProblem> {
        // What a line becomes in memory is a multiple of the shortest: the text's own limit is none for that.
        if text.iter().filter(|byte| **byte == b'\n').count() > LINES_MAX {
            return Err(FetchProblem::new(FetchFailure::TooLarge, format!("more than {LINES_MAX} lines were fetched")));
        }
        let entries =
            ldif::read(text).map_err(|problem| FetchProblem::new(FetchFailure::Malformed, problem.to_string()))?;
        let fetched = Fetched::sort(entries)?;
        let whole = !since.is_some_and(|since| since.reaches(&fetched.mark));
        let forest = std::mem::replace(&mut self.forest, fetched.forest);
        let mut changed = self.forest != forest;
        let mut undo = Undo::default();
        if whole {
            let before = std::mem::replace(&mut self.objects, fetched.objects);
            changed |= before != self.objects;
            undo.all = Some(before);
        } else {
            for guid in fetched.deleted {
                if let Some(gone) = self.objects.remove(&guid) {
                    undo.some.push((guid, Some(gone)));
                    changed = true;
                }
            }
            for (guid, entry) in fetched.objects {
                let before = self.objects.get(&guid).cloned();
                changed |= before.as_ref() != Some(&entry);
                self.objects.insert(guid, entry);
                undo.some.push((guid, before));
            }
        }
        let as_of_before = std::mem::replace(&mut self.as_of, as_of);
        match self.collect(domain) {
            Ok(data) => {
                self.mark = Some(fetched.mark);
                Ok(Applied { whole, changed, data })
            }
            Err(problem) => {
                self.forest = forest;
                self.as_of = as_of_before;
                undo.run(&mut self.objects);
                Err(problem)
            }
        }
    }

    /// The domain by itself: whatever is wrong with it must not spoil others.
    fn collect(&self, domain: &str) -> Result<DirectoryData, FetchProblem> {
        let unusable = |text: String| FetchProblem::new(FetchFailure::Unusable, text);
        let data = collect_parts(&[self.part()], &[]).map_err(|problems| {
            let more = problems.len().saturating_sub(1);
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            unusable(if more == 0 { first } else { format!("{first} (and {more} more)") })
        })?;
        match data.domains.as_slice() {
            [one] if one.dns_name == domain => Ok(data),
            _ => Err(unusable(format!("what came is not {domain} and nothing else"))),
        }
    }
}

/// Half a million accounts of a dozen values each, their memberships, and as much again.
const LINES_MAX: usize = 20_000_000;

/// What was there before.
#[derive(Default)]
struct Undo {
    all: Option<HashMap<Guid, Entry>>,
    some: Vec<(Guid, Option<Entry>)>,
}

impl Undo {
    fn run(self, objects: &mut HashMap<Guid, Entry>) {
        if let Some(all) = self.all {
            *objects = all;
        }
        for (guid, before) in self.some.into_iter().rev() {
            match before {
                Some(entry) => objects.insert(guid, entry),
                None => objects.remove(&guid),
            };
        }
    }
}

/// The entries of one fetch by what they are.
struct Fetched {
    mark: Mark,
    forest: Vec<Entry>,
    objects: HashMap<Guid, Entry>,
    deleted: Vec<Guid>,
}

impl Fetched {
    fn sort(entries: Vec<Entry>) -> Result<Fetched, FetchProblem> {
        let (mut usn, mut invocation) = (None, None);
        let (mut forest, mut objects, mut deleted) = (Vec::new(), HashMap::new(), Vec::new());
        for entry in entries {
            let guid = entry.value("objectguid").and_then(|bytes| Guid::try_from(bytes).ok());
            if entry.dn.is_empty() {
                usn = entry.text("highestcommittedusn").and_then(|text| text.parse().ok());
            } else if let Some(id) = entry.value("invocationid") {
                invocation = Some(id.to_vec());
            } else if let Some(guid) = guid {
                if entry.text("isdeleted") == Some("TRUE") {
                    deleted.push(guid);
                } else if objects.insert(guid, entry).is_some() {
                    return Err(FetchProblem::new(FetchFailure::Unusable, "an object came twice"));
                }
            } else {
                forest.push(entry);
            }
        }
        match (usn, invocation) {
            (Some(usn), Some(invocation)) => Ok(Fetched { mark: Mark { usn, invocation }, forest, objects, deleted }),
            _ => Err(FetchProblem::new(FetchFailure::Malformed, "what came does not say how far it goes")),
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
