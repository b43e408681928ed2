//! Registers the metrics of the table.

use prometheus::core::Collector;
use prometheus::{
    GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

use super::table::{Definition, Kind};

pub(super) fn opts(definition: &Definition) -> Opts {
    Opts::new(definition.name, definition.help)
}

pub(super) fn counter(registry: &Registry, definition: &Definition) -> IntCounter {
    register(registry, IntCounter::with_opts(opts(definition)))
}

pub(super) fn counters(registry: &Registry, definition: &Definition) -> IntCounterVec {
    register(registry, IntCounterVec::new(opts(definition), definition.labels))
}

pub(super) fn gauge(registry: &Registry, definition: &Definition) -> IntGauge {
    register(registry, IntGauge::with_opts(opts(definition)))
}

pub(super) fn labelled_gauge(registry: &Registry, definition: &Definition) -> IntGaugeVec {
    register(registry, IntGaugeVec::new(opts(definition), definition.labels))
}

pub(super) fn labelled_time(registry: &Registry, definition: &Definition) -> GaugeVec {
    register(registry, GaugeVec::new(opts(definition), definition.labels))
}

pub(super) fn histogram(registry: &Registry, definition: &Definition) -> Histogram {
    let buckets = match definition.kind {
        Kind::Histogram(buckets) => buckets.to_vec(),
        Kind::Counter | Kind::Gauge => Vec::new(),
    };
    register(registry, Histogram::with_opts(HistogramOpts::new(definition.name, definition.help).buckets(buckets)))
}

#[expect(clippy::expect_used, reason = "names are constants of the table, and a test registers every one")]
pub(super) fn register<C: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> C {
    let collector = made.expect("a metric of the table is well formed");
    registry.register(Box::new(collector.clone())).expect("a metric of the table is there once");
    collector
}
