//! The loads. Each opens its tunnels first and meters only what comes then, unless opening is what is measured.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use crate::backend::wait_until;
use crate::product::{Product, Running};
use crate::wire::{self, AsyncTunnel, Order};
use crate::witness::Trip;

/// What a load cost.
#[derive(Clone, Copy)]
pub(crate) struct Spent {
    /// CPU seconds of the product.
    pub(crate) cpu: f64,
    /// Of these, what ravelin's relay threads took.
    pub(crate) relay: Option<f64>,
}

/// What tunnels cost that do nothing.
pub(crate) struct Idle {
    /// User memory, bytes each.
    pub(crate) each: f64,
    /// User memory when all are closed again, compared with before, as a ratio.
    pub(crate) after: f64,
    /// Share of a core while nothing moves.
    pub(crate) cpu: f64,
}

/// One tunnel, towards the server: so many bytes, this many in a write, with a gap between the writes.
pub(crate) fn upload(
    running: &Running,
    face: SocketAddr,
    config: &Arc<ClientConfig>,
    bytes: u64,
    piece: usize,
    gap: Duration,
) -> io::Result<Spent> {
    let mut tunnel = wire::open(face, config)?;
    tunnel.write_all(&Order::Sink { bytes }.encode())?;
    let before = Metered::start(running)?;
    let (mut sent, mut next) = (0, Instant::now());
    while sent < bytes {
        wait_until(next);
        let count = usize::try_from(bytes - sent).unwrap_or(usize::MAX).min(piece);
        tunnel.write_all(wire::pattern(sent, count))?;
        sent += count as u64;
        next += gap;
    }
    let mut taken = [0; 8];
    tunnel.read_exact(&mut taken)?;
    let spent = before.spent()?;
    wire::close(tunnel);
    if u64::from_be_bytes(taken) == bytes { Ok(spent) } else { Err(io::Error::other("bytes were lost")) }
}

/// The same from the server; how records are cut is the product's choice.
pub(crate) fn download(
    running: &Running,
    face: SocketAddr,
    config: &Arc<ClientConfig>,
    bytes: u64,
    piece: usize,
    gap: Duration,
) -> io::Result<Spent> {
    let mut tunnel = wire::open(face, config)?;
    let before = Metered::start(running)?;
    tunnel.write_all(&Order::Source { bytes, piece, gap }.encode())?;
    let mut buffer = vec![0; wire::PIECE_MAX];
    let mut taken = 0;
    while taken < bytes {
        let count = tunnel.read(&mut buffer)?;
        if count == 0 {
            return Err(io::Error::other(format!("{taken} bytes instead of {bytes}")));
        }
        wire::check(taken, &buffer[..count])?;
        taken += count as u64;
    }
    let spent = before.spent()?;
    wire::close(tunnel);
    if taken == bytes { Ok(spent) } else { Err(io::Error::other("more bytes than were sent")) }
}

/// So many sessions one after the other, on two threads: connect, handshake, heads, one packet and its return, close.
pub(crate) fn handshakes(
    running: &Running,
    face: SocketAddr,
    config: &Arc<ClientConfig>,
    count: usize,
) -> io::Result<Spent> {
    let session = || {
        let mut tunnel = wire::open(face, config)?;
        tunnel.write_all(&Order::Echo.encode())?;
        tunnel.write_all(wire::pattern(0, PACKET))?;
        let mut packet = [0; PACKET];
        tunnel.read_exact(&mut packet)?;
        wire::check(0, &packet)?;
        wire::close(tunnel);
        Ok::<_, io::Error>(())
    };
    session()?;
    let before = Metered::start(running)?;
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..CLIENTS).map(|_| scope.spawn(|| (0..count / CLIENTS).try_for_each(|_| session()))).collect();
        threads.into_iter().try_for_each(|thread| {
            thread.join().unwrap_or_else(|_| Err(io::Error::other("a client of the benchmark panicked")))
        })
    })?;
    before.spent()
}

/// Packets of 200 bytes that come back before their tunnel sends the next one: so many on each tunnel, one every so often
/// or at once. Also returns how long each took.
pub(crate) async fn packets(
    running: &Running,
    face: SocketAddr,
    configs: &[Arc<ClientConfig>],
    tunnels: usize,
    each: u64,
    every: Option<Duration>,
) -> io::Result<(Spent, Vec<Trip>)> {
    let opened = open_many(face, configs, tunnels, PACKET, 1).await?;
    let before = Metered::start(running)?;
    let start = tokio::time::Instant::now();
    let mut tasks = JoinSet::new();
    for (number, mut tunnel) in opened.into_iter().enumerate() {
        tasks.spawn(async move {
            let share = u32::try_from(number).unwrap_or(0) + 1;
            let offset = every.map(|every| every * share / u32::try_from(tunnels).unwrap_or(u32::MAX));
            let mut clock = every.map(|every| tokio::time::interval_at(start + offset.unwrap_or_default(), every));
            let (mut packet, mut trips) = ([0; PACKET], Vec::new());
            for count in 0..each {
                if let Some(clock) = &mut clock {
                    clock.tick().await;
                }
                let sent = Instant::now();
                wire::echo(&mut tunnel, count * PACKET as u64 + number as u64, &mut packet).await?;
                trips.push(Trip { sent, took: sent.elapsed() });
            }
            Ok::<_, io::Error>((tunnel, trips))
        });
    }
    // Tunnels are kept until all are done: their ends are not measured.
    let (mut kept, mut trips) = (Vec::new(), Vec::new());
    while let Some(done) = tasks.join_next().await {
        let (tunnel, its) = done.map_err(io::Error::other)??;
        kept.push(tunnel);
        trips.extend(its);
    }
    let spent = before.spent()?;
    close_many(kept).await;
    Ok((spent, trips))
}

/// Clients that are refused, one after the other on each of some threads, as fast as they are, for as long as this lives.
pub(crate) struct Flood {
    over: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<u64>>,
}

impl Flood {
    /// Begins, with clients of this kind.
    pub(crate) fn start(face: SocketAddr, stranger: &Arc<ClientConfig>) -> Flood {
        let over = Arc::new(AtomicBool::new(false));
        let knock = move |over: Arc<AtomicBool>, stranger: Arc<ClientConfig>| {
            let mut let_in = 0;
            while !over.load(Ordering::Relaxed) {
                let_in += u64::from(wire::open(face, &stranger).is_ok());
            }
            let_in
        };
        let threads = (0..FLOODERS)
            .map(|_| (over.clone(), stranger.clone()))
            .map(|(over, stranger)| std::thread::spawn(move || knock(over, stranger)))
            .collect();
        Flood { over, threads }
    }

    /// Ends it; an error where any of them got in.
    pub(crate) fn end(self) -> io::Result<()> {
        self.over.store(true, Ordering::Relaxed);
        let let_in: u64 = self.threads.into_iter().map(|thread| thread.join().unwrap_or(1)).sum();
        if let_in == 0 { Ok(()) } else { Err(io::Error::other(format!("{let_in} strangers got in"))) }
    }
}

/// Tunnels that each echo 64 KiB and then do nothing.
pub(crate) async fn idle(
    running: &Running,
    face: SocketAddr,
    configs: &[Arc<ClientConfig>],
    tunnels: usize,
    silence: Duration,
) -> io::Result<Idle> {
    let warm = open_many(face, configs, tunnels / 20 + 1, RECORD, IDLE_RECORDS).await?;
    let start = running.meter.memory()?;
    let opened = open_many(face, configs, tunnels, RECORD, IDLE_RECORDS).await?;
    // What the last packets left to do is no part of the silence.
    tokio::time::sleep(silence).await;
    // By the nanosecond: a tick of the other clock is more than the goal allows.
    let before = running.meter.running()?;
    tokio::time::sleep(silence).await;
    let spent = running.meter.running()? - before;
    #[expect(clippy::cast_precision_loss, reason = "thousands")]
    let each = (running.meter.memory()? - start) / tunnels as f64;
    close_many(opened).await;
    // Products notice in their own time; the sooner of settling and a bound.
    let mut after = running.meter.memory()?;
    for _ in 0..SETTLINGS_MAX {
        if after <= start {
            break;
        }
        tokio::time::sleep(SETTLING).await;
        after = after.min(running.meter.memory()?);
    }
    close_many(warm).await;
    Ok(Idle { each, after: after / start, cpu: spent / silence.as_secs_f64() })
}

/// Tunnels that have echoed so many packets of this size, and will go on.
pub(crate) async fn open_many(
    face: SocketAddr,
    configs: &[Arc<ClientConfig>],
    tunnels: usize,
    packet: usize,
    packets: u64,
) -> io::Result<Vec<AsyncTunnel>> {
    let mut tasks = JoinSet::new();
    for first in 0..OPENERS.min(tunnels) {
        let configs = configs.to_vec();
        tasks.spawn(async move {
            let mut opened = Vec::new();
            for number in (first..tunnels).step_by(OPENERS) {
                let mut tunnel = wire::open_async(face, &configs[number % configs.len()]).await?;
                tunnel.write_all(&Order::Echo.encode()).await?;
                let mut buffer = vec![0; packet];
                for count in 0..packets {
                    wire::echo(&mut tunnel, count * packet as u64, &mut buffer).await?;
                }
                opened.push(tunnel);
            }
            Ok::<_, io::Error>(opened)
        });
    }
    let mut all = Vec::new();
    while let Some(opened) = tasks.join_next().await {
        all.extend(opened.map_err(io::Error::other)??);
    }
    Ok(all)
}

pub(crate) async fn close_many(tunnels: Vec<AsyncTunnel>) {
    for mut tunnel in tunnels {
        // How a product ends is not what is measured.
        let _ = tunnel.shutdown().await;
    }
}

/// CPU time since a moment.
struct Metered<'a> {
    running: &'a Running,
    start: Spent,
}

impl Metered<'_> {
    fn start(running: &Running) -> io::Result<Metered<'_>> {
        Ok(Metered { running, start: now(running)? })
    }

    fn spent(&self) -> io::Result<Spent> {
        let end = now(self.running)?;
        Ok(Spent {
            cpu: end.cpu - self.start.cpu,
            relay: end.relay.zip(self.start.relay).map(|(end, start)| end - start),
        })
    }
}

fn now(running: &Running) -> io::Result<Spent> {
    let relay = match running.product {
        Product::Ravelin => Some(running.meter.threads("relay")?),
        Product::Haproxy | Product::Nginx | Product::Stunnel => None,
    };
    Ok(Spent { cpu: running.meter.cpu()?, relay })
}

/// A packet's size where the number of packets is what counts.
pub(crate) const PACKET: usize = 200;
pub(crate) const RECORD: usize = 16 * 1024;
/// 64 KiB: every buffer that a product has on the way has been used.
pub(crate) const IDLE_RECORDS: u64 = 4;
const CLIENTS: usize = 2;
/// More than handshake threads: somebody always waits.
const FLOODERS: usize = 4;
const OPENERS: usize = 8;
const SETTLING: Duration = Duration::from_millis(100);
/// Fifteen seconds, for every product.
const SETTLINGS_MAX: usize = 150;
