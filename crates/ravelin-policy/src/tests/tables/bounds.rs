//! Lists that are refused for their looks: before any signature is verified.

use ravelin_lab::pki::{CertificateSpec, GeneralName, Key, Name};

use super::*;

fn leaf() -> CertificateSpec {
    CertificateSpec::client("pc1.corp.example.test")
}

/// As [`check`], for a list that is judged without a signature.
#[track_caller]
fn check_free(case: &str, policy: &Arc<Policy>, list: &[Vec<u8>], expected: Reason) {
    check(case, policy, list, Err(expected));
    also_free(&Row { case, policy, chain: chain(list), now: NOW, key: None });
}

/// Covers: docs/traps.md row 55; docs/rules.md rule 2.
#[test]
fn bounds_of_a_list() {
    let root = Authority::root("Root", NOW);
    let policy = build(spec(&root));
    let good = root.issue(leaf()).certificate_der;
    let stranger = |nth: usize| Authority::root(&format!("Stranger {nth}"), NOW).certificate_der().to_vec();
    let padded = |bytes: usize| leaf().extension("1.2.3", false, vec![0; bytes]);
    let list = |others: Vec<Vec<u8>>| std::iter::once(good.clone()).chain(others).collect::<Vec<_>>();

    check("four others", &policy, &list((0..4).map(stranger).collect()), Ok(()));
    check_free("five others", &policy, &list((0..5).map(stranger).collect()), Reason::ChainTooLong);
    let roots = list(vec![root.certificate_der().to_vec(); 6]);
    check("configured ones do not count", &policy, &roots, Ok(()));
    check_free("a hundred others", &policy, &list(vec![stranger(0); 100]), Reason::ChainTooLong);
    check_free("three of one subject", &policy, &list((0..3).map(|_| stranger(0)).collect()), Reason::ChainTooLong);

    check("leaf of 7 KB", &policy, &[root.issue(padded(7000)).certificate_der], Ok(()));
    check_free("leaf of 9 KB", &policy, &[root.issue(padded(8400)).certificate_der], Reason::MalformedCertificate);
    let large = root.issue(padded(4000)).certificate_der;
    check_free("another of 4.4 KB", &policy, &list(vec![large]), Reason::MalformedCertificate);
    let much = list(vec![vec![0; 30_000]; 2]);
    check_free("more than 32 KB", &policy, &much, Reason::ChainTooLong);

    let names: Vec<GeneralName> = (0..101).map(|nth| GeneralName::dns(&format!("pc{nth}.example.test"))).collect();
    check("100 names", &policy, &[root.issue(leaf().names(&names[..100])).certificate_der], Ok(()));
    let crowded = root.issue(leaf().names(&names)).certificate_der;
    check_free("101 names", &policy, &[crowded], Reason::MalformedCertificate);

    let large_key = root.issue(leaf().key(Key::public_rsa(16384))).certificate_der;
    check_free("leaf with RSA 16384", &policy, &[large_key], Reason::WeakKey);
    let weak = root.issue(CertificateSpec::authority(Name::cn("Weak")).key(Key::public_rsa(16384))).certificate_der;
    check_free("another with RSA 16384", &policy, &list(vec![weak]), Reason::WeakKey);
    check_free("another that is garbage", &policy, &list(vec![vec![0x30, 0x01, 0x00]]), Reason::MalformedCertificate);
    let unknown = Authority::root("Unknown", NOW).issue(leaf()).certificate_der;
    check_free("issuer unknown", &policy, std::slice::from_ref(&unknown), Reason::UnknownIssuer);
    check_free("issuer unknown among others", &policy, &[unknown, stranger(1)], Reason::UnknownIssuer);
}
