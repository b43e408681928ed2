//! Decisions on whole certificate crls: the tables, one file per behaviour.
//!
//! They use nothing but the crate's interface, and every row goes through [`check`]: the tests of `ravelin-tls` take in this
//! folder as it is, and send each row through a handshake of either engine as well. What differs between the two is
//! in `super`: `also` and `also_free`.

mod accounts;
mod bounds;
mod certificate_policies;
mod estate;
mod naming;
mod paths;
mod public_suites;
mod reasons;
mod revoking;

pub(crate) use std::sync::{Arc, LazyLock};
pub(crate) use std::time::Duration;

pub(crate) use ravelin_lab::pki::{Authority, Crl, Estate, Issued, purpose};
pub(crate) use rustls_pki_types::{CertificateDer, UnixTime};

use super::{
    AccountMapping, AccountSpec, Context, Decision, DeniedSerial, DenyList, NameRules, Origin, Outcome, Policy,
    PolicySpec, PresentedChain, RULES, Reason, RevocationCheck, RevocationSpec, ShadowSpec, Source, Verdict, also,
    also_free, directory,
};

/// 2026-11-24 12:00:00 UTC.
pub(crate) const NOW: i64 = 1_795_521_600;

/// The standard estate, made once.
pub(crate) static ESTATE: LazyLock<Estate> = LazyLock::new(|| Estate::standard(NOW));

pub(crate) fn source(origin: &str, der: &[u8]) -> Source {
    Source { origin: Origin::file(origin), der: der.to_vec() }
}

pub(crate) fn at(seconds: i64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(seconds).unwrap()))
}

pub(crate) fn chain<D: AsRef<[u8]>>(certificates: &[D]) -> PresentedChain {
    let certificates = certificates.iter().map(|der| CertificateDer::from(der.as_ref().to_vec())).collect();
    PresentedChain { certificates }
}

/// A policy that trusts one root, asks for client authentication and nothing else.
pub(crate) fn spec(root: &Authority) -> PolicySpec {
    PolicySpec {
        name: "test".to_owned(),
        trust_anchors: vec![source("root.pem", root.certificate_der())],
        intermediates: Vec::new(),
        issued_by: None,
        purposes: vec![purpose::CLIENT_AUTH.to_owned()],
        purpose_absent_allowed: false,
        names: NameRules::Any,
        deny: DenyList::default(),
        revocation: no_revocation(),
        account: None,
        shadow: None,
    }
}

/// The standard estate's policy, as its administrator would write it.
pub(crate) fn estate_spec() -> PolicySpec {
    PolicySpec {
        intermediates: vec![
            source("issuing.pem", ESTATE.issuing.certificate_der()),
            source("issuing-renewed.pem", ESTATE.issuing_renewed.certificate_der()),
        ],
        names: listed(&["*.corp.example.test"], &["pc-lost.corp.example.test"]),
        revocation: crls(&[&ESTATE.root_crl, &ESTATE.issuing_crl, &ESTATE.issuing_renewed_crl]),
        ..spec(&ESTATE.root)
    }
}

pub(crate) fn listed(allow: &[&str], deny: &[&str]) -> NameRules {
    let own = |patterns: &[&str]| patterns.iter().map(|one| (*one).to_owned()).collect();
    NameRules::Listed { allow: own(allow), deny: own(deny) }
}

pub(crate) fn no_revocation() -> RevocationSpec {
    RevocationSpec {
        check: RevocationCheck::Off,
        crls: Vec::new(),
        unknown_allowed: false,
        stale_grace: Duration::ZERO,
    }
}

pub(crate) fn crls(crls: &[&Crl]) -> RevocationSpec {
    let crls = crls.iter().enumerate().map(|(nth, crl)| source(&format!("{nth}.crl"), &crl.der)).collect();
    RevocationSpec { check: RevocationCheck::Chain, crls, ..no_revocation() }
}

#[track_caller]
pub(crate) fn build(spec: PolicySpec) -> Arc<Policy> {
    Arc::new(Policy::build(spec, at(NOW)).expect("a policy").0)
}

pub(crate) fn decide(policy: &Policy, chain: &PresentedChain) -> Decision {
    policy.decide(chain, &Context { now: at(NOW), generation: 7 })
}

pub(crate) fn outcome(decision: &Decision) -> Result<(), Reason> {
    match &decision.verdict {
        Verdict::Permit(_) => Ok(()),
        Verdict::Denial(denial) => Err(denial.reason),
    }
}

/// One row of a table.
pub(crate) struct Row<'a> {
    pub(crate) case: &'a str,
    pub(crate) policy: &'a Arc<Policy>,
    pub(crate) chain: PresentedChain,
    /// Unix seconds at which it is judged.
    pub(crate) now: i64,
    /// Whose key it is, where the row has it.
    pub(crate) key: Option<&'a Issued>,
}

impl Row<'_> {
    pub(crate) fn context(&self) -> Context {
        Context { now: at(self.now), generation: 7 }
    }

    /// Decides, and holds the report against its promises.
    #[track_caller]
    pub(crate) fn judged(&self) -> Decision {
        let decision = self.policy.decide(&self.chain, &self.context());
        assert_report(self.case, &decision);
        also(self);
        decision
    }
}

/// Judges a list, holds the report against its promises, and the verdict against the expected one.
#[track_caller]
pub(crate) fn check<D: AsRef<[u8]>>(
    case: &str,
    policy: &Arc<Policy>,
    certificates: &[D],
    expected: Result<(), Reason>,
) {
    let decision = Row { case, policy, chain: chain(certificates), now: NOW, key: None }.judged();
    assert_eq!(outcome(&decision), expected, "{case}: {decision:#?}");
}

/// As [`check`], for the list that a well-kept client sends.
#[track_caller]
pub(crate) fn check_issued(case: &str, policy: &Arc<Policy>, issued: &Issued, expected: Result<(), Reason>) {
    let decision = Row { case, policy, chain: chain(&issued.chain()), now: NOW, key: Some(issued) }.judged();
    assert_eq!(outcome(&decision), expected, "{case}: {decision:#?}");
}

/// Whatever the verdict: nine rules in order, the denial's rule says so, none after it was reached, all text is plain.
#[track_caller]
pub(crate) fn assert_report(case: &str, decision: &Decision) {
    let names: Vec<&str> = decision.rules.iter().map(|rule| rule.rule).collect();
    assert_eq!(names, RULES, "{case}");
    let denied = decision.rules.iter().position(|rule| matches!(rule.outcome, Outcome::Denied(_)));
    match (&decision.verdict, denied) {
        (Verdict::Denial(denial), Some(at)) => {
            assert_eq!(decision.rules[at].outcome, Outcome::Denied(denial.reason), "{case}");
            assert_eq!(decision.rules[at].detail, denial.detail, "{case}");
            assert!(!denial.detail.is_empty(), "{case}");
            assert!(decision.rules[at + 1..].iter().all(|rule| rule.outcome == Outcome::NotReached), "{case}");
            assert!(decision.shadow_denial.is_none(), "{case}");
        }
        (Verdict::Permit(permit), None) => {
            assert!(decision.rules.iter().all(|rule| rule.outcome != Outcome::NotReached), "{case}");
            assert_eq!((permit.policy(), permit.generation()), ("test", 7), "{case}");
        }
        _ => panic!("{case}: verdict and report differ: {decision:#?}"),
    }
    for rule in &decision.rules {
        assert!(rule.detail.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{case}: {:?}", rule.detail);
        assert!(rule.detail.len() <= 4096, "{case}: {} bytes", rule.detail.len());
    }
}
