//! Metrics and health of the companion.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::domain_reader::lock;
use super::table::DomainTable;
use ravelin_ops::admin::http::{Page, Pages};
use ravelin_ops::metrics::{Metrics, SyncMetrics};
use ravelin_ops::process::clock;

/// What is served.
pub struct SyncPages {
    names: Vec<String>,
    table: Arc<Mutex<DomainTable>>,
    metrics: Arc<SyncMetrics>,
    /// Beyond it a domain is not looked after.
    old: Duration,
}

impl SyncPages {
    pub(super) fn new(
        names: Vec<String>,
        table: Arc<Mutex<DomainTable>>,
        metrics: Arc<SyncMetrics>,
        resync: Duration,
    ) -> SyncPages {
        SyncPages { names, table, metrics, old: resync }
    }

    /// Seconds since each domain was last asked for; `None`: it never was.
    pub fn ages(&self) -> BTreeMap<String, Option<i64>> {
        let now = clock::to_unix(clock::now());
        let table = lock(&self.table);
        let age = |index| table.as_of(index).map(|as_of| now.saturating_sub(as_of).max(0));
        self.names.iter().cloned().zip((0..).map(age)).collect()
    }

    /// Why it does not do what it is for; empty: it does.
    pub fn unready(&self, ages: &BTreeMap<String, Option<i64>>) -> Vec<String> {
        let old = i64::try_from(self.old.as_secs()).unwrap_or(i64::MAX);
        let domains = ages.iter().filter_map(|(domain, age)| match age {
            None => Some(format!("nothing is known of {domain}")),
            Some(age) if *age > old => Some(format!("what is known of {domain} is {age} s old")),
            Some(_) => None,
        });
        let trouble = self.metrics.trouble().map(|why| format!("the snapshot is not written: {why}"));
        domains.chain(trouble).collect()
    }
}

impl Pages for SyncPages {
    async fn answer(&self, path: &str) -> Option<Page> {
        Some(match path {
            "/healthz" => Page::alive(),
            "/metrics" => {
                let ages = self.ages();
                let ready = self.unready(&ages).is_empty();
                Page::of(Metrics::CONTENT_TYPE, self.metrics.render(&ages, ready))
            }
            "/readyz" => Page::ready(&self.unready(&self.ages()), std::iter::empty()),
            _ => return None,
        })
    }
}
