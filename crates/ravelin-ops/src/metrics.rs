//! What Prometheus reads. Session metrics have one writer, [`Metrics::observe`], fed by session records.
//!
//! Labels come from closed sets alone: names in the configuration, and enumerations. Nothing a client sent is a label.

mod process;
mod register;
mod relay_bytes;
mod sync;
mod table;

pub use relay_bytes::ByteCounts;
pub use sync::SyncMetrics;
pub use table::{DEFINITIONS, Definition, Kind, SYNC_DEFINITIONS};

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::Collector;
use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry, TextEncoder,
};
use ravelin_policy::Reason;

use crate::log::LogCounters;
use crate::operator::{DirectoryView, ListView, PoolView, SiteView};
use crate::record::{SessionEnd, SessionRecord};
use process::Process;
use register::{counter, counters, gauge, histogram, labelled_gauge, labelled_time, opts, register};
use relay_bytes::RelayBytes;

/// All metrics of one gateway, in a registry of its own.
pub struct Metrics {
    registry: Registry,
    sessions: IntCounterVec,
    tunnels_active: IntGaugeVec,
    tunnel_duration: Histogram,
    relay_bytes: IntCounterVec,
    bytes: Arc<RelayBytes>,
    tunnels_withdrawn: IntCounterVec,
    reevaluations: IntCounterVec,
    handshakes: IntCounterVec,
    null_only_hellos: IntCounterVec,
    handshake_seconds: Histogram,
    handshakes_in_flight: IntGauge,
    accept_paused: IntCounter,
    session_panics: IntCounter,
    denials: IntCounterVec,
    shadow_denials: IntCounterVec,
    client_certificate_remaining: Histogram,
    server_up: IntGaugeVec,
    server_checks: IntCounterVec,
    policy_generation: IntGauge,
    reload_successful: IntGauge,
    reload_success_time: Gauge,
    crl_next_update: GaugeVec,
    crl_entries: IntGaugeVec,
    certificate_not_after: GaugeVec,
    directory_age: IntGaugeVec,
    directory_accounts: IntGaugeVec,
    directory_refused: IntGaugeVec,
    weak_mappings: IntCounterVec,
    ready: IntGauge,
    log_records_dropped: IntCounter,
    log_records_suppressed: IntCounter,
    audit_records_dropped: IntCounter,
    process: Process,
    /// Held while a whole view (sites, pools, lists) replaces another, so that a scrape never sees half of one.
    views: Mutex<()>,
}

impl Metrics {
    /// Every metric of the table, at zero.
    pub fn new() -> Metrics {
        let registry = Registry::new();
        let r = &registry;
        let build_info: IntGaugeVec = labelled_gauge(r, &table::BUILD_INFO);
        build_info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Metrics {
            sessions: counters(r, &table::SESSIONS),
            tunnels_active: labelled_gauge(r, &table::TUNNELS_ACTIVE),
            tunnel_duration: histogram(r, &table::TUNNEL_DURATION),
            relay_bytes: counters(r, &table::RELAY_BYTES),
            bytes: Arc::new(RelayBytes::default()),
            tunnels_withdrawn: counters(r, &table::TUNNELS_WITHDRAWN),
            reevaluations: counters(r, &table::REEVALUATIONS),
            handshakes: counters(r, &table::HANDSHAKES),
            null_only_hellos: counters(r, &table::NULL_ONLY_HELLOS),
            handshake_seconds: histogram(r, &table::HANDSHAKE_SECONDS_TAKEN),
            handshakes_in_flight: gauge(r, &table::HANDSHAKES_IN_FLIGHT),
            accept_paused: counter(r, &table::ACCEPT_PAUSED),
            session_panics: counter(r, &table::SESSION_PANICS),
            denials: counters(r, &table::DENIALS),
            shadow_denials: counters(r, &table::SHADOW_DENIALS),
            client_certificate_remaining: histogram(r, &table::CLIENT_CERTIFICATE_REMAINING),
            server_up: labelled_gauge(r, &table::SERVER_UP),
            server_checks: counters(r, &table::SERVER_CHECKS),
            policy_generation: gauge(r, &table::POLICY_GENERATION),
            reload_successful: gauge(r, &table::RELOAD_SUCCESSFUL),
            reload_success_time: register(r, Gauge::with_opts(opts(&table::RELOAD_SUCCESS_TIME))),
            crl_next_update: labelled_time(r, &table::CRL_NEXT_UPDATE),
            crl_entries: labelled_gauge(r, &table::CRL_ENTRIES),
            certificate_not_after: labelled_time(r, &table::CERTIFICATE_NOT_AFTER),
            directory_age: labelled_gauge(r, &table::DIRECTORY_AGE),
            directory_accounts: labelled_gauge(r, &table::DIRECTORY_ACCOUNTS),
            directory_refused: labelled_gauge(r, &table::DIRECTORY_REFUSED),
            weak_mappings: counters(r, &table::WEAK_MAPPINGS),
            ready: gauge(r, &table::READY),
            log_records_dropped: counter(r, &table::LOG_RECORDS_DROPPED),
            log_records_suppressed: counter(r, &table::LOG_RECORDS_SUPPRESSED),
            audit_records_dropped: counter(r, &table::AUDIT_RECORDS_DROPPED),
            process: Process::new(r),
            views: Mutex::new(()),
            registry,
        }
    }

    /// Counts one ended session. Bytes are not counted here but by [`Metrics::tunnel`], from the counts the record was made
    /// from, because a tunnel lives for days; what a tunnel began with was counted by [`Metrics::tunnel_begins`].
    pub fn observe(&self, record: &SessionRecord) {
        let site = record.site.as_deref().unwrap_or(NONE);
        self.sessions.with_label_values(&[site, record.end.label()]).inc();
        if let SessionEnd::Denied(reason) = record.end {
            match record.tunnel {
                Some(_) => self.tunnels_withdrawn.with_label_values(&[reason.label()]).inc(),
                None => self.denials.with_label_values(&[site, reason.label()]).inc(),
            }
        }
        match record.tunnel {
            Some(tunnel) => self.tunnel_duration.observe(tunnel.as_secs_f64()),
            None => self.arrived(record),
        }
    }

    /// Counts what is known of a session whose tunnel begins.
    pub fn tunnel_begins(&self, record: &SessionRecord) {
        self.arrived(record);
        if let Some(identity) = &record.identity {
            let remaining = identity.not_after.saturating_sub(record.accepted_at.unix_timestamp());
            self.client_certificate_remaining.observe(seconds(remaining));
        }
    }

    /// The handshake and its decision, of every session once.
    fn arrived(&self, record: &SessionRecord) {
        let site = record.site.as_deref().unwrap_or(NONE);
        if let Some(result) = handshake_result(record) {
            let (version, suite, engine) = match record.negotiated {
                Some(agreed) => (agreed.version, agreed.suite, agreed.engine.label()),
                None => (NONE, NONE, NONE),
            };
            self.handshakes.with_label_values(&[site, result, version, suite, engine]).inc();
        }
        if record.null_only_hello {
            self.null_only_hellos.with_label_values(&[site]).inc();
        }
        if let Some(handshake) = record.handshake {
            self.handshake_seconds.observe(handshake.as_secs_f64());
        }
        if record.account.as_ref().is_some_and(|account| account.is_weak) {
            self.weak_mappings.with_label_values(&[site]).inc();
        }
        if let Some(denial) = &record.shadow_denial {
            self.shadow_denials.with_label_values(&[site, denial.reason.label()]).inc();
        }
    }

    /// A tunnel is up until the guard is dropped. Drop it when the relay has returned (or died): its counts have then
    /// come to rest, and move from the live to the ended part of `ravelin_relay_bytes_total`.
    pub fn tunnel(&self, site: &str, server: &str, counts: Arc<dyn ByteCounts>) -> TunnelGuard {
        let active = GaugeGuard::new(self.tunnels_active.with_label_values(&[site, server]));
        TunnelGuard { key: self.bytes.begin(counts), bytes: self.bytes.clone(), _active: active }
    }

    /// A connection is neither permitted nor refused until the guard is dropped.
    pub fn handshake(&self) -> GaugeGuard {
        GaugeGuard::new(self.handshakes_in_flight.clone())
    }

    /// Connections that are neither permitted nor refused.
    pub fn handshakes_in_flight(&self) -> usize {
        usize::try_from(self.handshakes_in_flight.get()).unwrap_or(0)
    }

    /// All live tunnels were judged again because of `trigger`, a word from the code.
    pub fn reevaluated(&self, trigger: &'static str) {
        self.reevaluations.with_label_values(&[trigger]).inc();
    }

    /// Accepting paused because descriptors or memory expired.
    pub fn accept_paused(&self) {
        self.accept_paused.inc();
    }

    /// A session ended by a panic.
    pub fn session_panicked(&self) {
        self.session_panics.inc();
    }

    /// One health check, or one connection made for a client.
    pub fn server_checked(&self, pool: &str, server: &str, ok: bool) {
        self.server_checks.with_label_values(&[pool, server, if ok { "ok" } else { "failed" }]).inc();
    }

    /// Whether a server is given tunnels.
    pub fn server_up(&self, pool: &str, server: &str, up: bool) {
        self.server_up.with_label_values(&[pool, server]).set(i64::from(up));
    }

    /// A start or reload was accepted: this generation serves from `now` (Unix seconds). What the configuration no
    /// longer names is no longer shown, and what it names is shown from the first scrape on, so that a first denial
    /// is a rise and not the birth of a series.
    pub fn generation(&self, number: u64, now: i64, sites: &[SiteView], pools: &[PoolView], lists: &[ListView]) {
        let _whole = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        self.policy_generation.set(i64::try_from(number).unwrap_or(i64::MAX));
        self.reload_successful.set(1);
        self.reload_success_time.set(seconds(now));
        self.show_sites(sites);
        self.show_pools(pools);
        self.show_lists(lists);
    }

    /// A reload was refused; the old generation goes on.
    pub fn reload_refused(&self) {
        self.reload_successful.set(0);
    }

    /// How old the directories are at this moment.
    pub fn directories(&self, directories: &[DirectoryView]) {
        let _whole = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        for gauge in [&self.directory_age, &self.directory_accounts, &self.directory_refused] {
            gauge.reset();
        }
        let mut files = HashSet::new();
        let each_once: Vec<_> = directories.iter().filter(|one| files.insert((&one.file, one.serial))).collect();
        let domains = || each_once.iter().flat_map(|directory| &directory.domains);
        let Some(age) = domains().map(|domain| domain.age_seconds).max() else { return };
        let accounts = domains().map(|domain| domain.accounts).sum::<usize>();
        self.directory_age.with_label_values::<&str>(&[]).set(age);
        self.directory_accounts.with_label_values::<&str>(&[]).set(i64::try_from(accounts).unwrap_or(i64::MAX));
        let refused = directories.iter().any(|directory| directory.refused.is_some());
        self.directory_refused.with_label_values::<&str>(&[]).set(i64::from(refused));
    }

    /// What `/readyz` says.
    pub fn ready(&self, ready: bool) {
        self.ready.set(i64::from(ready));
    }

    /// What the log leaves out.
    pub fn log_counters(&self) -> LogCounters {
        LogCounters { dropped: self.log_records_dropped.clone(), suppressed: self.log_records_suppressed.clone() }
    }

    /// Counter of audit records given up.
    pub fn audit_records_dropped(&self) -> &IntCounter {
        &self.audit_records_dropped
    }

    /// Everything in the text exposition format, version 0.0.4.
    pub fn render(&self) -> String {
        let _whole = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        self.bytes.publish(|totals| {
            for (direction, total) in [("to_client", totals.to_client), ("to_server", totals.to_server)] {
                let counter = self.relay_bytes.with_label_values(&[direction]);
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
        self.certificate_not_after.reset();
        let mut earliest = BTreeMap::new();
        for site in sites {
            self.null_only_hellos.with_label_values(&[&site.name]);
            self.weak_mappings.with_label_values(&[&site.name]);
            for reason in Reason::ALL {
                self.sessions.with_label_values(&[&site.name, reason.label()]);
                self.denials.with_label_values(&[&site.name, reason.label()]);
            }
            for end in SessionEnd::OTHERS {
                self.sessions.with_label_values(&[&site.name, end.label()]);
            }
            for certificate in &site.certificates {
                let key = (&site.name, &certificate.subject);
                let end = earliest.entry(key).or_insert(certificate.not_after_unix);
                *end = certificate.not_after_unix.min(*end);
            }
        }
        for ((site, subject), end) in earliest {
            self.certificate_not_after.with_label_values(&[site, subject]).set(seconds(end));
        }
    }

    fn show_pools(&self, pools: &[PoolView]) {
        let named: HashSet<(&str, &str)> =
            pools.iter().flat_map(|pool| pool.servers.iter().map(|server| (&*pool.name, &*server.name))).collect();
        for family in self.server_up.collect() {
            for metric in family.get_metric() {
                let label =
                    |name| metric.get_label().iter().find(|pair| pair.name() == name).map_or("", |pair| pair.value());
                let (pool, server) = (label("pool"), label("server"));
                if !named.contains(&(pool, server)) {
                    // Fails only where it is already gone.
                    let _ = self.server_up.remove_label_values(&[pool, server]);
                }
            }
        }
        for pool in pools {
            for server in &pool.servers {
                self.server_up(&pool.name, &server.name, server.up);
                for result in ["ok", "failed"] {
                    self.server_checks.with_label_values(&[&pool.name, &server.name, result]);
                }
            }
        }
    }

    fn show_lists(&self, lists: &[ListView]) {
        self.crl_next_update.reset();
        self.crl_entries.reset();
        let mut issuers: BTreeMap<&str, (i64, usize)> = BTreeMap::new();
        // Two policies may read one file: it is one list.
        let mut files = HashSet::new();
        for list in lists.iter().filter(|list| files.insert((&list.origin, &list.issuer, &list.number))) {
            let (next_update, entries) = issuers.entry(&list.issuer).or_insert((i64::MAX, 0));
            *next_update = list.next_update_unix.min(*next_update);
            *entries = entries.saturating_add(list.entries);
        }
        for (issuer, (next_update, entries)) in issuers {
            self.crl_next_update.with_label_values(&[issuer]).set(seconds(next_update));
            self.crl_entries.with_label_values(&[issuer]).set(i64::try_from(entries).unwrap_or(i64::MAX));
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
