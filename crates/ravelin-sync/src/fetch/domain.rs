//! Which questions make up a domain, and their answers as LDIF.

use std::io::Write;

use ravelin_feeds::ldap::{
    EXTENDED_DN, Filter, SHOW_DELETED, Scope, Search, SearchEntry, range_of, sid_of, without_extension,
};
use ravelin_feeds::ldif;

use super::conversation::{Conversation, succeeded};
use crate::failure::{FetchFailure, FetchProblem};
use crate::order::{FetchOrder, Mark};

/// Fetches a domain, or what has changed of it.
pub(super) fn fetch(order: &FetchOrder, out: &mut impl Write) -> Result<(), FetchProblem> {
    let mut writer = LdifOut(out);
    let mut conversation = Conversation::begin(order)?;
    // Before anything else: what changes meanwhile is found again next time.
    let root = conversation.one("", ROOT, &mut writer)?;
    let root = root.ok_or_else(|| unusable("it has no root entry"))?;
    let own = root.text("defaultNamingContext").unwrap_or_default();
    if !own.eq_ignore_ascii_case(&order.base) {
        return Err(unusable(&format!("it is a controller of {own:?}, not of {:?}", order.base)));
    }
    let needed = |attribute: &str| {
        root.text(attribute).map(str::to_owned).ok_or_else(|| unusable(&format!("its root entry has no {attribute}")))
    };
    let usn = needed("highestCommittedUSN")?.parse().map_err(|_| unusable("its highestCommittedUSN is no number"))?;
    let configuration = needed("configurationNamingContext")?;
    let service = conversation.one(&needed("dsServiceName")?, SERVICE, &mut writer)?;
    let invocation = service.and_then(|entry| entry.value("invocationId").map(<[u8]>::to_vec));
    let invocation =
        invocation.ok_or_else(|| unusable("it does not tell its invocationId: is the reader bound as nobody?"))?;
    let now = Mark { usn, invocation };
    // From that number on, and not beyond it: one object twice costs less than one never.
    let since = order.since.as_ref().filter(|since| since.reaches(&now)).map(|since| since.usn);

    let domain = conversation.one(&order.base, DOMAIN, &mut writer)?;
    if domain.is_none_or(|entry| entry.value("objectSid").is_none()) {
        return Err(unusable(
            "the domain itself cannot be read: the reader needs no more than any user of the domain has",
        ));
    }
    let partitions = format!("CN=Partitions,{configuration}");
    let class = |class: &'static str| Filter::Equal("objectClass", class.as_bytes());
    conversation.all(&partitions, (Scope::OneLevel, class("crossRef")), CROSS_REF, &[], &mut writer)?;
    // Where no authority was ever published, there is none.
    conversation.one(&format!("{NT_AUTH},{configuration}"), AUTHORITIES, &mut writer)?;

    let changed = |filter: Filter<'static>| match since {
        None => filter,
        Some(since) => Filter::And(vec![filter, Filter::AtLeast("uSNChanged", since)]),
    };
    let category = |category: &'static str| Filter::Equal("objectCategory", category.as_bytes());
    // Groups first: who joins one meanwhile raises its number, and it comes again next time.
    let names_with_sids: &[(&str, Option<&[u8]>)] = &[(EXTENDED_DN, None)];
    conversation.all(&order.base, (Scope::Subtree, changed(category("group"))), GROUP, names_with_sids, &mut writer)?;
    conversation.all(&order.base, (Scope::Subtree, changed(category("computer"))), COMPUTER, &[], &mut writer)?;
    if let Some(since) = since {
        conversation.deleted(&order.base, since, &mut writer)?;
    }
    conversation.end();
    Ok(())
}

/// An entry with all values of its attributes, under the names that were asked for.
struct FoundEntry {
    dn: String,
    attributes: Vec<(&'static str, Vec<u8>)>,
    /// Attributes of which there is more, from this value on.
    open: Vec<(&'static str, u32)>,
}

impl FoundEntry {
    fn value(&self, attribute: &str) -> Option<&[u8]> {
        self.attributes.iter().find(|(name, _)| *name == attribute).map(|(_, value)| value.as_slice())
    }

    fn text(&self, attribute: &str) -> Option<&str> {
        self.value(attribute).and_then(|value| std::str::from_utf8(value).ok())
    }
}

impl Conversation {
    /// One object, where it is there and may be seen.
    fn one(
        &mut self,
        base: &str,
        attributes: &'static [&'static str],
        out: &mut LdifOut<'_, impl Write>,
    ) -> Result<Option<FoundEntry>, FetchProblem> {
        let mut found = None;
        let asked = one_object(base, attributes);
        let done = self.page(&asked, &mut |entry| {
            found = Some(read(entry, attributes, 0));
            Ok(())
        })?;
        match done.result.code {
            NO_SUCH_OBJECT => return Ok(None),
            _ => succeeded(&asked, &done.result)?,
        }
        if let Some(found) = &mut found {
            self.complete(found, attributes, &[])?;
            out.write(found)?;
        }
        Ok(found)
    }

    /// Every object that is found, page by page. Those with values by parts are completed when the search is over.
    fn all(
        &mut self,
        base: &str,
        (scope, filter): (Scope, Filter<'_>),
        attributes: &'static [&'static str],
        controls: &[(&str, Option<&[u8]>)],
        out: &mut LdifOut<'_, impl Write>,
    ) -> Result<(), FetchProblem> {
        let mut partial = Vec::new();
        self.search(&Search { base, scope, filter, attributes, page: None, controls }, |entry| {
            let found = read(entry, attributes, 0);
            if found.open.is_empty() {
                return out.write(&found);
            }
            partial.push(found);
            Ok(())
        })?;
        for mut found in partial {
            self.complete(&mut found, attributes, controls)?;
            out.write(&found)?;
        }
        Ok(())
    }

    /// Gets the rest of values that came by parts ([MS-ADTS] §3.1.1.3.1.3.3).
    fn complete(
        &mut self,
        found: &mut FoundEntry,
        attributes: &'static [&'static str],
        controls: &[(&str, Option<&[u8]>)],
    ) -> Result<(), FetchProblem> {
        while let Some((attribute, from)) = found.open.pop() {
            let description = format!("{attribute};range={from}-*");
            let mut came = None;
            let asked = Search { controls, attributes: &[&description], ..one_object(&found.dn, &[]) };
            let done = self.page(&asked, &mut |entry| {
                came = Some(read(entry, attributes, from));
                Ok(())
            })?;
            succeeded(&asked, &done.result)?;
            // Whoever left meanwhile may have been the last.
            let Some(more) = came else { continue };
            found.attributes.extend(more.attributes);
            found.open.extend(more.open);
            if found.attributes.len() > VALUES_MAX {
                let text = format!("{:?} has more than {VALUES_MAX} values", found.dn);
                return Err(FetchProblem::new(FetchFailure::TooLarge, text));
            }
        }
        Ok(())
    }

    /// What was deleted, as far as the reader may see it; a plain one may not, and the next whole fetch tells.
    fn deleted(&mut self, base: &str, since: u64, out: &mut LdifOut<'_, impl Write>) -> Result<(), FetchProblem> {
        let base = format!("<WKGUID={DELETED_OBJECTS},{base}>");
        let gone = Filter::Equal("isDeleted", b"TRUE");
        let filter = Filter::And(vec![gone, Filter::AtLeast("uSNChanged", since)]);
        let controls: &[(&str, Option<&[u8]>)] = &[(SHOW_DELETED, None)];
        let search = Search { base: &base, scope: Scope::Subtree, filter, attributes: DELETED, page: None, controls };
        match self.search(&search, |entry| out.write(&read(entry, DELETED, 0))) {
            // No such object for this reader, or no right to it.
            Err(problem) if problem.failure == FetchFailure::SearchFailed => Ok(()),
            outcome => outcome,
        }
    }
}

fn one_object<'s>(base: &'s str, attributes: &'s [&'s str]) -> Search<'s> {
    let filter = Filter::Present("objectClass");
    Search { base, scope: Scope::Base, filter, attributes, page: None, controls: &[] }
}

/// What was asked for of an entry. `from` is the value that a part must begin beyond, so that parts come to an end.
fn read(entry: &SearchEntry<'_>, asked: &'static [&'static str], from: u32) -> FoundEntry {
    let mut found = FoundEntry { dn: without_extension(entry.dn).to_owned(), attributes: Vec::new(), open: Vec::new() };
    for (description, values) in &entry.attributes {
        let name = description.split(';').next().unwrap_or_default();
        let Some(attribute) = asked.iter().copied().find(|attribute| attribute.eq_ignore_ascii_case(name)) else {
            continue;
        };
        if let Some(next) = range_of(description).and_then(|range| range.next).filter(|next| *next > from) {
            found.open.push((attribute, next));
        }
        let values = values.iter().filter_map(|value| match attribute {
            // A name may be another tomorrow; who has no SID is no computer.
            "member" => match std::str::from_utf8(value).ok().filter(|name| name.starts_with('<')) {
                Some(name) => sid_of(name).map(|sid| sid.as_bytes().to_vec()),
                None => Some(value.to_vec()),
            },
            _ => Some(value.to_vec()),
        });
        found.attributes.extend(values.map(|value| (attribute, value)));
    }
    found
}

/// Where entries go.
struct LdifOut<'o, W>(&'o mut W);

impl<W: Write> LdifOut<'_, W> {
    fn write(&mut self, found: &FoundEntry) -> Result<(), FetchProblem> {
        let attributes = found.attributes.iter().map(|(name, value)| (*name, value.as_slice()));
        ldif::write_entry(self.0, &found.dn, attributes).map_err(|error| gone(&error))
    }
}

fn unusable(text: &str) -> FetchProblem {
    FetchProblem::new(FetchFailure::Unusable, text)
}

const ROOT: &[&str] =
    &["defaultNamingContext", "configurationNamingContext", "dsServiceName", "dnsHostName", "highestCommittedUSN"];
const SERVICE: &[&str] = &["invocationId"];
const DOMAIN: &[&str] = &["objectClass", "objectSid"];
const CROSS_REF: &[&str] = &["objectClass", "nCName", "nETBIOSName"];
const AUTHORITIES: &[&str] = &["cACertificate"];
const GROUP: &[&str] = &["objectClass", "objectGUID", "objectSid", "sAMAccountName", "groupType", "member"];
const COMPUTER: &[&str] = &[
    "objectCategory",
    "objectGUID",
    "objectSid",
    "sAMAccountName",
    "dNSHostName",
    "servicePrincipalName",
    "userAccountControl",
    "accountExpires",
    "altSecurityIdentities",
    "primaryGroupID",
];
const DELETED: &[&str] = &["objectGUID", "isDeleted"];
/// As `ravelin-feeds` looks for it.
const NT_AUTH: &str = "CN=NTAuthCertificates,CN=Public Key Services,CN=Services";
/// GUID_DELETED_OBJECTS_CONTAINER_W ([MS-ADTS] §6.1.1.4).
const DELETED_OBJECTS: &str = "18E2EA80684F11D2B9AA00C04F79F805";
const NO_SUCH_OBJECT: i64 = 32;
/// Every computer of the largest directory that is planned for, twice over.
const VALUES_MAX: usize = 1_000_000;

/// Whoever takes what was fetched has gone.
pub(super) fn gone(error: &std::io::Error) -> FetchProblem {
    FetchProblem::new(FetchFailure::Crashed, format!("nobody takes what was fetched: {error}"))
}
