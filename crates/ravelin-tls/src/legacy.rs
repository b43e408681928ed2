//! What a site or an upstream may allow beyond what rustls speaks. Everything here is off unless asked for.

/// A protocol version that a site may be bounded by.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum TlsVersion {
    /// TLS 1.0: Windows 7 as it was shipped. The OpenSSL engine alone.
    V1_0,
    /// TLS 1.1. The OpenSSL engine alone.
    V1_1,
    /// TLS 1.2.
    V1_2,
    /// TLS 1.3. rustls alone.
    V1_3,
}

impl TlsVersion {
    /// The number on the wire.
    pub(crate) fn code(self) -> u16 {
        match self {
            TlsVersion::V1_0 => 0x0301,
            TlsVersion::V1_1 => 0x0302,
            TlsVersion::V1_2 => 0x0303,
            TlsVersion::V1_3 => 0x0304,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            TlsVersion::V1_0 => "TLS 1.0",
            TlsVersion::V1_1 => "TLS 1.1",
            TlsVersion::V1_2 => "TLS 1.2",
            TlsVersion::V1_3 => "TLS 1.3",
        }
    }
}

/// Whether a connection may go without encryption: `TLS_RSA_WITH_NULL_SHA256` and `TLS_RSA_WITH_NULL_SHA`, which
/// authenticate and protect integrity and hide nothing. What is inside an IP-HTTPS tunnel is IPsec.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum NullEncryption {
    /// Never.
    #[default]
    Off,
    /// With a client that shares nothing else with the site. To a server: offered last.
    Fallback,
    /// With every client that offers it. To a server: offered first, and nothing that encrypts beside it but the
    /// suites that are listed, as servers choose by an order of their own.
    Prefer,
}

/// Families of suites that old Windows needs and rustls lacks. RC4, 3DES and DSS have no family: no Windows needs them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LegacySuite {
    /// `TLS_DHE_RSA_WITH_AES_*_GCM_*`: Windows 7 to 8.1, the only forward-secret AEAD they have under an RSA certificate.
    DheRsaGcm,
    /// `TLS_ECDHE_ECDSA_WITH_AES_*_CBC_*`: Windows 7 without TLS 1.2, under an ECDSA certificate.
    EcdheEcdsaCbc,
    /// `TLS_ECDHE_RSA_WITH_AES_*_CBC_*`: Windows 7 to 8.1 under an RSA certificate.
    EcdheRsaCbc,
    /// `TLS_RSA_WITH_AES_*_GCM_*`: no forward secrecy; servers hardened down to it.
    RsaGcm,
    /// `TLS_RSA_WITH_AES_*_CBC_*`: no forward secrecy and CBC; the last resort.
    RsaCbc,
}

impl LegacySuite {
    /// Every family, best first: the order in which the engine prefers them.
    pub const ALL: &'static [LegacySuite] = &[
        LegacySuite::DheRsaGcm,
        LegacySuite::EcdheEcdsaCbc,
        LegacySuite::EcdheRsaCbc,
        LegacySuite::RsaGcm,
        LegacySuite::RsaCbc,
    ];

    /// Its name in configuration, such as `ecdhe-rsa-cbc`.
    pub fn label(self) -> &'static str {
        match self {
            LegacySuite::DheRsaGcm => "dhe-rsa-gcm",
            LegacySuite::EcdheEcdsaCbc => "ecdhe-ecdsa-cbc",
            LegacySuite::EcdheRsaCbc => "ecdhe-rsa-cbc",
            LegacySuite::RsaGcm => "rsa-gcm",
            LegacySuite::RsaCbc => "rsa-cbc",
        }
    }
}

/// What is allowed beyond rustls. The default is nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LegacyTls {
    /// Connections without encryption.
    pub null_encryption: NullEncryption,
    /// Families of old suites; their order makes no difference.
    pub suites: Vec<LegacySuite>,
}

/// The message of a build without the OpenSSL engine to whoever asks for it.
#[cfg(not(feature = "legacy-tls"))]
pub(crate) const NOT_BUILT_IN: &str = "null encryption, old suites and TLS below 1.2 need the OpenSSL engine, which this \
                                       gateway was built without (feature legacy-tls): drop the settings or use a build \
                                       that has it";
