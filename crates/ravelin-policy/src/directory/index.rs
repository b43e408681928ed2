//! The accounts as a decision looks them up: built once from a snapshot, immutable, and small.
//!
//! Half a million computers must fit in the memory of a small machine beside everything else, so there is no allocation for an
//! account: rows of fixed size in the order of their security identifiers, texts one behind the other, and hashes in
//! order for the names. A hash is only where to look: the name itself is compared.

use std::collections::HashMap;
use std::fmt;
use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};

use super::data::{Account, DirectoryData, Domain, Group};
use super::explicit::ExplicitKey;
use super::sid::Sid;
use crate::dns_name::is_dns_name;

/// Every account that a snapshot knows, by each of its names.
#[derive(Debug)]
pub struct Directory {
    domains: Vec<Domain>,
    groups: Vec<Group>,
    /// By domain and number within it.
    rows: Box<[Row]>,
    /// Names of the accounts, each behind its length in two bytes.
    texts: Box<[u8]>,
    /// The sets of groups that accounts are in: most share one of few.
    group_sets: Vec<Box<[u32]>>,
    by_name: NameIndex,
    explicit: HashMap<ExplicitKey, Vec<u32>>,
    hasher: RandomState,
    unread_mappings: usize,
}

/// What of an account has a fixed size.
#[derive(Debug)]
struct Row {
    guid: [u8; 16],
    expires: i64,
    number: u32,
    user_account_control: u32,
    group_set: u32,
    /// Where its names begin: sAMAccountName, dNSHostName (or nothing), count of others, others.
    names: u32,
    domain: u16,
}

/// Hashes in order, and whose they are.
#[derive(Debug)]
struct NameIndex {
    hashes: Box<[u64]>,
    rows: Box<[u32]>,
}

/// One account of a directory.
#[derive(Clone, Copy, Debug)]
pub struct AccountRef<'a> {
    directory: &'a Directory,
    row: &'a Row,
}

/// Data of a directory that contradict themselves; the text says which.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Contradiction(String);

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Directory {
    /// Builds the index.
    ///
    /// # Errors
    /// Data that contradict themselves: an account of no domain here, a security identifier or GUID twice, a group that is
    /// not in the list, a name of more than 65,535 bytes.
    pub fn build(data: DirectoryData) -> Result<Directory, Contradiction> {
        Directory::index(data).map_err(Contradiction)
    }

    fn index(data: DirectoryData) -> Result<Directory, String> {
        let DirectoryData { domains, groups, mut accounts } = data;
        if u16::try_from(domains.len()).is_err() || u32::try_from(accounts.len()).is_err() {
            return Err("more domains or accounts than can be numbered".to_owned());
        }
        let domain_numbers: HashMap<Sid, u16> =
            domains.iter().zip(0..).map(|(domain, number)| (domain.sid, number)).collect();
        if domain_numbers.len() != domains.len() {
            return Err("a domain's security identifier is there twice".to_owned());
        }
        let mut places = Vec::with_capacity(accounts.len());
        for account in &accounts {
            let place = account.sid.split().and_then(|(domain, own)| Some((*domain_numbers.get(&domain)?, own)));
            places.push(place.ok_or_else(|| format!("{} is an account of no domain here", account.sid))?);
        }
        let mut order: Vec<usize> = (0..accounts.len()).collect();
        order.sort_unstable_by_key(|&at| places.get(at).copied());
        let mut building = Building::default();
        let hasher = RandomState::new();
        for at in order {
            let (Some(account), Some(place)) = (accounts.get_mut(at), places.get(at)) else { continue };
            building.add(account, *place, groups.len(), &hasher)?;
        }
        drop(accounts);
        building.finish(domains, groups, hasher)
    }

    /// Its domains.
    pub fn domains(&self) -> &[Domain] {
        &self.domains
    }

    /// The groups that membership is known for.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// How many accounts there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Values of altSecurityIdentities for certificates that map nobody, because they cannot be read or bind no issuer.
    pub fn unread_mappings(&self) -> usize {
        self.unread_mappings
    }

    /// Bytes of memory that it holds, as far as they grow with the accounts.
    pub fn memory_bytes(&self) -> usize {
        let sets: usize = self.group_sets.iter().map(|set| size_of_val(set.as_ref()) + size_of::<Box<[u32]>>()).sum();
        let explicit: usize = self.explicit.keys().map(|key| key.len() + 64).sum();
        size_of_val(self.rows.as_ref())
            + self.texts.len()
            + size_of_val(self.by_name.hashes.as_ref())
            + size_of_val(self.by_name.rows.as_ref())
            + sets
            + explicit
    }

    /// The account with this security identifier.
    pub fn by_sid(&self, sid: &Sid) -> Option<AccountRef<'_>> {
        let (domain, number) = sid.split()?;
        let domain = self.domains.iter().position(|one| one.sid == domain)?;
        let domain = u16::try_from(domain).ok()?;
        let at = self.rows.binary_search_by_key(&(domain, number), |row| (row.domain, row.number)).ok()?;
        self.account(at)
    }

    /// The accounts with this dNSHostName or `HOST/` service principal name (lower case, with a dot).
    pub fn by_host(&self, host: &str) -> Vec<AccountRef<'_>> {
        self.named(Name::Host(host), |account| account.hosts().any(|one| one == host))
    }

    /// The account of a domain with this sAMAccountName (lower case, with its `$`).
    pub fn by_sam_account_name(&self, domain: usize, name: &str) -> Vec<AccountRef<'_>> {
        let Ok(domain) = u16::try_from(domain) else { return Vec::new() };
        self.named(Name::Sam(domain, name), |account| {
            account.row.domain == domain && account.sam_account_name().eq_ignore_ascii_case(name)
        })
    }

    /// The accounts that an explicit mapping names.
    pub(crate) fn by_explicit(&self, key: &ExplicitKey) -> impl Iterator<Item = AccountRef<'_>> {
        let rows = self.explicit.get(key).map(Vec::as_slice).unwrap_or_default();
        rows.iter().filter_map(|&row| self.account(usize::try_from(row).ok()?))
    }

    fn named(&self, name: Name<'_>, is_it: impl Fn(&AccountRef<'_>) -> bool) -> Vec<AccountRef<'_>> {
        let hash = name.hash(&self.hasher);
        let first = self.by_name.first(hash);
        let found = self.by_name.hashes.iter().zip(self.by_name.rows.iter()).skip(first);
        found
            .take_while(|(one, _)| **one == hash)
            .filter_map(|(_, &row)| self.account(usize::try_from(row).ok()?))
            .filter(is_it)
            .collect()
    }

    fn account(&self, at: usize) -> Option<AccountRef<'_>> {
        Some(AccountRef { directory: self, row: self.rows.get(at)? })
    }

    /// The text at a place and the place behind it.
    fn text(&self, at: usize) -> (&str, usize) {
        let (length, at) = self.short(at);
        let text = self.texts.get(at..at + usize::from(length)).unwrap_or_default();
        (std::str::from_utf8(text).unwrap_or_default(), at + usize::from(length))
    }

    /// The number in two bytes at a place of the texts, and the place behind it.
    fn short(&self, at: usize) -> (u16, usize) {
        let bytes = self.texts.get(at..).and_then(<[u8]>::first_chunk);
        (bytes.copied().map(u16::from_le_bytes).unwrap_or_default(), at + 2)
    }
}

impl NameIndex {
    /// Where hashes of at least this begin. They are spread evenly, so the place can be guessed to within some hundreds of a
    /// million, and the search begins there: a handful of cache misses instead of twenty.
    fn first(&self, hash: u64) -> usize {
        let count = self.hashes.len();
        let is_below = |place: usize| self.hashes.get(place).is_some_and(|one| *one < hash);
        let guess = usize::try_from((u128::from(hash) * count as u128) >> 64).unwrap_or(0);
        let (mut low, mut step) = (guess, GUESS_ERROR);
        while low > 0 && !is_below(low) {
            low = low.saturating_sub(step);
            step = step.saturating_mul(2);
        }
        let (mut high, mut step) = (guess, GUESS_ERROR);
        while high < count && is_below(high) {
            high = high.saturating_add(step).min(count);
            step = step.saturating_mul(2);
        }
        let between = self.hashes.get(low..high).unwrap_or_default();
        low + between.partition_point(|one| *one < hash)
    }
}

impl<'a> AccountRef<'a> {
    /// Whether both are the same account of the same directory.
    pub fn is(&self, other: &AccountRef<'_>) -> bool {
        self.row.guid == other.row.guid
    }

    /// sAMAccountName as the directory has it: `PC17$`.
    pub fn sam_account_name(&self) -> &'a str {
        self.directory.text(self.names()).0
    }

    /// dNSHostName and the hosts of its service principal names, lower case, those that are DNS names with a dot.
    pub fn hosts(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let directory = self.directory;
        let (_, at) = directory.text(self.names());
        let (host, at) = directory.text(at);
        let (others, mut next) = directory.short(at);
        let others = (0..others).map(move |_| {
            let (host, behind) = directory.text(next);
            next = behind;
            host
        });
        Some(host).into_iter().filter(|host| !host.is_empty()).chain(others)
    }

    /// Its domain.
    pub fn domain(&self) -> Option<&'a Domain> {
        self.directory.domains.get(usize::from(self.row.domain))
    }

    /// objectSid.
    pub fn sid(&self) -> Option<Sid> {
        self.domain()?.sid.join(self.row.number)
    }

    /// objectGUID as Windows writes it, lower case.
    pub fn guid(&self) -> String {
        // The first three fields are little-endian (MS-DTYP §2.3.4.2).
        const ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
        let mut text = String::with_capacity(36);
        for (at, place) in ORDER.into_iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            // Writing to a String cannot fail.
            let _ = write!(text, "{:02x}", self.row.guid.get(place).copied().unwrap_or_default());
        }
        text
    }

    /// userAccountControl (MS-ADTS §2.2.16).
    pub fn user_account_control(&self) -> u32 {
        self.row.user_account_control
    }

    /// accountExpires, Unix seconds; `None`: never.
    pub fn expires(&self) -> Option<i64> {
        (self.row.expires != NEVER).then_some(self.row.expires)
    }

    /// Places in [`Directory::groups`] of the groups it is in, ascending.
    pub fn groups(&self) -> &'a [u32] {
        let set = usize::try_from(self.row.group_set).ok();
        set.and_then(|set| self.directory.group_sets.get(set)).map(AsRef::as_ref).unwrap_or_default()
    }

    fn names(&self) -> usize {
        usize::try_from(self.row.names).unwrap_or(usize::MAX)
    }
}

/// A name and what it is the name of, to be hashed.
#[derive(Clone, Copy)]
enum Name<'a> {
    Host(&'a str),
    Sam(u16, &'a str),
}

impl Name<'_> {
    fn hash(self, hasher: &RandomState) -> u64 {
        match self {
            Name::Host(host) => hasher.hash_one((None::<u16>, host)),
            Name::Sam(domain, name) => hasher.hash_one((Some(domain), name)),
        }
    }
}

/// An index in the making.
#[derive(Default)]
struct Building {
    rows: Vec<Row>,
    texts: Vec<u8>,
    group_sets: Vec<Box<[u32]>>,
    set_numbers: HashMap<Box<[u32]>, u32>,
    names: Vec<(u64, u32)>,
    explicit: HashMap<ExplicitKey, Vec<u32>>,
    unread_mappings: usize,
}

impl Building {
    fn add(
        &mut self,
        account: &mut Account,
        (domain, number): (u16, u32),
        group_count: usize,
        hasher: &RandomState,
    ) -> Result<(), String> {
        let row = u32::try_from(self.rows.len()).map_err(|_| TOO_MUCH)?;
        if self.rows.last().is_some_and(|last| (last.domain, last.number) == (domain, number)) {
            let sid = account.sid;
            return Err(format!("two accounts have the security identifier {sid}"));
        }
        let known = |group: &u32| usize::try_from(*group).is_ok_and(|group| group < group_count);
        if !account.groups.iter().all(known) || !account.groups.is_sorted_by(|one, next| one < next) {
            return Err(format!("{} is in a group that is not in the list", account.sid));
        }
        let names = u32::try_from(self.texts.len()).map_err(|_| TOO_MUCH)?;
        self.push_text(&account.sam_account_name)?;
        // Only what a certificate can have as a name is looked for. Whoever owns an account may write others into it, of
        // any length.
        let can_be_asked_for = |name: &str| is_dns_name(name.as_bytes());
        let host = account.dns_host_name.as_deref().filter(|host| can_be_asked_for(host)).unwrap_or_default();
        let host = host.to_ascii_lowercase();
        self.push_text(&host)?;
        let mut others: Vec<String> = account.service_hosts.iter().map(|other| other.to_ascii_lowercase()).collect();
        others.retain(|other| can_be_asked_for(other) && *other != host);
        others.sort_unstable();
        others.dedup();
        let count = u16::try_from(others.len());
        let count = count.map_err(|_| format!("{} has more than 65,535 service principal names", account.sid))?;
        self.texts.extend(count.to_le_bytes());
        others.iter().try_for_each(|other| self.push_text(other))?;
        let sam = account.sam_account_name.to_ascii_lowercase();
        self.names.push((Name::Sam(domain, &sam).hash(hasher), row));
        let hosts = Some(&host).into_iter().filter(|host| !host.is_empty()).chain(&others);
        self.names.extend(hosts.map(|host| (Name::Host(host).hash(hasher), row)));
        for mapping in &account.alt_security_identities {
            match ExplicitKey::read(mapping) {
                Some(key) => {
                    let rows = self.explicit.entry(key).or_default();
                    // Two spellings of one mapping are one.
                    if rows.last() != Some(&row) {
                        rows.push(row);
                    }
                }
                None => self.unread_mappings += 1,
            }
        }
        let group_set = self.group_set(std::mem::take(&mut account.groups).into_boxed_slice())?;
        self.rows.push(Row {
            guid: account.guid,
            expires: account.expires.unwrap_or(NEVER),
            number,
            user_account_control: account.user_account_control,
            group_set,
            names,
            domain,
        });
        Ok(())
    }

    fn push_text(&mut self, text: &str) -> Result<(), String> {
        let length = u16::try_from(text.len()).map_err(|_| "a name of more than 65,535 bytes".to_owned())?;
        self.texts.extend(length.to_le_bytes());
        self.texts.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn group_set(&mut self, set: Box<[u32]>) -> Result<u32, String> {
        if let Some(number) = self.set_numbers.get(&set) {
            return Ok(*number);
        }
        let number = u32::try_from(self.group_sets.len()).map_err(|_| TOO_MUCH)?;
        self.group_sets.push(set.clone());
        self.set_numbers.insert(set, number);
        Ok(number)
    }

    fn finish(mut self, domains: Vec<Domain>, groups: Vec<Group>, hasher: RandomState) -> Result<Directory, String> {
        let mut guids: Vec<&[u8; 16]> = self.rows.iter().map(|row| &row.guid).collect();
        guids.sort_unstable();
        if guids.windows(2).any(|pair| matches!(pair, [one, next] if one == next)) {
            return Err("two accounts have one objectGUID".to_owned());
        }
        drop(guids);
        self.names.sort_unstable();
        // What is small and stays was allocated after everything that is gone by now, and would keep its pages from the
        // system: copies find place below.
        let group_sets = self.group_sets.clone();
        let explicit = self.explicit.clone();
        let (hashes, rows): (Vec<u64>, Vec<u32>) = self.names.into_iter().unzip();
        Ok(Directory {
            domains,
            groups,
            rows: self.rows.into_boxed_slice(),
            texts: self.texts.into_boxed_slice(),
            group_sets,
            by_name: NameIndex { hashes: hashes.into_boxed_slice(), rows: rows.into_boxed_slice() },
            explicit,
            hasher,
            unread_mappings: self.unread_mappings,
        })
    }
}

/// The spread of a million even hashes around where they should be.
const GUESS_ERROR: usize = 512;
/// As no account can expire so late: accountExpires ends in the year 30828.
const NEVER: i64 = i64::MAX;
const TOO_MUCH: &str = "more accounts or names than can be numbered";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_found_wherever_it_is() {
        let even = |count: u64| (0..count).map(|at| at * (u64::MAX / count.max(1))).collect::<Vec<u64>>();
        let crowded: Vec<u64> = (0..3_000).chain((0..3_000).map(|at| u64::MAX - 2_999 + at)).collect();
        for hashes in [vec![], vec![7], vec![7, 7, 7, 8], even(5_000), crowded, vec![u64::MAX; 2_000]] {
            let rows = vec![0; hashes.len()].into_boxed_slice();
            let index = NameIndex { hashes: hashes.clone().into_boxed_slice(), rows };
            let near = hashes.iter().flat_map(|hash| [hash.saturating_sub(1), *hash, hash.saturating_add(1)]);
            for hash in near.chain([0, 7, u64::MAX / 2, u64::MAX]) {
                assert_eq!(index.first(hash), hashes.partition_point(|one| *one < hash), "{hash} of {}", hashes.len());
            }
        }
    }
}
