//! Entries of a directory to what policy knows of it: the same for LDIF and for what LDAP answers.
//!
//! Whatever is missing that a decision needs is a problem, and data with a problem are not used: half a table lets nobody in who
//! should stay out, but it locks out whoever is missing.

mod account;
mod distinguished_name;
mod groups;
mod problem;

use distinguished_name::begins_so;
use std::collections::HashMap;

use ravelin_policy::directory::{DirectoryData, Domain, Sid};

use crate::entry::Entry;
use groups::Groups;
pub use problem::CollectProblem;

/// Entries that were asked for at one time: of one export, or of one domain's controller.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// The entries.
    pub entries: Vec<&'a Entry>,
    /// When they were asked for, Unix seconds.
    pub as_of: i64,
}

/// What the entries do not say.
#[derive(Clone, Copy, Debug)]
pub struct Collected<'a> {
    /// When the entries were asked for, Unix seconds.
    pub as_of: i64,
    /// NetBIOS names by DNS name, where the entries have no crossRef of the domain.
    pub netbios_names: &'a [(String, String)],
}

/// Makes one table of the entries: domains (class domainDNS), their crossRefs, NTAuthCertificates, groups and computers;
/// others are passed over.
///
/// # Errors
/// Every entry that cannot be used.
pub fn collect(entries: &[Entry], collected: Collected<'_>) -> Result<DirectoryData, Vec<CollectProblem>> {
    let whole = Part { entries: entries.iter().collect(), as_of: collected.as_of };
    collect_parts(&[whole], collected.netbios_names)
}

/// The same of several parts, each with its own time. A part's NTAuthCertificates are those of its own domains: another forest's
/// authorities are not trusted for them. Groups count across parts.
///
/// # Errors
/// Every entry that cannot be used.
pub fn collect_parts(
    parts: &[Part<'_>],
    netbios_names: &[(String, String)],
) -> Result<DirectoryData, Vec<CollectProblem>> {
    let mut problems = Vec::new();
    let mut domains: Vec<Domain> = parts
        .iter()
        .flat_map(|part| self::domains(&part.entries, Collected { as_of: part.as_of, netbios_names }, &mut problems))
        .collect();
    domains.sort_by_key(|domain| domain.sid);
    // The same one in two exports of one time.
    domains.dedup();
    problems.extend(doubles(&domains));
    let entries: Vec<&Entry> = parts.iter().flat_map(|part| part.entries.iter().copied()).collect();
    if domains.is_empty() && problems.is_empty() {
        problems.push(whole(
            "there is no domain among the entries: export the object of the domain itself (objectClass=domainDNS), with its \
             objectSid",
        ));
    }
    let groups = Groups::read(&entries, &mut problems);
    let mut accounts = Vec::new();
    for entry in entries.iter().filter(|entry| account::is_computer(entry)) {
        match account::read(entry, &domains, &groups) {
            Ok(account) => accounts.push(account),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    accounts.sort_by_key(|account| account.sid);
    Ok(DirectoryData { domains, groups: groups.into_list(), accounts })
}

fn domains(entries: &[&Entry], collected: Collected<'_>, problems: &mut Vec<CollectProblem>) -> Vec<Domain> {
    let found: Vec<&Entry> = entries.iter().copied().filter(|entry| entry.is_a("domainDNS")).collect();
    let nt_auth: Vec<&Vec<u8>> = entries
        .iter()
        .filter(|entry| begins_so(&entry.dn, NT_AUTH))
        .flat_map(|entry| entry.values("cacertificate"))
        .collect();
    let nt_auth_bytes: usize = nt_auth.iter().map(|certificate| certificate.len()).sum();
    if found.len() > DOMAINS_MAX || nt_auth_bytes.saturating_mul(found.len()) > NT_AUTH_BYTES_MAX {
        problems.push(whole(&format!(
            "{} domains and {nt_auth_bytes} bytes of NTAuthCertificates, which each of them has: at most {DOMAINS_MAX} domains, \
             and {NT_AUTH_BYTES_MAX} bytes together",
            found.len()
        )));
        return Vec::new();
    }
    let mut cross_refs: HashMap<String, &str> = HashMap::new();
    for entry in entries.iter().filter(|entry| entry.is_a("crossRef")) {
        if let (Some(domain), Some(name)) = (entry.text("ncname"), entry.text("netbiosname")) {
            cross_refs.entry(domain.to_ascii_lowercase()).or_insert(name);
        }
    }
    let mut domains: Vec<Domain> = Vec::new();
    for entry in found {
        let sid = entry.value("objectsid").and_then(|bytes| Sid::from_bytes(bytes).ok());
        let (Some(sid), Some(dns_name)) = (sid, dns_name(&entry.dn)) else {
            let text = "a domain without objectSid, or not named by DC= alone".to_owned();
            problems.push(CollectProblem { dn: entry.dn.clone(), text });
            continue;
        };
        // From the crossRef of the domain, else as it was reported, else the first label as Windows proposes it.
        let of_cross_ref = cross_refs.get(&entry.dn.to_ascii_lowercase()).map(|name| (*name).to_owned());
        let told =
            || collected.netbios_names.iter().find(|(domain, _)| *domain == dns_name).map(|(_, name)| name.clone());
        let first_label = || dns_name.split('.').next().unwrap_or_default().to_ascii_uppercase();
        let netbios_name = of_cross_ref.or_else(told).unwrap_or_else(first_label);
        let nt_auth = nt_auth.iter().copied().cloned().collect();
        domains.push(Domain { dns_name, netbios_name, sid, nt_auth, as_of: collected.as_of });
    }
    domains
}

/// Domains that are reported apart by their name alone, or by their SID alone: exports of two forests, or of two times, in one.
/// `domains` are in the order of their SIDs.
fn doubles(domains: &[Domain]) -> Vec<CollectProblem> {
    let mut by_name: Vec<&Domain> = domains.iter().collect();
    by_name.sort_by_key(|domain| &domain.dns_name);
    let of_one_sid = domains.windows(2).filter_map(|pair| match pair {
        [one, other] if one.sid == other.sid => Some(format!(
            "the domains {} and {} have one SID, {}: leave one out",
            ravelin_policy::escape(&one.dns_name),
            ravelin_policy::escape(&other.dns_name),
            one.sid
        )),
        _ => None,
    });
    let of_one_name = by_name.windows(2).filter_map(|pair| match pair {
        [one, other] if one.dns_name == other.dns_name && one.sid != other.sid => Some(format!(
            "two domains are called {}, {} and {}: leave one out",
            ravelin_policy::escape(&one.dns_name),
            one.sid,
            other.sid
        )),
        _ => None,
    });
    of_one_sid.chain(of_one_name).map(|text| CollectProblem { dn: String::new(), text }).collect()
}

/// `DC=corp,DC=example,DC=com` as `corp.example.com`.
fn dns_name(dn: &str) -> Option<String> {
    let labels = dn.split(',').map(|rdn| {
        let (key, value) = rdn.split_once('=')?;
        key.trim()
            .eq_ignore_ascii_case("DC")
            .then(|| value.trim().to_ascii_lowercase())
            .filter(|label| !label.is_empty())
    });
    labels.collect::<Option<Vec<_>>>().map(|labels| labels.join("."))
}

fn whole(text: &str) -> CollectProblem {
    CollectProblem { dn: String::new(), text: text.to_owned() }
}

/// Where the forest's own one is. Elsewhere, whoever may create an object of that name could add an authority.
const NT_AUTH: &str = "CN=NTAuthCertificates,CN=Public Key Services,CN=Services,CN=Configuration";

/// More than any forest has, and few enough to be compared with one another.
const DOMAINS_MAX: usize = 1000;
/// Of all domains, each with its forest's: a hundred domains with three hundred authorities of 2 KB each.
const NT_AUTH_BYTES_MAX: usize = 64 * 1024 * 1024;

#[cfg(test)]
mod tests;
