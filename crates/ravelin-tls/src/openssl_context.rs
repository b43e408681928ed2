//! What OpenSSL is allowed: everything is said, nothing is left to its defaults or to a configuration file of its own.

use std::fmt;

use openssl::bn::BigNum;
use openssl::dh::Dh;
use openssl::error::ErrorStack;
use openssl::ssl::{
    SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslSessionCacheMode, SslVerifyMode, SslVersion,
};
use openssl::stack::Stack;
use openssl::x509::{X509, X509Name, X509VerifyResult};

use crate::identity::ServerIdentity;
use crate::legacy::{LegacySuite, TlsVersion};
use crate::openssl_library::{OpenSslError, without_configuration};
use crate::suites::{Suite, SuiteFamily};

/// Why OpenSSL cannot be used with what is configured.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum ContextError {
    /// OpenSSL does not take the certificate, or a setting.
    OpenSsl(OpenSslError),
    /// OpenSSL cannot read the private key.
    UnreadableKey,
}

impl From<ErrorStack> for ContextError {
    fn from(errors: ErrorStack) -> ContextError {
        ContextError::OpenSsl(errors.into())
    }
}

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ContextError::OpenSsl(error) => error.fmt(f),
            ContextError::UnreadableKey => f.write_str(
                "its private key cannot be read by OpenSSL: convert it to PKCS #8 (openssl pkcs8 -topk8 -nocrypt)",
            ),
        }
    }
}

/// For one certificate of a site: built once a generation, shared by its connections.
///
/// # Errors
/// OpenSSL cannot read the key, or does not take the certificate.
pub(crate) fn server_context(
    identity: &ServerIdentity,
    min: TlsVersion,
    max: TlsVersion,
    suites: &[&'static Suite],
    hints: &[Vec<u8>],
) -> Result<SslContext, ContextError> {
    let mut context = bounded(SslMethod::tls_server(), min, max, suites)?;
    if !add_identity(&mut context, identity)? {
        return Err(ContextError::UnreadableKey);
    }
    // A certificate is demanded; OpenSSL does not verify it. The chain was judged before OpenSSL got
    // a byte of it. Depth 0: no path is searched, no signature of a certificate is verified here.
    context.set_verify_callback(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT, |_, verification| {
        verification.set_error(X509VerifyResult::OK);
        true
    });
    context.set_verify_depth(0);
    let mut names = Stack::new()?;
    for hint in hints {
        names.push(X509Name::from_der(hint)?)?;
    }
    context.set_client_ca_list(names);
    Ok(context.build())
}

/// For connections to servers. Their certificates are verified outside, before OpenSSL gets a byte of them.
///
/// # Errors
/// OpenSSL cannot read the key, or does not take the certificate.
pub(crate) fn client_context(
    identity: Option<&ServerIdentity>,
    min: TlsVersion,
    max: TlsVersion,
    suites: &[&'static Suite],
) -> Result<SslContext, ContextError> {
    let mut context = bounded(SslMethod::tls_client(), min, max, suites)?;
    context.set_verify(SslVerifyMode::NONE);
    if let Some(identity) = identity
        && !add_identity(&mut context, identity)?
    {
        return Err(ContextError::UnreadableKey);
    }
    Ok(context.build())
}

fn bounded(
    method: SslMethod,
    min: TlsVersion,
    max: TlsVersion,
    suites: &[&'static Suite],
) -> Result<SslContextBuilder, ErrorStack> {
    without_configuration();
    let mut context = SslContext::builder(method)?;
    let below_12 = min < TlsVersion::V1_2;
    // What is refused at higher levels and asked for here: null suites, and the MD5 and SHA-1 that sign TLS 1.0 and 1.1.
    // Without either, level 2: 112 bits.
    let as_low_as_it_gets = below_12 || suites.iter().any(|suite| suite.is_null());
    context.set_security_level(if as_low_as_it_gets { 0 } else { 2 });
    context.set_min_proto_version(Some(ssl_version(min)))?;
    context.set_max_proto_version(Some(ssl_version(max)))?;
    let names: Vec<&str> = suites.iter().map(|suite| suite.openssl).collect();
    context.set_cipher_list(&names.join(":"))?;
    // P-521 for clients whose own key is on it: OpenSSL refuses a certificate on a curve that is no group here.
    context.set_groups_list("X25519:P-256:P-384:P-521")?;
    // PKCS #1 v1.5 alone for RSA: some TPM-held computer keys cannot do PSS, and TLS 1.2 does not need it.
    context.set_sigalgs_list(if below_12 {
        "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:RSA+SHA256:RSA+SHA384:RSA+SHA512:ECDSA+SHA1:RSA+SHA1"
    } else {
        "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:RSA+SHA256:RSA+SHA384:RSA+SHA512"
    })?;
    if suites.iter().any(|suite| suite.family == SuiteFamily::Legacy(LegacySuite::DheRsaGcm)) {
        // RFC 3526 group 14: 2048 bits, as much as Windows 7 to 8.1 take.
        context.set_tmp_dh(&*Dh::from_pqg(BigNum::get_rfc3526_prime_2048()?, None, BigNum::from_u32(2)?)?)?;
    }
    context.clear_options(
        SslOptions::ALLOW_UNSAFE_LEGACY_RENEGOTIATION
            | SslOptions::DONT_INSERT_EMPTY_FRAGMENTS
            | SslOptions::IGNORE_UNEXPECTED_EOF
            | SslOptions::TLS_ROLLBACK_BUG,
    );
    context.set_options(
        SslOptions::CIPHER_SERVER_PREFERENCE
            | SslOptions::NO_COMPRESSION
            | SslOptions::NO_RENEGOTIATION
            | SslOptions::NO_SESSION_RESUMPTION_ON_RENEGOTIATION
            | SslOptions::NO_SSLV2
            | SslOptions::NO_SSLV3
            | SslOptions::NO_TICKET
            | SslOptions::NO_TLSV1_3
            | SslOptions::SINGLE_DH_USE
            | SslOptions::SINGLE_ECDH_USE,
    );
    // No resumption of any kind (docs/rules.md rule 9; docs/traps.md rows 1 to 11).
    context.set_session_cache_mode(SslSessionCacheMode::OFF);
    context.set_session_id_context(b"ravelin")?;
    // An idle tunnel holds no buffers; the chain is what was configured, not what OpenSSL finds.
    context.set_mode(SslMode::RELEASE_BUFFERS | SslMode::NO_AUTO_CHAIN);
    Ok(context)
}

/// `false`: OpenSSL could not read the key.
fn add_identity(context: &mut SslContextBuilder, identity: &ServerIdentity) -> Result<bool, ErrorStack> {
    let certified = identity.certified();
    let mut chain = certified.cert.iter();
    let (Some(leaf), Some(key)) = (chain.next(), identity.openssl_key()) else { return Ok(false) };
    let leaf = X509::from_der(leaf)?;
    context.set_certificate(&leaf)?;
    for authority in chain {
        context.add_extra_chain_cert(X509::from_der(authority)?)?;
    }
    context.set_private_key(key)?;
    context.check_private_key()?;
    Ok(true)
}

fn ssl_version(version: TlsVersion) -> SslVersion {
    match version {
        TlsVersion::V1_0 => SslVersion::TLS1,
        TlsVersion::V1_1 => SslVersion::TLS1_1,
        // This engine goes no further.
        TlsVersion::V1_2 | TlsVersion::V1_3 => SslVersion::TLS1_2,
    }
}
