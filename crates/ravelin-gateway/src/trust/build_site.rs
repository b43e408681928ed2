//! Builds sites and the way to their servers from the configuration and the files that it names.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ravelin_config::{CertificateFiles, Config, PoolConfig, SiteConfig, UpstreamConfig};
use ravelin_iphttps::{RequestRules, write_request_head};
use ravelin_ops::process::clock;
use ravelin_ops::process::files::{self, FileProblems};
use ravelin_ops::process::secret_files::{read_password, warn_of_readers};
use ravelin_policy::{Policy, Source};
use ravelin_tls::{ServerIdentity, SettingProblem, SiteTls, SiteTlsSpec, UpstreamTls, UpstreamTlsSpec};
use rustls_pki_types::UnixTime;
use zeroize::Zeroizing;

use crate::trust::site::{Site, SiteCertificate};

/// How a pool's servers are reached: `Some(None)` is plain HTTP; `None`: it cannot be built, and the problems say why.
pub(super) fn build_upstream(
    file: &Path,
    name: &str,
    pool: &PoolConfig,
    problems: &mut FileProblems,
) -> Option<Option<Arc<UpstreamTls>>> {
    let UpstreamConfig::Bridge { ca, server_name, certificate, tls } = &pool.upstream else { return Some(None) };
    let key = format!("pools.{name}.upstream");
    let authorities: Vec<(String, Vec<u8>)> = files::certificates(ca, &format!("{key}.ca"), problems)
        .into_iter()
        .map(|Source { origin, der }| (origin.to_string(), der))
        .collect();
    let client_identity = match certificate {
        Some(files) => Some(read_identity(files, &format!("{key}.certificate"), problems)?),
        None => None,
    };
    if authorities.is_empty() {
        return None;
    }
    match UpstreamTls::build(UpstreamTlsSpec {
        authorities,
        server_name: server_name.clone(),
        client_identity,
        legacy: tls.legacy.clone(),
        min: tls.min,
        max: tls.max,
    }) {
        Ok(upstream) => Some(Some(Arc::new(upstream))),
        Err(errors) => {
            report(errors, file, &key, problems);
            None
        }
    }
}

/// A site; `None`: it cannot be built, and the problems say why.
pub(super) fn build_site(
    name: &str,
    site: &SiteConfig,
    config: &Config,
    policies: &BTreeMap<String, Arc<Policy>>,
    now: UnixTime,
    problems: &mut FileProblems,
) -> Option<Site> {
    let key = format!("sites.{name}.certificates");
    let mut identities = Vec::new();
    for files in &site.certificates {
        let Some(identity) = read_identity(files, &key, problems) else { continue };
        warn_of_identity(&identity, site, files, &key, now, problems);
        identities.push(identity);
    }
    let policy = policies.get(&site.policy)?;
    if identities.len() != site.certificates.len() {
        return None;
    }
    let certificates = identities
        .iter()
        .map(|identity| SiteCertificate { subject: identity.subject().to_owned(), not_after: identity.validity().1 })
        .collect();
    let authority_hints = if site.authority_hints { policy.authority_subjects() } else { Vec::new() };
    let mut tls = SiteTls::build(SiteTlsSpec {
        identities,
        min: site.tls.min,
        max: site.tls.max,
        authority_hints,
        legacy: site.tls.legacy.clone(),
    })
    .map_err(|errors| report(errors, &config.file, &format!("sites.{name}"), problems))
    .ok()?;
    if let Some(records) = config.rehearsal.key_records {
        tls.rehearse_key_limit(records);
    }
    let pool = config.pools.get(&site.pool)?;
    let host = match &pool.upstream {
        UpstreamConfig::Bridge { server_name, .. } => Some(server_name),
        UpstreamConfig::Offload { server_name } => server_name.as_ref(),
    };
    let host = host.or_else(|| site.server_names.first())?;
    let server_head = match write_request_head(site.paths.first()?, host) {
        Ok(head) => head,
        Err(error) => {
            problems.error(&config.file, &format!("sites.{name}.guard.paths"), error.to_string());
            return None;
        }
    };
    Some(Site {
        name: name.to_owned(),
        tls,
        policy: Arc::clone(policy),
        pool: site.pool.clone(),
        request: RequestRules::new(&site.paths, &site.server_names),
        server_head,
        certificates,
    })
}

/// A certificate with its chain and key; `None`: it cannot be read, and the problems say why.
pub fn read_identity(files: &CertificateFiles, key: &str, problems: &mut FileProblems) -> Option<ServerIdentity> {
    let result = match files {
        CertificateFiles::Pem { chain, key: key_file } => {
            warn_of_readers(key_file, key, problems);
            let chain_bytes = files::read(chain, key, problems);
            let key_bytes = Zeroizing::new(files::read(key_file, key, problems)?);
            ServerIdentity::from_pem(
                &chain.display().to_string(),
                &chain_bytes?,
                &key_file.display().to_string(),
                &key_bytes,
            )
        }
        CertificateFiles::Pfx { pfx, password_file } => {
            warn_of_readers(pfx, key, problems);
            let password = match password_file {
                Some(file) => read_password(file, key, problems)?,
                None => Zeroizing::new(String::new()),
            };
            let bytes = Zeroizing::new(files::read(pfx, key, problems)?);
            ServerIdentity::from_pfx(&pfx.display().to_string(), &bytes, &password)
        }
    };
    result.map_err(|error| problems.error(Path::new(&error.origin), key, error.text)).ok()
}

fn warn_of_identity(
    identity: &ServerIdentity,
    site: &SiteConfig,
    files: &CertificateFiles,
    key: &str,
    now: UnixTime,
    problems: &mut FileProblems,
) {
    let file = match files {
        CertificateFiles::Pem { chain, .. } => chain,
        CertificateFiles::Pfx { pfx, .. } => pfx,
    };
    let (not_before, not_after) = identity.validity();
    let now = clock::to_unix(now);
    if now > not_after {
        problems.warning(file, key, "has expired: clients will refuse it (0x800b0101); renew it");
    } else if now < not_before {
        problems.warning(file, key, "is not valid yet: clients will refuse it (0x800b0101)");
    }
    for name in &site.server_names {
        if !identity.dns_names().iter().any(|pattern| covers(pattern, name)) {
            problems.warning(
                file,
                key,
                format!(
                    "does not cover the name {name}: clients will refuse it (0x800b010f); reissue it with that DNS name"
                ),
            );
        }
    }
}

/// RFC 6125 §6.4.3: a wildcard stands for exactly one leftmost label.
fn covers(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(rest) => {
            name.split_once('.').is_some_and(|(first, tail)| !first.is_empty() && tail.eq_ignore_ascii_case(rest))
        }
        None => pattern.eq_ignore_ascii_case(name),
    }
}

fn report(errors: Vec<SettingProblem>, file: &Path, key: &str, problems: &mut FileProblems) {
    for error in errors {
        problems.error(file, &format!("{key}.{}", error.key), error.text);
    }
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn certificate_names() {
        for (pattern, name, want) in [
            ("da.example.com", "da.example.com", true),
            ("DA.example.com", "da.example.com", true),
            ("*.example.com", "da.example.com", true),
            ("*.example.com", "a.da.example.com", false),
            ("*.example.com", "example.com", false),
            ("da.example.com", "db.example.com", false),
        ] {
            assert_eq!(covers(pattern, name), want, "{pattern} {name}");
        }
    }
}
