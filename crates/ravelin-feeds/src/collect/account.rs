//! One computer's entry.
//!
//! Whoever joined a machine may write into much of its entry. That may lose this machine its access, never an import: what no
//! certificate could ask for is left out, at a length, and a strange expiry is one that has passed. What a domain controller
//! always answers and is missing means that the export is wrong, and is a problem.

use ravelin_policy::directory::{Account, Domain, Sid};

use super::distinguished_name::begins_so;
use super::groups::Groups;
use super::problem::CollectProblem;
use crate::entry::Entry;

/// By objectCategory, which is one for each object; a class is inherited, too.
pub(super) fn is_computer(entry: &Entry) -> bool {
    match entry.text("objectcategory") {
        Some(category) => begins_so(category, "CN=Computer"),
        None => entry.is_a("computer"),
    }
}

/// Reads it, or says what it lacks.
pub(super) fn read(entry: &Entry, domains: &[Domain], groups: &Groups) -> Result<Account, CollectProblem> {
    account(entry, domains, groups).map_err(|text| CollectProblem { dn: entry.dn.clone(), text })
}

fn account(entry: &Entry, domains: &[Domain], groups: &Groups) -> Result<Account, String> {
    let needed = |attribute: &str| format!("{attribute} is missing or cannot be read: export it too");
    let guid = entry.value("objectguid").and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
    let sid = entry.value("objectsid").and_then(|bytes| Sid::from_bytes(bytes).ok());
    let sid = sid.ok_or_else(|| needed("objectSid"))?;
    let own = sid.split().map(|(domain, _)| domain);
    let domain = domains.iter().find(|domain| Some(domain.sid) == own);
    let domain =
        domain.ok_or_else(|| format!("{sid} is of no domain among the entries: export that domain's object too"))?;
    let primary = entry.text("primarygroupid").and_then(|text| text.trim().parse().ok());
    let control = entry.text("useraccountcontrol").and_then(|text| text.trim().parse::<i64>().ok());
    Ok(Account {
        guid: guid.ok_or_else(|| needed("objectGUID"))?,
        sid,
        sam_account_name: entry.text("samaccountname").ok_or_else(|| needed("sAMAccountName"))?.to_owned(),
        dns_host_name: entry.text("dnshostname").filter(|host| is_host(host)).map(str::to_ascii_lowercase),
        service_hosts: service_hosts(entry),
        // Signed in LDAP, like every number of Active Directory.
        user_account_control: control
            .and_then(|control| i32::try_from(control).map(i32::cast_unsigned).or_else(|_| u32::try_from(control)).ok())
            .ok_or_else(|| needed("userAccountControl"))?,
        expires: expires(entry.text("accountexpires")).map_err(|()| needed("accountExpires"))?,
        alt_security_identities: entry
            .texts("altsecurityidentities")
            .filter(|text| text.len() <= MAPPING_BYTES_MAX)
            .filter(|text| text.get(..5).is_some_and(|kind| kind.eq_ignore_ascii_case("X509:")))
            .map(str::to_owned)
            .collect(),
        groups: groups.of(entry, &sid, primary.and_then(|number| domain.sid.join(number))),
    })
}

/// Hosts of `HOST/name`, `HOST/name:port` and `HOST/name/realm`, lower case, each once.
fn service_hosts(entry: &Entry) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    for name in entry.texts("serviceprincipalname") {
        let Some((class, rest)) = name.split_once('/') else { continue };
        let host = rest.split(['/', ':']).next().unwrap_or_default().to_ascii_lowercase();
        if class.eq_ignore_ascii_case("HOST") && is_host(&host) && !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

fn is_host(text: &str) -> bool {
    (1..=HOST_BYTES_MAX).contains(&text.len())
}

/// 100 ns since 1601 as Unix seconds; 0 and the largest are "never" (MS-ADA1 §2.1).
fn expires(text: Option<&str>) -> Result<Option<i64>, ()> {
    match text.map(|text| text.trim().parse::<i64>()) {
        None | Some(Ok(0 | i64::MAX)) => Ok(None),
        Some(Ok(ticks)) => Ok(Some(ticks / TICKS_A_SECOND - UNIX_EPOCH)),
        Some(Err(_)) => Err(()),
    }
}

/// Of a name in the DNS (RFC 1035 §2.3.4, as text).
const HOST_BYTES_MAX: usize = 253;
/// Issuer and subject with some attributes each have a few hundred bytes; ten times that is a mistake or an attack.
const MAPPING_BYTES_MAX: usize = 4096;
const TICKS_A_SECOND: i64 = 10_000_000;
/// Seconds from 1601 to 1970.
const UNIX_EPOCH: i64 = 11_644_473_600;
