//! What an operator sees and asks, answered by the running gateway.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ravelin_policy::directory::Domain;
use ravelin_policy::escape;
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::listener::Accepting;
use crate::reload;
use crate::trust::live::LiveSession;
use ravelin_ops::log;
use ravelin_ops::operator::{
    AgeOverride, CertificateView, CrlView, DirectoryDomainView, DirectoryView, GatewayStatus, KillSelector,
    ListenerView, Operator, OverrideView, PoolView, ReloadReport, ServerView, SessionView, SiteView,
};
use ravelin_ops::process::clock;
use ravelin_ops::record::{Ending, SessionEnd};

/// The operator's end of a gateway.
#[derive(Clone)]
pub struct Operations {
    gateway: Arc<Gateway>,
    accepting: Accepting,
    admin_listen: Arc<std::sync::OnceLock<std::net::SocketAddr>>,
}

impl Operations {
    /// Over a running gateway and the sockets that it accepts on.
    pub(crate) fn new(gateway: Arc<Gateway>, accepting: Accepting) -> Operations {
        Operations { gateway, accepting, admin_listen: Arc::default() }
    }

    /// Notes where the admin interface listens, once it does.
    pub(crate) fn set_admin_listen(&self, address: std::net::SocketAddr) {
        // It is set once, by the start.
        let _ = self.admin_listen.set(address);
    }

    /// Reloads for one of `signal`, `control`, `file`, `retry`.
    pub fn reload_for(&self, trigger: &str, dry_run: bool) -> ReloadReport {
        reload::reload(&self.gateway, &self.accepting, trigger, dry_run)
    }
}

impl Operator for Operations {
    fn status(&self) -> GatewayStatus {
        let gateway = &self.gateway;
        let generation = gateway.generation();
        let listeners = generation
            .config
            .listeners
            .iter()
            .map(|(name, listener)| ListenerView {
                name: name.clone(),
                addresses: self.accepting.listeners.bound(name).iter().map(ToString::to_string).collect(),
                sites: listener.sites.clone(),
            })
            .collect();
        GatewayStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started_at: unix_rfc3339(clock::to_unix(gateway.started)),
            config_file: gateway.config_file.display().to_string(),
            generation: generation.number,
            generation_since: unix_rfc3339(clock::to_unix(generation.since)),
            draining: gateway.is_draining(),
            last_reload: gateway.last_reload(),
            listeners,
            admin_listen: self.admin_listen.get().map(ToString::to_string),
            sites: gateway.site_views(),
            pools: gateway.pool_views(),
            crls: gateway.crl_views(),
            directories: gateway.directory_views(),
            age_override: generation
                .age_override(clock::now())
                .map(|order| OverrideView { until: unix_rfc3339(order.until_unix), reason: escape(&order.reason) }),
            tunnels: gateway.live.len(),
            handshakes_in_flight: gateway.handshakes_in_flight(),
            unready: self.unready(),
            warnings: generation.warnings.iter().map(ToString::to_string).collect(),
        }
    }

    fn sessions(&self) -> Vec<SessionView> {
        self.gateway.live.all().iter().map(|session| session_view(session)).collect()
    }

    fn kill(&self, selector: &KillSelector) -> usize {
        let matches = |session: &LiveSession| match selector {
            KillSelector::All => true,
            KillSelector::Identity(name) => {
                session.identity.eq_ignore_ascii_case(name) || session.identity_key.eq_ignore_ascii_case(name)
            }
            KillSelector::Session(number) => session.session == *number,
            KillSelector::Site(site) => session.site == *site,
        };
        let sessions = self.gateway.live.all();
        let chosen = sessions.iter().filter(|session| matches(session));
        chosen.filter(|session| session.stop.set(Ending::new(SessionEnd::Operator, "an operator ended it"))).count()
    }

    fn drain(&self) {
        self.gateway.request_drain();
    }

    fn reload(&self, dry_run: bool) -> ReloadReport {
        self.reload_for("control", dry_run)
    }

    fn unready(&self) -> Vec<String> {
        let gateway = &self.gateway;
        let mut reasons = gateway.sink_troubles();
        if gateway.is_draining() {
            reasons.push("draining".to_owned());
        }
        for pool in gateway.pool_views() {
            if !pool.servers.iter().any(|server| server.up) {
                reasons.push(format!("no server of the pool {} is up", pool.name));
            }
        }
        for directory in gateway.directory_views() {
            reasons.extend(directory.alarms(true));
        }
        reasons
    }

    fn override_age(&self, order: Option<AgeOverride>) -> ReloadReport {
        let report = reload::override_age(&self.gateway, &self.accepting, order.clone());
        match order {
            _ if !report.accepted => {
                tracing::error!("an operator's override was refused with the reload that it needs")
            }
            Some(AgeOverride { until_unix, reason }) => {
                let (until, reason) = (unix_rfc3339(until_unix), escape(&reason));
                tracing::warn!(until, reason, "an operator has facts past max_age count");
                self.gateway.write_event(&override_event(Some((&until, &reason)), report.generation));
            }
            None => {
                tracing::warn!("an operator ended the override");
                self.gateway.write_event(&override_event(None, report.generation));
            }
        }
        report
    }

    fn directories(&self) -> Vec<DirectoryView> {
        self.gateway.directory_views()
    }
}

/// The audit file's line of an override: until when and why, or that it was ended.
pub(crate) fn override_event(order: Option<(&str, &str)>, generation: u64) -> Vec<(&'static str, Value)> {
    vec![
        ("time", json!(log::rfc3339(clock::utc()))),
        ("event", json!("override")),
        ("until", json!(order.map(|(until, _)| until))),
        ("reason", json!(order.map(|(_, reason)| reason))),
        ("generation", json!(generation)),
    ]
}

impl Gateway {
    /// Sets the metrics of the generation in force.
    pub(crate) fn update_metrics(&self) {
        let now = clock::to_unix(clock::now());
        let generation = self.generation();
        self.metrics.update_generation(
            generation.number,
            now,
            &self.site_views(),
            &self.pool_views(),
            &self.crl_views(),
        );
    }

    fn site_views(&self) -> Vec<SiteView> {
        let generation = self.generation();
        let live = self.live.all();
        generation
            .config
            .sites
            .iter()
            .map(|(name, config)| SiteView {
                name: name.clone(),
                server_names: config.server_names.clone(),
                policy: config.policy.clone(),
                pool: config.pool.clone(),
                tunnels: live.iter().filter(|session| session.site == *name).count(),
                certificates: generation
                    .sites
                    .get(name)
                    .map(|site| site.certificates.as_slice())
                    .unwrap_or_default()
                    .iter()
                    .map(|certificate| CertificateView {
                        subject: certificate.subject.clone(),
                        not_after: unix_rfc3339(certificate.not_after),
                        not_after_unix: certificate.not_after,
                    })
                    .collect(),
            })
            .collect()
    }

    fn pool_views(&self) -> Vec<PoolView> {
        let now = Instant::now();
        self.generation()
            .config
            .pools
            .iter()
            .map(|(name, config)| PoolView {
                name: name.clone(),
                servers: self
                    .pools
                    .servers(name, config)
                    .into_iter()
                    .map(|server| ServerView {
                        up: server.state.is_up(now),
                        tunnels: server.state.tunnels(),
                        name: server.name,
                        address: server.address.to_string(),
                    })
                    .collect(),
            })
            .collect()
    }

    fn crl_views(&self) -> Vec<CrlView> {
        let generation = self.generation();
        let mut views = Vec::new();
        for (name, policy) in &generation.policies {
            for crl in policy.crls() {
                views.push(CrlView {
                    policy: name.clone(),
                    origin: crl.origin.to_string(),
                    issuer: crl.issuer,
                    number: crl.number,
                    this_update: unix_rfc3339(crl.this_update),
                    next_update: unix_rfc3339(crl.next_update),
                    next_update_unix: crl.next_update,
                    entries: crl.entries,
                });
            }
        }
        views
    }

    fn directory_views(&self) -> Vec<DirectoryView> {
        let generation = self.generation();
        let overridden = generation.age_override(clock::now()).is_some();
        let now = clock::to_unix(clock::now());
        let policies = generation.config.policies.iter();
        policies
            .filter_map(|(name, policy)| {
                let config = policy.directory.as_ref()?;
                let in_use = generation.policies.get(name)?.directory()?;
                let loaded = generation.directories.iter().find(|one| Arc::ptr_eq(&one.directory, in_use))?;
                let domain = |domain: &Domain| {
                    let age_seconds = now.saturating_sub(domain.as_of).max(0);
                    let past = |limit: Duration| u64::try_from(age_seconds).is_ok_and(|age| age > limit.as_secs());
                    let state = match (past(config.max_age), past(config.stale_after)) {
                        (true, _) if overridden => "overridden",
                        (true, _) => "expired",
                        (false, true) => "stale",
                        (false, false) => "fresh",
                    };
                    DirectoryDomainView {
                        domain: domain.dns_name.clone(),
                        accounts: loaded.summary.accounts.get(&domain.dns_name).copied().unwrap_or_default(),
                        as_of: unix_rfc3339(domain.as_of),
                        age_seconds,
                        state: state.to_owned(),
                    }
                };
                Some(DirectoryView {
                    policy: name.clone(),
                    file: config.snapshot.display().to_string(),
                    serial: loaded.summary.serial,
                    created: unix_rfc3339(loaded.summary.created),
                    domains: in_use.domains().iter().map(domain).collect(),
                    refused: loaded.refused.clone(),
                })
            })
            .collect()
    }
}

fn session_view(session: &LiveSession) -> SessionView {
    let (policy, generation, valid_until) = session.permit();
    SessionView {
        session: session.session,
        site: session.site.clone(),
        server: session.server().unwrap_or_default(),
        client: session.client.to_string(),
        identity: session.identity.clone(),
        identity_key: session.identity_key.clone(),
        policy,
        generation,
        since: clock::rfc3339(session.since),
        valid_until: unix_rfc3339(clock::to_unix(valid_until)),
        version: session.negotiated.version.to_owned(),
        suite: session.negotiated.suite.to_owned(),
        to_server_bytes: session.counters.to_server(),
        to_client_bytes: session.counters.to_client(),
    }
}

fn unix_rfc3339(seconds: i64) -> String {
    clock::rfc3339(clock::from_unix(seconds))
}
