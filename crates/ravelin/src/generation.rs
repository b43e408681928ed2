//! One immutable generation: everything a decision and a session need, built whole from a configuration and its files,
//! or not at all.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ravelin_iphttps::{RequestRules, write_request_head};
use ravelin_policy::{
    AccountSpec, DeniedSerial, DenyList, Origin, Policy, PolicySpec, RevocationSpec, ShadowSpec, Source,
};
use ravelin_tls::{ServerIdentity, SettingProblem, SiteTls, SiteTlsSpec, UpstreamTls, UpstreamTlsSpec};
use rustls_pki_types::UnixTime;
use zeroize::Zeroizing;

use crate::clock;
use crate::config::{
    CertificateFiles, Config, DirectoryConfig, PolicyConfig, PoolConfig, Problem, ShadowConfig, SiteConfig,
    UpstreamConfig,
};
use crate::directory::{Directories, LoadedDirectories};
use crate::files::{self, FileProblems};
use crate::operator::AgeOverride;

/// One generation.
pub struct Generation {
    /// Counts from 1 at the start.
    pub number: u64,
    /// When it was built.
    pub since: UnixTime,
    /// The configuration it was built from.
    pub config: Config,
    /// Sites by name.
    pub sites: BTreeMap<String, Arc<Site>>,
    /// Policies by name.
    pub policies: BTreeMap<String, Arc<Policy>>,
    /// The directory snapshots that policies use, each once.
    pub(crate) directories: LoadedDirectories,
    /// An operator's word that facts about accounts count past `max_age`; its end was built into the policies.
    pub(crate) age_override: Option<AgeOverride>,
    /// How each pool's servers are met, by the pool's name; `None` is plain HTTP.
    pub upstreams: BTreeMap<String, Option<Arc<UpstreamTls>>>,
    /// What `check` and `status` should tell.
    pub warnings: Vec<Problem>,
}

/// What a listener offers under a server name.
pub struct Site {
    /// Its name in the configuration.
    pub name: String,
    /// The TLS side.
    pub tls: SiteTls,
    /// The policy.
    pub policy: Arc<Policy>,
    /// The pool's name.
    pub pool: String,
    /// What a request must look like.
    pub request: RequestRules,
    /// The head that servers get.
    pub server_head: Vec<u8>,
    /// Its certificates, for `status` and metrics.
    pub certificates: Vec<SiteCertificate>,
}

/// One certificate a site shows.
#[derive(Clone, Debug)]
pub struct SiteCertificate {
    /// Subject or first name.
    pub subject: String,
    /// Unix seconds.
    pub not_after: i64,
}

impl Generation {
    /// Picks a listener's site by server name; a client that sends none gets the first.
    pub fn choose(&self, listener: &str, server_name: &ravelin_tls::hello::ServerName) -> Option<Arc<Site>> {
        use ravelin_tls::hello::ServerName;
        let names = &self.config.listeners.get(listener)?.sites;
        let chosen = match server_name {
            ServerName::Absent => names.first(),
            ServerName::Dns(name) => names.iter().find(|site| {
                self.config.sites.get(*site).is_some_and(|config| config.server_names.iter().any(|own| own == name))
            }),
            ServerName::Unusable(_) => None,
        };
        chosen.and_then(|site| self.sites.get(site)).cloned()
    }

    /// The override that is in force.
    pub(crate) fn age_override(&self, now: UnixTime) -> Option<&AgeOverride> {
        self.age_override.as_ref().filter(|order| order.until_unix >= clock::to_unix(now))
    }
}

/// Builds a generation whole: the generation with its warnings, or every problem.
///
/// # Errors
/// Every error and warning found in the files that the configuration names.
pub fn build(config: &Config, number: u64, now: UnixTime) -> Result<Generation, Vec<Problem>> {
    build_after(None, None, config, number, now)
}

/// As [`build`]; what the generation in force knows better about revocation is kept: a list that was fetched broken or
/// went back in number must not lock an estate out nor let a revoked machine in (robustness rule 13). With `age_override`,
/// facts about accounts count past `max_age`.
///
/// # Errors
/// As [`build`].
pub fn build_after(
    previous: Option<&Generation>,
    age_override: Option<AgeOverride>,
    config: &Config,
    number: u64,
    now: UnixTime,
) -> Result<Generation, Vec<Problem>> {
    let mut problems = FileProblems::default();
    let mut policies = BTreeMap::new();
    let in_use = previous.map(|generation| generation.directories.as_slice()).unwrap_or_default();
    let override_until = age_override.as_ref().map(|order| order.until_unix);
    let mut directories = Directories { in_use, loaded: Vec::new(), override_until };
    for (name, policy) in &config.policies {
        let Some(mut built) = build_policy(name, policy, &mut directories, &config.file, now, &mut problems) else {
            continue;
        };
        if let Some(before) = previous.and_then(|generation| generation.policies.get(name)) {
            for notice in built.take_over(before, now) {
                let file = notice.origin.path().unwrap_or(&config.file);
                problems.warning(file, &format!("policies.{name}.revocation.crls"), notice.text);
            }
        }
        policies.insert(name.clone(), Arc::new(built));
    }
    let upstreams = config
        .pools
        .iter()
        .filter_map(|(name, pool)| Some((name.clone(), build_upstream(&config.file, name, pool, &mut problems)?)))
        .collect();
    let sites = config
        .sites
        .iter()
        .filter_map(|(name, site)| {
            let built = build_site(name, site, config, &policies, now, &mut problems)?;
            Some((name.clone(), Arc::new(built)))
        })
        .collect();
    let failed = problems.errors() > 0;
    let warnings = problems.into_inner();
    if failed {
        return Err(warnings);
    }
    Ok(Generation {
        number,
        since: now,
        config: config.clone(),
        sites,
        policies,
        directories: directories.loaded,
        age_override,
        upstreams,
        warnings,
    })
}

/// Builds one policy; `config_file` is named where a problem lies in no other file. Also for `explain`, which needs nothing
/// else.
pub(crate) fn build_policy(
    name: &str,
    policy: &PolicyConfig,
    directories: &mut Directories<'_>,
    config_file: &Path,
    now: UnixTime,
    problems: &mut FileProblems,
) -> Option<Policy> {
    let key = |field: &str| format!("policies.{name}.{field}");
    let errors_before = problems.errors();
    let spec = PolicySpec {
        name: name.to_owned(),
        trust_anchors: files::certificates(&policy.trust_anchors, &key("trust_anchors"), problems),
        intermediates: files::certificates(&policy.intermediates, &key("intermediates"), problems),
        issued_by: policy.issued_by.as_ref().map(|paths| files::certificates(paths, &key("issued_by"), problems)),
        purposes: policy.purposes.clone(),
        purpose_absent_allowed: policy.purpose_absent_allowed,
        names: policy.names.clone(),
        deny: DenyList {
            serials: policy
                .deny_serials
                .iter()
                .filter_map(|(path, serial)| {
                    let issuer = files::certificates_of(path, &key("deny.serials"), problems).into_iter().next()?;
                    Some(DeniedSerial { issuer, serial: serial.clone() })
                })
                .collect(),
            spki_sha256: policy.deny_spki_sha256.clone(),
        },
        revocation: RevocationSpec {
            check: policy.revocation.check,
            crls: files::lists(&policy.revocation.crls, &key("revocation.crls"), problems),
            unknown_allowed: policy.revocation.unknown_allowed,
            stale_grace: policy.revocation.stale_grace,
        },
        account: policy.directory.as_ref().map(|rule| build_account(rule, &key("directory"), directories, problems)),
        shadow: policy.shadow.as_ref().map(|shadow| build_shadow(shadow, &key("shadow"), directories, problems)),
    };
    if problems.errors() > errors_before {
        // Half the anchors would make every further message a riddle.
        return None;
    }
    let place = |origin: &Origin| origin.path().unwrap_or(config_file).to_owned();
    let key = format!("policies.{name}");
    match Policy::build(spec, now) {
        Ok((policy, notices)) => {
            for notice in notices {
                problems.warning(&place(&notice.origin), &key, format!("{}: {}", notice.origin, notice.text));
            }
            Some(policy)
        }
        Err(errors) => {
            for error in errors {
                problems.error(&place(&error.origin), &key, format!("{}: {}", error.origin, error.text));
            }
            None
        }
    }
}

/// Every file and folder that a generation is read from: what a change of must be noticed.
pub fn named_files(config: &Config) -> Vec<PathBuf> {
    let mut paths = vec![config.file.clone()];
    let mut identity = |files: &CertificateFiles| match files {
        CertificateFiles::Pem { chain, key } => paths.extend([chain.clone(), key.clone()]),
        CertificateFiles::Pfx { pfx, password_file } => {
            paths.push(pfx.clone());
            paths.extend(password_file.clone());
        }
    };
    for site in config.sites.values() {
        site.certificates.iter().for_each(&mut identity);
    }
    for pool in config.pools.values() {
        if let UpstreamConfig::Bridge { certificate: Some(certificate), .. } = &pool.upstream {
            identity(certificate);
        }
    }
    for pool in config.pools.values() {
        if let UpstreamConfig::Bridge { ca, .. } = &pool.upstream {
            paths.extend(ca.iter().cloned());
        }
    }
    for policy in config.policies.values() {
        let shadow = policy.shadow.as_ref().and_then(|shadow| shadow.issued_by.as_ref());
        for list in [Some(&policy.trust_anchors), Some(&policy.intermediates), policy.issued_by.as_ref(), shadow] {
            paths.extend(list.into_iter().flatten().cloned());
        }
        paths.extend(policy.deny_serials.iter().map(|(path, _)| path.clone()));
        paths.extend(policy.revocation.crls.iter().cloned());
        let trial = policy.shadow.as_ref().and_then(|shadow| shadow.directory.as_ref());
        for directory in policy.directory.iter().chain(trial) {
            paths.push(directory.snapshot.clone());
            paths.extend(directory.public_key.clone());
            paths.extend(directory.explicit_issuers.iter().flatten().cloned());
        }
    }
    paths.sort();
    paths.dedup();
    paths
}

fn build_account(
    rule: &DirectoryConfig,
    key: &str,
    directories: &mut Directories<'_>,
    problems: &mut FileProblems,
) -> AccountSpec {
    AccountSpec {
        directory: directories.load(rule, key, problems).map(|loaded| Arc::clone(&loaded.directory)),
        mapping: rule.mapping,
        explicit_issuers: rule
            .explicit_issuers
            .as_ref()
            .map(|paths| files::certificates(paths, &format!("{key}.explicit_issuers"), problems)),
        allow_groups: rule.allow_groups.clone(),
        deny_groups: rule.deny_groups.clone(),
        max_age: rule.max_age,
        override_until: directories.override_until,
    }
}

fn build_shadow(
    shadow: &ShadowConfig,
    key: &str,
    directories: &mut Directories<'_>,
    problems: &mut FileProblems,
) -> ShadowSpec {
    ShadowSpec {
        names: shadow.names.clone(),
        issued_by: shadow
            .issued_by
            .as_ref()
            .map(|paths| files::certificates(paths, &format!("{key}.issued_by"), problems)),
        purposes: shadow.purposes.clone(),
        account: shadow
            .directory
            .as_ref()
            .map(|rule| build_account(rule, &format!("{key}.directory"), directories, problems)),
    }
}

fn build_upstream(
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

fn build_site(
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

pub(crate) fn read_identity(
    files: &CertificateFiles,
    key: &str,
    problems: &mut FileProblems,
) -> Option<ServerIdentity> {
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

/// The first line of a file.
pub(crate) fn read_password(file: &Path, key: &str, problems: &mut FileProblems) -> Option<Zeroizing<String>> {
    warn_of_readers(file, key, problems);
    let bytes = Zeroizing::new(files::read(file, key, problems)?);
    match std::str::from_utf8(&bytes) {
        Ok(text) => Some(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned())),
        Err(_) => {
            problems.error(file, key, "the password is not UTF-8; save the file as UTF-8");
            None
        }
    }
}

/// A private key that everybody may read is worth a word.
pub(crate) fn warn_of_readers(path: &Path, key: &str, problems: &mut FileProblems) {
    use std::os::unix::fs::PermissionsExt;
    if let Ok(meta) = fs::metadata(path)
        && meta.permissions().mode() & 0o004 != 0
    {
        problems.warning(path, key, "holds a secret and every user of this machine may read it; cure: chmod o-r");
    }
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
    use std::fs;

    use ravelin_lab::pki::{CertificateSpec, Estate};

    use super::*;

    /// What comes from the second certificate of a file is reported under the file, whatever its folder is called.
    #[test]
    fn a_bad_certificate_is_reported_under_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca (old)").join("roots.pem");
        fs::create_dir(folder.path().join("ca (old)")).unwrap();
        let estate = Estate::standard(clock::to_unix(clock::now()));
        let no_authority = estate.root.issue(CertificateSpec::client("pc17.corp.example.test"));
        fs::write(&file, estate.root.pem() + &no_authority.certificate_pem()).unwrap();
        let config = folder.path().join("ravelin.toml");
        let policy = "[policies.main]\ntrust_anchors = [\"ca (old)/roots.pem\"]\nnames = { allow = [\"*.example.test\"] }\n\
                      revocation = { check = \"off\" }\n";
        fs::write(&config, policy).unwrap();
        let (config, _) = crate::config::load_policies(&config).unwrap();
        let problems = build(&config, 1, clock::now()).map(|_| ()).unwrap_err();
        let error = problems.iter().find(|problem| problem.text.contains("cannot be a certificate authority")).unwrap();
        assert_eq!(error.file, file);
        assert!(error.text.starts_with(&format!("{} (certificate 2): ", file.display())), "{}", error.text);
    }

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
