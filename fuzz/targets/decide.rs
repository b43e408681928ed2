//! Any certificate chain before a policy: nobody passes but the one client of the estate in `fuzz/pki`, the decision is the
//! same every time, and what is shown of a stranger is harmless.

use std::sync::OnceLock;
use std::time::Duration;

use ravelin_policy::{
    Context, DenyList, NameRules, Origin, Policy, PolicySpec, PresentedChain, Problem, RevocationCheck, RevocationSpec,
    Source, Verdict,
};
use rustls_pki_types::{CertificateDer, UnixTime};

/// `data` is a row of certificates, each behind its length in two bytes. Panics where a promise is broken.
pub(crate) fn run(data: &[u8]) {
    static POLICY: OnceLock<Policy> = OnceLock::new();
    let policy = POLICY.get_or_init(|| {
        assert!(the_client_passes());
        estate()
    });
    let chain = PresentedChain { certificates: certificates(data) };
    let decision = policy.decide(&chain, &CONTEXT);
    let again = policy.decide(&chain, &CONTEXT);
    assert_eq!(decision.rules, again.rules);
    for text in decision.rules.iter().map(|rule| &rule.detail) {
        assert!(text.len() < 8_192 && !text.contains(|c: char| c.is_control()), "{text:?}");
    }
    match decision.verdict {
        Verdict::Permit(permit) => {
            // The signed part: a signature in another encoding would still be the authority's.
            let signed = &CLIENT[4..][..tbs_len(CLIENT)];
            let leaf = chain.certificates.first().expect("nobody passes without a certificate");
            assert!(leaf.windows(signed.len()).any(|window| window == signed), "a stranger passed");
            assert_eq!(permit.policy(), "fuzz");
            assert!(permit.valid_until() > CONTEXT.now);
        }
        Verdict::Denial(denial) => {
            assert!(denial.detail.len() < 8_192 && !denial.detail.contains(|c: char| c.is_control()));
        }
    }
}

/// The policy lets the estate's client in, or the target would show nothing.
pub(crate) fn the_client_passes() -> bool {
    let certificates = vec![CertificateDer::from(CLIENT)];
    matches!(estate().decide(&PresentedChain { certificates }, &CONTEXT).verdict, Verdict::Permit(_))
}

fn certificates(mut data: &[u8]) -> Vec<CertificateDer<'static>> {
    let mut certificates = Vec::new();
    while let Some(([high, low], rest)) = data.split_first_chunk() {
        let (der, rest) = rest.split_at(rest.len().min(usize::from(u16::from_be_bytes([*high, *low]))));
        certificates.push(CertificateDer::from(der.to_vec()));
        data = rest;
    }
    certificates
}

/// Length of the TBSCertificate with its header, which lies behind the four bytes of the certificate's own.
fn tbs_len(certificate: &[u8]) -> usize {
    4 + usize::from(u16::from_be_bytes([certificate[6], certificate[7]]))
}

fn estate() -> Policy {
    policy(ISSUING_CRL).unwrap_or_else(|problems| panic!("the estate of fuzz/pki makes no policy: {problems:?}"))
}

/// The estate's policy, with these bytes for the CRL of its issuing authority.
pub(crate) fn policy(issuing_crl: &[u8]) -> Result<Policy, Vec<Problem>> {
    let source = |origin: &str, der: &[u8]| Source { origin: Origin::file(origin), der: der.to_vec() };
    let spec = PolicySpec {
        name: "fuzz".to_owned(),
        trust_anchors: vec![source("root.der", ROOT)],
        intermediates: vec![source("issuing.der", ISSUING)],
        issued_by: Some(vec![source("issuing.der", ISSUING)]),
        purposes: vec!["1.3.6.1.5.5.7.3.2".to_owned()],
        purpose_absent_allowed: false,
        names: NameRules::Listed { allow: vec!["*.corp.example.com".to_owned()], deny: Vec::new() },
        deny: DenyList::default(),
        revocation: RevocationSpec {
            check: RevocationCheck::Chain,
            crls: vec![source("root.crl", ROOT_CRL), source("issuing.crl", issuing_crl)],
            unknown_allowed: false,
            stale_grace: Duration::ZERO,
        },
        account: None,
        shadow: None,
    };
    Policy::build(spec, CONTEXT.now).map(|(policy, _)| policy)
}

/// 2030: within every validity of the estate.
pub(crate) const CONTEXT: Context =
    Context { now: UnixTime::since_unix_epoch(Duration::from_secs(1_900_000_000)), generation: 1 };

pub(crate) const CLIENT: &[u8] = include_bytes!("../pki/client.der");
const ISSUING: &[u8] = include_bytes!("../pki/issuing.der");
pub(crate) const ISSUING_CRL: &[u8] = include_bytes!("../pki/issuing.crl");
const ROOT: &[u8] = include_bytes!("../pki/root.der");
const ROOT_CRL: &[u8] = include_bytes!("../pki/root.crl");
