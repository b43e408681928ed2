//! The account rule: the certificate must belong to a live computer account in the right groups.
//!
//! What Windows' KDC asks (MS-PKCA §3.1.5.2.1), and more: it asks for no group, and maps no machine whose DNS suffix is not
//! the domain's. In order:
//!
//! 1. The directory is fresh enough.
//! 2. The claim can be read in one way only.
//! 3. A strong explicit mapping names the account; else, where `mapping` lets weak ones count and there is no security
//!    identifier, a weak one; else the issuer is in NTAuthCertificates, a DNS name leads to accounts, and the security identifier picks one of them.
//! 4. Whatever led to it, the certificate's security identifier, where it has one, is the account's.
//! 5. The account is a computer's and no domain controller's, enabled, not expired, in no denied group and in an allowed one.
//!
//! Groups are compared by security identifier; which accounts are in them, through nested groups and primary groups too,
//! was worked out when the data were collected.

mod claim;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::account_report::AccountReport;
use crate::certificate::Certificate;
use crate::decision::{Denial, Reason};
use crate::directory::{AccountRef, Directory, Domain, Kind, Sid};
use crate::path::Path;
use crate::spec::{AccountMapping, AccountSpec};
use crate::time;
use claim::{BadClaim, Claim};

/// Checked account rule of one policy.
#[derive(Debug)]
pub(crate) struct AccountRule {
    directory: Option<Arc<Directory>>,
    mapping: AccountMapping,
    explicit_issuers: Option<Vec<Certificate>>,
    /// Places in [`Directory::groups`], ascending.
    allow: Vec<u32>,
    deny: Vec<u32>,
    max_age: Duration,
    /// Until then data count that are older (Unix seconds).
    override_until: Option<i64>,
}

/// An account that passed.
#[derive(Debug)]
pub(crate) struct Mapped {
    pub(crate) report: AccountReport,
    pub(crate) detail: String,
    /// What sessions are limited and balanced by: the security identifier, which a rename does not change.
    pub(crate) key: String,
    /// The last second in which account and data count.
    pub(crate) valid_until: i64,
}

/// How an account was found.
#[derive(Clone, Copy)]
struct Found<'a> {
    account: AccountRef<'a>,
    by: By,
}

#[derive(Clone, Copy)]
enum By {
    Explicit(Kind),
    Sid,
    Name,
}

impl By {
    fn text(self) -> &'static str {
        match self {
            By::Explicit(kind) => kind.text(),
            By::Sid => "SID",
            By::Name => "name",
        }
    }

    fn is_weak(self) -> bool {
        matches!(self, By::Name | By::Explicit(Kind::IssuerSubject))
    }
}

impl AccountRule {
    /// Checks the rule against its directory; every bad group is a text for an administrator.
    pub(crate) fn read(
        spec: &AccountSpec,
        explicit_issuers: Option<Vec<Certificate>>,
    ) -> Result<AccountRule, Vec<String>> {
        let mut bad = Vec::new();
        let mut places = |key: &str, names: &[String]| {
            let mut places = Vec::with_capacity(names.len());
            // Without a directory nobody passes, so that groups need not be known.
            let Some(directory) = spec.directory.as_deref() else { return places };
            for name in names {
                match find_group(directory, name) {
                    Ok(place) => places.push(place),
                    Err(why) => bad.push(format!("directory.{key}: '{}' {why}", crate::escape::escape(name))),
                }
            }
            places.sort_unstable();
            places
        };
        let (allow, deny) = (places("allow_groups", &spec.allow_groups), places("deny_groups", &spec.deny_groups));
        if !bad.is_empty() {
            return Err(bad);
        }
        Ok(AccountRule {
            directory: spec.directory.clone(),
            mapping: spec.mapping,
            explicit_issuers,
            allow,
            deny,
            max_age: spec.max_age,
            override_until: spec.override_until,
        })
    }

    /// The data it judges by.
    pub(crate) fn directory(&self) -> Option<&Arc<Directory>> {
        self.directory.as_ref()
    }

    /// Maps a path that passed every other rule.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub(crate) fn check(&self, path: &Path<'_>, leaf: &Certificate, now: i64) -> Result<Mapped, Denial> {
        let Some(directory) = self.directory.as_deref() else {
            return Err(denial(Reason::DirectoryUnavailable, "there is no directory snapshot".to_owned()));
        };
        self.check_any_age(directory, now)?;
        let claim = Claim::read(leaf).map_err(|bad| match bad {
            BadClaim::Malformed(what) => denial(Reason::SidMalformed, format!("the security identifier: {what}")),
            BadClaim::Differ(text) => denial(Reason::SidMismatch, text),
        })?;
        let issuer = path.certificates.get(1).copied();
        let found = self.find(directory, &claim, issuer, leaf)?;
        let Some((domain, sid)) = found.account.domain().zip(found.account.sid()) else {
            return Err(denial(Reason::AccountNotFound, "the account is of no domain".to_owned()));
        };
        if claim.sid.is_some_and(|claimed| claimed != sid) {
            let claimed = claim.sid.map(|claimed| claimed.to_string()).unwrap_or_default();
            let name = account_name(found.account);
            return Err(denial(Reason::SidMismatch, format!("the certificate says {claimed}, {name} has {sid}")));
        }
        let usable_until = self.check_age(domain, now)?;
        let groups = self.check_account(directory, found.account, now)?;
        let overridden = now > later(domain.as_of, self.max_age);
        let report = AccountReport {
            name: account_name(found.account),
            domain: domain.dns_name.clone(),
            sid: sid.to_string(),
            guid: found.account.guid(),
            mapping: found.by.text(),
            is_weak: found.by.is_weak() && self.mapping == AccountMapping::Compatible,
            groups,
            as_of: domain.as_of,
            is_overridden: overridden,
        };
        Ok(Mapped {
            detail: report.text(now),
            key: report.sid.clone(),
            // In the second of its expiry it is denied.
            valid_until: usable_until.min(found.account.expires().map_or(i64::MAX, |at| at.saturating_sub(1))),
            report,
        })
    }

    /// Whether any domain's data may be used at all: what is not found in data that are too old is not known to be gone.
    fn check_any_age(&self, directory: &Directory, now: i64) -> Result<(), Denial> {
        let newest = directory.domains().iter().max_by_key(|domain| domain.as_of);
        match newest {
            Some(domain) => self.check_age(domain, now).map(drop),
            None => Err(denial(Reason::DirectoryUnavailable, "the directory snapshot has no domain".to_owned())),
        }
    }

    /// Until when a domain's data count.
    fn check_age(&self, domain: &Domain, now: i64) -> Result<i64, Denial> {
        let until = later(domain.as_of, self.max_age);
        let usable_until = self.override_until.map_or(until, |overridden| overridden.max(until));
        if now > usable_until {
            let text = format!(
                "what is known of {} is of {}, older than max_age allows",
                crate::escape::escape(&domain.dns_name),
                time::rfc3339(domain.as_of)
            );
            return Err(denial(Reason::DirectoryStale, text));
        }
        Ok(usable_until)
    }

    fn find<'d>(
        &self,
        directory: &'d Directory,
        claim: &Claim,
        issuer: Option<&Certificate>,
        leaf: &Certificate,
    ) -> Result<Found<'d>, Denial> {
        let may_be_explicit = self.mapping != AccountMapping::Names
            && self.explicit_issuers.as_ref().is_none_or(|allowed| {
                issuer.is_some_and(|issuer| allowed.iter().any(|one| one.is_same_authority(issuer)))
            });
        if may_be_explicit {
            if let Some(found) = explicit(directory, claim.strong_mappings(leaf))? {
                return Ok(found);
            }
            // A weak hit never stands in the way of the strong one that a security identifier makes.
            if self.mapping == AccountMapping::Compatible
                && claim.sid.is_none()
                && let Some(found) = explicit(directory, Claim::weak_mapping(leaf))?
            {
                return Ok(found);
            }
        }
        let in_nt_auth = |domain: &Domain| issuer.is_some_and(|issuer| domain.nt_auth.contains(&issuer.der));
        let not_in_nt_auth = || {
            let label = issuer.map_or_else(|| "nobody".to_owned(), Certificate::label);
            denial(Reason::IssuerNotInNtauth, format!("{label} issued it, which is not in NTAuthCertificates"))
        };
        if !directory.domains().iter().any(in_nt_auth) {
            return Err(not_in_nt_auth());
        }
        let found = self.by_names(directory, claim)?;
        if !found.account.domain().is_some_and(in_nt_auth) {
            return Err(not_in_nt_auth());
        }
        Ok(found)
    }

    fn by_names<'d>(&self, directory: &'d Directory, claim: &Claim) -> Result<Found<'d>, Denial> {
        if claim.sid.is_none() && self.mapping == AccountMapping::Strong {
            let text = "the certificate has no security identifier, and no explicit mapping names it";
            return Err(denial(Reason::SidMissing, text.to_owned()));
        }
        let candidates = candidates(directory, &claim.names);
        let names = || claim.names.iter().take(NAMES_SHOWN_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
        if let Some(claimed) = claim.sid {
            let of_sid = candidates.iter().find(|account| account.sid() == Some(claimed));
            return match (of_sid, candidates.first()) {
                (Some(account), _) => Ok(Found { account: *account, by: By::Sid }),
                (None, Some(other)) => {
                    let other = other.sid().map(|sid| sid.to_string()).unwrap_or_default();
                    let text = format!("the certificate says {claimed}, the account named {} has {other}", names());
                    Err(denial(Reason::SidMismatch, text))
                }
                (None, None) => {
                    let text = match directory.by_sid(&claimed) {
                        // A machine that was renamed: its next certificate will bear the new name.
                        Some(account) => {
                            format!("{claimed} is {}, which has none of: {}", account_name(account), names())
                        }
                        None => format!("no computer account is named {} or has {claimed}", names()),
                    };
                    Err(denial(Reason::AccountNotFound, text))
                }
            };
        }
        match candidates.as_slice() {
            [account] => Ok(Found { account: *account, by: By::Name }),
            [] if claim.names.is_empty() => {
                Err(denial(Reason::AccountNotFound, "the certificate has no DNS name to look up".to_owned()))
            }
            [] => Err(denial(Reason::AccountNotFound, format!("no computer account is named {}", names()))),
            several => {
                let text = format!("{} computer accounts are named {}", several.len(), names());
                Err(denial(Reason::AccountAmbiguous, text))
            }
        }
    }

    /// Kind, state and groups of the account. Gives the allowed groups it is in.
    fn check_account(&self, directory: &Directory, account: AccountRef<'_>, now: i64) -> Result<Vec<String>, Denial> {
        let name = account_name(account);
        let control = account.user_account_control();
        if control & (WORKSTATION_TRUST | SERVER_TRUST) != WORKSTATION_TRUST || control & PARTIAL_SECRETS != 0 {
            let text = format!("{name} is not a computer's account (userAccountControl {control:#x})");
            return Err(denial(Reason::AccountNotComputer, text));
        }
        if control & DISABLED != 0 {
            return Err(denial(Reason::AccountDisabled, format!("{name} is disabled")));
        }
        if let Some(expires) = account.expires()
            && expires <= now
        {
            return Err(denial(Reason::AccountExpired, format!("{name} expired at {}", time::rfc3339(expires))));
        }
        let of_account = |place: &&u32| account.groups().binary_search(place).is_ok();
        let group_name = |place: &u32| {
            let group = usize::try_from(*place).ok().and_then(|place| directory.groups().get(place));
            group.map(|group| crate::escape::escape(&group.name)).unwrap_or_default()
        };
        if let Some(denied) = self.deny.iter().find(of_account) {
            return Err(denial(Reason::GroupDenied, format!("{name} is in the denied group {}", group_name(denied))));
        }
        let allowed: Vec<String> = self.allow.iter().filter(of_account).map(group_name).collect();
        if allowed.is_empty() {
            return Err(denial(Reason::GroupMissing, format!("{name} is in no allowed group")));
        }
        Ok(allowed)
    }
}

/// A certificate from which no claim to an account can be read; the text says why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnreadableClaim(String);

impl fmt::Display for UnreadableClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Every account that a certificate (DER) leads to in any way: by its security identifier, by its names, by an explicit
/// mapping, weak ones too. For people: what may pass is [`crate::Policy::decide`]'s to say.
///
/// # Errors
/// The certificate, or its security identifier, cannot be read.
pub fn accounts_of<'d>(directory: &'d Directory, certificate: &[u8]) -> Result<Vec<AccountRef<'d>>, UnreadableClaim> {
    let leaf = Certificate::read(certificate)
        .map_err(|malformed| UnreadableClaim(format!("the certificate: {}", malformed.0)))?;
    let claim = Claim::read(&leaf).map_err(|bad| match bad {
        BadClaim::Malformed(what) => UnreadableClaim(format!("its security identifier: {what}")),
        BadClaim::Differ(text) => UnreadableClaim(text),
    })?;
    let mut accounts = candidates(directory, &claim.names);
    let explicit = claim.strong_mappings(&leaf).into_iter().chain(Claim::weak_mapping(&leaf));
    let others: Vec<AccountRef<'d>> =
        explicit.flat_map(|(_, key)| directory.by_explicit(&key).collect::<Vec<_>>()).collect();
    for account in claim.sid.and_then(|sid| directory.by_sid(&sid)).into_iter().chain(others) {
        if !accounts.iter().any(|one| one.is(&account)) {
            accounts.push(account);
        }
    }
    Ok(accounts)
}

/// The one account that mappings name.
fn explicit<'d>(
    directory: &'d Directory,
    mappings: impl IntoIterator<Item = (Kind, crate::directory::ExplicitKey)>,
) -> Result<Option<Found<'d>>, Denial> {
    let mut found: Option<Found<'d>> = None;
    for (kind, key) in mappings {
        for account in directory.by_explicit(&key) {
            match &found {
                Some(first) if !first.account.is(&account) => {
                    let text =
                        format!("explicit mappings name {} and {}", account_name(first.account), account_name(account));
                    return Err(denial(Reason::AccountAmbiguous, text));
                }
                Some(_) => {}
                None => found = Some(Found { account, by: By::Explicit(kind) }),
            }
        }
    }
    Ok(found)
}

/// Accounts that any of the names leads to, each once: by host names as the directory has them, which carry disjoint suffixes
/// and names of more than 15 characters, and by `LABEL$` in the domain whose DNS name the rest is.
fn candidates<'d>(directory: &'d Directory, names: &[String]) -> Vec<AccountRef<'d>> {
    let mut candidates: Vec<AccountRef<'d>> = Vec::new();
    let mut add = |accounts: Vec<AccountRef<'d>>| {
        for account in accounts {
            if !candidates.iter().any(|one| one.is(&account)) {
                candidates.push(account);
            }
        }
    };
    for name in names {
        add(directory.by_host(name));
        let Some((label, suffix)) = name.split_once('.') else { continue };
        if label.len() <= SAM_NAME_BYTES_MAX {
            for (place, domain) in directory.domains().iter().enumerate() {
                if domain.dns_name.eq_ignore_ascii_case(suffix) {
                    add(directory.by_sam_account_name(place, &format!("{label}$")));
                }
            }
        }
    }
    candidates
}

/// The group that a configuration names: `S-1-5-…`, `CORP\Group`, or `Group` where that is one alone.
fn find_group(directory: &Directory, name: &str) -> Result<u32, String> {
    let place = |at: usize| u32::try_from(at).map_err(|_| "is beyond what can be numbered".to_owned());
    let groups = directory.groups().iter().enumerate();
    let mut found = if name.starts_with("S-1-") {
        let sid = Sid::from_text(name).map_err(|error| format!("is {error}"))?;
        groups.filter(|(_, group)| group.sid == sid).collect::<Vec<_>>()
    } else {
        let (domain, name) = name.split_once('\\').map_or((None, name), |(domain, name)| (Some(domain), name));
        let of_domain = |sid: &Sid| {
            domain.is_none_or(|domain| {
                let own = sid.split().map(|(own, _)| own);
                let mut domains = directory.domains().iter();
                domains.any(|one| Some(one.sid) == own && one.netbios_name.eq_ignore_ascii_case(domain))
            })
        };
        groups.filter(|(_, group)| same_text(&group.name, name) && of_domain(&group.sid)).collect()
    };
    match (found.pop(), found.is_empty()) {
        (Some((at, _)), true) => place(at),
        (Some(_), false) => Err("is the name of several groups: write DOMAIN\\name or the SID".to_owned()),
        (None, _) => {
            Err("is no group in the directory snapshot: is it spelled right, and was it in the export?".to_owned())
        }
    }
}

/// As Active Directory compares names: without case.
fn same_text(one: &str, other: &str) -> bool {
    one.chars().flat_map(char::to_lowercase).eq(other.chars().flat_map(char::to_lowercase))
}

/// What a person calls it, escaped: the sAMAccountName without its `$`.
fn account_name(account: AccountRef<'_>) -> String {
    let name = account.sam_account_name();
    crate::escape::escape(name.strip_suffix('$').unwrap_or(name))
}

fn later(from: i64, age: Duration) -> i64 {
    from.saturating_add(i64::try_from(age.as_secs()).unwrap_or(i64::MAX))
}

fn denial(reason: Reason, detail: String) -> Denial {
    Denial { reason, detail }
}

/// userAccountControl (MS-ADTS §2.2.16).
const DISABLED: u32 = 0x2;
const WORKSTATION_TRUST: u32 = 0x1000;
const SERVER_TRUST: u32 = 0x2000;
/// ADS_UF_PARTIAL_SECRETS_ACCOUNT: a read-only domain controller.
const PARTIAL_SECRETS: u32 = 0x0400_0000;
/// NetBIOS names have 15 characters; a longer host name's account is found by its host name.
const SAM_NAME_BYTES_MAX: usize = 15;
/// Three of at most 256 characters each keep a detail below a kilobyte.
const NAMES_SHOWN_MAX: usize = 3;
