//! What a site's legacy settings come to with its certificates; or why they cannot.

use super::offer::Offer;
use crate::identity::ServerIdentity;
#[cfg(feature = "legacy-tls")]
use crate::legacy::NullEncryption;
use crate::legacy::{LegacyTls, TlsVersion};
use crate::setting_problem::SettingProblem;
#[cfg(feature = "legacy-tls")]
use crate::suites::{self, KeyKind, SuiteFamily};

/// One offer for each certificate that an allowed suite fits. None at all where nothing is allowed beyond rustls.
///
/// # Errors
/// Settings that could never serve anybody: an administrator who asks for them means something else.
pub(super) fn build(
    identities: &[ServerIdentity],
    min: TlsVersion,
    max: TlsVersion,
    legacy: &LegacyTls,
    hints: &[Vec<u8>],
) -> Result<Vec<Offer>, Vec<SettingProblem>> {
    if *legacy == LegacyTls::default() && min >= TlsVersion::V1_2 {
        return Ok(Vec::new());
    }
    let problems = problems(identities, min, max, legacy);
    if !problems.is_empty() {
        return Err(problems);
    }
    offers(identities, min, max, legacy, hints)
}

#[cfg(not(feature = "legacy-tls"))]
fn problems(_: &[ServerIdentity], _: TlsVersion, _: TlsVersion, _: &LegacyTls) -> Vec<SettingProblem> {
    vec![SettingProblem::of_tls(crate::legacy::NOT_BUILT_IN)]
}

#[cfg(not(feature = "legacy-tls"))]
fn offers(
    _: &[ServerIdentity],
    _: TlsVersion,
    _: TlsVersion,
    _: &LegacyTls,
    _: &[Vec<u8>],
) -> Result<Vec<Offer>, Vec<SettingProblem>> {
    Ok(Vec::new())
}

#[cfg(feature = "legacy-tls")]
fn problems(
    identities: &[ServerIdentity],
    min: TlsVersion,
    max: TlsVersion,
    legacy: &LegacyTls,
) -> Vec<SettingProblem> {
    let mut problems = suites::version_problems(min, max, legacy, &suites::for_site(legacy));
    let has = |key: KeyKind| identities.iter().any(|identity| identity.key() == Some(key));
    if legacy.null_encryption != NullEncryption::Off && !has(KeyKind::Rsa) {
        let text = "null suites are bound to an RSA certificate, and the site has none: add one or switch \
                    null_encryption off";
        problems.push(SettingProblem::of_tls(text));
    }
    for family in &legacy.suites {
        let of_family = suites::for_site(legacy).into_iter().find(|suite| suite.family == SuiteFamily::Legacy(*family));
        if let Some(suite) = of_family
            && !has(suite.key())
        {
            let kind = match suite.key() {
                KeyKind::Rsa => "an RSA",
                KeyKind::Ecdsa => "an ECDSA",
            };
            let label = family.label();
            let text = format!("{label} needs {kind} certificate, and the site has none: add one or drop {label}");
            problems.push(SettingProblem::of_tls(text));
        }
    }
    problems
}

#[cfg(feature = "legacy-tls")]
fn offers(
    identities: &[ServerIdentity],
    min: TlsVersion,
    max: TlsVersion,
    legacy: &LegacyTls,
    hints: &[Vec<u8>],
) -> Result<Vec<Offer>, Vec<SettingProblem>> {
    use rustls::NamedGroup;

    let mut offers = Vec::new();
    let mut problems = Vec::new();
    for identity in identities {
        let Some(key) = identity.key() else { continue };
        let curve = identity.candidate().curve.filter(|_| key == KeyKind::Ecdsa);
        if curve.is_some_and(|curve| ![NamedGroup::secp256r1, NamedGroup::secp384r1].contains(&curve)) {
            // No old Windows verifies it by default; rustls may present it to others.
            continue;
        }
        let suites: Vec<_> = suites::for_site(legacy).into_iter().filter(|suite| suite.key() == key).collect();
        if suites.is_empty() {
            continue;
        }
        match crate::openssl_context::server_context(identity, min, max, &suites, hints) {
            Ok(context) => offers.push(Offer { key, curve, suites, context }),
            Err(why) => {
                let text = format!("OpenSSL cannot use the certificate {}: {why}", identity.subject());
                problems.push(SettingProblem::of_tls(text));
            }
        }
    }
    if problems.is_empty() { Ok(offers) } else { Err(problems) }
}
