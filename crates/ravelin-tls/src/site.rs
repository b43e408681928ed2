//! What a site offers to its clients.

pub(crate) mod offer;
mod offers;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{
    CipherSuiteCommon, DistinguishedName, SupportedCipherSuite, SupportedProtocolVersion, Tls12CipherSuite,
    Tls13CipherSuite, version,
};

use crate::identity::ServerIdentity;
use crate::identity::candidate::Candidate;
use crate::legacy::{LegacyTls, NullEncryption, TlsVersion};
use crate::setting_problem::SettingProblem;
use crate::suites::KeyKind;
use offer::Offer;

/// What a site is made from.
pub struct SiteTlsSpec {
    /// RSA and ECDSA side by side; picked by what the client can verify.
    pub identities: Vec<ServerIdentity>,
    /// Oldest version.
    pub min: TlsVersion,
    /// Newest version.
    pub max: TlsVersion,
    /// Subjects (DER) to hint in CertificateRequest; empty: no hints (as schannel servers since 2012).
    pub authority_hints: Vec<Vec<u8>>,
    /// What is allowed beyond rustls: nothing by default.
    pub legacy: LegacyTls,
}

/// One site's TLS side of one generation: immutable, shared.
pub struct SiteTls {
    pub(crate) provider: Arc<CryptoProvider>,
    pub(crate) versions: &'static [&'static SupportedProtocolVersion],
    /// ECDSA first: it costs a twentieth of RSA to sign with.
    pub(crate) candidates: Arc<[Candidate]>,
    pub(crate) hints: Arc<[DistinguishedName]>,
    pub(crate) min: TlsVersion,
    pub(crate) max: TlsVersion,
    pub(crate) null_encryption: NullEncryption,
    /// What OpenSSL may do, one for each certificate that it may do anything with. Empty: that engine is out of use.
    pub(crate) offers: Vec<Offer>,
}

impl SiteTls {
    /// Builds it, or reports everything that stops it.
    ///
    /// # Errors
    /// No identity, an impossible version range, hints that are no names or too many for the message.
    pub fn build(spec: SiteTlsSpec) -> Result<SiteTls, Vec<SettingProblem>> {
        let mut problems = Vec::new();
        let mut problem = |key: &'static str, text: &str| {
            problems.push(SettingProblem { key, text: text.to_owned() });
        };
        if spec.identities.is_empty() {
            problem("certificates", "the site has no certificate: name at least one chain and key, or a PFX file");
        }
        if spec.min > spec.max {
            problem("tls", "min is newer than max, so that no version is left: swap them or drop one");
        }
        let is_name = |hint: &Vec<u8>| hint.first() == Some(&DER_SEQUENCE);
        if !spec.authority_hints.iter().all(is_name) {
            problem("tls.authority_hints", "a subject is not the DER of a name");
        }
        if spec.authority_hints.iter().map(|hint| hint.len() + 2).sum::<usize>() > HINTS_BYTES_MAX {
            problem("tls.authority_hints", "the subjects make more than 16 KiB: switch the hints off");
        }
        let mut identities = spec.identities;
        // ECDSA first: it costs a twentieth of RSA to sign with.
        identities.sort_by_key(|identity| identity.key() != Some(KeyKind::Ecdsa));
        let offers = if identities.is_empty() || spec.min > spec.max {
            Vec::new()
        } else {
            offers::build(&identities, spec.min, spec.max, &spec.legacy, &spec.authority_hints).unwrap_or_else(|more| {
                problems.extend(more);
                Vec::new()
            })
        };
        if !problems.is_empty() {
            return Err(problems);
        }
        let candidates: Vec<Candidate> = identities.iter().map(ServerIdentity::candidate).collect();
        Ok(SiteTls {
            provider: provider(),
            versions: rustls_versions(spec.min, spec.max),
            candidates: candidates.into(),
            hints: spec.authority_hints.into_iter().map(DistinguishedName::from).collect(),
            min: spec.min,
            max: spec.max,
            null_encryption: spec.legacy.null_encryption,
            offers,
        })
    }
}

impl SiteTls {
    /// Lowers the limit of records under one key, 2^24 - 1 with AES-GCM, for rustls' connections from now on: what comes
    /// after terabytes comes at once. For tests: every call leaks a few kilobytes, as rustls wants its suites `'static`.
    pub fn rehearse_key_limit(&mut self, records: u64) {
        let lowered = |suite: &SupportedCipherSuite| match suite {
            SupportedCipherSuite::Tls12(suite) => {
                let common = with_limit(&suite.common, records);
                SupportedCipherSuite::Tls12(Box::leak(Box::new(Tls12CipherSuite { common, ..**suite })))
            }
            SupportedCipherSuite::Tls13(suite) => {
                let common = with_limit(&suite.common, records);
                SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite { common, ..**suite })))
            }
        };
        let mut provider = CryptoProvider::clone(&self.provider);
        provider.cipher_suites = provider.cipher_suites.iter().map(lowered).collect();
        self.provider = Arc::new(provider);
    }

    pub(crate) fn prefers_null(&self) -> bool {
        self.null_encryption == NullEncryption::Prefer
    }
}

fn with_limit(common: &CipherSuiteCommon, records: u64) -> CipherSuiteCommon {
    CipherSuiteCommon { suite: common.suite, hash_provider: common.hash_provider, confidentiality_limit: records }
}

/// aws-lc-rs, given to every configuration: what the process holds as its default makes no difference.
///
/// Groups: X25519, P-256, P-384 and the post-quantum hybrid last, so that no client is made to try twice for it.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Those of a range that rustls speaks: none, where the range ends before TLS 1.2.
pub(crate) fn rustls_versions(min: TlsVersion, max: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    match (min, max) {
        (_, TlsVersion::V1_0 | TlsVersion::V1_1) => &[],
        (TlsVersion::V1_3, TlsVersion::V1_3) => ONLY_13,
        (_, TlsVersion::V1_3) => BOTH,
        (_, TlsVersion::V1_2) => ONLY_12,
    }
}

static ONLY_12: &[&SupportedProtocolVersion] = &[&version::TLS12];
static ONLY_13: &[&SupportedProtocolVersion] = &[&version::TLS13];
static BOTH: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];

const DER_SEQUENCE: u8 = 0x30;
/// A CertificateRequest must stay far from the 64 KiB that its length fields can hold, and from costing round trips.
const HINTS_BYTES_MAX: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_that_cannot_be_built_reports_every_problem() {
        let spec = SiteTlsSpec {
            identities: Vec::new(),
            min: TlsVersion::V1_3,
            max: TlsVersion::V1_2,
            authority_hints: vec![b"CN=Root".to_vec(), vec![DER_SEQUENCE; 20_000]],
            legacy: LegacyTls::default(),
        };
        let problems = SiteTls::build(spec).err().unwrap();
        assert_eq!(problems.len(), 4, "{problems:?}");
    }
}
