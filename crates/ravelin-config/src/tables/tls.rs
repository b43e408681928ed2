//! The `tls` keys that clients' and servers' side share: versions, null encryption, old suites.

use ravelin_tls::{LegacySuite, LegacyTls, NullEncryption, TlsVersion};

use crate::checked::TlsConfig;
use crate::declare::Key;
use crate::forms::{Items, ListOf, OneOf};
use crate::table::Table;

/// The keys of one side.
pub(crate) struct TlsKeys {
    pub min: &'static Key<OneOf<TlsVersion>>,
    pub max: &'static Key<OneOf<TlsVersion>>,
    pub null_encryption: &'static Key<OneOf<NullEncryption>>,
    pub legacy_suites: &'static Key<Suites>,
}

/// `legacy_suites`: labels of [`LegacySuite`].
pub(crate) type Suites = ListOf<OneOf<&'static str>>;

/// The old versions stand first, so that `min` has them all; `max` begins at TLS 1.2.
pub(crate) const VERSIONS: &[(&str, TlsVersion, &str)] = &[
    ("1.0", TlsVersion::V1_0, "TLS 1.0, which Windows 7 has by default; by the second engine"),
    ("1.1", TlsVersion::V1_1, "TLS 1.1; by the second engine"),
    ("1.2", TlsVersion::V1_2, "TLS 1.2"),
    ("1.3", TlsVersion::V1_3, "TLS 1.3"),
];
/// Nobody is served better by an end before TLS 1.2.
pub(crate) const NEWEST_VERSIONS: &[(&str, TlsVersion, &str)] =
    &[("1.2", TlsVersion::V1_2, "TLS 1.2"), ("1.3", TlsVersion::V1_3, "TLS 1.3")];

const fn suites(known: &'static [(&'static str, &'static str, &'static str)]) -> Suites {
    ListOf { of: OneOf { known, not_yet: &[] }, min: 0, max: 8, twice_is_error: true, single: false }
}

/// What may stand in `legacy_suites`.
pub(crate) const SUITES: Suites = suites(&[
    ("dhe-rsa-gcm", "dhe-rsa-gcm", "DHE with AES-GCM"),
    ("ecdhe-ecdsa-cbc", "ecdhe-ecdsa-cbc", "ECDHE with AES-CBC under an ECDSA certificate"),
    ("ecdhe-rsa-cbc", "ecdhe-rsa-cbc", "ECDHE with AES-CBC under an RSA certificate"),
    ("rsa-gcm", "rsa-gcm", "RSA key exchange with AES-GCM"),
    ("rsa-cbc", "rsa-cbc", "RSA key exchange with AES-CBC"),
]);

/// Whether this build has the second engine.
const BUILT_IN: bool = cfg!(feature = "legacy-tls");

/// A version as the file writes it.
pub fn version_text(version: TlsVersion) -> &'static str {
    VERSIONS.iter().find(|(_, known, _)| *known == version).map_or("1.3", |(text, _, _)| text)
}

/// Reads the keys of one side and says what each switch gives up. `between` names the two ends in messages.
pub(crate) fn read(table: &Table<'_>, keys: &TlsKeys, between: &str) -> Option<TlsConfig> {
    let (min, max) = (table.read(keys.min), table.read(keys.max));
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        table.place_of(keys.min).error("`min` is above `max`: no version is left");
    }
    let null_encryption = table.read(keys.null_encryption);
    let items = table.read(keys.legacy_suites);
    let suites: Option<Vec<LegacySuite>> = items.as_ref().filter(|items| items.is_whole()).map(of_labels);
    let (min, max, null_encryption) = (min?, max?, null_encryption?);
    let legacy = LegacyTls { null_encryption, suites: suites? };
    if !BUILT_IN {
        refuse(table, keys, min, &legacy);
    } else if min == TlsVersion::V1_3 {
        without_use(table, keys, &legacy);
    } else {
        warn(table, keys, min, &legacy, between);
    }
    Some(TlsConfig { min, max, legacy })
}

fn of_labels(items: &Items<&'static str>) -> Vec<LegacySuite> {
    let suite = |label: &str| LegacySuite::ALL.iter().copied().find(|suite| suite.label() == label);
    items.indexed().filter_map(|(_, label)| suite(label)).collect()
}

/// A gateway without the engine must not pass over what only the engine can do.
fn refuse(table: &Table<'_>, keys: &TlsKeys, min: TlsVersion, legacy: &LegacyTls) {
    let text = "needs the second engine, which this gateway was built without: take it out, or build with the cargo \
                feature `legacy-tls` (on unless `--no-default-features` is given)";
    if min < TlsVersion::V1_2 {
        table.place_of(keys.min).error(text);
    }
    if legacy.null_encryption != NullEncryption::Off {
        table.place_of(keys.null_encryption).error(text);
    }
    if !legacy.suites.is_empty() {
        table.place_of(keys.legacy_suites).error(text);
    }
}

fn without_use(table: &Table<'_>, keys: &TlsKeys, legacy: &LegacyTls) {
    let text = "says nothing while `min` is \"1.3\": TLS 1.3 has no such suites";
    if legacy.null_encryption != NullEncryption::Off {
        table.place_of(keys.null_encryption).warn(text);
    }
    if !legacy.suites.is_empty() {
        table.place_of(keys.legacy_suites).warn(text);
    }
}

/// What each switch gives up, so that nobody turns it without knowing.
fn warn(table: &Table<'_>, keys: &TlsKeys, min: TlsVersion, legacy: &LegacyTls, between: &str) {
    let null = legacy.null_encryption != NullEncryption::Off;
    if min < TlsVersion::V1_2 {
        let place = table.place_of(keys.min);
        place.warn(
            "gives up what TLS 1.2 mended: 1.0 and 1.1 are deprecated (RFC 8996), sign with SHA-1 and have no AEAD",
        );
        if !null && !legacy.suites.iter().copied().any(fits_old_versions) {
            place.warn(
                "lets nobody in by itself: the suites that are on need TLS 1.2. Add \"ecdhe-rsa-cbc\", \"ecdhe-ecdsa-cbc\" \
                 or \"rsa-cbc\" to `legacy_suites`",
            );
        }
    }
    if null {
        table.place_of(keys.null_encryption).warn(format!(
            "gives up secrecy {between}: without encryption, whoever is on the wire reads all that IPsec does not \
             protect (prefixes, addresses, ICMPv6), and SSL Labs grades such a face F; integrity stays"
        ));
    }
    let list = table.place_of(keys.legacy_suites);
    for (index, suite) in legacy.suites.iter().enumerate() {
        list.reader.warn(
            &format!("{}[{index}]", list.key()),
            match suite {
                LegacySuite::DheRsaGcm => {
                    "gives up speed: a finite-field key exchange costs the gateway several times an ECDHE one"
                }
                LegacySuite::EcdheEcdsaCbc | LegacySuite::EcdheRsaCbc => {
                    "gives up AEAD: CBC suites have a history of padding oracles (Lucky Thirteen)"
                }
                LegacySuite::RsaGcm => {
                    "gives up forward secrecy: whoever gets the certificate's RSA key later can read what was recorded"
                }
                LegacySuite::RsaCbc => {
                    "gives up forward secrecy (whoever gets the certificate's RSA key later can read what was recorded) and \
                     AEAD (CBC suites have a history of padding oracles, Lucky Thirteen)"
                }
            },
        );
    }
}

/// GCM came with TLS 1.2.
fn fits_old_versions(suite: LegacySuite) -> bool {
    match suite {
        LegacySuite::EcdheEcdsaCbc | LegacySuite::EcdheRsaCbc | LegacySuite::RsaCbc => true,
        LegacySuite::DheRsaGcm | LegacySuite::RsaGcm => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_has_its_name_in_the_file() {
        let words: Vec<&str> = SUITES.of.known.iter().map(|(word, ..)| *word).collect();
        assert_eq!(words, LegacySuite::ALL.iter().map(|suite| suite.label()).collect::<Vec<_>>());
        assert!(SUITES.of.known.iter().all(|(word, value, _)| word == value));
    }
}
