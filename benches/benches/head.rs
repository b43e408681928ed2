//! What a stranger's first bytes cost: the request head of a Windows client, whole and a byte at a time.
//!
//! Promise: CPU of one thread, nothing else in the loop; a head is 150 bytes. With `valgrind --tool=callgrind` the same
//! loops give instruction counts, which other work on the machine does not change: see `benches/instructions`.
//!
//! Cannot show: the sockets that heads come from.
#![expect(clippy::panic, reason = "a benchmark that cannot run must not report a figure")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ravelin_iphttps::{Progress, RequestParser, RequestRules};

const HEAD: &[u8] = b"POST /IPHTTPS HTTP/1.1\r\nHost: da.corp.example.test\r\nContent-Length: 18446744073709551615\r\n\
    User-Agent: Microsoft IP-HTTPS\r\nConnection: Keep-Alive\r\n\r\n";

fn parse(rules: &RequestRules, push: usize) {
    let mut parser = RequestParser::new();
    for piece in HEAD.chunks(push) {
        match parser.push(rules, black_box(piece)) {
            Ok(Progress::NeedMore) => {}
            Ok(Progress::Complete(head, _)) => {
                black_box(head);
                return;
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the head is not whole");
}

fn heads(criterion: &mut Criterion) {
    let rules = RequestRules::new(["/IPHTTPS"], ["da.corp.example.test"]);
    let mut group = criterion.benchmark_group("head");
    group.throughput(Throughput::Bytes(HEAD.len() as u64));
    group.bench_function("whole", |bencher| bencher.iter(|| parse(&rules, HEAD.len())));
    group.bench_function("by byte", |bencher| bencher.iter(|| parse(&rules, 1)));
    group.finish();
}

criterion_group!(benches, heads);
criterion_main!(benches);
