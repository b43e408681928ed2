//! What Prometheus reads of `ravelin sync`.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use prometheus::{Encoder, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry, TextEncoder};

use super::process::Process;
use super::register::{counter, counters, gauge, labelled_gauge};
use super::table;
use crate::log::LogCounters;
use ravelin_config::SyncConfig;

/// All metrics of one companion, in a registry of its own.
pub struct SyncMetrics {
    registry: Registry,
    fetches: IntCounterVec,
    age: IntGaugeVec,
    accounts: IntGaugeVec,
    bind_refused: IntGaugeVec,
    serial: IntGauge,
    written: IntGauge,
    refused: IntGauge,
    ready: IntGauge,
    log_records_dropped: IntCounter,
    log_records_suppressed: IntCounter,
    process: Process,
    /// Why the snapshot is not written; `None`: it is.
    trouble: Mutex<Option<String>>,
}

impl SyncMetrics {
    /// Every series of this configuration at zero, so that a first failure is a rise and not the birth of a series.
    pub fn new(config: &SyncConfig, results: &[&str]) -> SyncMetrics {
        let registry = Registry::new();
        let r = &registry;
        labelled_gauge(r, &table::BUILD_INFO).with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let metrics = SyncMetrics {
            fetches: counters(r, &table::SYNC_FETCHES),
            age: labelled_gauge(r, &table::SYNC_AGE),
            accounts: labelled_gauge(r, &table::SYNC_ACCOUNTS),
            bind_refused: labelled_gauge(r, &table::SYNC_BIND_REFUSED),
            serial: gauge(r, &table::SYNC_SERIAL),
            written: gauge(r, &table::SYNC_WRITTEN),
            refused: gauge(r, &table::SYNC_REFUSED),
            ready: gauge(r, &table::READY),
            log_records_dropped: counter(r, &table::LOG_RECORDS_DROPPED),
            log_records_suppressed: counter(r, &table::LOG_RECORDS_SUPPRESSED),
            process: Process::new(r),
            trouble: Mutex::new(None),
            registry,
        };
        for domain in &config.domains {
            metrics.bind_refused.with_label_values(&[&domain.domain]);
            for controller in &domain.controllers {
                for result in results {
                    metrics.fetches.with_label_values(&[domain.domain.as_str(), controller.host.as_str(), *result]);
                }
            }
        }
        metrics
    }

    /// One fetch has ended.
    pub fn fetched(&self, domain: &str, controller: &str, result: &str) {
        self.fetches.with_label_values(&[domain, controller, result]).inc();
        // Others did not come as far as a bind.
        match result {
            "bind_refused" => self.bind_refused(domain),
            "ok" => self.bind_refused.with_label_values(&[domain]).set(0),
            _ => {}
        }
    }

    /// A domain is left alone because its reader was refused.
    pub fn bind_refused(&self, domain: &str) {
        self.bind_refused.with_label_values(&[domain]).set(1);
    }

    /// A domain has so many accounts.
    pub fn known(&self, domain: &str, accounts: usize) {
        self.accounts.with_label_values(&[domain]).set(i64::try_from(accounts).unwrap_or(i64::MAX));
    }

    /// A snapshot was written.
    pub fn written(&self, serial: u64, now: i64) {
        self.serial.set(i64::try_from(serial).unwrap_or(i64::MAX));
        self.written.set(now);
        self.refused.set(0);
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A snapshot was not written.
    pub fn not_written(&self, why: String) {
        self.refused.set(1);
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    /// Why the snapshot is not written.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the log could not say.
    pub fn log_counters(&self) -> LogCounters {
        LogCounters { dropped: self.log_records_dropped.clone(), suppressed: self.log_records_suppressed.clone() }
    }

    /// Everything in the text exposition format, version 0.0.4, with the domains' ages now.
    pub fn render(&self, ages: &BTreeMap<String, Option<i64>>, ready: bool) -> String {
        for (domain, age) in ages {
            if let Some(age) = age {
                self.age.with_label_values(&[domain]).set(*age);
            }
        }
        self.ready.set(i64::from(ready));
        self.process.read();
        let mut page = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut page) {
            // As for the gateway: an empty page fails the scrape, which is seen.
            tracing::error!(%error, "metrics cannot be written");
            return String::new();
        }
        String::from_utf8(page).unwrap_or_default()
    }
}
