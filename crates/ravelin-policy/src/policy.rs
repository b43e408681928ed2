//! One policy: built whole or not at all, and the one decision.

use std::sync::Arc;

use rustls_pki_types::UnixTime;

use crate::account::{AccountRule, Mapped};
use crate::authorities::{Authorities, Authority, read_authority};
use crate::certificate::Certificate;
use crate::crl_status::CrlStatus;
use crate::decision::{Context, Decision, Denial, Outcome, Permit, PresentedChain, Reason, RuleReport, Verdict};
use crate::deny::Denied;
use crate::digest::sha256_hex;
use crate::directory::Directory;
use crate::identity::Identity;
use crate::judge::{self, Judged, PathRules, Revocation, crl_issuer, report, rule_of};
use crate::names::Names;
use crate::origin::Origin;
use crate::path::{Failure, Found, Path, Search, SearchCost, VerifiedSignatures};
use crate::purpose::Purposes;
use crate::revocation::Crls;
use crate::shape::{self, Misshapen, Shaped};
use crate::spec::{AccountSpec, Notice, PolicySpec, Problem, RevocationCheck, RevocationSpec, ShadowSpec, Source};
use crate::time::unix_seconds;

/// One policy of one generation: everything a decision needs. Immutable, but for signatures that it remembers.
#[derive(Debug)]
pub struct Policy {
    name: String,
    authorities: Authorities,
    verified_signatures: Arc<VerifiedSignatures>,
    path_rules: PathRules,
    names: Names,
    denied: Denied,
    account: Option<AccountRule>,
    shadow: Option<Shadow>,
}

/// Rules under trial.
#[derive(Debug)]
struct Shadow {
    names: Option<Names>,
    issued_by: Option<Vec<Certificate>>,
    purposes: Option<Purposes>,
    account: Option<AccountRule>,
}

impl Policy {
    /// The one decision. Pure: the same chain and context give the same answer.
    pub fn decide(&self, chain: &PresentedChain, context: &Context) -> Decision {
        self.decide_counting(chain, context).0
    }

    /// [`Policy::decide`], and what the search for a path cost.
    pub(crate) fn decide_counting(&self, chain: &PresentedChain, context: &Context) -> (Decision, SearchCost) {
        let mut rules = Vec::with_capacity(judge::RULES.len());
        let shaped = match shape::check(&chain.certificates, &self.authorities) {
            Ok(shaped) => shaped,
            Err(Misshapen { denial, leaf }) => {
                let identity = leaf.as_deref().map(identity);
                return (denied(identity, rules, "shape", denial), SearchCost::default());
            }
        };
        let Shaped { leaf, sent } = &shaped;
        rules.push(report("shape", Outcome::Passed, shaped.text()));
        let identity = identity(leaf);

        let judge = |path: &Path<'_>| self.path_rules.judge(path, context.now);
        let (searched, cost) = Search::new(leaf, sent, &self.authorities, &self.verified_signatures, judge).run();
        let Found { path, judged } = match searched {
            Ok(found) => found,
            Err(Failure { stage, reason, detail, passed }) => {
                rules.extend(passed);
                return (denied(Some(identity), rules, rule_of(stage), Denial { reason, detail }), cost);
            }
        };
        let Judged { reports, valid_until } = judged;
        rules.extend(reports);

        let named = match self.names.check(leaf) {
            Ok(named) => named,
            Err(denial) => return (denied(Some(identity), rules, "names", denial), cost),
        };
        rules.push(report("names", named.outcome, named.detail));

        if let Some(detail) = self.find_denied(&path, &named.names) {
            let denial = Denial { reason: Reason::DenyListed, detail };
            return (denied(Some(identity), rules, "deny_list", denial), cost);
        }
        rules.push(self.deny_list_report());

        let mapped = match self.account.as_ref().map(|rule| rule.check(&path, leaf, unix_seconds(context.now))) {
            Some(Ok(mapped)) => Some(mapped),
            Some(Err(denial)) => return (denied(Some(identity), rules, "account", denial), cost),
            None => None,
        };
        let (account, account_key, valid_until) = match mapped {
            Some(Mapped { report: account, detail, key, valid_until: until }) => {
                rules.push(report("account", Outcome::Passed, detail));
                (Some(account), Some(key), valid_until.min(until))
            }
            None => {
                rules.push(report("account", Outcome::NotAsked, "no directory is configured".to_owned()));
                (None, None, valid_until)
            }
        };

        let name_or_key = || named.names.into_iter().next().unwrap_or_else(|| identity.spki_sha256.clone());
        let identity_key = account_key.unwrap_or_else(name_or_key);
        let permit = Permit {
            policy: self.name.clone(),
            generation: context.generation,
            identity_key,
            valid_until: UnixTime::since_unix_epoch(std::time::Duration::from_secs(
                u64::try_from(valid_until).unwrap_or_default(),
            )),
        };
        let shadow_denial =
            self.shadow.as_ref().and_then(|shadow| shadow.check(&path, leaf, unix_seconds(context.now)).err());
        (Decision { verdict: Verdict::Permit(permit), identity: Some(identity), rules, account, shadow_denial }, cost)
    }

    /// The policy's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Subjects (DER) of the certificate authorities a client's certificate may come from, for the hint list of a
    /// CertificateRequest: anchors and configured intermediates, each name once.
    pub fn authority_subjects(&self) -> Vec<Vec<u8>> {
        let mut subjects: Vec<Vec<u8>> = Vec::new();
        for authority in self.authorities.iter() {
            let subject = &authority.certificate.subject.der;
            if !subjects.contains(subject) {
                subjects.push(subject.clone());
            }
        }
        subjects
    }

    /// The CRLs in use, for metrics and `status`.
    pub fn crls(&self) -> Vec<CrlStatus> {
        self.path_rules.revocation.crls.describe()
    }

    /// The directory it judges accounts by.
    pub fn directory(&self) -> Option<&Arc<Directory>> {
        self.account.as_ref().and_then(AccountRule::directory)
    }

    fn find_denied(&self, path: &Path<'_>, names: &[String]) -> Option<String> {
        let name = self.names.denied(names).map(|name| format!("the name {name} is on the deny list"));
        name.or_else(|| self.denied.find(path))
    }

    fn deny_list_report(&self) -> RuleReport {
        if self.denied.is_empty() && !self.names.has_denied() {
            report("deny_list", Outcome::NotAsked, "the deny list is empty".to_owned())
        } else {
            report("deny_list", Outcome::Passed, "neither names, serial numbers nor keys are on it".to_owned())
        }
    }
}

impl Shadow {
    fn check(&self, path: &Path<'_>, leaf: &Certificate, now: i64) -> Result<(), Denial> {
        if let Some(purposes) = &self.purposes {
            purposes.check(path)?;
        }
        if let Some(allowed) = &self.issued_by {
            judge::check_issued_by(path, allowed)?;
        }
        if let Some(names) = &self.names {
            let named = names.check(leaf)?;
            if let Some(name) = names.denied(&named.names) {
                return Err(Denial::new(Reason::DenyListed, format!("the name {name} is on the deny list")));
            }
        }
        if let Some(account) = &self.account {
            account.check(path, leaf, now)?;
        }
        Ok(())
    }
}

impl Policy {
    /// Builds a policy whole or says everything that stops it. `now` is needed to judge anchors and CRLs at load time.
    ///
    /// # Errors
    /// Every problem: no anchor, an anchor that is no certificate authority or expired, a pattern that is none, …
    pub fn build(spec: PolicySpec, now: UnixTime) -> Result<(Policy, Vec<Notice>), Vec<Problem>> {
        let mut notices = Vec::new();
        let mut problems = Vec::new();
        let PolicySpec { trust_anchors, intermediates, revocation, shadow, .. } = &spec;
        let authorities =
            Authorities::load(trust_anchors, intermediates, unix_seconds(now), &mut notices, &mut problems);
        let issued_by = read_issuers(ISSUED_BY, spec.issued_by.as_deref(), &authorities, &mut notices, &mut problems);
        let purposes = keep(&spec.name, Purposes::read(&spec.purposes, spec.purpose_absent_allowed), &mut problems);
        let names = keep(&spec.name, Names::read(&spec.names), &mut problems);
        let denied = Denied::load(&spec.deny, &mut problems);
        let account = spec
            .account
            .as_ref()
            .and_then(|rule| read_account(rule, &spec.name, &authorities, &mut notices, &mut problems));
        let shadow =
            shadow.as_ref().map(|shadow| read_shadow(shadow, &spec, &authorities, &mut notices, &mut problems));

        let crl_issuers: Vec<_> = authorities.iter().map(|one| crl_issuer(&one.certificate)).collect();
        let (crls, crl_notices) = Crls::load(&revocation.crls, &crl_issuers, now);
        notices.extend(crl_notices);
        notices.extend(authorities_without_crl(&authorities, revocation, &crls));

        let (Some(purposes), Some(names), []) = (purposes, names, problems.as_slice()) else {
            return Err(problems);
        };
        if names.admits_nobody() {
            let text = "names.allow is empty: this policy admits nobody. Name a pattern such as *.corp.example.com";
            notices.push(Notice { origin: Origin::setting(&spec.name), text: text.to_owned() });
        }
        let revocation = Revocation {
            check: revocation.check,
            crls,
            unknown_allowed: revocation.unknown_allowed,
            stale_grace: revocation.stale_grace,
        };
        let path_rules = PathRules { purposes, issued_by, revocation };
        let verified_signatures = Arc::default();
        let name = spec.name;
        Ok((Policy { name, authorities, verified_signatures, path_rules, names, denied, account, shadow }, notices))
    }
}

impl Policy {
    /// Takes over from the policy of this name in the generation before. To be called once, on a policy just built and not
    /// yet in force.
    ///
    /// - CRLs that it knew better: a CRL whose file is now missing, damaged, older or signed by a stranger goes
    ///   on counting until its end (docs/rules.md rule 13). Each is named in a notice.
    /// - Signatures that were verified: whether a key signed a certificate depends on no rule.
    pub fn take_over(&mut self, previous: &Policy, now: UnixTime) -> Vec<Notice> {
        self.verified_signatures = Arc::clone(&previous.verified_signatures);
        let authorities: Vec<_> = self.authorities.iter().map(|one| crl_issuer(&one.certificate)).collect();
        self.path_rules.revocation.crls.keep_newer_of(&previous.path_rules.revocation.crls, &authorities, now)
    }
}

/// Authorities whose certificates would all be of unknown status (docs/traps.md row 32).
fn authorities_without_crl(authorities: &Authorities, revocation: &RevocationSpec, crls: &Crls) -> Vec<Notice> {
    let consequence = if revocation.unknown_allowed { "pass unchecked (unknown = \"allow\")" } else { "are refused" };
    let is_asked =
        |one: &&Authority| revocation.check != RevocationCheck::Off && !crls.has_crl_of(&crl_issuer(&one.certificate));
    authorities
        .iter()
        .filter(is_asked)
        .map(|one| {
            let text = format!("no CRL of {}: certificates it issued {consequence}", one.certificate.label());
            Notice { origin: one.origin.clone(), text }
        })
        .collect()
}

/// Authorities that a key names; `empty` says what an empty list means.
fn read_issuers(
    (key, empty): (&str, &str),
    sources: Option<&[Source]>,
    authorities: &Authorities,
    notices: &mut Vec<Notice>,
    problems: &mut Vec<Problem>,
) -> Option<Vec<Certificate>> {
    let sources = sources?;
    let mut allowed = Vec::with_capacity(sources.len());
    for source in sources {
        match read_authority(source) {
            Ok(certificate) => {
                let is_configured = authorities.iter().any(|one| one.certificate.is_same_authority(&certificate));
                if !is_configured {
                    let text = format!(
                        "{key} names an authority that is neither a trust anchor nor an intermediate here: clients that \
                         send their certificate alone will be refused. Add it to intermediates"
                    );
                    notices.push(Notice { origin: source.origin.clone(), text });
                }
                allowed.push(certificate);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if sources.is_empty() {
        let text = format!("{key} is empty: {empty}. Leave the key out to allow every authority");
        notices.push(Notice { origin: Origin::setting(key), text });
    }
    Some(allowed)
}

fn read_account(
    rule: &AccountSpec,
    origin: &str,
    authorities: &Authorities,
    notices: &mut Vec<Notice>,
    problems: &mut Vec<Problem>,
) -> Option<AccountRule> {
    let mut notice = |text: &str| notices.push(Notice { origin: Origin::setting(origin), text: text.to_owned() });
    if rule.allow_groups.is_empty() {
        notice("directory.allow_groups is empty: this policy admits nobody. Name a group of computer accounts");
    }
    if let Some(unread) =
        rule.directory.as_ref().map(|directory| directory.unread_mappings()).filter(|unread| *unread > 0)
    {
        notice(&format!(
            "{unread} values of altSecurityIdentities map nobody: they cannot be read, or bind no issuer (<S>, <RFC822>)"
        ));
    }
    let sources = rule.explicit_issuers.as_deref();
    let issuers = read_issuers(EXPLICIT_ISSUERS, sources, authorities, notices, problems);
    keep(origin, AccountRule::read(rule, issuers), problems)
}

fn read_shadow(
    shadow: &ShadowSpec,
    spec: &PolicySpec,
    authorities: &Authorities,
    notices: &mut Vec<Notice>,
    problems: &mut Vec<Problem>,
) -> Shadow {
    let origin = format!("{} (shadow)", spec.name);
    let purposes = shadow.purposes.as_ref().map(|dotted| Purposes::read(dotted, spec.purpose_absent_allowed));
    let names = shadow.names.as_ref().map(Names::read);
    let account = shadow.account.as_ref().and_then(|rule| read_account(rule, &origin, authorities, notices, problems));
    Shadow {
        account,
        issued_by: read_issuers(ISSUED_BY, shadow.issued_by.as_deref(), authorities, notices, problems),
        purposes: purposes.and_then(|read| keep(&origin, read, problems)),
        names: names.and_then(|read| keep(&origin, read, problems)),
    }
}

/// Keys that name authorities, and what an empty list of theirs means.
const ISSUED_BY: (&str, &str) = ("issued_by", "this policy admits nobody");
const EXPLICIT_ISSUERS: (&str, &str) = ("directory.explicit_issuers", "no explicit mapping counts");

/// Keeps the value, or turns every text into a problem.
fn keep<T>(origin: &str, read: Result<T, Vec<String>>, problems: &mut Vec<Problem>) -> Option<T> {
    read.map_err(|texts| {
        problems.extend(texts.into_iter().map(|text| Problem { origin: Origin::setting(origin), text }))
    })
    .ok()
}

/// A denial in this rule; those after it were not reached.
fn denied(identity: Option<Identity>, mut rules: Vec<RuleReport>, rule: &'static str, denial: Denial) -> Decision {
    rules.push(report(rule, Outcome::Denied(denial.reason), denial.detail.clone()));
    let after = judge::RULES.iter().skip_while(|one| **one != rule).skip(1);
    rules.extend(after.map(|rule| report(rule, Outcome::NotReached, String::new())));
    Decision { verdict: Verdict::Denial(denial), identity, rules, account: None, shadow_denial: None }
}

fn identity(leaf: &Certificate) -> Identity {
    Identity {
        dns_names: crate::names::presented_dns_names(leaf),
        subject: leaf.subject.text(),
        issuer: leaf.issuer.text(),
        serial: leaf.serial_text(),
        spki_sha256: sha256_hex(&leaf.public_key.spki),
        not_after: leaf.not_after,
    }
}
