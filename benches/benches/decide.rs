//! What a decision costs, and what a refusal costs.
//!
//! A permit is measured twice: of a client that came before, whose issuer's signature is remembered, and of one that did not.
//!
//! Promise: a permit below 0.15 ms, any refusal of a stranger's list below 0.6 ms (docs/rules.md rule 2), both with
//! configured RSA authorities and lists.
//!
//! Cannot show: the TLS handshake around it, contention for caches, certificates of a size that no estate has.

#![expect(clippy::panic, reason = "a benchmark of the wrong thing must stop")]

use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use ravelin_lab::pki::{Authority, CertificateSpec, Estate, GeneralName, Key, KeyType, Name, purpose, self_signed};
use ravelin_policy::{
    Context, DenyList, NameRules, Origin, Policy, PolicySpec, PresentedChain, Reason, RevocationCheck, RevocationSpec,
    Source, Verdict,
};
use rustls_pki_types::{CertificateDer, UnixTime};

/// 2026-11-24 12:00:00 UTC.
const NOW: i64 = 1_795_521_600;

fn benchmarks(criterion: &mut Criterion) {
    let estate = Estate::standard(NOW);
    let policy = policy(&estate);
    let mut group = criterion.benchmark_group("decide");
    let clients = &estate.clients;
    for (name, list, expected) in [
        ("permit/rsa-leaf-by-rsa", clients.healthy.chain(), None),
        ("permit/p256-leaf-by-p256", clients.healthy_renewed.chain(), None),
        ("denied/revoked", clients.revoked.chain(), Some(Reason::Revoked)),
        ("denied/name", clients.wrong_name.chain(), Some(Reason::NameNotAllowed)),
        ("denied/unknown-issuer", clients.partner.chain(), Some(Reason::UnknownIssuer)),
        ("denied/forged", clients.forged.chain(), Some(Reason::BadSignature)),
        ("denied/100-strangers", strangers(100), Some(Reason::ChainTooLong)),
        ("denied/loop-of-2-known-name", known_loop(&estate, 2), Some(Reason::BadSignature)),
        ("denied/loop-of-4-two-names", two_name_loop(&estate), Some(Reason::BadSignature)),
        ("denied/dearest-to-read", crowded(), Some(Reason::UnknownIssuer)),
        ("denied/loop-of-130", known_loop(&estate, 130), Some(Reason::ChainTooLong)),
    ] {
        let chain = chain(&list);
        let context = Context { now: at(NOW), generation: 1 };
        let found = match policy.decide(&chain, &context).verdict {
            Verdict::Permit(_) => None,
            Verdict::Denial(denial) => Some(denial.reason),
        };
        assert_eq!(found, expected, "{name}");
        group.bench_function(name, |bencher| bencher.iter(|| policy.decide(&chain, &context)));
    }
    for (name, list) in [
        ("permit-the-first-time/rsa-leaf-by-rsa", clients.healthy.chain()),
        ("permit-the-first-time/p256-leaf-by-p256", clients.healthy_renewed.chain()),
    ] {
        let chain = chain(&list);
        let context = Context { now: at(NOW), generation: 1 };
        group.bench_function(name, |bencher| {
            // A policy that was just built remembers no signature.
            let new = || self::policy(&estate);
            bencher.iter_batched_ref(new, |policy| policy.decide(&chain, &context), BatchSize::SmallInput);
        });
    }
    group.finish();
}

/// The standard estate's policy: two authorities of one name, names, whole-chain revocation.
fn policy(estate: &Estate) -> Policy {
    let source = |der: &[u8]| Source { origin: Origin::file("bench"), der: der.to_vec() };
    let spec = PolicySpec {
        name: "bench".to_owned(),
        trust_anchors: vec![source(estate.root.certificate_der())],
        intermediates: vec![source(estate.issuing.certificate_der()), source(estate.issuing_renewed.certificate_der())],
        issued_by: None,
        purposes: vec![purpose::CLIENT_AUTH.to_owned()],
        purpose_absent_allowed: false,
        names: NameRules::Listed { allow: vec!["*.corp.example.test".to_owned()], deny: Vec::new() },
        deny: DenyList::default(),
        revocation: RevocationSpec {
            check: RevocationCheck::Chain,
            crls: [&estate.root_crl, &estate.issuing_crl, &estate.issuing_renewed_crl]
                .map(|list| source(&list.der))
                .to_vec(),
            unknown_allowed: false,
            stale_grace: Duration::ZERO,
        },
        account: None,
        shadow: None,
    };
    match Policy::build(spec, at(NOW)) {
        Ok((policy, _)) => policy,
        Err(problems) => panic!("{problems:?}"),
    }
}

fn strangers(count: usize) -> Vec<Vec<u8>> {
    let leaf = Authority::root("Stranger", NOW).issue(CertificateSpec::client("pc1.corp.example.test"));
    let others = (0..count).map(|nth| Authority::root(&format!("Stranger {nth}"), NOW).certificate_der().to_vec());
    std::iter::once(leaf.certificate_der).chain(others).collect()
}

/// As much as the shape check reads: a leaf and four others, each full of names.
fn crowded() -> Vec<Vec<u8>> {
    let long = (0..31).fold(Name::cn("x"), |name, nth| name.and("OU", &format!("Unit {nth}")));
    let names: Vec<GeneralName> = (0..100).map(|nth| GeneralName::dns(&format!("{nth}.test"))).collect();
    let leaf = CertificateSpec::client("pc1.corp.example.test").subject(long.clone()).names(&names).issuer("CN=Nobody");
    let other = |last: &str| {
        let spec = CertificateSpec::authority(long.clone().and("L", last)).names(&names);
        self_signed(
            CertificateSpec { subject: Name { rdns: spec.subject.rdns.iter().skip(1).cloned().collect() }, ..spec },
            NOW,
        )
        .certificate_der
    };
    let leaf = self_signed(leaf, NOW).certificate_der;
    vec![leaf, other("a"), other("b"), other("c"), other("d")]
}

/// Authorities that bear the configured authority's name and issue one another.
fn known_loop(estate: &Estate, count: usize) -> Vec<Vec<u8>> {
    let name = estate.issuing.name().clone();
    let key = || Key::shared(KeyType::Rsa4096, 1);
    let forger = estate.forger.with_key(key());
    let leaf = forger.issue(CertificateSpec::client("pc1.corp.example.test"));
    let others = (0..count).map(|_| forger.issue(CertificateSpec::authority(name.clone()).key(key())).certificate_der);
    std::iter::once(leaf.certificate_der).chain(others).collect()
}

/// The dearest that passes the shape check: two forged issuing authorities that the root is said to have issued, two more
/// that issue them.
fn two_name_loop(estate: &Estate) -> Vec<Vec<u8>> {
    let name = estate.issuing.name().clone();
    let root_name = estate.root.name().clone();
    let forger = estate.forger.with_key(KeyType::P256);
    let leaf = forger.issue(CertificateSpec::client("pc1.corp.example.test"));
    let made = |subject: &Name, issuer: &Name| {
        forger.issue(CertificateSpec::authority(subject.clone()).issuer(issuer.clone())).certificate_der
    };
    vec![
        leaf.certificate_der,
        made(&name, &root_name),
        made(&name, &root_name),
        made(&root_name, &name),
        made(&root_name, &root_name),
    ]
}

fn chain(list: &[Vec<u8>]) -> PresentedChain {
    PresentedChain { certificates: list.iter().map(|der| CertificateDer::from(der.clone())).collect() }
}

fn at(seconds: i64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds.unsigned_abs()))
}

criterion_group!(benches, benchmarks);
criterion_main!(benches);
