//! What one relay thread spends on one tunnel.
//!
//! Promise: the figures are CPU time of the relay thread alone (not the wall clock, and not the peers' threads), so two
//! builds can be compared on one machine even when it is not quiet; 10 % is a difference, 3 % is not. Bytes are counted as
//! plaintext. The tunnel is set up outside the timed part, and the relay allocates per partial record at most.
//!
//! - `relay/plain`, `relay/records`: one direction, the sender writing pieces of this size as fast as they are taken.
//!   With `records` each piece is one record, and has to be opened.
//! - `relay/waiting`: the same records, 64 KiB of them in each of the sender's writes: packets that pile up before the
//!   relay.
//! - `relay/echo`: one packet there and back, the next when it has returned.
//!
//! Cannot show: cryptography (the records here are framed, not encrypted), a network card and its merging of packets,
//! other tunnels on the thread, latency. Over loopback the kernel delivers within the sender's and the relay's own calls, so
//! part of what is counted would be an interrupt's elsewhere; and how many pieces one read finds depends on how fast
//! the peers' threads get a core, which on a busy machine makes small pieces look cheap.
#![expect(clippy::panic, reason = "a benchmark that cannot run must not report a figure")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ravelin_relay::{Codec, CodecError, Limits, OpenProgress, PlainCodec, SealProgress, Side, run};
use rustix::time::{ClockId, clock_gettime};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Plaintext of one iteration, at least.
const BLOCK: usize = 1 << 20;

const SIZES: [(&str, usize); 3] = [("200B", 200), ("1400B", 1_400), ("16KiB", 16_384)];

fn throughput(criterion: &mut Criterion) {
    for (group, framed, waiting) in
        [("relay/plain", false, false), ("relay/records", true, false), ("relay/waiting", true, true)]
    {
        let mut group = criterion.benchmark_group(group);
        group.sample_size(10).measurement_time(Duration::from_secs(3)).throughput(Throughput::Bytes(BLOCK as u64));
        for (name, size) in SIZES {
            group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
                bencher.iter_custom(|iterations| {
                    let record = record(size, framed);
                    let together = if waiting { (64 * 1024 / record.len()).max(1) } else { 1 };
                    let piece = record.repeat(together);
                    let pieces = iterations * BLOCK.div_ceil(size * together) as u64;
                    let spent = relayed(framed, |mut client, server| {
                        let sink = thread::spawn(move || read_to_end(server));
                        for _ in 0..pieces {
                            client.write_all(&piece)?;
                        }
                        drop(client);
                        sink.join().unwrap_or_else(|_| Err(io::Error::other("the sink panicked")))
                    });
                    spent.unwrap_or_else(|error| panic!("the tunnel broke: {error}"))
                });
            });
        }
    }
}

fn echo(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("relay/echo");
    group.sample_size(10).measurement_time(Duration::from_secs(3)).throughput(Throughput::Elements(2));
    group.bench_function(BenchmarkId::from_parameter("200B"), |bencher| {
        bencher.iter_custom(|iterations| {
            let record = record(200, true);
            let spent = relayed(true, |mut client, mut server| {
                let mut packet = vec![0; record.len()];
                for _ in 0..iterations {
                    client.write_all(&record)?;
                    server.read_exact(packet.get_mut(..200).unwrap_or_default())?;
                    server.write_all(packet.get(..200).unwrap_or_default())?;
                    client.read_exact(&mut packet)?;
                }
                Ok(())
            });
            spent.unwrap_or_else(|error| panic!("the tunnel broke: {error}"))
        });
    });
}

/// Runs a tunnel on a thread of its own while `peers` use it, and returns the CPU time that the thread spent from before
/// the first byte to the end of the tunnel.
fn relayed(framed: bool, peers: impl FnOnce(TcpStream, TcpStream) -> io::Result<()>) -> io::Result<Duration> {
    let ((client, client_side), (server, server_side)) = (pair()?, pair()?);
    let relay = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let codec = |framed| -> Box<dyn Codec> { if framed { Box::new(Framed) } else { Box::new(PlainCodec) } };
            let side = |stream, framed| -> io::Result<Side> {
                let stream = tokio::net::TcpStream::from_std(stream)?;
                Ok(Side { stream, codec: codec(framed), received: Vec::new(), opened: Vec::new() })
            };
            let (client, server) = (side(client_side, framed)?, side(server_side, false)?);
            let minute = Duration::from_secs(60);
            let limits = Limits { idle: minute, half_closed_idle: minute, lifetime: None };
            let before = clock_gettime(ClockId::ThreadCPUTime);
            run(client, server, limits, Arc::default(), std::future::pending()).await;
            let after = clock_gettime(ClockId::ThreadCPUTime);
            let nanoseconds = (after.tv_sec - before.tv_sec) * 1_000_000_000 + (after.tv_nsec - before.tv_nsec);
            Ok(Duration::from_nanos(nanoseconds.unsigned_abs()))
        })
    });
    peers(client, server)?;
    relay.join().unwrap_or_else(|_| Err(io::Error::other("the relay panicked")))
}

/// A connected pair: the peer's end (blocking) and the relay's.
fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let outside = TcpStream::connect(listener.local_addr()?)?;
    let (inside, _) = listener.accept()?;
    outside.set_nodelay(true)?;
    inside.set_nonblocking(true)?;
    Ok((outside, inside))
}

fn read_to_end(mut from: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 18];
    while from.read(&mut buffer)? > 0 {}
    Ok(())
}

fn record(size: usize, framed: bool) -> Vec<u8> {
    let mut record = Vec::new();
    if framed {
        record.extend_from_slice(&u32::try_from(size).unwrap_or_default().to_be_bytes());
    }
    record.resize(record.len() + size, 0x60);
    record
}

/// A length and that many bytes: what a record costs besides its cryptography. FIN is its end.
struct Framed;

const HEADER: usize = 4;
const PAYLOAD_MAX: usize = 16_384;

impl Codec for Framed {
    fn open(
        &mut self,
        input: &mut [u8],
        plaintext: &mut [u8],
        _reply: &mut Vec<u8>,
    ) -> Result<OpenProgress, CodecError> {
        let mut done = OpenProgress::default();
        while let Some((length, rest)) = input.get(done.consumed..).and_then(|rest| rest.split_first_chunk::<HEADER>())
        {
            let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
            let Some(payload) = rest.get(..length) else { break };
            let Some(room) = plaintext.get_mut(done.produced..done.produced + length) else { break };
            room.copy_from_slice(payload);
            done.consumed += HEADER + length;
            done.produced += length;
        }
        Ok(done)
    }

    fn seal(&mut self, plaintext: &[u8], output: &mut [u8]) -> Result<SealProgress, CodecError> {
        let length = plaintext.len().min(PAYLOAD_MAX).min(output.len().saturating_sub(HEADER));
        if let (Some((header, room)), Some(payload)) =
            (output.split_first_chunk_mut::<HEADER>(), plaintext.get(..length))
        {
            *header = u32::try_from(length).unwrap_or_default().to_be_bytes();
            if let Some(room) = room.get_mut(..length).filter(|room| !room.is_empty()) {
                room.copy_from_slice(payload);
                return Ok(SealProgress { consumed: length, produced: HEADER + length });
            }
        }
        Ok(SealProgress::default())
    }

    fn seal_end(&mut self, _output: &mut Vec<u8>) {}

    fn marks_end(&self) -> bool {
        false
    }

    fn sealed_len_max(&self, plaintext_len: usize) -> usize {
        plaintext_len + plaintext_len.div_ceil(PAYLOAD_MAX) * HEADER
    }
}

criterion_group!(benches, throughput, echo);
criterion_main!(benches);
