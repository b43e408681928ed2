//! What the switches of the second engine do for whom, asked of the very choice that clients meet.

use ravelin_tls::hello::ClientHello;
use ravelin_tls::{EngineChoice, LegacySuite, NullEncryption, SiteTls, TlsVersion};

use crate::config::{TlsConfig, version_text};

/// Switches of a site that are on and can never do anything, because no certificate of the site fits: the key below the
/// site and what to tell of it.
pub(crate) fn never_negotiated(tls: &SiteTls, config: &TlsConfig) -> Vec<(&'static str, String)> {
    if config.min > TlsVersion::V1_2 {
        // Said where the file was read.
        return Vec::new();
    }
    let null =
        (config.legacy.null_encryption != NullEncryption::Off).then_some(("tls.null_encryption", NULL_SUITES, None));
    let suites = config.legacy.suites.iter().map(|suite| ("tls.legacy_suites", numbers(*suite), Some(*suite)));
    null.into_iter()
        .chain(suites)
        .filter(|(_, numbers, _)| tls.choose(&offering(numbers)) != EngineChoice::OpenSsl)
        .map(|(key, _, suite)| {
            let what = suite.map_or_else(|| "null encryption".to_owned(), |suite| format!("\"{}\"", suite.label()));
            let kind = match suite {
                Some(LegacySuite::EcdheEcdsaCbc) => "an ECDSA certificate",
                Some(LegacySuite::DheRsaGcm | LegacySuite::EcdheRsaCbc | LegacySuite::RsaCbc | LegacySuite::RsaGcm)
                | None => "an RSA certificate",
            };
            (
                key,
                format!(
                    "{what} can never be negotiated: it needs {kind}, and the site has none; add one beside the others"
                ),
            )
        })
        .collect()
}

/// Every way to allow one thing more than `current`, as the file writes it, the least given up first.
pub(crate) fn switches(current: &TlsConfig) -> Vec<(String, TlsConfig)> {
    let mut all = Vec::new();
    for min in [TlsVersion::V1_2, TlsVersion::V1_0] {
        if min > current.min {
            continue;
        }
        let old = if min == current.min { String::new() } else { format!("min = \"{}\", ", version_text(min)) };
        let with = |change: &dyn Fn(&mut TlsConfig)| {
            let mut config = TlsConfig { min, ..current.clone() };
            change(&mut config);
            config
        };
        for suite in LegacySuite::ALL {
            let config = with(&|config| {
                config.legacy.suites.retain(|other| other != suite);
                config.legacy.suites.push(*suite);
            });
            all.push((format!("{old}legacy_suites = [\"{}\"]", suite.label()), config));
        }
        let null = with(&|config| config.legacy.null_encryption = NullEncryption::Fallback);
        all.push((format!("{old}null_encryption = \"fallback\""), null));
    }
    all.retain(|(_, config)| config != current);
    all
}

/// A client with TLS 1.2 and these suites, and all else that anybody could ask of it.
fn offering(suites: &[u16]) -> ClientHello {
    ClientHello {
        suites: suites.to_vec(),
        versions: vec![0x0303],
        groups: vec![0x0017, 0x0018, 0x001d],
        signature_schemes: vec![0x0401, 0x0501, 0x0601, 0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0201, 0x0203],
        ..ClientHello::default()
    }
}

const NULL_SUITES: &[u16] = &[0x003b, 0x0002];

/// What Windows offers of a family.
fn numbers(suite: LegacySuite) -> &'static [u16] {
    match suite {
        LegacySuite::DheRsaGcm => &[0x009f, 0x009e],
        LegacySuite::EcdheEcdsaCbc => &[0xc024, 0xc023, 0xc00a, 0xc009],
        LegacySuite::EcdheRsaCbc => &[0xc028, 0xc027, 0xc014, 0xc013],
        LegacySuite::RsaGcm => &[0x009d, 0x009c],
        LegacySuite::RsaCbc => &[0x003d, 0x003c, 0x0035, 0x002f],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ravelin_tls::LegacyTls;

    #[test]
    fn switches_are_written_as_the_file_has_them_and_end_with_the_worst() {
        let usual = TlsConfig { min: TlsVersion::V1_2, max: TlsVersion::V1_3, legacy: LegacyTls::default() };
        let words = |config: &TlsConfig| switches(config).into_iter().map(|(words, _)| words).collect::<Vec<_>>();
        let all = words(&usual);
        assert_eq!(all.len(), 12);
        assert_eq!(all[0], "legacy_suites = [\"dhe-rsa-gcm\"]");
        assert_eq!(all[5], "null_encryption = \"fallback\"");
        assert_eq!(all[11], "min = \"1.0\", null_encryption = \"fallback\"");
        for (words, config) in switches(&usual) {
            let text = crate::config::samples::LEAST
                .replace("pool = \"europe\"", &format!("pool = \"europe\"\ntls = {{ {words} }}"));
            match crate::config::parse(std::path::Path::new("x"), &text) {
                Ok((read, _)) => assert_eq!(read.sites["europe"].tls, config, "{words}"),
                Err(_) if !cfg!(feature = "legacy-tls") => {}
                Err(problems) => panic!("{words}: {problems:#?}"),
            }
        }
        let only_13 = TlsConfig { min: TlsVersion::V1_3, ..usual.clone() };
        assert_eq!(words(&only_13)[0], "min = \"1.2\", legacy_suites = [\"dhe-rsa-gcm\"]");
    }
}
