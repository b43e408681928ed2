//! Certificate policies: only an authority that demands an explicit one can make a path fail by them.
//!
//! The cases follow sections 4.8 to 4.12 of NIST PKITS.

use ravelin_lab::pki::{CertificateSpec, der};

use super::*;

const P1: &str = "2.16.840.1.101.3.2.1.48.1";
const P2: &str = "2.16.840.1.101.3.2.1.48.2";
const P3: &str = "2.16.840.1.101.3.2.1.48.3";
const ANY: &str = "2.5.29.32.0";

/// What one certificate says of policies.
#[derive(Clone, Default)]
struct Says {
    states: Vec<&'static str>,
    maps: Vec<(&'static str, &'static str)>,
    require_explicit: Option<u8>,
    inhibit_mapping: Option<u8>,
    inhibit_any: Option<u8>,
    /// Bears the name of the authority above.
    self_issued: bool,
}

fn states(policies: &[&'static str]) -> Says {
    Says { states: policies.to_vec(), ..Says::default() }
}

fn written(mut spec: CertificateSpec, says: &Says) -> CertificateSpec {
    if !says.states.is_empty() {
        let policies: Vec<Vec<u8>> = says.states.iter().map(|policy| der::sequence(&[der::oid(policy)])).collect();
        spec = spec.extension("2.5.29.32", false, der::sequence(&policies));
    }
    if !says.maps.is_empty() {
        let maps: Vec<Vec<u8>> =
            says.maps.iter().map(|(from, to)| der::sequence(&[der::oid(from), der::oid(to)])).collect();
        spec = spec.extension("2.5.29.33", true, der::sequence(&maps));
    }
    if says.require_explicit.is_some() || says.inhibit_mapping.is_some() {
        let count = |number, count: Option<u8>| count.map(|count| der::implicit(number, &[count])).unwrap_or_default();
        let both = [count(0, says.require_explicit), count(1, says.inhibit_mapping)];
        spec = spec.extension("2.5.29.36", true, der::sequence(&both));
    }
    if let Some(count) = says.inhibit_any {
        spec = spec.extension("2.5.29.54", true, der::integer(u64::from(count)));
    }
    spec
}

#[test]
fn paths_with_policies() {
    let explicit = |policies: &[&'static str], after: u8| Says { require_explicit: Some(after), ..states(policies) };
    let maps = |policies: &[&'static str], maps: &[(&'static str, &'static str)]| Says {
        maps: maps.to_vec(),
        ..states(policies)
    };
    let good = Ok(());
    let bad = Err(Reason::MalformedCertificate);
    for (case, authorities, leaf, expected) in [
        ("no policies", vec![Says::default()], Says::default(), good),
        ("other policies, none demanded", vec![states(&[P1])], states(&[P2]), good),
        ("demanded and there", vec![explicit(&[P1], 0)], states(&[P1]), good),
        ("demanded, another stated", vec![explicit(&[P1], 0)], states(&[P2]), bad),
        ("demanded, none stated", vec![explicit(&[P1], 0)], Says::default(), bad),
        ("demanded, the authority states none", vec![explicit(&[], 0)], states(&[P1]), bad),
        ("demanded of those far below only", vec![explicit(&[P1], 5)], Says::default(), good),
        ("demanded two below", vec![explicit(&[P1], 2), states(&[P2]), states(&[P3])], states(&[P1]), bad),
        ("demanded by the leaf", vec![states(&[P1])], explicit(&[P1], 0), good),
        ("demanded by the leaf, not there", vec![states(&[P1])], explicit(&[P2], 0), bad),
        ("anyPolicy of the authority", vec![explicit(&[ANY], 0)], states(&[P2]), good),
        ("anyPolicy of the leaf", vec![explicit(&[P1], 0)], states(&[ANY]), good),
        ("anyPolicy throughout", vec![explicit(&[ANY], 0), states(&[ANY])], states(&[ANY]), good),
        ("narrowed", vec![explicit(&[P1, P2], 0), states(&[P2, P3])], states(&[P2]), good),
        ("narrowed away", vec![explicit(&[P1, P2], 0), states(&[P2, P3])], states(&[P1]), bad),
        ("anyPolicy inhibited", vec![Says { inhibit_any: Some(0), ..explicit(&[P1], 0) }], states(&[ANY]), bad),
        ("anyPolicy inhibited later", vec![Says { inhibit_any: Some(1), ..explicit(&[P1], 0) }], states(&[ANY]), good),
        (
            "anyPolicy inhibited, self-issued authority",
            vec![Says { inhibit_any: Some(0), ..explicit(&[P1], 0) }, Says { self_issued: true, ..states(&[ANY]) }],
            states(&[P1]),
            good,
        ),
        ("mapped", vec![Says { require_explicit: Some(0), ..maps(&[P1], &[(P1, P2)]) }], states(&[P2]), good),
        (
            "mapped, stated under the old name",
            vec![Says { require_explicit: Some(0), ..maps(&[P1], &[(P1, P2)]) }],
            states(&[P1]),
            bad,
        ),
        (
            "mapped from anyPolicy's node",
            vec![Says { require_explicit: Some(0), ..maps(&[ANY], &[(P1, P2)]) }],
            states(&[P2]),
            good,
        ),
        (
            "mapping inhibited",
            vec![Says { inhibit_mapping: Some(0), ..explicit(&[P1], 0) }, maps(&[P1], &[(P1, P2)])],
            states(&[P2]),
            bad,
        ),
        (
            "mapping not yet inhibited",
            vec![Says { inhibit_mapping: Some(1), ..explicit(&[P1], 0) }, maps(&[P1], &[(P1, P2)])],
            states(&[P2]),
            good,
        ),
        (
            "mapped twice over",
            vec![Says { require_explicit: Some(0), ..maps(&[P1], &[(P1, P2)]) }, maps(&[P2], &[(P2, P3)])],
            states(&[P3]),
            good,
        ),
        ("mapping to anyPolicy", vec![maps(&[P1], &[(P1, ANY)])], states(&[P1]), bad),
        ("mapping from anyPolicy", vec![maps(&[P1], &[(ANY, P1)])], states(&[P1]), bad),
        ("a policy twice", vec![states(&[P1])], states(&[P1, P1]), bad),
        ("demanded two below the second tier", vec![explicit(&[P1], 2), states(&[P1])], Says::default(), bad),
        (
            "a self-issued tier does not count",
            vec![explicit(&[P1], 2), Says { self_issued: true, ..states(&[P1]) }],
            Says::default(),
            good,
        ),
    ] {
        let root = Authority::root("Root", NOW);
        let mut issuer = root.clone();
        for (tier, says) in authorities.iter().enumerate() {
            let name = if says.self_issued { issuer.name().clone() } else { format!("CN=Tier {tier}").as_str().into() };
            issuer = issuer.issue_authority(written(CertificateSpec::authority(name), says));
        }
        let client = issuer.issue(written(CertificateSpec::client("pc1.corp.example.test"), &leaf));
        check_issued(case, &build(spec(&root)), &client, expected);
    }
}
