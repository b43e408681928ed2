//! A CRL of a million entries.

use std::time::Instant;

use super::maker::{Ca, der, sequence, time};
use super::*;
use crate::Origin;
use crate::der::tag;

/// As AD CS numbers certificates: 19 bytes, the first tell the authority's run, the last count.
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
    let crl = ca.crl().with(|crl| crl.entries = entries.collect()).build();
    let size = crl.len();
    let sources = [Source { origin: Origin::file("big"), der: crl }];

    let start = Instant::now();
    let (crls, notices) = Crls::load(&sources, &[ca.authority()], at(NOW));
    let loaded = start.elapsed();
    assert_eq!(notices, []);
    assert_eq!(crls.describe()[0].entries, 1_000_000);

    let start = Instant::now();
    for count in (0..ENTRIES).step_by(1000) {
        assert_eq!(status(&crls, &ca.issued(&serial(count)), &ca), "revoked superseded");
        assert_eq!(status(&crls, &ca.issued(&serial(count + ENTRIES)), &ca), "good big");
    }
    let looked_up = start.elapsed() / 2000;
    let held = crls.by_issuer.values().flatten().map(|crl| crl.serials.heap_bytes()).sum::<usize>();
    assert_eq!(held, 25 * 1_000_000, "19 bytes and six for each entry, and nothing besides");
    println!("{size} bytes of CRL loaded in {loaded:?}, {held} bytes held, {looked_up:?} a look-up");
}
