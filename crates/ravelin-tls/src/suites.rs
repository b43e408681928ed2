//! The suites that rustls lacks and old Windows needs: the one table that offers, choices and labels are made from.

use crate::legacy::{LegacySuite, LegacyTls, NullEncryption, TlsVersion};
#[cfg(feature = "legacy-tls")]
use crate::setting_problem::SettingProblem;

/// A suite of TLS 1.2 or older that the OpenSSL engine may offer.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Suite {
    /// IANA code point.
    pub(crate) code: u16,
    /// IANA name.
    pub(crate) name: &'static str,
    /// OpenSSL's name.
    pub(crate) openssl: &'static str,
    pub(crate) family: SuiteFamily,
    /// Not in TLS 1.0 or 1.1: its hash is not theirs.
    pub(crate) tls12_only: bool,
    /// What a record of it can add to its plaintext, header included.
    pub(crate) overhead: Overhead,
}

/// What a site or an upstream allows a suite by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SuiteFamily {
    Null,
    Legacy(LegacySuite),
    /// rustls has it too. To a server, where the hello must hold everything at once.
    Modern(KeyKind),
}

/// What kind of key a server's certificate must have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum KeyKind {
    Rsa,
    Ecdsa,
}

/// Bytes that protection adds to the body of a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Overhead {
    pub(crate) min: usize,
    pub(crate) max: usize,
}

impl Suite {
    /// The key its handshake is bound to.
    pub(crate) fn key(&self) -> KeyKind {
        match self.family {
            SuiteFamily::Legacy(LegacySuite::EcdheEcdsaCbc) => KeyKind::Ecdsa,
            SuiteFamily::Modern(key) => key,
            SuiteFamily::Null
            | SuiteFamily::Legacy(
                LegacySuite::DheRsaGcm | LegacySuite::EcdheRsaCbc | LegacySuite::RsaGcm | LegacySuite::RsaCbc,
            ) => KeyKind::Rsa,
        }
    }

    /// Whether client and server must share a curve.
    pub(crate) fn on_a_curve(&self) -> bool {
        match self.family {
            SuiteFamily::Modern(_) | SuiteFamily::Legacy(LegacySuite::EcdheEcdsaCbc | LegacySuite::EcdheRsaCbc) => true,
            SuiteFamily::Null
            | SuiteFamily::Legacy(LegacySuite::DheRsaGcm | LegacySuite::RsaGcm | LegacySuite::RsaCbc) => false,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        self.family == SuiteFamily::Null
    }
}

/// The suites that a site allows beyond rustls', preferred first: what encrypts before what does not, unless null is
/// preferred.
pub(crate) fn for_site(legacy: &LegacyTls) -> Vec<&'static Suite> {
    let listed = TABLE
        .iter()
        .filter(|suite| matches!(suite.family, SuiteFamily::Legacy(family) if legacy.suites.contains(&family)));
    with_null(legacy.null_encryption, listed.collect())
}

/// What is offered to a server, preferred first. See [`NullEncryption`] for what accompanies null.
pub(crate) fn for_upstream(legacy: &LegacyTls) -> Vec<&'static Suite> {
    let allowed = |suite: &&Suite| match suite.family {
        SuiteFamily::Null => false,
        SuiteFamily::Legacy(family) => legacy.suites.contains(&family),
        SuiteFamily::Modern(_) => legacy.null_encryption != NullEncryption::Prefer,
    };
    with_null(legacy.null_encryption, TABLE.iter().filter(allowed).collect())
}

fn with_null(null: NullEncryption, encrypting: Vec<&'static Suite>) -> Vec<&'static Suite> {
    let nulls = TABLE.iter().filter(|suite| suite.is_null());
    match null {
        NullEncryption::Off => encrypting,
        NullEncryption::Fallback => encrypting.into_iter().chain(nulls).collect(),
        NullEncryption::Prefer => nulls.chain(encrypting).collect(),
    }
}

/// By code point.
pub(crate) fn find(code: u16) -> Option<&'static Suite> {
    TABLE.iter().find(|suite| suite.code == code)
}

/// Those of them that work before TLS 1.2.
pub(crate) fn any_for(version: TlsVersion, suites: &[&Suite]) -> bool {
    suites.iter().any(|suite| version >= TlsVersion::V1_2 || !suite.tls12_only)
}

/// Version bounds that leave the OpenSSL engine nothing to do.
#[cfg(feature = "legacy-tls")]
pub(crate) fn version_problems(
    min: TlsVersion,
    max: TlsVersion,
    legacy: &LegacyTls,
    suites: &[&Suite],
) -> Vec<SettingProblem> {
    let mut problems = Vec::new();
    if *legacy != LegacyTls::default() && min > TlsVersion::V1_2 {
        let text = "null encryption and old suites end with TLS 1.2, and min is TLS 1.3: lower min or drop them";
        problems.push(SettingProblem::of_tls(text));
    }
    if min < TlsVersion::V1_2 && !any_for(min, suites) {
        let min = min.name();
        problems.push(SettingProblem::of_tls(format!(
            "min is {min}, and no suite of {min} is allowed: list {}, {} or {}, or allow null encryption",
            LegacySuite::EcdheEcdsaCbc.label(),
            LegacySuite::EcdheRsaCbc.label(),
            LegacySuite::RsaCbc.label()
        )));
    }
    if max < TlsVersion::V1_2 && !any_for(max, suites) {
        problems.push(SettingProblem::of_tls(format!("max is {}, and no suite of it is allowed", max.name())));
    }
    problems
}

const fn modern(code: u16, key: KeyKind, name: &'static str, openssl: &'static str, overhead: Overhead) -> Suite {
    Suite { code, name, openssl, family: SuiteFamily::Modern(key), tls12_only: true, overhead }
}

const fn legacy(
    code: u16,
    family: LegacySuite,
    tls12_only: bool,
    name: &'static str,
    openssl: &'static str,
    overhead: Overhead,
) -> Suite {
    Suite { code, name, openssl, family: SuiteFamily::Legacy(family), tls12_only, overhead }
}

/// A tag, and half the nonce in front (RFC 5288).
const GCM: Overhead = Overhead { min: 24, max: 24 };
/// RFC 7905.
const CHACHA: Overhead = Overhead { min: 16, max: 16 };

/// The MAC alone (RFC 5246 §6.2.3.1).
const fn mac(bytes: usize) -> Overhead {
    Overhead { min: bytes, max: bytes }
}

/// IV, MAC and 1 to 16 bytes of padding; TLS 1.0 has no IV there, and puts an empty record in front of each against
/// BEAST: header, MAC and padding once more. Encrypt-then-MAC (RFC 7366) moves the MAC and changes no bound.
const fn cbc(mac: usize) -> Overhead {
    let longest_record = 16 + mac + 16;
    Overhead { min: mac + 1, max: longest_record + 5 + mac + 16 }
}

const SHA1: usize = 20;
const SHA256: usize = 32;
const SHA384: usize = 48;

/// In the order of preference: forward secrecy first, then AEAD, then the longer hash.
static TABLE: &[Suite] = &[
    modern(0xc02c, KeyKind::Ecdsa, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384", GCM),
    modern(0xc02b, KeyKind::Ecdsa, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256", GCM),
    modern(
        0xcca9,
        KeyKind::Ecdsa,
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        CHACHA,
    ),
    modern(0xc030, KeyKind::Rsa, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384", GCM),
    modern(0xc02f, KeyKind::Rsa, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256", GCM),
    modern(0xcca8, KeyKind::Rsa, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305", CHACHA),
    legacy(
        0x009f,
        LegacySuite::DheRsaGcm,
        true,
        "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
        "DHE-RSA-AES256-GCM-SHA384",
        GCM,
    ),
    legacy(
        0x009e,
        LegacySuite::DheRsaGcm,
        true,
        "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
        "DHE-RSA-AES128-GCM-SHA256",
        GCM,
    ),
    legacy(
        0xc024,
        LegacySuite::EcdheEcdsaCbc,
        true,
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
        "ECDHE-ECDSA-AES256-SHA384",
        cbc(SHA384),
    ),
    legacy(
        0xc023,
        LegacySuite::EcdheEcdsaCbc,
        true,
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
        "ECDHE-ECDSA-AES128-SHA256",
        cbc(SHA256),
    ),
    legacy(
        0xc00a,
        LegacySuite::EcdheEcdsaCbc,
        false,
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
        "ECDHE-ECDSA-AES256-SHA",
        cbc(SHA1),
    ),
    legacy(
        0xc009,
        LegacySuite::EcdheEcdsaCbc,
        false,
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
        "ECDHE-ECDSA-AES128-SHA",
        cbc(SHA1),
    ),
    legacy(
        0xc028,
        LegacySuite::EcdheRsaCbc,
        true,
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
        "ECDHE-RSA-AES256-SHA384",
        cbc(SHA384),
    ),
    legacy(
        0xc027,
        LegacySuite::EcdheRsaCbc,
        true,
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
        "ECDHE-RSA-AES128-SHA256",
        cbc(SHA256),
    ),
    legacy(
        0xc014,
        LegacySuite::EcdheRsaCbc,
        false,
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
        "ECDHE-RSA-AES256-SHA",
        cbc(SHA1),
    ),
    legacy(
        0xc013,
        LegacySuite::EcdheRsaCbc,
        false,
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        "ECDHE-RSA-AES128-SHA",
        cbc(SHA1),
    ),
    legacy(0x009d, LegacySuite::RsaGcm, true, "TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384", GCM),
    legacy(0x009c, LegacySuite::RsaGcm, true, "TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256", GCM),
    legacy(0x003d, LegacySuite::RsaCbc, true, "TLS_RSA_WITH_AES_256_CBC_SHA256", "AES256-SHA256", cbc(SHA256)),
    legacy(0x003c, LegacySuite::RsaCbc, true, "TLS_RSA_WITH_AES_128_CBC_SHA256", "AES128-SHA256", cbc(SHA256)),
    legacy(0x0035, LegacySuite::RsaCbc, false, "TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA", cbc(SHA1)),
    legacy(0x002f, LegacySuite::RsaCbc, false, "TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA", cbc(SHA1)),
    Suite {
        code: 0x003b,
        name: "TLS_RSA_WITH_NULL_SHA256",
        openssl: "NULL-SHA256",
        family: SuiteFamily::Null,
        tls12_only: true,
        overhead: mac(SHA256),
    },
    Suite {
        code: 0x0002,
        name: "TLS_RSA_WITH_NULL_SHA",
        openssl: "NULL-SHA",
        family: SuiteFamily::Null,
        tls12_only: false,
        overhead: mac(SHA1),
    },
];
