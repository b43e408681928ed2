//! The files and folders that a configuration names.

use std::path::PathBuf;

use ravelin_config::{CertificateFiles, Config, UpstreamConfig};

/// Every file and folder that a generation is read from: what a change of must be noticed.
pub(crate) fn named_files(config: &Config) -> Vec<PathBuf> {
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
