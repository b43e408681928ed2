//! PKCS#12 (RFC 7292) as Windows, OpenSSL and Java write it.

use std::fmt;

use p12_keystore::error::Error;
use p12_keystore::{KeyStore, KeyStoreEntry};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Why a PFX file cannot be used. Its text names the cure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum PfxError {
    /// It is protected, and no password is configured.
    PasswordMissing,
    /// The password does not fit.
    PasswordWrong,
    /// No file.
    Empty,
    /// Not even DER.
    NotPfx,
    /// No private key that is bound to a certificate.
    NoKey,
    /// More than one private key.
    SeveralKeys,
    /// The password is missing or does not fit, or the protection is of a kind that is not supported: which cannot be seen.
    NotDecrypted {
        /// A password is configured.
        with_password: bool,
    },
    /// Protected in a way that is not supported.
    Protection,
    /// Not a PFX file inside.
    Unreadable,
}

/// Chain, leaf first, and key; or what stops it and the cure.
///
/// The reader's own copies of the key are beyond reach and are not wiped; they are freed before this returns.
pub(super) fn read(
    pfx: &[u8],
    password: &str,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), PfxError> {
    match pfx {
        [] => return Err(PfxError::Empty),
        [0x30, ..] => {}
        _ => return Err(PfxError::NotPfx),
    }
    let store = KeyStore::from_pkcs12(pfx, password).map_err(|error| explain(&error, password))?;
    let mut keys = store.entries().filter_map(|(_, entry)| match entry {
        KeyStoreEntry::PrivateKeyChain(chain) => Some(chain),
        KeyStoreEntry::Certificate(_) | KeyStoreEntry::Secret(_) => None,
    });
    let Some(chain) = keys.next() else { return Err(PfxError::NoKey) };
    if keys.next().is_some() {
        return Err(PfxError::SeveralKeys);
    }
    let certificates = chain.chain().iter().map(|each| CertificateDer::from(each.as_der().to_vec())).collect();
    let key = PrivatePkcs8KeyDer::from(chain.key().to_vec());
    Ok((certificates, key.into()))
}

fn explain(error: &Error, password: &str) -> PfxError {
    let with_password = !password.is_empty();
    match error {
        Error::MacError(_) if with_password => PfxError::PasswordWrong,
        Error::MacError(_) => PfxError::PasswordMissing,
        // Files without a MAC show a wrong password only where decryption yields no sense.
        Error::UnpadError | Error::Pkcs5Error(_) => PfxError::NotDecrypted { with_password },
        Error::UnsupportedEncryptionScheme
        | Error::UnsupportedMacAlgorithm
        | Error::UnsupportedContentType
        | Error::UnsupportedCertificateType
        | Error::InvalidParameters => PfxError::Protection,
        Error::DerError(_)
        | Error::InvalidVersion
        | Error::X509Error(_)
        | Error::InvalidLength
        | Error::InvalidData
        | Error::IoError(_) => PfxError::Unreadable,
    }
}

impl fmt::Display for PfxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PfxError::PasswordMissing => f.write_str(PASSWORD_MISSING),
            PfxError::PasswordWrong => f.write_str(PASSWORD_WRONG),
            PfxError::Empty => f.write_str("is empty"),
            PfxError::NotPfx => f.write_str("is no PFX (PKCS#12) file: if it is PEM, name it as chain and key"),
            PfxError::NoKey => f.write_str(
                "holds no private key that is bound to a certificate: export it again with its key \
                 (Export-PfxCertificate, or certlm.msc with \"Yes, export the private key\")",
            ),
            PfxError::SeveralKeys => {
                f.write_str("holds more than one private key: which is meant cannot be known, export one")
            }
            PfxError::NotDecrypted { with_password } => {
                let wrong = if *with_password { PASSWORD_WRONG } else { PASSWORD_MISSING };
                write!(f, "{wrong}, or its protection is not supported: {REEXPORT}")
            }
            PfxError::Protection => write!(f, "its protection is not supported: {REEXPORT}"),
            PfxError::Unreadable => write!(f, "cannot be read as PFX (PKCS#12): {REEXPORT}"),
        }
    }
}

const PASSWORD_MISSING: &str = "is protected by a password and none is given: name a password_file";
const PASSWORD_WRONG: &str = "the password is wrong (mind a line end or a blank in the password file)";
const REEXPORT: &str = "export it again, with Export-PfxCertificate -CryptoAlgorithmOption AES256_SHA256 on Windows Server \
                        2019 or later, or with openssl pkcs12 -export";
