//! Revoked serial numbers, compact: a CRL of a million entries of 19 bytes each takes 25 MB.
//!
//! - Serial numbers of one length are kept back to back in one allocation, sorted; a look-up is one binary search.
//! - Nothing of the CRL's bytes is kept.

use std::collections::BTreeMap;

/// The entries of one CRL.
#[derive(Debug, Default)]
pub(super) struct Serials {
    /// By length of the serial number, bytes.
    groups: BTreeMap<usize, Vec<u8>>,
    count: usize,
}

/// When and why a certificate was revoked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Entry {
    /// Unix seconds.
    pub(super) since: i64,
    /// `CRLReason` of RFC 5280 §5.3.1.
    pub(super) reason: u8,
}

impl Entry {
    /// A hold is the one reason that may be lifted again.
    pub(super) fn is_final(&self) -> bool {
        self.reason != CERTIFICATE_HOLD
    }

    /// Of two entries for one certificate the lesser counts: a final one before a hold, then the earlier.
    pub(super) fn weight(&self) -> (bool, i64) {
        (!self.is_final(), self.since)
    }
}

impl Serials {
    /// Adds an entry. [`Serials::seal`] must follow before the first look-up.
    pub(super) fn push(&mut self, serial: &[u8], entry: Entry) {
        let serial = normalized(serial);
        let group = self.groups.entry(serial.len()).or_default();
        group.extend_from_slice(serial);
        // Five bytes hold every year that ASN.1 can write (1950 to 9999).
        let since = u64::try_from(entry.since.saturating_add(DATE_BIAS_SECONDS)).unwrap_or(0);
        let [_, _, _, date @ ..] = since.to_be_bytes();
        group.extend_from_slice(&date);
        group.push(entry.reason);
        self.count += 1;
    }

    /// Sorts the entries and gives back what memory they do not need.
    pub(super) fn seal(&mut self) {
        for (serial_length, group) in &mut self.groups {
            let mut records: Vec<&[u8]> = group.chunks_exact(serial_length + ENTRY_BYTES).collect();
            records.sort_unstable();
            *group = records.concat();
        }
    }

    /// The entry of this certificate; of several the one that weighs most.
    pub(super) fn find(&self, serial: &[u8]) -> Option<Entry> {
        let serial = normalized(serial);
        let group = self.groups.get(&serial.len())?;
        let stride = serial.len() + ENTRY_BYTES;
        let (mut low, mut high) = (0, group.len() / stride);
        while low < high {
            let middle = low + (high - low) / 2;
            if record(group, stride, middle)? < serial {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let same = group.get(low * stride..)?.chunks_exact(stride);
        let entries = same.map_while(|record| record.strip_prefix(serial)).filter_map(entry);
        entries.min_by_key(Entry::weight)
    }

    /// How many certificates are revoked.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Allocated bytes.
    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        self.groups.values().map(Vec::capacity).sum()
    }
}

/// An INTEGER in its shortest form. Some authorities write leading zeros, in a CRL or in a certificate; the sign is
/// kept: -1 and 255 are two serial numbers (PKITS 4.4.14 and 4.4.15).
pub(super) fn normalized(mut serial: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = serial
        && let [second, ..] = rest
        && matches!((first, second & 0x80), (0x00, 0x00) | (0xff, 0x80))
    {
        serial = rest;
    }
    serial
}

fn record(group: &[u8], stride: usize, at: usize) -> Option<&[u8]> {
    let record = group.get(at * stride..(at + 1) * stride)?;
    record.get(..stride - ENTRY_BYTES)
}

fn entry(bytes: &[u8]) -> Option<Entry> {
    let [a, b, c, d, e, reason] = *bytes else { return None };
    let since = i64::from_be_bytes([0, 0, 0, a, b, c, d, e]);
    Some(Entry { since: since.saturating_sub(DATE_BIAS_SECONDS), reason })
}

/// RFC 5280 §5.3.1.
const CERTIFICATE_HOLD: u8 = 6;
/// Five bytes of date, one of reason.
const ENTRY_BYTES: usize = 6;
/// Brings every date that ASN.1 can write (year 0 on) above zero.
const DATE_BIAS_SECONDS: i64 = 62_200_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_are_integers() {
        for (case, listed, asked, same) in [
            ("equal", &[0x01][..], &[0x01][..], true),
            ("leading zero in the CRL", &[0x00, 0x01], &[0x01], true),
            ("leading zeros in the certificate", &[0x01], &[0x00, 0x00, 0x01], true),
            ("needed zero", &[0x00, 0xff], &[0x00, 0xff], true),
            ("-1 is not 255", &[0xff], &[0x00, 0xff], false),
            ("-1 written long", &[0xff, 0xff], &[0xff], true),
            ("zero", &[0x00], &[0x00, 0x00], true),
            ("zero is not 256", &[0x00], &[0x01, 0x00], false),
            ("prefix", &[0x01], &[0x01, 0x02], false),
            ("20 bytes", &[0x7f; 20], &[0x7f; 20], true),
            ("20 bytes, the last differs", &[0x7f; 20], &[&[0x7f; 19][..], &[0x7e]].concat(), false),
            ("40 bytes", &[0x11; 40], &[0x11; 40], true),
        ] {
            let mut serials = Serials::default();
            serials.push(listed, Entry { since: 7, reason: 1 });
            serials.seal();
            assert_eq!(serials.find(asked), same.then_some(Entry { since: 7, reason: 1 }), "{case}");
        }
    }

    #[test]
    fn of_two_entries_the_final_one_counts() {
        let mut serials = Serials::default();
        serials.push(&[5], Entry { since: 10, reason: CERTIFICATE_HOLD });
        serials.push(&[5], Entry { since: 30, reason: 1 });
        serials.push(&[5], Entry { since: 20, reason: 4 });
        serials.push(&[4], Entry { since: -631_152_000, reason: 0 });
        serials.push(&[6], Entry { since: 253_402_300_799, reason: 0 });
        serials.seal();
        assert_eq!(serials.find(&[5]), Some(Entry { since: 20, reason: 4 }));
        assert_eq!(serials.find(&[4]), Some(Entry { since: -631_152_000, reason: 0 }));
        assert_eq!(serials.find(&[6]), Some(Entry { since: 253_402_300_799, reason: 0 }));
        assert_eq!(serials.find(&[7]), None);
        assert_eq!(serials.find(&[]), None);
    }
}
