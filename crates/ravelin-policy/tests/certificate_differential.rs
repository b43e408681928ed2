//! The policy's reader of certificates held against x509-parser: the fuzz target's own function, on certificates of every shape
//! that the lab makes, whole and with bytes changed.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panic")]

use proptest::prelude::*;
use ravelin_lab::pki::{Authority, CertificateSpec, GeneralName, Name, purpose};
use std::sync::LazyLock;

#[path = "../../../fuzz/targets/certificate_differential.rs"]
mod certificate_differential;

/// 2026-11-24 12:00:00 UTC.
const NOW: i64 = 1_795_521_600;

static CERTIFICATES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let root = Authority::root("Root", NOW);
    let leaf = || CertificateSpec::client("pc1.corp.example.test");
    let names = [
        GeneralName::dns("pc1.corp.example.test"),
        GeneralName::email("pc1@corp.example.test"),
        GeneralName::uri("tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-4"),
        GeneralName::Upn("pc1@corp.example.test".to_owned()),
        GeneralName::Ip("2001:db8::1".parse().expect("an address")),
        GeneralName::Directory("O=Corp,CN=pc1".into()),
    ];
    let authority = CertificateSpec::authority(Name::cn("Issuing")).basic_constraints(true, Some(3));
    let mut all: Vec<Vec<u8>> = [
        leaf(),
        leaf().names(&names),
        leaf().purposes(&[purpose::CLIENT_AUTH, purpose::SERVER_AUTH, purpose::SMART_CARD, purpose::ANY]),
        leaf().without_purposes().subject(Name::empty()),
        leaf().sid("S-1-5-21-1-2-3-1104").serial(&[0xff, 0x01]),
        leaf().not_after(4_000_000_000),
        authority,
    ]
    .into_iter()
    .map(|spec| root.issue(spec).certificate_der)
    .collect();
    all.push(root.certificate_der().to_vec());
    all
});

#[test]
fn both_readers_find_the_same() {
    for der in CERTIFICATES.iter() {
        assert!(ravelin_policy::inspect(der).is_ok());
        certificate_differential::run(der);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_policy_accepts_both_read_alike(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..3),
    ) {
        let mut der = which.get(&CERTIFICATES).clone();
        for (at, byte) in changes {
            let at = at.index(der.len());
            der[at] = byte;
        }
        certificate_differential::run(&der);
    }
}
