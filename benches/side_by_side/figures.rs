//! What is measured, and what was.

use std::collections::BTreeMap;

use crate::product::{PRODUCTS, Product};

/// One row of the table. Less is better in all of them.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Figure {
    Up16,
    Down16,
    Up1400Waiting,
    Up1400,
    Down1400,
    Packets,
    PacketsFlatOut,
    SparseP50,
    SparseP99,
    BusyP50,
    BusyP99,
    StrangersP99,
    NobodiesP99,
    HandshakeEcdsa,
    HandshakeRsa,
    BridgeUp16,
    BridgeDown16,
    BridgePackets,
    IdleMemory,
    MemoryAfter,
    IdleCpu,
}

/// In the order of the table.
pub(crate) const FIGURES: [Figure; 21] = [
    Figure::Up16,
    Figure::Down16,
    Figure::Up1400Waiting,
    Figure::Up1400,
    Figure::Down1400,
    Figure::Packets,
    Figure::PacketsFlatOut,
    Figure::HandshakeEcdsa,
    Figure::HandshakeRsa,
    Figure::BridgeUp16,
    Figure::BridgeDown16,
    Figure::BridgePackets,
    Figure::IdleMemory,
    Figure::MemoryAfter,
    Figure::IdleCpu,
    Figure::SparseP50,
    Figure::SparseP99,
    Figure::BusyP50,
    Figure::BusyP99,
    Figure::StrangersP99,
    Figure::NobodiesP99,
];

/// What ravelin promises.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// At most this share of the better of haproxy and nginx.
    Ratio(f64),
    /// At most this, whatever the others need.
    Value(f64),
    None,
}

/// A figure of one product over all rounds.
#[derive(Clone, Copy)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

/// Everything that was measured.
#[derive(Default)]
pub(crate) struct Samples {
    values: BTreeMap<(Figure, Product), Vec<f64>>,
    relay: BTreeMap<Figure, Vec<f64>>,
    disturbed: Vec<f64>,
    unwitnessed: Option<String>,
    failures: Vec<String>,
}

impl Figure {
    /// What it is, and its unit.
    pub(crate) fn label(self) -> (&'static str, &'static str) {
        match self {
            Figure::Up16 => ("16 KiB records, to the server", "s/GiB"),
            Figure::Down16 => ("16 KiB records, to the client", "s/GiB"),
            Figure::Up1400Waiting => ("1,400-byte records, data waiting, to the server", "s/GiB"),
            Figure::Up1400 => ("1,400-byte records, keeping up, to the server", "s/GiB"),
            Figure::Down1400 => ("1,400-byte writes, keeping up, to the client", "s/GiB"),
            Figure::Packets => ("200-byte packets, 10,000/s on 200 tunnels", "µs each"),
            Figure::PacketsFlatOut => ("200-byte packets, flat out on 32 tunnels", "µs each"),
            Figure::SparseP50 => ("there and back, sparse, p50", "µs"),
            Figure::SparseP99 => ("there and back, sparse, p99", "µs"),
            Figure::BusyP50 => ("there and back, busy, p50", "µs"),
            Figure::BusyP99 => ("there and back, busy, p99", "µs"),
            Figure::StrangersP99 => ("there and back, sparse, in a flood of certificates without trust, p99", "µs"),
            Figure::NobodiesP99 => ("there and back, sparse, in a flood of clients without a certificate, p99", "µs"),
            Figure::HandshakeEcdsa => ("session with full handshake, ECDSA P-256", "ms each"),
            Figure::HandshakeRsa => ("session with full handshake, RSA-2048", "ms each"),
            Figure::BridgeUp16 => ("TLS to the server too, 16 KiB, to the server", "s/GiB"),
            Figure::BridgeDown16 => ("TLS to the server too, 16 KiB, to the client", "s/GiB"),
            Figure::BridgePackets => ("TLS to the server too, 200-byte packets, 10,000/s", "µs each"),
            Figure::IdleMemory => ("user memory of an idle tunnel after use", "kB each"),
            Figure::MemoryAfter => ("user memory after all are closed, of that before", "ratio"),
            Figure::IdleCpu => ("silent tunnels", "% of a core"),
        }
    }

    /// What is promised.
    pub(crate) fn goal(self) -> Goal {
        match self {
            Figure::Up16 | Figure::Down16 => Goal::Ratio(0.60),
            Figure::Up1400Waiting | Figure::BridgeUp16 | Figure::BridgeDown16 => Goal::Ratio(0.70),
            Figure::Up1400 | Figure::Down1400 => Goal::Ratio(1.0),
            Figure::SparseP50 | Figure::SparseP99 | Figure::BusyP50 | Figure::BusyP99 => Goal::Ratio(1.0),
            Figure::Packets | Figure::PacketsFlatOut => Goal::Ratio(0.90),
            Figure::HandshakeEcdsa => Goal::Ratio(0.55),
            Figure::HandshakeRsa => Goal::Ratio(0.65),
            Figure::BridgePackets => Goal::None,
            Figure::StrangersP99 | Figure::NobodiesP99 => Goal::Value(10_000.0),
            Figure::IdleMemory => Goal::Value(8.0),
            Figure::MemoryAfter => Goal::Value(1.10),
            Figure::IdleCpu => Goal::Value(0.1),
        }
    }
}

impl Samples {
    /// One round's value.
    pub(crate) fn push(&mut self, figure: Figure, product: Product, value: f64) {
        self.values.entry((figure, product)).or_default().push(value);
    }

    /// Of that, what the relay threads took.
    pub(crate) fn push_relay(&mut self, figure: Figure, value: Option<f64>) {
        if let Some(value) = value {
            self.relay.entry(figure).or_default().push(value);
        }
    }

    /// Share of packets, in one turn, that were under way while the host gave a processor no time.
    pub(crate) fn push_disturbed(&mut self, share: f64) {
        self.disturbed.push(share);
    }

    /// Why nobody could tell which packets those were.
    pub(crate) fn unwitnessed(&mut self, why: String) {
        eprintln!("latencies are the host's too, no witness could be placed: {why}");
        self.unwitnessed = Some(why);
    }

    /// The last such reason.
    pub(crate) fn why_unwitnessed(&self) -> Option<&str> {
        self.unwitnessed.as_deref()
    }

    /// Something that could not be measured, or carried wrong bytes.
    pub(crate) fn fail(&mut self, what: String) {
        eprintln!("FAILED: {what}");
        self.failures.push(what);
    }

    /// All of those.
    pub(crate) fn failures(&self) -> &[String] {
        &self.failures
    }

    /// Products that were there.
    pub(crate) fn products(&self) -> Vec<Product> {
        PRODUCTS.into_iter().filter(|product| self.values.keys().any(|(_, key)| key == product)).collect()
    }

    /// A figure over all rounds.
    pub(crate) fn summary(&self, figure: Figure, product: Product) -> Option<Summary> {
        self.values.get(&(figure, product)).and_then(|values| summary(values))
    }

    /// What ravelin's relay threads took of a figure.
    pub(crate) fn relay(&self, figure: Figure) -> Option<Summary> {
        self.relay.get(&figure).and_then(|values| summary(values))
    }

    /// Share of packets left out of a turn.
    pub(crate) fn disturbed(&self) -> Option<Summary> {
        summary(&self.disturbed)
    }

    /// The better of haproxy and nginx.
    pub(crate) fn better(&self, figure: Figure) -> Option<Summary> {
        let peers = [Product::Haproxy, Product::Nginx].into_iter().filter_map(|peer| self.summary(figure, peer));
        peers.min_by(|one, other| one.median.total_cmp(&other.median))
    }

    /// A figure as a share of the better peer's; none where that is nothing.
    pub(crate) fn ratio(&self, figure: Figure, product: Product) -> Option<f64> {
        let (own, better) = (self.summary(figure, product)?.median, self.better(figure)?.median);
        (better > 0.0).then(|| own / better)
    }

    /// Whether a promise is kept; none where there is no promise or no figure.
    pub(crate) fn kept(&self, figure: Figure) -> Option<bool> {
        match figure.goal() {
            Goal::Ratio(most) => self.ratio(figure, Product::Ravelin).map(|ratio| ratio <= most),
            Goal::Value(most) => self.summary(figure, Product::Ravelin).map(|own| own.median <= most),
            Goal::None => None,
        }
    }
}

impl Summary {
    /// Rounds differ so much that the figure says little.
    pub(crate) fn noisy(self) -> bool {
        self.most - self.least > NOISE * self.median
    }
}

fn summary(values: &[f64]) -> Option<Summary> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (least, most) = (*sorted.first()?, *sorted.last()?);
    let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    Some(Summary { median: f64::midpoint(low, high), least, most })
}

/// Of the median. A quiet machine repeats to 10 %.
const NOISE: f64 = 0.20;
