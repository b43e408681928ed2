//! The switches of the second engine as an administrator would turn them.

use ravelin_tls::{LegacySuite, NullEncryption, TlsVersion};

use crate::{TlsConfig, version_text};

/// Every way to allow one thing more than `current`, as the file writes it, the least given up first.
pub fn switches(current: &TlsConfig) -> Vec<(String, TlsConfig)> {
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
            let text =
                crate::samples::LEAST.replace("pool = \"europe\"", &format!("pool = \"europe\"\ntls = {{ {words} }}"));
            match crate::parse(std::path::Path::new("x"), &text) {
                Ok((read, _)) => assert_eq!(read.sites["europe"].tls, config, "{words}"),
                Err(_) if !cfg!(feature = "legacy-tls") => {}
                Err(problems) => panic!("{words}: {problems:#?}"),
            }
        }
        let only_13 = TlsConfig { min: TlsVersion::V1_3, ..usual.clone() };
        assert_eq!(words(&only_13)[0], "min = \"1.2\", legacy_suites = [\"dhe-rsa-gcm\"]");
    }
}
