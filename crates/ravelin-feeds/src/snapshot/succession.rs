//! Which snapshot may follow which.

use std::collections::BTreeMap;
use std::fmt;

use super::contents::Snapshot;

/// What is remembered of a snapshot in use, to hold the next against it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Summary {
    /// Its serial number.
    pub serial: u64,
    /// When it was made, Unix seconds.
    pub created: i64,
    /// Accounts of each domain, by its DNS name.
    pub accounts: BTreeMap<String, usize>,
    /// When the facts of each domain were asked for, Unix seconds, by its DNS name.
    pub as_of: BTreeMap<String, i64>,
}

/// Why a snapshot, sound in itself, does not follow the one in use.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SuccessorRefused {
    /// Not everything was got that was asked for.
    Incomplete,
    /// It, or what is known of a domain, is of a time to come: it would not grow old, and whatever follows would seem older.
    FromTheFuture,
    /// Its serial number, or its time, is before that of the one in use.
    Older,
    /// A domain is known by older facts: an export of yesterday would let those in again whom today's refuses.
    OlderFacts {
        /// The domain.
        domain: String,
        /// By how much, in seconds.
        older: i64,
    },
    /// A domain lost more of its accounts than is allowed at once.
    Shrunk {
        /// The domain.
        domain: String,
        /// Accounts of it in use, and in the new one.
        accounts: (usize, usize),
    },
}

impl fmt::Display for SuccessorRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incomplete => f.write_str("says of itself that it is not complete"),
            Self::FromTheFuture => f.write_str(
                "is of a time to come: the clock where it was made, or the one here, is wrong. Set it and make it anew",
            ),
            Self::Older => f.write_str("is older than the snapshot in use"),
            Self::OlderFacts { domain, older } => write!(
                f,
                "knows {domain} by facts {older} s older than those in use: export it anew. If it is right to go back, restart"
            ),
            Self::Shrunk { domain, accounts: (old, new) } => write!(
                f,
                "has {new} accounts of {domain} where the one in use has {old}: more are gone than max_shrink allows. If \
                 that is right, raise it for the time being, or restart"
            ),
        }
    }
}

impl Snapshot {
    /// What is to be remembered of it.
    pub fn summary(&self) -> Summary {
        let mut accounts: BTreeMap<String, usize> =
            self.data.domains.iter().map(|domain| (domain.dns_name.clone(), 0)).collect();
        for account in &self.data.accounts {
            let own = account.sid.split().map(|(domain, _)| domain);
            if let Some(domain) = self.data.domains.iter().find(|domain| Some(domain.sid) == own)
                && let Some(count) = accounts.get_mut(&domain.dns_name)
            {
                *count += 1;
            }
        }
        let as_of = self.data.domains.iter().map(|domain| (domain.dns_name.clone(), domain.as_of)).collect();
        Summary { serial: self.serial, created: self.created, accounts, as_of }
    }
}

/// Whether `new` may follow the one in use, if there is one, at this time (Unix seconds). `max_shrink` is the share of a domain's accounts, in percent,
/// that may be gone at once: a permission that was lost must not empty the table.
///
/// # Errors
/// The first rule that is broken.
pub fn check_successor(
    in_use: Option<&Summary>,
    new: &Snapshot,
    max_shrink: u8,
    now: i64,
) -> Result<(), SuccessorRefused> {
    if !new.complete {
        return Err(SuccessorRefused::Incomplete);
    }
    let latest = new.data.domains.iter().map(|domain| domain.as_of).chain([new.created]).max();
    if latest.is_some_and(|latest| latest > now.saturating_add(CLOCKS_DIFFER_MAX_S)) {
        return Err(SuccessorRefused::FromTheFuture);
    }
    let Some(in_use) = in_use else { return Ok(()) };
    if new.serial < in_use.serial || new.created < in_use.created {
        return Err(SuccessorRefused::Older);
    }
    for domain in &new.data.domains {
        if let Some(older) = in_use.as_of.get(&domain.dns_name).map(|as_of| as_of.saturating_sub(domain.as_of))
            && older > 0
        {
            return Err(SuccessorRefused::OlderFacts { domain: domain.dns_name.clone(), older });
        }
    }
    let kept_percent = u128::from(100_u8.saturating_sub(max_shrink));
    let counts = new.summary().accounts;
    for (domain, &old) in &in_use.accounts {
        let left = counts.get(domain).copied().unwrap_or_default();
        if (left as u128) * 100 < (old as u128) * kept_percent {
            return Err(SuccessorRefused::Shrunk { domain: domain.clone(), accounts: (old, left) });
        }
    }
    Ok(())
}

/// Kerberos lets clocks of a domain differ by five minutes; twice that.
const CLOCKS_DIFFER_MAX_S: i64 = 600;
