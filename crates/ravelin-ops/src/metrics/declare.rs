//! How a metric is declared: one entry gives its field, its registration and its line in the manual.

use prometheus::core::Collector;
use prometheus::{
    Counter, Gauge, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};

/// One metric: what it is called, what it is split by and what it means.
#[derive(Debug)]
pub struct Definition {
    /// Full name, prefix and unit included.
    pub name: &'static str,
    /// Counter, gauge or histogram.
    pub kind: MetricKind,
    /// Label names; every value comes from a closed set (configuration or an enumeration), never from a client.
    pub labels: &'static [&'static str],
    /// One sentence for the manual and the `# HELP` line.
    pub help: &'static str,
}

/// What a metric does over time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MetricKind {
    /// Only grows, until the process ends.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts values by size, with these upper bounds.
    Histogram(&'static [f64]),
}

impl MetricKind {
    /// The word of the exposition format.
    pub fn label(self) -> &'static str {
        match self {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram(_) => "histogram",
        }
    }
}

/// A struct of metrics: `field: type, "name", ["label", …], "help";`, in the order of the manual. The types are those of the
/// crate `prometheus`; those that end in `Vec` take labels, and a histogram takes its buckets (`Histogram(BUCKETS)`).
macro_rules! metrics {
    ($(#[$doc:meta])+ $group:ident {
        $($field:ident: $type:ident $(($buckets:ident))?, $name:literal, [$($label:literal),*], $help:literal;)+
    }) => {
        $(#[$doc])+
        pub(super) struct $group {
            $(#[doc = $help] pub(super) $field: $type,)+
        }

        impl $group {
            pub(super) const DEFINITIONS: &'static [Definition] = &[$(
                Definition {
                    name: $name,
                    kind: metrics!(@kind $type $(($buckets))?),
                    labels: &[$($label),*],
                    help: $help,
                },
            )+];

            /// Registers each, without a value yet.
            pub(super) fn register(registry: &Registry) -> $group {
                let mut definitions = Self::DEFINITIONS.iter();
                // Fields are evaluated in the order of the definitions.
                $group { $($field: register(registry, definitions.next()),)+ }
            }
        }
    };
    (@kind Counter) => { MetricKind::Counter };
    (@kind IntCounter) => { MetricKind::Counter };
    (@kind IntCounterVec) => { MetricKind::Counter };
    (@kind Gauge) => { MetricKind::Gauge };
    (@kind GaugeVec) => { MetricKind::Gauge };
    (@kind IntGauge) => { MetricKind::Gauge };
    (@kind IntGaugeVec) => { MetricKind::Gauge };
    (@kind Histogram ($buckets:ident)) => { MetricKind::Histogram($buckets) };
}
pub(super) use metrics;

/// A collector that can be made from its definition.
pub(super) trait FromDefinition: Collector + Clone + 'static {
    fn make(definition: &Definition) -> prometheus::Result<Self>;
}

#[expect(clippy::expect_used, reason = "names are constants of the table, and a test registers every one")]
pub(super) fn register<C: FromDefinition>(registry: &Registry, definition: Option<&Definition>) -> C {
    let made = definition.map(C::make).expect("there is a definition for each field");
    let collector = made.expect("a metric of the table is well formed");
    registry.register(Box::new(collector.clone())).expect("a metric of the table is there once");
    collector
}

fn opts(definition: &Definition) -> Opts {
    Opts::new(definition.name, definition.help)
}

macro_rules! declared {
    ($($single:ident)+; $($labelled:ident)+) => {
        $(impl FromDefinition for $single {
            fn make(definition: &Definition) -> prometheus::Result<Self> {
                $single::with_opts(opts(definition))
            }
        })+
        $(impl FromDefinition for $labelled {
            fn make(definition: &Definition) -> prometheus::Result<Self> {
                $labelled::new(opts(definition), definition.labels)
            }
        })+
    };
}

declared! { Counter IntCounter Gauge IntGauge; IntCounterVec GaugeVec IntGaugeVec }

impl FromDefinition for Histogram {
    fn make(definition: &Definition) -> prometheus::Result<Self> {
        let buckets = match definition.kind {
            MetricKind::Histogram(buckets) => buckets.to_vec(),
            MetricKind::Counter | MetricKind::Gauge => Vec::new(),
        };
        Histogram::with_opts(HistogramOpts::new(definition.name, definition.help).buckets(buckets))
    }
}
