//! Lists that no honest client sends. Whatever comes: an answer, a whole report, no permit that was not earned.

use proptest::prelude::*;
use ravelin_lab::pki::CertificateSpec;

use super::*;

static POLICY: LazyLock<Arc<Policy>> = LazyLock::new(|| build(estate_spec()));

fn judged(certificates: &[Vec<u8>]) -> Decision {
    let decision = decide(&POLICY, &chain(certificates));
    assert_report("hostile", &decision);
    decision
}

proptest! {
    #[test]
    fn any_bytes_are_refused(certificates in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..8)) {
        prop_assert!(outcome(&judged(&certificates)).is_err());
    }

    /// A leaf in which anything was changed has a broken signature at best.
    #[test]
    fn a_changed_leaf_is_refused(at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let mut list = ESTATE.clients.healthy_renewed.chain();
        let index = at.index(list[0].len());
        list[0][index] ^= flip;
        prop_assert!(outcome(&judged(&list)).is_err(), "byte {index} ^ {flip:#x}");
    }

    /// An authority that was changed on the way is no use, and no harm: the configured one does.
    #[test]
    fn a_changed_authority_is_survived(at in any::<prop::sample::Index>(), flip in 1_u8.., cut in any::<prop::sample::Index>()) {
        let mut list = ESTATE.clients.healthy_renewed.chain();
        let index = at.index(list[1].len());
        list[1][index] ^= flip;
        judged(&list);
        let length = cut.index(list[1].len());
        list[1].truncate(length);
        prop_assert!(outcome(&judged(&list)).is_err());
    }

    #[test]
    fn any_order_and_number_is_survived(picks in proptest::collection::vec(any::<prop::sample::Index>(), 0..20)) {
        let clients = ESTATE.clients.all();
        let all: Vec<Vec<u8>> = clients
            .iter()
            .flat_map(|(_, client)| [client.chain(), client.path.clone()].concat())
            .collect();
        let list: Vec<Vec<u8>> = picks.iter().map(|pick| pick.get(&all).clone()).collect();
        let decision = judged(&list);
        if outcome(&decision).is_ok() {
            let good = [&ESTATE.clients.healthy, &ESTATE.clients.healthy_renewed, &ESTATE.clients.healthy_no_subject];
            prop_assert!(good.iter().any(|client| client.certificate_der == list[0]));
        }
    }

    /// Broken contents behind a good signature: what a careless or bad authority may issue.
    #[test]
    fn any_extension_is_survived(which in 0_usize..14, critical: bool, value in proptest::collection::vec(any::<u8>(), 0..60)) {
        let oid = [
            "2.5.29.14", "2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.30", "2.5.29.31", "2.5.29.32", "2.5.29.33",
            "2.5.29.35", "2.5.29.36", "2.5.29.37", "2.5.29.54", "1.3.6.1.4.1.311.25.2", "1.2.3",
        ][which];
        let mut spec = CertificateSpec::bare("CN=pc1.corp.example.test");
        spec = spec.extension(oid, critical, value);
        judged(&ESTATE.issuing_renewed.issue(spec.clone()).chain());
        let below = ESTATE.issuing_renewed.issue_authority(spec);
        judged(&below.issue(CertificateSpec::client("pc1.corp.example.test")).chain());
    }
}

/// Covers: docs/traps.md row 61.
#[test]
fn a_strangers_text_cannot_forge_a_line() {
    let root = Authority::root("Root", NOW);
    let policy = build(PolicySpec { names: listed(&["*.corp.example.test"], &[]), ..spec(&root) });
    let nasty = "a\r\n2026-11-24 decision=permit|x=\u{1b}[31m\u{202e}";
    for name in [nasty.to_owned(), nasty.repeat(20)] {
        let subject = ravelin_lab::pki::Name::cn(&name);
        check_issued(
            "in a common name",
            &policy,
            &root.issue(CertificateSpec::bare(subject.clone())),
            Err(Reason::WrongPurpose),
        );
        let stranger = Authority::root_from(CertificateSpec::authority(subject), NOW);
        let client = stranger.issue(CertificateSpec::client("pc1.corp.example.test"));
        check_issued("in an issuer", &policy, &client, Err(Reason::UnknownIssuer));
        let dns = CertificateSpec::client(&name);
        check_issued("in a DNS name", &policy, &root.issue(dns), Err(Reason::NameMalformed));
    }
}
