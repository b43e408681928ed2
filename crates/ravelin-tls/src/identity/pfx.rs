//! PKCS#12 (RFC 7292) as Windows, OpenSSL and Java write it.

use p12_keystore::error::Error;
use p12_keystore::{KeyStore, KeyStoreEntry};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Chain, leaf first, and key; or what stops it and the cure.
///
/// The reader's own copies of the key are beyond reach and are not wiped; they are freed before this returns.
pub(super) fn read(
    pfx: &[u8],
    password: &str,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    match pfx {
        [] => return Err("is empty".to_owned()),
        [0x30, ..] => {}
        _ => return Err("is no PFX (PKCS#12) file: if it is PEM, name it as chain and key".to_owned()),
    }
    let store = KeyStore::from_pkcs12(pfx, password).map_err(|error| explain(&error, password))?;
    let mut keys = store.entries().filter_map(|(_, entry)| match entry {
        KeyStoreEntry::PrivateKeyChain(chain) => Some(chain),
        KeyStoreEntry::Certificate(_) | KeyStoreEntry::Secret(_) => None,
    });
    let Some(chain) = keys.next() else {
        return Err("holds no private key that is bound to a certificate: export it again with its key \
                    (Export-PfxCertificate, or certlm.msc with \"Yes, export the private key\")"
            .to_owned());
    };
    if keys.next().is_some() {
        return Err("holds more than one private key: which is meant cannot be told, export one".to_owned());
    }
    let certificates = chain.chain().iter().map(|each| CertificateDer::from(each.as_der().to_vec())).collect();
    let key = PrivatePkcs8KeyDer::from(chain.key().to_vec());
    Ok((certificates, key.into()))
}

fn explain(error: &Error, password: &str) -> String {
    let wrong = if password.is_empty() {
        "is protected by a password and none is given: name a password_file"
    } else {
        "the password is wrong (mind a line end or a blank in the password file)"
    };
    match error {
        Error::MacError(_) => wrong.to_owned(),
        // Files without a MAC show a wrong password only where decryption yields no sense.
        Error::UnpadError | Error::Pkcs5Error(_) => format!("{wrong}, or its protection is not supported: {REEXPORT}"),
        Error::UnsupportedEncryptionScheme
        | Error::UnsupportedMacAlgorithm
        | Error::UnsupportedContentType
        | Error::UnsupportedCertificateType
        | Error::InvalidParameters => format!("its protection is not supported: {REEXPORT}"),
        Error::DerError(_)
        | Error::InvalidVersion
        | Error::X509Error(_)
        | Error::InvalidLength
        | Error::InvalidData
        | Error::IoError(_) => format!("cannot be read as PFX (PKCS#12): {REEXPORT}"),
    }
}

const REEXPORT: &str = "export it again, with Export-PfxCertificate -CryptoAlgorithmOption AES256_SHA256 on Windows Server \
                        2019 or later, or with openssl pkcs12 -export";
