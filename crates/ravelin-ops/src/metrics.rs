//! What Prometheus reads. Session metrics have one writer, [`Metrics::observe`], fed by session records.
//!
//! Labels come from closed sets alone: names in the configuration, and enumerations. Nothing a client sent is a label.

mod declare;
mod process;
mod relay_bytes;
mod sync;
mod table;

pub use declare::{Definition, MetricKind};
pub use relay_bytes::ByteCounts;
pub use sync::SyncMetrics;
pub use table::{companion_definitions, gateway_definitions};

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::Collector;
use prometheus::{Encoder, IntCounter, IntGauge, Registry, TextEncoder};
use ravelin_policy::Reason;

use crate::log::LogCounters;
use crate::operator::{CrlView, DirectoryView, PoolView, SiteView};
use crate::record::{SessionEnd, SessionRecord};
use relay_bytes::RelayBytes;
use table::{AuditMetrics, GatewayMetrics, ProcessMetrics, SharedMetrics};

/// All metrics of one gateway, in a registry of its own.
pub struct Metrics {
    registry: Registry,
    gateway: GatewayMetrics,
    shared: SharedMetrics,
    audit: AuditMetrics,
    process: ProcessMetrics,
    bytes: Arc<RelayBytes>,
    /// Held while a whole view (sites, pools, CRLs) replaces another, so that a scrape never sees half of one.
    views: Mutex<()>,
}

impl Metrics {
    /// Every metric of the table, at zero.
    pub fn new() -> Metrics {
        let registry = Registry::new();
        Metrics {
            gateway: GatewayMetrics::register(&registry),
            shared: SharedMetrics::register(&registry),
            audit: AuditMetrics::register(&registry),
            process: ProcessMetrics::of_this_process(&registry),
            bytes: Arc::new(RelayBytes::default()),
            views: Mutex::new(()),
            registry,
        }
    }

    /// Counts one ended session. Bytes are not counted here but by [`Metrics::tunnel`], from the counts the record was made
    /// from, because a tunnel lives for days; what a tunnel began with was counted by [`Metrics::tunnel_begins`].
    pub fn observe(&self, record: &SessionRecord) {
        let site = record.site.as_deref().unwrap_or(NONE);
        self.gateway.sessions.with_label_values(&[site, record.end.label()]).inc();
        if let SessionEnd::Denied(reason) = record.end {
            match record.tunnel {
                Some(_) => self.gateway.tunnels_withdrawn.with_label_values(&[reason.label()]).inc(),
                None => self.gateway.denials.with_label_values(&[site, reason.label()]).inc(),
            }
        }
        match record.tunnel {
            Some(tunnel) => self.gateway.tunnel_duration.observe(tunnel.as_secs_f64()),
            None => self.count_handshake(record),
        }
    }

    /// Counts what is known of a session whose tunnel begins.
    pub fn tunnel_begins(&self, record: &SessionRecord) {
        self.count_handshake(record);
        if let Some(identity) = &record.identity {
            let remaining = identity.not_after.saturating_sub(record.accepted_at.unix_timestamp());
            self.gateway.client_certificate_remaining.observe(seconds(remaining));
        }
    }

    /// The handshake and its decision, of every session once.
    fn count_handshake(&self, record: &SessionRecord) {
        let site = record.site.as_deref().unwrap_or(NONE);
        if let Some(result) = handshake_result(record) {
            let (version, suite, engine) = match record.negotiated {
                Some(agreed) => (agreed.version, agreed.suite, agreed.engine.label()),
                None => (NONE, NONE, NONE),
            };
            self.gateway.handshakes.with_label_values(&[site, result, version, suite, engine]).inc();
        }
        if record.null_only_hello {
            self.gateway.null_only_hellos.with_label_values(&[site]).inc();
        }
        if let Some(handshake) = record.handshake {
            self.gateway.handshake_seconds.observe(handshake.as_secs_f64());
        }
        if record.account.as_ref().is_some_and(|account| account.is_weak) {
            self.gateway.weak_mappings.with_label_values(&[site]).inc();
        }
        if let Some(denial) = &record.shadow_denial {
            self.gateway.shadow_denials.with_label_values(&[site, denial.reason.label()]).inc();
        }
    }

    /// A tunnel is up until the guard is dropped. Drop it when the relay has returned (or died): its counts have then
    /// come to rest, and move from the live to the ended part of `ravelin_relay_bytes_total`.
    pub fn tunnel(&self, site: &str, server: &str, counts: Arc<dyn ByteCounts>) -> TunnelGuard {
        let active = GaugeGuard::new(self.gateway.tunnels_active.with_label_values(&[site, server]));
        TunnelGuard { key: self.bytes.begin(counts), bytes: self.bytes.clone(), _active: active }
    }

    /// A connection is neither permitted nor refused until the guard is dropped.
    pub fn handshake(&self) -> GaugeGuard {
        GaugeGuard::new(self.gateway.handshakes_in_flight.clone())
    }

    /// Connections that are neither permitted nor refused.
    pub fn handshakes_in_flight(&self) -> usize {
        usize::try_from(self.gateway.handshakes_in_flight.get()).unwrap_or(0)
    }

    /// All live tunnels were judged again because of `trigger`, a word from the code.
    pub fn reevaluated(&self, trigger: &'static str) {
        self.gateway.reevaluations.with_label_values(&[trigger]).inc();
    }

    /// Accepting paused because descriptors or memory ran out.
    pub fn accept_paused(&self) {
        self.gateway.accept_paused.inc();
    }

    /// A session ended by a panic.
    pub fn session_panicked(&self) {
        self.gateway.session_panics.inc();
    }

    /// One health check, or one connection made for a client.
    pub fn server_checked(&self, pool: &str, server: &str, ok: bool) {
        self.gateway.server_checks.with_label_values(&[pool, server, if ok { "ok" } else { "failed" }]).inc();
    }

    /// Whether a server is given tunnels.
    pub fn set_server_up(&self, pool: &str, server: &str, up: bool) {
        self.gateway.server_up.with_label_values(&[pool, server]).set(i64::from(up));
    }

    /// A start or reload was accepted: this generation serves from `now` (Unix seconds). What the configuration no
    /// longer names is no longer shown, and what it names is shown from the first scrape on, so that a first denial
    /// is a rise and not the birth of a series.
    pub fn update_generation(&self, number: u64, now: i64, sites: &[SiteView], pools: &[PoolView], crls: &[CrlView]) {
        let _whole = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        self.gateway.policy_generation.set(i64::try_from(number).unwrap_or(i64::MAX));
        self.gateway.reload_successful.set(1);
        self.gateway.reload_success_time.set(seconds(now));
        self.show_sites(sites);
        self.show_pools(pools);
        self.show_crls(crls);
    }

    /// A reload was refused; the old generation goes on.
    pub fn reload_refused(&self) {
        self.gateway.reload_successful.set(0);
    }

    /// How old the directories are at this moment.
    pub fn update_directories(&self, directories: &[DirectoryView]) {
        let _whole = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        for gauge in [&self.gateway.directory_age, &self.gateway.directory_accounts, &self.gateway.directory_refused] {
            gauge.reset();
        }
        let mut files = HashSet::new();
        let each_once: Vec<_> = directories.iter().filter(|one| files.insert((&one.file, one.serial))).collect();
        let domains = || each_once.iter().flat_map(|directory| &directory.domains);
        let Some(age) = domains().map(|domain| domain.age_seconds).max() else { return };
        let accounts = domains().map(|domain| domain.accounts).sum::<usize>();
        self.gateway.directory_age.with_label_values::<&str>(&[]).set(age);
        self.gateway.directory_accounts.with_label_values::<&str>(&[]).set(i64::try_from(accounts).unwrap_or(i64::MAX));
        let refused = directories.iter().any(|directory| directory.refused.is_some());
        self.gateway.directory_refused.with_label_values::<&str>(&[]).set(i64::from(refused));
    }

    /// What `/readyz` says.
    pub fn set_ready(&self, ready: bool) {
        self.shared.ready.set(i64::from(ready));
    }

    /// What the log leaves out.
    pub fn log_counters(&self) -> LogCounters {
        LogCounters {
            dropped: self.shared.log_records_dropped.clone(),
            suppressed: self.shared.log_records_suppressed.clone(),
        }
    }

    /// Counter of audit records given up.
    pub fn audit_records_dropped(&self) -> &IntCounter {
        &self.audit.audit_records_dropped
    }

    /// Everything in the text exposition format, version 0.0.4.
    pub fn render(&self) -> String {
        let _whole = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        self.bytes.publish(|totals| {
            for (direction, total) in [("to_client", totals.to_client), ("to_server", totals.to_server)] {
                let counter = self.gateway.relay_bytes.with_label_values(&[direction]);
                counter.inc_by(total.saturating_sub(counter.get()));
            }
        });
        self.process.read();
        let mut page = Vec::with_capacity(PAGE_BYTES);
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut page) {
            // A page cut short would look like metrics that are gone; an empty one fails the scrape, which is seen.
            tracing::error!(%error, "metrics cannot be written");
            return String::new();
        }
        String::from_utf8(page).unwrap_or_default()
    }

    /// The content type of [`Metrics::render`].
    pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

    fn show_sites(&self, sites: &[SiteView]) {
        self.gateway.certificate_not_after.reset();
        let mut earliest = BTreeMap::new();
        for site in sites {
            self.gateway.null_only_hellos.with_label_values(&[&site.name]);
            self.gateway.weak_mappings.with_label_values(&[&site.name]);
            for reason in Reason::ALL {
                self.gateway.sessions.with_label_values(&[&site.name, reason.label()]);
                self.gateway.denials.with_label_values(&[&site.name, reason.label()]);
            }
            for end in SessionEnd::OTHERS {
                self.gateway.sessions.with_label_values(&[&site.name, end.label()]);
            }
            for certificate in &site.certificates {
                let key = (&site.name, &certificate.subject);
                let end = earliest.entry(key).or_insert(certificate.not_after_unix);
                *end = certificate.not_after_unix.min(*end);
            }
        }
        for ((site, subject), end) in earliest {
            self.gateway.certificate_not_after.with_label_values(&[site, subject]).set(seconds(end));
        }
    }

    fn show_pools(&self, pools: &[PoolView]) {
        let named: HashSet<(&str, &str)> =
            pools.iter().flat_map(|pool| pool.servers.iter().map(|server| (&*pool.name, &*server.name))).collect();
        for family in self.gateway.server_up.collect() {
            for metric in family.get_metric() {
                let label =
                    |name| metric.get_label().iter().find(|pair| pair.name() == name).map_or("", |pair| pair.value());
                let (pool, server) = (label("pool"), label("server"));
                if !named.contains(&(pool, server)) {
                    // Fails only where it is already gone.
                    let _ = self.gateway.server_up.remove_label_values(&[pool, server]);
                }
            }
        }
        for pool in pools {
            for server in &pool.servers {
                self.set_server_up(&pool.name, &server.name, server.up);
                for result in ["ok", "failed"] {
                    self.gateway.server_checks.with_label_values(&[&pool.name, &server.name, result]);
                }
            }
        }
    }

    fn show_crls(&self, crls: &[CrlView]) {
        self.gateway.crl_next_update.reset();
        self.gateway.crl_entries.reset();
        let mut issuers: BTreeMap<&str, (i64, usize)> = BTreeMap::new();
        // Two policies may read one file: it is one CRL.
        let mut files = HashSet::new();
        for crl in crls.iter().filter(|crl| files.insert((&crl.origin, &crl.issuer, &crl.number))) {
            let (next_update, entries) = issuers.entry(&crl.issuer).or_insert((i64::MAX, 0));
            *next_update = crl.next_update_unix.min(*next_update);
            *entries = entries.saturating_add(crl.entries);
        }
        for (issuer, (next_update, entries)) in issuers {
            self.gateway.crl_next_update.with_label_values(&[issuer]).set(seconds(next_update));
            self.gateway.crl_entries.with_label_values(&[issuer]).set(i64::try_from(entries).unwrap_or(i64::MAX));
        }
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

/// Counts one thing that is there, until it is dropped.
pub struct GaugeGuard(IntGauge);

impl GaugeGuard {
    fn new(gauge: IntGauge) -> GaugeGuard {
        gauge.inc();
        GaugeGuard(gauge)
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// One tunnel that is up, until it is dropped.
pub struct TunnelGuard {
    bytes: Arc<RelayBytes>,
    key: u64,
    _active: GaugeGuard,
}

impl Drop for TunnelGuard {
    fn drop(&mut self) {
        self.bytes.end(self.key);
    }
}

/// The label value where something is not known.
const NONE: &str = "none";

/// A page of three sites; grows where there are more.
const PAGE_BYTES: usize = 64 * 1024;

/// What came of the handshake; `None` where the connection was turned away before one.
fn handshake_result(record: &SessionRecord) -> Option<&'static str> {
    let completed = record.tunnel.is_some() || record.server.is_some() || record.negotiated.is_some();
    match record.end {
        SessionEnd::RateLimited | SessionEnd::SessionLimit | SessionEnd::SourceLimit => None,
        SessionEnd::Denied(_) if record.tunnel.is_none() => Some("denied"),
        SessionEnd::HandshakeTimeout => Some("timeout"),
        SessionEnd::NoCommonSuite | SessionEnd::UnknownServerName => Some(record.end.label()),
        SessionEnd::HandshakeFailed => Some("failed"),
        SessionEnd::Draining | SessionEnd::Operator | SessionEnd::Shutdown if !completed => None,
        SessionEnd::BadRequest
        | SessionEnd::ClientClosed
        | SessionEnd::ClientCut
        | SessionEnd::ClientFailed
        | SessionEnd::Denied(_)
        | SessionEnd::Draining
        | SessionEnd::Idle
        | SessionEnd::IdentityLimit
        | SessionEnd::InternalError
        | SessionEnd::KeyLimit
        | SessionEnd::MaxLifetime
        | SessionEnd::NoServer
        | SessionEnd::Operator
        | SessionEnd::PacketViolation
        | SessionEnd::RequestTimeout
        | SessionEnd::ServerClosed
        | SessionEnd::ServerCut
        | SessionEnd::ServerFailed
        | SessionEnd::ServerRefused
        | SessionEnd::Shutdown => Some(if completed { "completed" } else { "failed" }),
    }
}

/// Unix seconds and spans as Prometheus wants them.
#[expect(clippy::cast_precision_loss, reason = "exact below 2^53, and a date beyond that is no date")]
fn seconds(value: i64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests;
