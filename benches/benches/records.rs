//! What one record of a tunnel costs in user space: opened from the client's key, sealed under ours, over memory.
//!
//! Promise: CPU of one thread, nothing else in the loop; TLS 1.3, AES-128-GCM, records of one packet (200 and 1,400 bytes) and full
//! ones. Bytes are counted as plaintext. `benches/instructions records` counts instructions: that is what must not regress, since
//! a relay does nothing else in user space for a packet.
//!
//! Cannot show: system calls, which are most of what a packet costs (see `relay`, and `side-by-side`).
#![expect(clippy::panic, reason = "a benchmark that cannot run must not report a figure")]

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ravelin_tls::{Records, Rehearsal};

const SIZES: [(&str, usize); 3] = [("200B", 200), ("1400B", 1_400), ("16KiB", 16_384)];
const APPLICATION_DATA: u8 = 23;
/// In one batch, whose keys are its own: a record can be opened once.
const RECORDS: usize = 64;

/// A connection, and records of its peer's.
fn received(size: usize) -> (Records, Vec<u8>) {
    let Some(mut rehearsal) = Rehearsal::new(true, true) else { panic!("no keys") };
    let wire = (0..RECORDS).flat_map(|_| rehearsal.forge(APPLICATION_DATA, &vec![0x60; size])).collect();
    (rehearsal.records, wire)
}

fn records(criterion: &mut Criterion) {
    for (name, size) in SIZES {
        let bytes = size * RECORDS;
        let mut plaintext = vec![0; bytes + 20 * 1024];
        let mut group = criterion.benchmark_group("records/open");
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            let open = |(mut records, mut wire): (Records, Vec<u8>)| match records.open(
                &mut wire,
                &mut plaintext,
                &mut Vec::new(),
            ) {
                Ok(opened) if opened.produced == bytes => records,
                other => panic!("{other:?}"),
            };
            bencher.iter_batched(|| received(size), open, BatchSize::LargeInput);
        });
        group.finish();

        let mut group = criterion.benchmark_group("records/seal");
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            let (mut records, _) = received(0);
            let plaintext = vec![0x60; size];
            let mut wire = vec![0; records.sealed_len_max(size)];
            bencher.iter(|| {
                for _ in 0..RECORDS {
                    match records.seal(&plaintext, &mut wire) {
                        Ok(sealed) if sealed.consumed == size => {}
                        other => panic!("{other:?}"),
                    }
                }
            });
        });
        group.finish();

        let mut group = criterion.benchmark_group("records/seal_in_place");
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            let (mut records, _) = received(0);
            let Some(frame) = records.frame(RECORDS) else { panic!("not in place") };
            // Its ciphertext is the next one's plaintext.
            let mut record = vec![0x60; frame.front + size + frame.back];
            bencher.iter(|| {
                if records.frame(RECORDS).is_none() {
                    // The key is worn.
                    (records, _) = received(0);
                }
                for _ in 0..RECORDS {
                    if let Err(error) = records.seal_in_place(&mut record) {
                        panic!("{error:?}");
                    }
                }
            });
        });
        group.finish();
    }
}

criterion_group!(benches, records);
criterion_main!(benches);
