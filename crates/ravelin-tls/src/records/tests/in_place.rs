//! Records that are sealed where their plaintext lies.

use super::*;
use crate::records::rehearsal::Rehearsal;

impl Pair {
    /// Seals it in place where that is allowed, and has the client read it.
    pub(super) fn answer_in_place(&mut self, plaintext: &[u8]) -> Option<Vec<u8>> {
        let frame = self.records.frame(1)?;
        let mut record = framed(frame, plaintext);
        self.records.seal_in_place(&mut record).unwrap();
        Some(receive(&mut self.client, &record))
    }
}

fn framed(frame: RecordFrame, plaintext: &[u8]) -> Vec<u8> {
    [&vec![1; frame.front], plaintext, &vec![2; frame.back]].concat()
}

#[test]
fn nothing_is_sealed_in_place_where_something_else_comes_first() {
    let refused = |pair: &mut Pair, frame: RecordFrame| {
        assert_eq!(pair.records.frame(1), None);
        // Whoever did not ask gets no record, and no other one after it.
        let mut record = framed(frame, b"packet");
        assert!(matches!(pair.records.seal_in_place(&mut record), Err(RecordsError::Broken(_))));
        assert!(record[frame.front..].starts_with(b"packet"));
        assert!(pair.records.seal(b"packet", &mut [0; 200]).is_err());
    };

    // A key update, and in TLS 1.2 the end, when the limit is near; up to there every way counts.
    for (suite, limit) in [(TLS13, 50), (TLS12, 8)] {
        let mut pair = Pair::with_server(suite, Arc::new(limited_provider(limit)));
        let frame = pair.records.frame(1).unwrap();
        let in_place = (0..limit).take_while(|_| pair.answer_in_place(b"packet").is_some()).count();
        assert!((limit - 3..limit).contains(&(in_place as u64)), "{suite:?}: {in_place} of {limit}");
        if suite == TLS13 {
            for _ in 0..200 {
                let four = pair.records.frame(4);
                assert!(four.is_none() || pair.records.frame(1) == four);
                assert_eq!(pair.answer_in_place(b"packet").unwrap_or_else(|| pair.answer(b"packet")), b"packet");
            }
        }
        while pair.records.frame(1).is_some() {
            pair.answer(b"packet");
        }
        refused(&mut pair, frame);
    }

    // An answer to the peer's key update.
    let mut pair = Pair::new(TLS13);
    let frame = pair.records.frame(1).unwrap();
    pair.client.refresh_traffic_keys().unwrap();
    pair.send(b"x");
    assert_eq!(pair.open().1, b"x");
    assert_eq!(pair.records.frame(1), None);
    assert_eq!(pair.answer(b"copied"), b"copied");
    assert_eq!(pair.answer_in_place(b"in place").unwrap(), b"in place");

    // More than a record may hold, or less than one has.
    for plaintext in [&vec![0; 16_385][..], &[]] {
        let mut pair = Pair::new(TLS13);
        let mut record = framed(frame, plaintext);
        record.truncate(if plaintext.is_empty() { frame.front + frame.back - 1 } else { record.len() });
        assert!(matches!(pair.records.seal_in_place(&mut record), Err(RecordsError::Broken(_))));
        assert!(pair.records.seal(b"packet", &mut [0; 200]).is_err());
    }

    // The end.
    for suite in [TLS12, TLS13] {
        let mut pair = Pair::new(suite);
        let frame = pair.records.frame(1).unwrap();
        pair.records.seal_end(&mut Vec::new());
        refused(&mut pair, frame);
    }
}

#[test]
fn nothing_that_lay_around_the_plaintext_is_sent() {
    for tls13 in [true, false] {
        let sealed = |filler: u8| {
            let mut records = Rehearsal::new(tls13, true).unwrap().records;
            let RecordFrame { front, back } = records.frame(1).unwrap();
            let mut record = [&vec![filler; front], &b"packet"[..], &vec![filler; back]].concat();
            records.seal_in_place(&mut record).unwrap();
            record
        };
        assert_eq!(sealed(0), sealed(255), "TLS 1.3: {tls13}");
    }
}
