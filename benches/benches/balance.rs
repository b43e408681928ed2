//! What the choice of a server costs a session: a pool's servers in the order in which one client tries them.
//!
//! Promise: CPU of one thread, nothing else in the loop. Beside a handshake, which takes a thousand times as long, it may not
//! count: a microsecond for a pool of eight. `benches/instructions balance` counts instructions.
//!
//! Cannot show: the state of servers that change while they are looked at.
#![expect(clippy::panic, reason = "a benchmark that cannot run must not report a figure")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ravelin_config::Balance;
use ravelin_gateway::pool::Order;

const IDENTITIES: usize = 64;

fn orders(criterion: &mut Criterion) {
    let identities: Vec<String> = (0..IDENTITIES).map(|number| format!("pc{number:05}.corp.example.test")).collect();
    for (name, balance) in [("identity", Balance::Identity), ("round-robin", Balance::RoundRobin)] {
        let mut group = criterion.benchmark_group(format!("balance/{name}"));
        for servers in [2, 8, 64] {
            let names: Vec<String> = (0..servers).map(|number| format!("da{number:02}")).collect();
            let order = Order::new(balance, names.iter().map(String::as_str).zip((1..=3).cycle()));
            let mut turn = 0;
            group.bench_function(BenchmarkId::from_parameter(servers), |bencher| {
                bencher.iter(|| {
                    turn += 1;
                    let Some(identity) = identities.get(turn % IDENTITIES) else { panic!("no identity") };
                    black_box(order.first(black_box(identity), turn))
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, orders);
criterion_main!(benches);
