//! From one generation to the next.

use super::maker::{Ca, DAY, NOW, address, der};
use super::*;
use crate::der::tag;

const PC: &[u8] = &[0x17];

/// Loads CRLs as [`load`] does, after others.
fn load_after(previous: &Crls, crls: &[Vec<u8>], authorities: &[&Ca]) -> (Crls, Vec<Notice>) {
    let (mut next, _) = load(crls, authorities);
    let authorities: Vec<Authority<'_>> = authorities.iter().map(|ca| ca.authority()).collect();
    let notices = next.keep_newer_of(previous, &authorities, at(NOW));
    (next, notices)
}

/// Covers: docs/traps.md rows 23 and 28, at a reload.
#[test]
fn the_last_good_crl_goes_on_until_there_is_a_newer_one() {
    let (ca, stranger) = (Ca::new("CORP-CA"), Ca::new("CORP-CA"));
    let crl = |number: u8, revoked: u8| ca.crl().number(number).revoke(&[revoked], Some(1)).build();
    for (case, next, kept, expected) in [
        ("a newer CRL", vec![crl(9, 2)], false, ["good 0", "good 0", "revoked keyCompromise"]),
        ("the same CRL", vec![crl(8, 1)], false, ["good 0", "revoked keyCompromise", "good 0"]),
        ("an older CRL", vec![crl(7, 2)], true, ["good 0", "revoked keyCompromise", "revoked keyCompromise"]),
        ("garbage", vec![b"404 Not Found".to_vec()], true, ["good 0", "revoked keyCompromise", "good 0"]),
        ("no file", vec![], true, ["good 0", "revoked keyCompromise", "good 0"]),
        ("another key", vec![stranger.crl().number(9).build()], true, ["good 0", "revoked keyCompromise", "good 0"]),
        (
            "an odd critical extension",
            vec![ca.crl().number(9).extended("1.2.3", true, &[5, 0]).build()],
            true,
            ["good 0", "revoked keyCompromise", "good 0"],
        ),
        (
            "not yet begun",
            vec![ca.crl().number(9).dates(NOW + DAY, NOW + 9 * DAY).build()],
            true,
            ["good 0", "revoked keyCompromise", "good 0"],
        ),
    ] {
        let (first, _) = load(&[crl(8, 1)], &[&ca]);
        let (next, notices) = load_after(&first, &next, &[&ca]);
        let answers = [PC, &[1], &[2]].map(|serial| status(&next, &ca.issued(serial), &ca));
        assert_eq!(answers, expected.map(str::to_owned), "{case}");
        assert_eq!(notices.iter().any(|notice| notice.text.contains("goes on counting")), kept, "{case}");
        assert_eq!(next.describe().len(), 1, "{case}");
        let number = next.describe()[0].number.clone();
        assert_eq!(number.as_deref(), Some(if case == "a newer CRL" { "9" } else { "8" }), "{case}");
        // And from that generation to the one after it.
        let (later, _) = load_after(&next, &[], &[&ca]);
        assert_eq!(status(&later, &ca.issued(PC), &ca), "good 0", "{case}");
        assert_eq!(later.describe(), next.describe(), "{case}");
    }
}

#[test]
fn only_what_decided_for_an_authority_that_is_still_there_goes_on() {
    let (ca, other) = (Ca::new("CORP-CA"), Ca::new("OTHER-CA"));
    let point = der(tag::context_constructed(0), &address("http://pki.corp.example/one.crl"));
    let sources = [
        ca.crl().number(5).build(),
        ca.crl().number(6).build(),
        ca.crl().number(3).scope(&[point]).build(),
        other.crl().number(7).build(),
        ca.crl().number(9).extended("2.5.29.27", true, &der(tag::INTEGER, &[6])).build(),
    ];
    let (first, _) = load(&sources, &[&ca, &other]);
    let (next, notices) = load_after(&first, &[], &[&ca]);
    let numbers: Vec<_> = next.describe().into_iter().map(|crl| crl.number.unwrap()).collect();
    assert_eq!(numbers, ["6", "3"], "one for each scope");
    assert_eq!(notices.len(), 2);
    assert_eq!(status(&next, &other.issued(PC), &other), "unknown");
    // Loaded without anything before it, a generation has nothing but its files.
    assert_eq!(status(&load(&[], &[&ca]).0, &ca.issued(PC), &ca), "unknown");
}

/// Covers: docs/traps.md row 23, through the policy.
#[test]
fn a_reload_with_broken_crls_locks_nobody_out() {
    use crate::tests::{ESTATE, build, chain, decide, estate_spec, outcome, source};
    use crate::{Reason, RevocationSpec};
    let before = build(estate_spec());
    let spec = || {
        let revocation = RevocationSpec { crls: vec![source("0.crl", b"404 Not Found")], ..estate_spec().revocation };
        crate::PolicySpec { revocation, ..estate_spec() }
    };
    let judged = |policy: &crate::Policy| {
        let clients = &ESTATE.clients;
        [&clients.healthy, &clients.healthy_renewed, &clients.revoked]
            .map(|client| outcome(&decide(policy, &chain(&client.chain()))))
    };
    let mut next = std::sync::Arc::into_inner(build(spec())).unwrap();
    assert_eq!(judged(&next), [Err(Reason::RevocationUnknown); 3], "a start with such files admits nobody");
    let notices = next.take_over(&before, at(crate::tests::NOW));
    assert_eq!(notices.len(), 3, "{notices:?}");
    assert_eq!(judged(&next), [Ok(()), Ok(()), Err(Reason::Revoked)]);
    assert_eq!(next.crls(), before.crls());
}
