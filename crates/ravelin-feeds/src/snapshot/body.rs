//! The body: domains, groups, accounts, one behind the other. Numbers are little-endian; a text stands behind its length in two
//! bytes, a list behind its count.
//!
//! ```text
//! list of domains:  text dns_name, text netbios_name, sid, i64 as_of, list (u32 count) of certificates (u32 length)
//! list of groups:   sid, text name
//! list of accounts: guid (16), u16 domain, u32 number in it, text sAMAccountName, text dNSHostName (empty: none),
//!                   list (u16) of texts, u32 userAccountControl, i64 expires (the largest: never), list (u16) of texts,
//!                   list (u16) of u32 groups
//! sid:              u8 length, its binary form
//! ```
//!
//! Accounts stand in the order of domain and number, so that none can be there twice.

use ravelin_policy::directory::{Account, DirectoryData, Domain, Group, Sid};

use super::error::SnapshotError;

/// Writes the facts.
pub(super) fn write(data: &DirectoryData) -> Result<Vec<u8>, SnapshotError> {
    let mut out = Writer(Vec::new());
    out.count(data.domains.len())?;
    for domain in &data.domains {
        out.text(&domain.dns_name)?;
        out.text(&domain.netbios_name)?;
        out.sid(&domain.sid);
        out.0.extend(domain.as_of.to_le_bytes());
        out.count(domain.nt_auth.len())?;
        for certificate in &domain.nt_auth {
            out.count(certificate.len())?;
            out.0.extend(certificate);
        }
    }
    out.count(data.groups.len())?;
    for group in &data.groups {
        out.sid(&group.sid);
        out.text(&group.name)?;
    }
    let mut accounts = Vec::with_capacity(data.accounts.len());
    for account in &data.accounts {
        let place = account.sid.split().and_then(|(own, number)| {
            let domain = data.domains.iter().position(|domain| domain.sid == own)?;
            Some((u16::try_from(domain).ok()?, number))
        });
        accounts.push((place.ok_or(SnapshotError::Body("an account of no domain in it"))?, account));
    }
    accounts.sort_unstable_by_key(|(place, _)| *place);
    if accounts.windows(2).any(|pair| matches!(pair, [(one, _), (next, _)] if one == next)) {
        return Err(SnapshotError::Body("a security identifier twice"));
    }
    out.count(accounts.len())?;
    for ((domain, number), account) in accounts {
        out.account(domain, number, account)?;
    }
    Ok(out.0)
}

/// Reads them back.
pub(super) fn read(body: &[u8]) -> Result<DirectoryData, SnapshotError> {
    let mut input = Input(body);
    let mut domains: Vec<Domain> = Vec::new();
    for _ in 0..input.u32()? {
        let (dns_name, netbios_name, sid) = (input.text()?.to_owned(), input.text()?.to_owned(), input.sid()?);
        let as_of = input.i64()?;
        let mut nt_auth = Vec::new();
        for _ in 0..input.u32()? {
            let length = usize::try_from(input.u32()?).map_err(|_| SHORT)?;
            nt_auth.push(input.bytes(length)?.to_vec());
        }
        if domains.iter().any(|one| one.sid == sid || one.dns_name == dns_name) {
            return Err(SnapshotError::Body("a domain twice"));
        }
        domains.push(Domain { dns_name, netbios_name, sid, nt_auth, as_of });
    }
    let mut groups: Vec<Group> = Vec::new();
    for _ in 0..input.u32()? {
        groups.push(Group { sid: input.sid()?, name: input.text()?.to_owned() });
    }
    let mut sids: Vec<&Sid> = groups.iter().map(|group| &group.sid).collect();
    sids.sort_unstable();
    if sids.windows(2).any(|pair| matches!(pair, [one, next] if one == next)) {
        return Err(SnapshotError::Body("a group twice"));
    }
    let count = usize::try_from(input.u32()?).map_err(|_| SHORT)?;
    // No more is set aside than the bytes that are there could fill.
    let mut accounts = Vec::with_capacity(count.min(body.len() / ACCOUNT_BYTES_MIN));
    let mut last = None;
    for _ in 0..count {
        let (place, account) = input.account(&domains, groups.len())?;
        if last.is_some_and(|last| last >= place) {
            return Err(SnapshotError::Body("accounts out of their order"));
        }
        last = Some(place);
        accounts.push(account);
    }
    if input.0.is_empty() {
        Ok(DirectoryData { domains, groups, accounts })
    } else {
        Err(SnapshotError::Body("something follows its accounts"))
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn count(&mut self, count: usize) -> Result<(), SnapshotError> {
        let count = u32::try_from(count).map_err(|_| TOO_LONG)?;
        self.0.extend(count.to_le_bytes());
        Ok(())
    }

    fn short_count(&mut self, count: usize) -> Result<(), SnapshotError> {
        let count = u16::try_from(count).map_err(|_| TOO_LONG)?;
        self.0.extend(count.to_le_bytes());
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), SnapshotError> {
        self.short_count(text.len())?;
        self.0.extend(text.as_bytes());
        Ok(())
    }

    fn sid(&mut self, sid: &Sid) {
        let bytes = sid.to_bytes();
        // At most 8 + 4 × 15.
        self.0.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
        self.0.extend(bytes);
    }

    fn account(&mut self, domain: u16, number: u32, account: &Account) -> Result<(), SnapshotError> {
        self.0.extend(account.guid);
        self.0.extend(domain.to_le_bytes());
        self.0.extend(number.to_le_bytes());
        self.text(&account.sam_account_name)?;
        self.text(account.dns_host_name.as_deref().unwrap_or_default())?;
        self.texts(&account.service_hosts)?;
        self.0.extend(account.user_account_control.to_le_bytes());
        self.0.extend(account.expires.unwrap_or(i64::MAX).to_le_bytes());
        self.texts(&account.alt_security_identities)?;
        self.short_count(account.groups.len())?;
        self.0.extend(account.groups.iter().flat_map(|group| group.to_le_bytes()));
        Ok(())
    }

    fn texts(&mut self, texts: &[String]) -> Result<(), SnapshotError> {
        self.short_count(texts.len())?;
        texts.iter().try_for_each(|text| self.text(text))
    }
}

/// What is left to read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn bytes(&mut self, length: usize) -> Result<&'a [u8], SnapshotError> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(SHORT)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*bytes)
    }

    fn u16(&mut self) -> Result<u16, SnapshotError> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, SnapshotError> {
        self.array().map(u32::from_le_bytes)
    }

    fn i64(&mut self) -> Result<i64, SnapshotError> {
        self.array().map(i64::from_le_bytes)
    }

    fn text(&mut self) -> Result<&'a str, SnapshotError> {
        let length = self.u16()?;
        let bytes = self.bytes(usize::from(length))?;
        std::str::from_utf8(bytes).map_err(|_| SnapshotError::Body("a text that is not UTF-8"))
    }

    fn texts(&mut self) -> Result<Vec<String>, SnapshotError> {
        (0..self.u16()?).map(|_| self.text().map(str::to_owned)).collect()
    }

    fn sid(&mut self) -> Result<Sid, SnapshotError> {
        let [length] = self.array()?;
        let bytes = self.bytes(usize::from(length))?;
        Sid::from_bytes(bytes).map_err(|_| SnapshotError::Body("a security identifier that is none"))
    }

    fn account(&mut self, domains: &[Domain], groups: usize) -> Result<((u16, u32), Account), SnapshotError> {
        let guid = self.array()?;
        let (domain, number) = (self.u16()?, self.u32()?);
        let sid = domains.get(usize::from(domain)).and_then(|domain| domain.sid.join(number));
        let sid = sid.ok_or(SnapshotError::Body("an account of no domain in it"))?;
        let sam_account_name = self.text()?.to_owned();
        let dns_host_name = Some(self.text()?).filter(|name| !name.is_empty()).map(str::to_owned);
        let service_hosts = self.texts()?;
        let user_account_control = self.u32()?;
        let expires = Some(self.i64()?).filter(|expires| *expires != i64::MAX);
        let alt_security_identities = self.texts()?;
        let places: Vec<u32> = (0..self.u16()?).map(|_| self.u32()).collect::<Result<_, _>>()?;
        let known = |place: &u32| usize::try_from(*place).is_ok_and(|place| place < groups);
        if !places.iter().all(known) || !places.is_sorted_by(|one, next| one < next) {
            return Err(SnapshotError::Body("an account in a group that is not in it"));
        }
        let account = Account {
            guid,
            sid,
            sam_account_name,
            dns_host_name,
            service_hosts,
            user_account_control,
            expires,
            alt_security_identities,
            groups: places,
        };
        Ok(((domain, number), account))
    }
}

/// An account whose texts and lists are all empty.
const ACCOUNT_BYTES_MIN: usize = 16 + 2 + 4 + 2 + 2 + 2 + 4 + 8 + 2 + 2;
const SHORT: SnapshotError = SnapshotError::Body("it ends early");
const TOO_LONG: SnapshotError = SnapshotError::Body("a text or list too long to be written");
