//! A round: every figure of every product that is installed, products in turns.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::runtime::Runtime;

use crate::backend::Backend;
use crate::estate::Estate;
use crate::figures::{Figure, Samples};
use crate::load::{self, Spent};
use crate::product::{Product, Running};
use crate::wire;
use crate::witness::{self, Trip, Witness};

/// How much is done.
pub(crate) struct Size {
    bulk: u64,
    waiting: u64,
    /// Records or writes of 1,400 bytes, one at a time.
    small: u64,
    /// 200-byte packets on each of 200 tunnels, one in 40 ms.
    paced: u64,
    /// On each of 32 tunnels.
    flat_out: u64,
    /// On each of 20 tunnels, one in 100 ms.
    sparse: u64,
    handshakes: usize,
    idle: usize,
    /// stunnel takes a thread for each tunnel.
    idle_stunnel: usize,
    silence: Duration,
}

impl Size {
    /// The same, with so many idle tunnels.
    pub(crate) fn with_idle(self, tunnels: usize) -> Size {
        Size { idle: tunnels, idle_stunnel: tunnels.min(self.idle_stunnel), ..self }
    }
}

/// Figures good to some per cent on a quiet machine; a round takes three to four minutes.
pub(crate) const FULL: Size = Size {
    bulk: 2 << 30,
    waiting: 1 << 30,
    small: 100_000,
    paced: 125,
    flat_out: 3000,
    sparse: 60,
    handshakes: 1500,
    // Four sockets for each on this machine: two of the product, two of the generator. 20,000 descriptors suffice.
    idle: 5000,
    idle_stunnel: 1000,
    silence: Duration::from_secs(3),
};

/// Bytes are checked, figures mean nothing.
pub(crate) const QUICK: Size = Size {
    bulk: 8 << 20,
    waiting: 4 << 20,
    small: 1000,
    paced: 3,
    flat_out: 20,
    sparse: 2,
    handshakes: 20,
    idle: 40,
    idle_stunnel: 40,
    silence: Duration::from_millis(100),
};

/// What all rounds share.
pub(crate) struct Bench<'a> {
    pub(crate) runtime: &'a Runtime,
    pub(crate) estate: &'a Estate,
    pub(crate) backend: &'a Backend,
    pub(crate) folder: &'a Path,
    pub(crate) ravelin: &'a Path,
    pub(crate) size: Size,
    pub(crate) products: Vec<Product>,
    /// Loads whose name holds this, in lower case; all where it is none.
    pub(crate) only: Option<String>,
}

/// TLS of the clients: computers, and one computer with small records.
struct Clients {
    many: Vec<Arc<ClientConfig>>,
    small_records: Arc<ClientConfig>,
}

/// What gives a figure, or several.
#[derive(Clone, Copy, Debug)]
enum Load {
    Bulk(Bulk),
    Handshakes(Figure),
    Idle,
    Packets(Figure, Beat),
}

impl Load {
    /// How often in each round. What takes some seconds differs most between neighbours' busy and quiet ones, and of some
    /// thousand packets the slowest hundredth are few.
    fn turns(self) -> usize {
        match self {
            Load::Packets(_, Beat::Sparse) => 5,
            Load::Packets(_, Beat::Paced) | Load::Handshakes(_) | Load::Bulk(Bulk { stream: Stream::Large, .. }) => 3,
            Load::Bulk(_) | Load::Idle | Load::Packets(..) => 1,
        }
    }
}

/// One tunnel, as fast as it goes or at a steady pace.
#[derive(Clone, Copy, Debug)]
struct Bulk {
    figure: Figure,
    towards: Towards,
    stream: Stream,
}

#[derive(Clone, Copy, Debug)]
enum Towards {
    Client,
    Server,
}

#[derive(Clone, Copy, Debug)]
enum Stream {
    /// Records of 16 KiB as fast as they are taken.
    Large,
    /// The same, with TLS to the server too.
    LargeBridged,
    /// Records of 1,400 bytes, many in each write.
    Waiting,
    /// Writes of 1,400 bytes, one at a time, at a pace that every product keeps up with.
    KeepingUp,
}

/// Packets on many tunnels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Beat {
    FlatOut,
    Paced,
    PacedBridged,
    Sparse,
    /// The same, while clients without trust come as fast as they are refused.
    Strangers,
    /// While clients come that have no certificate.
    Nobodies,
}

impl Bench<'_> {
    /// Measures everything once. What fails is noted, and the round goes on.
    pub(crate) fn round(&self, round: usize, samples: &mut Samples) -> io::Result<()> {
        let many = (0..16).map(|number| self.estate.client(number, RECORD)).collect::<io::Result<_>>()?;
        let clients = Clients { many, small_records: self.estate.client(0, SMALL)? };
        let mut products = self.products.clone();
        products.rotate_left(round % self.products.len());
        // A process of its own for what leaves memory behind.
        for product in products.iter().filter(|_| self.wanted(Load::Idle)) {
            if let Some(running) = self.start(*product, round, samples) {
                self.measure(Load::Idle, &running, &clients, samples);
            }
        }
        let loads: Vec<Load> = LOADS.into_iter().filter(|load| self.wanted(*load)).collect();
        if loads.is_empty() {
            return Ok(());
        }
        let running: Vec<Running> =
            products.iter().filter_map(|product| self.start(*product, usize::MAX, samples)).collect();
        for load in loads {
            for _ in 0..load.turns() {
                for product in &running {
                    self.measure(load, product, &clients, samples);
                }
            }
        }
        Ok(())
    }

    fn wanted(&self, load: Load) -> bool {
        self.only.as_ref().is_none_or(|word| format!("{load:?}").to_lowercase().contains(word))
    }

    fn start(&self, product: Product, round: usize, samples: &mut Samples) -> Option<Running> {
        let Some(program) = product.program(self.ravelin) else {
            if round == 0 {
                eprintln!("skip {}: it is not installed", product.name());
            }
            return None;
        };
        match product.start(&program, self.estate, self.backend, self.folder) {
            Ok(running) => Some(running),
            Err(error) => {
                samples.fail(error.to_string());
                None
            }
        }
    }

    fn measure(&self, load: Load, running: &Running, clients: &Clients, samples: &mut Samples) {
        let name = running.product.name();
        eprintln!("{name}: {load:?}");
        let done = match load {
            Load::Bulk(load) => self.bulk(load, running, clients, samples),
            Load::Handshakes(figure) => self.handshakes(figure, running, clients, samples),
            Load::Idle => self.idle(running, clients, samples),
            Load::Packets(figure, beat) => self.packets(figure, beat, running, clients, samples),
        };
        if let Err(error) = done {
            samples.fail(format!("{name}: {load:?}: {error}"));
        }
    }

    fn bulk(&self, load: Bulk, running: &Running, clients: &Clients, samples: &mut Samples) -> io::Result<()> {
        let (plain, bridge, size) = (running.faces.ecdsa, running.faces.bridge, &self.size);
        let (face, config, bytes, piece, gap) = match load.stream {
            Stream::Large => (plain, &clients.many[0], size.bulk, WRITE, Duration::ZERO),
            Stream::LargeBridged => (bridge, &clients.many[0], size.bulk, WRITE, Duration::ZERO),
            Stream::Waiting => (plain, &clients.small_records, size.waiting, WAITING, Duration::ZERO),
            Stream::KeepingUp => (plain, &clients.many[0], size.small * SMALL as u64, SMALL, GAP),
        };
        let spent = match load.towards {
            Towards::Client => load::download(running, face, config, bytes, piece, gap)?,
            Towards::Server => load::upload(running, face, config, bytes, piece, gap)?,
        };
        note(samples, load.figure, running, spent, GIB / count(bytes));
        Ok(())
    }

    fn handshakes(
        &self,
        figure: Figure,
        running: &Running,
        clients: &Clients,
        samples: &mut Samples,
    ) -> io::Result<()> {
        let face = if figure == Figure::HandshakeRsa { running.faces.rsa } else { running.faces.ecdsa };
        let spent = load::handshakes(running, face, &clients.many[0], self.size.handshakes)?;
        note(samples, figure, running, spent, 1e3 / count(self.size.handshakes as u64));
        Ok(())
    }

    fn packets(
        &self,
        figure: Figure,
        beat: Beat,
        running: &Running,
        clients: &Clients,
        samples: &mut Samples,
    ) -> io::Result<()> {
        let face = if beat == Beat::PacedBridged { running.faces.bridge } else { running.faces.ecdsa };
        let (tunnels, each, every) = match beat {
            Beat::FlatOut => (32, self.size.flat_out, None),
            Beat::Paced | Beat::PacedBridged => (200, self.size.paced, Some(Duration::from_millis(40))),
            Beat::Sparse | Beat::Strangers | Beat::Nobodies => (20, self.size.sparse, Some(Duration::from_millis(100))),
        };
        let flood = match beat {
            Beat::Strangers => Some(load::Flood::start(face, &self.estate.stranger()?)),
            Beat::Nobodies => Some(load::Flood::start(face, &self.estate.nobody()?)),
            Beat::FlatOut | Beat::Paced | Beat::PacedBridged | Beat::Sparse => None,
        };
        // A flood keeps processors busy in the kernel, where a witness cannot tell it from the host.
        let witness = matches!(beat, Beat::Sparse | Beat::Paced).then(Witness::start).transpose()?;
        let done = self.bounded(load::packets(running, face, &clients.many, tunnels, each, every));
        flood.map_or(Ok(()), load::Flood::end)?;
        let stalls = witness.map_or(Ok(Vec::new()), Witness::end).unwrap_or_else(|error| {
            samples.unwitnessed(error.to_string());
            Vec::new()
        });
        let (spent, trips) = done?;
        let undisturbed = witness::undisturbed(&trips, &stalls);
        let at = |share: usize| percentile(&undisturbed, share);
        // There and back are two packets.
        let factor = 1e6 / count(2 * each * tunnels as u64);
        match beat {
            Beat::FlatOut | Beat::PacedBridged => note(samples, figure, running, spent, factor),
            Beat::Paced => {
                note(samples, figure, running, spent, factor);
                samples.push(Figure::BusyP50, running.product, at(50)?);
                samples.push(Figure::BusyP99, running.product, at(99)?);
            }
            // So few that their CPU is lost in the clock's ticks.
            Beat::Sparse => {
                samples.push(Figure::SparseP50, running.product, at(50)?);
                samples.push(Figure::SparseP99, running.product, at(99)?);
            }
            Beat::Strangers | Beat::Nobodies => samples.push(figure, running.product, at(99)?),
        }
        if matches!(beat, Beat::Sparse | Beat::Paced) {
            samples.push_disturbed(1.0 - count(undisturbed.len() as u64) / count(trips.len() as u64));
        }
        Ok(())
    }

    fn idle(&self, running: &Running, clients: &Clients, samples: &mut Samples) -> io::Result<()> {
        let tunnels = if running.product == Product::Stunnel { self.size.idle_stunnel } else { self.size.idle };
        let work = load::idle(running, running.faces.ecdsa, &clients.many, tunnels, self.size.silence);
        let idle = self.bounded(work)?;
        samples.push(Figure::IdleMemory, running.product, idle.each / 1e3);
        samples.push(Figure::MemoryAfter, running.product, idle.after);
        samples.push(Figure::IdleCpu, running.product, idle.cpu * 100.0);
        Ok(())
    }

    fn bounded<T>(&self, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        self.runtime.block_on(async { tokio::time::timeout(wire::PATIENCE, work).await })?
    }
}

/// Microseconds that this share of the trips, in hundredths, took at most.
fn percentile(trips: &[Trip], share: usize) -> io::Result<f64> {
    let mut times: Vec<Duration> = trips.iter().map(|trip| trip.took).collect();
    times.sort_unstable();
    let last = times.len().checked_sub(1).ok_or_else(|| io::Error::other("every packet was disturbed"))?;
    Ok(times[last * share / 100].as_secs_f64() * 1e6)
}

fn note(samples: &mut Samples, figure: Figure, running: &Running, spent: Spent, factor: f64) {
    samples.push(figure, running.product, spent.cpu * factor);
    samples.push_relay(figure, spent.relay.map(|relay| relay * factor));
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn count(number: u64) -> f64 {
    number as f64
}

const fn bulk(figure: Figure, towards: Towards, stream: Stream) -> Load {
    Load::Bulk(Bulk { figure, towards, stream })
}

const LOADS: [Load; 15] = [
    bulk(Figure::Up16, Towards::Server, Stream::Large),
    bulk(Figure::Down16, Towards::Client, Stream::Large),
    bulk(Figure::Up1400Waiting, Towards::Server, Stream::Waiting),
    bulk(Figure::Up1400, Towards::Server, Stream::KeepingUp),
    bulk(Figure::Down1400, Towards::Client, Stream::KeepingUp),
    Load::Packets(Figure::Packets, Beat::Paced),
    Load::Packets(Figure::PacketsFlatOut, Beat::FlatOut),
    Load::Packets(Figure::SparseP50, Beat::Sparse),
    Load::Packets(Figure::StrangersP99, Beat::Strangers),
    Load::Packets(Figure::NobodiesP99, Beat::Nobodies),
    Load::Handshakes(Figure::HandshakeEcdsa),
    Load::Handshakes(Figure::HandshakeRsa),
    bulk(Figure::BridgeUp16, Towards::Server, Stream::LargeBridged),
    bulk(Figure::BridgeDown16, Towards::Client, Stream::LargeBridged),
    Load::Packets(Figure::BridgePackets, Beat::PacedBridged),
];

const RECORD: usize = 16 * 1024;
/// Four records.
const WRITE: usize = 64 * 1024;
const SMALL: usize = 1400;
/// 46 small records in one write.
const WAITING: usize = 46 * SMALL;
/// 20,000 a second: every product here can keep up with a core of its own.
const GAP: Duration = Duration::from_micros(50);
const GIB: f64 = 1_073_741_824.0;
