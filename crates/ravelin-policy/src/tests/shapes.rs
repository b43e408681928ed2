//! What refusals cost.

use ravelin_lab::pki::{CertificateSpec, Key, KeyType, Name};

use super::*;

fn leaf() -> CertificateSpec {
    CertificateSpec::client("pc1.corp.example.test")
}

/// Authorities of one name that issue one another, from the shortest list to one that fills the handshake.
///
/// Covers: docs/traps.md row 55; docs/rules.md rule 2: at most 0.6 ms an attempt, which is twelve signatures of RSA 4096. Counted,
/// since time on a shared machine is noise; benches/benches/decide.rs has the times.
#[test]
fn loops_cost_next_to_nothing() {
    let root = Authority::root("Root", NOW);
    let policy = build(spec(&root));
    for name in ["Loop", "Root"] {
        let authorities: Vec<Authority> = (0..4).map(|_| Authority::root(name, NOW)).collect();
        // Everybody certifies everybody.
        let mutual: Vec<Vec<u8>> = authorities
            .iter()
            .flat_map(|issuer| authorities.iter().map(move |subject| (issuer, subject)))
            .map(|(issuer, subject)| {
                let spec = CertificateSpec::authority(Name::cn(name)).key(subject.key().clone());
                issuer.issue(spec).certificate_der
            })
            .collect();
        let leaf = authorities[0].issue(leaf()).certificate_der;
        for count in 0..=130 {
            let others = mutual.iter().cycle().take(count).cloned();
            let list: Vec<Vec<u8>> = std::iter::once(leaf.clone()).chain(others).collect();
            let (decision, cost) = policy.decide_counting(&chain(&list), &Context { now: at(NOW), generation: 7 });
            let case = format!("{count} of the name {name}");
            assert_report(&case, &decision);
            assert!(outcome(&decision).is_err(), "{case}");
            assert!(cost.signatures <= 3 && cost.steps <= 12, "{case}: {cost:?}");
        }
    }
}

/// The worst that four certificates of two names can do, under an anchor that bears one of them.
#[test]
fn two_names_in_every_order() {
    let root = Authority::root("A", NOW);
    let policy = build(spec(&root));
    let (key_a, key_b) = (Key::new(KeyType::P256), Key::new(KeyType::P256));
    let make = |subject: &str, issuer: &str, nth: usize| {
        let authority =
            Authority::root(issuer, NOW).with_key(if nth.is_multiple_of(2) { key_a.clone() } else { key_b.clone() });
        authority.issue(CertificateSpec::authority(Name::cn(subject))).certificate_der
    };
    let mut worst = SearchCost::default();
    for pattern in 0..256_usize {
        let name = |bit: usize| if pattern >> bit & 1 == 0 { "A" } else { "B" };
        let others = (0..4).map(|nth| make(if nth < 2 { "A" } else { "B" }, name(nth), nth));
        let leaf = Authority::root(name(5), NOW).issue(leaf()).certificate_der;
        let list: Vec<Vec<u8>> = std::iter::once(leaf).chain(others).collect();
        let (decision, cost) = policy.decide_counting(&chain(&list), &Context { now: at(NOW), generation: 7 });
        assert!(outcome(&decision).is_err());
        worst.steps = worst.steps.max(cost.steps);
        worst.signatures = worst.signatures.max(cost.signatures);
    }
    assert!(worst.signatures <= 5 && worst.steps <= 64, "{worst:?}");
}

/// An authority gone bad, below a configured one, can make signatures that hold. The budget ends its search.
#[test]
fn an_insider_is_held_to_the_budget() {
    let root = Authority::root("Root", NOW);
    let bad = root.issue_authority(CertificateSpec::authority(Name::cn("Bad")));
    let policy = build(PolicySpec { intermediates: vec![source("bad", bad.certificate_der())], ..spec(&root) });
    let again: Vec<Authority> = (0..4)
        .map(|nth| bad.issue_authority(CertificateSpec::authority(Name::cn(if nth < 2 { "Bad" } else { "B" }))))
        .collect();
    let leaf = again[0].issue(leaf().tampered()).certificate_der;
    let others = again.iter().map(|one| one.certificate_der().to_vec());
    let list: Vec<Vec<u8>> = std::iter::once(leaf).chain(others).collect();
    let (decision, cost) = policy.decide_counting(&chain(&list), &Context { now: at(NOW), generation: 7 });
    assert_eq!(outcome(&decision), Err(Reason::BadSignature));
    assert!(cost.signatures <= 12 && cost.steps <= 256, "{cost:?}");
}

#[test]
fn a_usual_client_costs_one_signature() {
    let policy = build(estate_spec());
    for list in [ESTATE.clients.healthy.chain(), vec![ESTATE.clients.healthy_renewed.certificate_der.clone()]] {
        let (decision, cost) = policy.decide_counting(&chain(&list), &Context { now: at(NOW), generation: 7 });
        assert_eq!(outcome(&decision), Ok(()));
        assert_eq!(cost.signatures, 1, "two authorities of one name: the key identifier picks the right one");
    }
}

/// The answer to a list is the same whoever came before, and however often it is judged.
#[test]
fn a_client_that_comes_back_costs_no_signature() {
    let (first, mut next) = (build(estate_spec()), Arc::into_inner(build(estate_spec())).unwrap());
    let context = Context { now: at(NOW), generation: 7 };
    let judge = |policy: &Policy, list: &[Vec<u8>]| {
        let (decision, cost) = policy.decide_counting(&chain(list), &context);
        (format!("{decision:?}"), cost.signatures - cost.remembered)
    };
    let clients = &ESTATE.clients;
    // The revoked one's search goes on to the namesake of its issuer, whose key did not sign it.
    for (client, others) in [(&clients.healthy, 0), (&clients.healthy_renewed, 0), (&clients.revoked, 1)] {
        let (decision, verified) = judge(&first, &client.chain());
        assert_eq!(verified, 1 + others, "{decision}");
        assert_eq!(judge(&first, &client.chain()), (decision, others));
    }
    let stranger = clients.healthy.chain().into_iter().enumerate().map(|(nth, mut der)| {
        if nth == 0 {
            *der.last_mut().unwrap() ^= 1;
        }
        der
    });
    let stranger: Vec<Vec<u8>> = stranger.collect();
    for _ in 0..2 {
        assert!(judge(&first, &stranger).1 > 0, "what does not hold is verified each time");
    }
    next.take_over(&first, at(NOW));
    assert_eq!(judge(&next, &clients.healthy.chain()).1, 0, "after a reload");
    assert!(judge(&next, &stranger).1 > 0);
}
