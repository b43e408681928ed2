//! What Prometheus reads of `ravelin sync`.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use prometheus::{Encoder, Registry, TextEncoder};

use super::table::{CompanionMetrics, ProcessMetrics, SharedMetrics};
use crate::log::LogCounters;
use ravelin_config::SyncConfig;

/// All metrics of one companion, in a registry of its own.
pub struct SyncMetrics {
    registry: Registry,
    companion: CompanionMetrics,
    shared: SharedMetrics,
    process: ProcessMetrics,
    /// Why the snapshot is not written; `None`: it is.
    trouble: Mutex<Option<String>>,
}

impl SyncMetrics {
    /// Every series of this configuration at zero, so that a first failure is a rise and not the birth of a series.
    pub fn new(config: &SyncConfig, results: &[&str]) -> SyncMetrics {
        let registry = Registry::new();
        let metrics = SyncMetrics {
            companion: CompanionMetrics::register(&registry),
            shared: SharedMetrics::register(&registry),
            process: ProcessMetrics::of_this_process(&registry),
            trouble: Mutex::new(None),
            registry,
        };
        for domain in &config.domains {
            metrics.companion.bind_refused.with_label_values(&[&domain.domain]);
            for controller in &domain.controllers {
                for result in results {
                    metrics.companion.fetches.with_label_values(&[
                        domain.domain.as_str(),
                        controller.host.as_str(),
                        *result,
                    ]);
                }
            }
        }
        metrics
    }

    /// One fetch has ended.
    pub fn count_fetch(&self, domain: &str, controller: &str, result: &str) {
        self.companion.fetches.with_label_values(&[domain, controller, result]).inc();
        // Others did not come as far as a bind.
        match result {
            "bind_refused" => self.set_bind_refused(domain),
            "ok" => self.companion.bind_refused.with_label_values(&[domain]).set(0),
            _ => {}
        }
    }

    /// A domain is left alone because its reader was refused.
    pub fn set_bind_refused(&self, domain: &str) {
        self.companion.bind_refused.with_label_values(&[domain]).set(1);
    }

    /// A domain has so many accounts.
    pub fn set_accounts(&self, domain: &str, accounts: usize) {
        self.companion.accounts.with_label_values(&[domain]).set(i64::try_from(accounts).unwrap_or(i64::MAX));
    }

    /// A snapshot was written.
    pub fn snapshot_written(&self, serial: u64, now: i64) {
        self.companion.serial.set(i64::try_from(serial).unwrap_or(i64::MAX));
        self.companion.written.set(now);
        self.companion.refused.set(0);
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A snapshot was not written.
    pub fn snapshot_not_written(&self, why: String) {
        self.companion.refused.set(1);
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    /// Why the snapshot is not written.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the log could not say.
    pub fn log_counters(&self) -> LogCounters {
        LogCounters {
            dropped: self.shared.log_records_dropped.clone(),
            suppressed: self.shared.log_records_suppressed.clone(),
        }
    }

    /// Everything in the text exposition format, version 0.0.4, with the domains' ages now.
    pub fn render(&self, ages: &BTreeMap<String, Option<i64>>, ready: bool) -> String {
        for (domain, age) in ages {
            if let Some(age) = age {
                self.companion.age.with_label_values(&[domain]).set(*age);
            }
        }
        self.shared.ready.set(i64::from(ready));
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
