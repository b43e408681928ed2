//! A list of a million entries.

use std::time::Instant;

use super::maker::{Ca, der, sequence, time};
use super::*;
use crate::Origin;
use crate::der::tag;

/// As AD CS numbers certificates: 19 octets, the first tell the authority's run, the last count.
fn serial(count: u32) -> Vec<u8> {
    let mut serial = vec![0x61, 0x00, 0x00, 0x00];
    serial.extend(count.wrapping_mul(2_654_435_761).to_be_bytes());
    serial.extend([0x5a; 7]);
    serial.extend(count.to_be_bytes());
    serial
}

#[test]
fn a_million_entries() {
    const ENTRIES: u32 = 1_000_000;
    let ca = Ca::new("CORP-CA");
    let reason = sequence(&[maker::extension("2.5.29.21", false, &der(0x0a, &[4]))]);
    let date = time(NOW);
    let entries =
        (0..ENTRIES).map(|count| sequence(&[der(tag::INTEGER, &serial(count)), date.clone(), reason.clone()]));
    let list = ca.list().with(|list| list.entries = entries.collect()).build();
    let size = list.len();
    let sources = [Source { origin: Origin::file("big"), der: list }];

    let start = Instant::now();
    let (lists, notices) = Lists::load(&sources, &[ca.authority()], at(NOW));
    let loaded = start.elapsed();
    assert_eq!(notices, []);
    assert_eq!(lists.describe()[0].entries, 1_000_000);

    let start = Instant::now();
    for count in (0..ENTRIES).step_by(1000) {
        assert_eq!(status(&lists, &ca.issued(&serial(count)), &ca), "revoked superseded");
        assert_eq!(status(&lists, &ca.issued(&serial(count + ENTRIES)), &ca), "good big");
    }
    let looked_up = start.elapsed() / 2000;
    let held = lists.by_issuer.values().flatten().map(|list| list.serials.heap_bytes()).sum::<usize>();
    assert_eq!(held, 25 * 1_000_000, "19 octets and six for each entry, and nothing besides");
    println!("{size} bytes of list loaded in {loaded:?}, {held} bytes held, {looked_up:?} a look-up");
}
