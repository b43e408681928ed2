//! One immutable generation: everything a decision and a session need, built whole from a configuration and its files,
//! or not at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use ravelin_policy::Policy;
use ravelin_tls::UpstreamTls;
use rustls_pki_types::UnixTime;

use crate::trust::build_policy::build_policy;
use crate::trust::build_site::{build_site, build_upstream};
use crate::trust::directory::{Directories, LoadedDirectories};
use crate::trust::site::Site;
use ravelin_config::{Config, Problem};
use ravelin_ops::operator::AgeOverride;
use ravelin_ops::process::clock;
use ravelin_ops::process::files::FileProblems;

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
    /// An operator's order that facts about accounts count past `max_age`; its end was built into the policies.
    pub(crate) age_override: Option<AgeOverride>,
    /// How each pool's servers are reached, by the pool's name; `None` is plain HTTP.
    pub upstreams: BTreeMap<String, Option<Arc<UpstreamTls>>>,
    /// What `check` and `status` should show.
    pub warnings: Vec<Problem>,
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

/// As [`build`]; what the generation in force knows better about revocation is kept: a CRL that was fetched broken or
/// went back in number must not lock an estate out nor let a revoked machine in (docs/rules.md rule 13). With `age_override`,
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
