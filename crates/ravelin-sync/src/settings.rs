//! What the configuration names: authorities, passwords and keys, read anew for each fetch, so that a change needs no restart.

use std::path::{Path, PathBuf};

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use zeroize::Zeroizing;

use super::order::{FetchOrder, Login, Mark};
use ravelin_config::{ControllerConfig, PasswordSource, SyncConfig, SyncDomainConfig, SyncLogin};
use ravelin_ops::process::files::{self, FileProblems};
use ravelin_ops::process::secret_files::{read_password, warn_of_readers};

/// `DC=corp,DC=example,DC=com`.
pub(super) fn base_of(domain: &str) -> String {
    domain.split('.').map(|label| format!("DC={label}")).collect::<Vec<_>>().join(",")
}

/// Where a password is; `None`: systemd gave no credentials.
pub(super) fn password_file(source: &PasswordSource) -> Option<PathBuf> {
    match source {
        PasswordSource::File(path) => Some(path.clone()),
        PasswordSource::Credential(name) => {
            std::env::var_os("CREDENTIALS_DIRECTORY").map(|folder| Path::new(&folder).join(name))
        }
    }
}

/// An order for one of the domain's controllers; `None`: something cannot be read, which was reported.
pub(super) fn order(
    domain: &SyncDomainConfig,
    controller: &ControllerConfig,
    since: Option<Mark>,
    key: &str,
    problems: &mut FileProblems,
) -> Option<FetchOrder> {
    let roots = files::certificates(&domain.ca, &format!("{key}.ca"), problems);
    let login = login(&domain.login, key, problems)?;
    if roots.is_empty() {
        return None;
    }
    Some(FetchOrder {
        host: controller.host.clone(),
        address: controller.address,
        port: controller.port,
        start_tls: domain.start_tls,
        roots: roots.into_iter().map(|root| root.der).collect(),
        login,
        base: base_of(&domain.domain),
        since,
    })
}

fn login(login: &SyncLogin, key: &str, problems: &mut FileProblems) -> Option<Login> {
    match login {
        SyncLogin::Password { name, password } => {
            let word = match password {
                PasswordSource::File(_) => "password_file",
                PasswordSource::Credential(_) => "password_credential",
            };
            let key = format!("{key}.{word}");
            let Some(path) = password_file(password) else {
                problems.error(
                    Path::new("$CREDENTIALS_DIRECTORY"),
                    &key,
                    "is not set: systemd sets it where the unit has LoadCredential=; elsewhere take `password_file`",
                );
                return None;
            };
            let password = read_password(&path, &key, problems)?;
            if password.is_empty() {
                let text =
                    "is empty: without a password a controller takes the reader for nobody, and lets it see nothing";
                problems.error(&path, &key, text);
                return None;
            }
            Some(Login::Password { name: name.clone(), password: Zeroizing::new(password.as_bytes().to_vec()) })
        }
        SyncLogin::Certificate { chain, key: key_file } => {
            let chain_key = format!("{key}.certificate.chain");
            let pem = files::read(chain, &chain_key, problems)?;
            let certificates = CertificateDer::pem_slice_iter(&pem).map(|one| one.map(|one| one.to_vec()));
            let certificates = certificates.collect::<Result<Vec<_>, _>>().ok().filter(|chain| !chain.is_empty());
            if certificates.is_none() {
                problems.error(chain, &chain_key, "holds no certificate in PEM");
            }
            let key_key = format!("{key}.certificate.key");
            warn_of_readers(key_file, &key_key, problems);
            let pem = Zeroizing::new(files::read(key_file, &key_key, problems)?);
            if let Err(error) = rustls_pki_types::PrivateKeyDer::from_pem_slice(&pem) {
                problems.error(key_file, &key_key, format!("holds no private key that can be read: {error}"));
                return None;
            }
            Some(Login::Certificate { chain: certificates?, key: pem })
        }
    }
}

/// Everything that a start would find wrong with the files.
pub(super) fn check(config: &SyncConfig, problems: &mut FileProblems) {
    for (index, domain) in config.domains.iter().enumerate() {
        if let Some(controller) = domain.controllers.first() {
            // Told where it is wrong.
            let _ = order(domain, controller, None, &format!("sync.domains[{index}]"), problems);
        }
    }
}
