//! A session's record while its tunnel stands: the same facts in one block of memory. A tunnel stands for days and its
//! record is read once, so some thirty strings and vectors, each with its header and its spare room, are not kept apart.

use std::net::SocketAddr;
use std::time::Duration;

use ravelin_policy::{AccountReport, Denial, Identity, Outcome, RULES, Reason, RuleReport};
use ravelin_tls::Negotiated;
use time::OffsetDateTime;

use ravelin_ops::record::{SessionEnd, SessionRecord};

/// What [`PackedRecord::pack`] was given, but for what is known only at the end.
pub(crate) struct PackedRecord {
    facts: Facts,
    /// Where there is a directory; apart, as most have none.
    account: Option<Box<AccountReport>>,
    /// Place in [`RULES`], and what came of it.
    rules: Box<[(u8, Outcome)]>,
    /// Every text, each behind its length.
    texts: Box<[u8]>,
}

/// What is no text.
struct Facts {
    session: u64,
    accepted_at: OffsetDateTime,
    client: SocketAddr,
    generation: u64,
    negotiated: Option<Negotiated>,
    null_only_hello: bool,
    handshake: Option<Duration>,
    /// End of validity and number of DNS names of the identity, where there is one.
    identity: Option<(i64, u32)>,
    shadow: Option<Reason>,
    alert_sent: Option<u8>,
    extra_headers: u32,
    has: Has,
}

/// Which texts are there that need not be.
struct Has {
    site: bool,
    server_name: bool,
    identity_key: bool,
    server: bool,
}

impl PackedRecord {
    /// `duration`, `tunnel`, `end`, `detail`, the counts of bytes and the suites that a broken handshake offered are not
    /// kept: the end of a tunnel sets them, or there are none.
    pub(crate) fn pack(record: &SessionRecord) -> PackedRecord {
        let SessionRecord {
            session,
            accepted_at,
            duration: _,
            listener,
            client,
            site,
            generation,
            server_name,
            negotiated,
            offered_suites: _,
            null_only_hello,
            handshake,
            identity,
            identity_key,
            account,
            rules,
            shadow_denial,
            alert_sent,
            extra_headers,
            server,
            to_server_bytes: _,
            to_client_bytes: _,
            tunnel: _,
            end: _,
            detail: _,
        } = record;
        let mut texts = Vec::new();
        put(&mut texts, listener);
        for text in [site, server_name, identity_key, server].into_iter().flatten() {
            put(&mut texts, text);
        }
        if let Some(Identity { dns_names, subject, issuer, serial, spki_sha256, not_after: _ }) = identity {
            for text in [subject, issuer, serial, spki_sha256].into_iter().chain(dns_names) {
                put(&mut texts, text);
            }
        }
        for text in rules.iter().map(|rule| &rule.detail).chain(shadow_denial.iter().map(|denial| &denial.detail)) {
            put(&mut texts, text);
        }
        let place = |rule: &RuleReport| RULES.iter().position(|name| *name == rule.rule).unwrap_or(RULES.len());
        PackedRecord {
            facts: Facts {
                session: *session,
                accepted_at: *accepted_at,
                client: *client,
                generation: *generation,
                negotiated: *negotiated,
                null_only_hello: *null_only_hello,
                handshake: *handshake,
                identity: identity.as_ref().map(|it| (it.not_after, count(it.dns_names.len()))),
                shadow: shadow_denial.as_ref().map(|denial| denial.reason),
                alert_sent: *alert_sent,
                extra_headers: count(*extra_headers),
                has: Has {
                    site: site.is_some(),
                    server_name: server_name.is_some(),
                    identity_key: identity_key.is_some(),
                    server: server.is_some(),
                },
            },
            account: account.clone().map(Box::new),
            rules: rules.iter().map(|rule| (u8::try_from(place(rule)).unwrap_or(u8::MAX), rule.outcome)).collect(),
            texts: texts.into_boxed_slice(),
        }
    }

    /// The record again.
    pub(crate) fn unpack(&self) -> SessionRecord {
        let (facts, mut texts) = (&self.facts, self.texts.as_ref());
        let mut next = || take(&mut texts);
        let listener = next();
        let site = facts.has.site.then(&mut next);
        let server_name = facts.has.server_name.then(&mut next);
        let identity_key = facts.has.identity_key.then(&mut next);
        let server = facts.has.server.then(&mut next);
        let identity = facts.identity.map(|(not_after, names)| {
            let (subject, issuer, serial, spki_sha256) = (next(), next(), next(), next());
            Identity {
                dns_names: (0..names).map(|_| next()).collect(),
                subject,
                issuer,
                serial,
                spki_sha256,
                not_after,
            }
        });
        let name = |place: u8| RULES.get(usize::from(place)).copied().unwrap_or_default();
        let report =
            |(place, outcome): &(u8, Outcome)| RuleReport { rule: name(*place), outcome: *outcome, detail: next() };
        let rules = self.rules.iter().map(report).collect();
        let shadow_denial = facts.shadow.map(|reason| Denial { reason, detail: take(&mut texts) });
        SessionRecord {
            session: facts.session,
            accepted_at: facts.accepted_at,
            duration: Duration::ZERO,
            listener,
            client: facts.client,
            site,
            generation: facts.generation,
            server_name,
            negotiated: facts.negotiated,
            offered_suites: Vec::new(),
            null_only_hello: facts.null_only_hello,
            handshake: facts.handshake,
            identity,
            identity_key,
            account: self.account.as_deref().cloned(),
            rules,
            shadow_denial,
            alert_sent: facts.alert_sent,
            extra_headers: usize::try_from(facts.extra_headers).unwrap_or(usize::MAX),
            server,
            to_server_bytes: 0,
            to_client_bytes: 0,
            tunnel: None,
            end: SessionEnd::InternalError,
            detail: String::new(),
        }
    }
}

fn put(texts: &mut Vec<u8>, text: &str) {
    texts.extend_from_slice(&count(text.len()).to_be_bytes());
    texts.extend_from_slice(text.as_bytes());
}

/// What [`put`] put next.
fn take(texts: &mut &[u8]) -> String {
    let Some((length, rest)) = texts.split_first_chunk() else { return String::new() };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX).min(rest.len());
    let (text, rest) = rest.split_at(length);
    *texts = rest;
    String::from_utf8_lossy(text).into_owned()
}

/// Texts of a record come from one certificate chain and one head, which are bounded far below.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ravelin_ops::samples::{denied, record, stranger};

    /// The log says the same of a record that was packed, and nothing else is made of records.
    #[test]
    fn a_packed_record_says_the_same() {
        let hostile = || {
            let mut hostile = record();
            let identity = hostile.identity.as_mut().unwrap();
            identity.dns_names = vec![String::new(), "a\0b".to_owned(), "\u{fc}".repeat(300)];
            identity.subject = String::new();
            hostile.rules = RULES
                .iter()
                .zip(Reason::ALL)
                .map(|(rule, reason)| RuleReport { rule, outcome: Outcome::Denied(*reason), detail: rule.repeat(7) })
                .collect();
            hostile.shadow_denial = Some(Denial { reason: Reason::Revoked, detail: "under trial".to_owned() });
            (hostile.alert_sent, hostile.null_only_hello, hostile.server_name) = (Some(42), true, None);
            hostile
        };
        for make in [record, hostile, || denied(Reason::Revoked), || stranger(SessionEnd::SourceLimit)] {
            let mut expected = make();
            let mut found = PackedRecord::pack(&expected).unpack();
            (found.duration, found.tunnel, found.end) = (expected.duration, expected.tunnel, expected.end);
            (found.to_client_bytes, found.to_server_bytes) = (expected.to_client_bytes, expected.to_server_bytes);
            found.detail.clone_from(&expected.detail);
            expected.offered_suites = Vec::new();
            assert_eq!(format!("{found:?}"), format!("{expected:?}"));
        }
    }
}
