//! Any records as what a peer sends after the handshake, under its true keys: what is made of them does not depend on how
//! they are cut, no data comes out that was not put in, and nothing comes or goes after an end.

use ravelin_tls::{RecordsError, Rehearsal};

/// Panics where a promise is broken. The input: version and side, then records as type, length in two bytes, content; those
/// of type 0 are sent as they are, in the clear.
pub(crate) fn run(data: &[u8]) {
    let Some((&first, mut rest)) = data.split_first() else { return };
    let begin = || Rehearsal::new(first & 1 != 0, first & 2 != 0).expect("keys of the right length");
    let (mut peer, mut stream, mut sent) = (begin(), Vec::new(), Vec::new());
    while let [kind, high, low, behind @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(behind.len());
        let (content, behind) = behind.split_at(length);
        rest = behind;
        let record = if *kind == 0 { content.to_vec() } else { peer.forge(*kind, content) };
        if *kind == APPLICATION_DATA && !record.is_empty() {
            sent.extend_from_slice(content);
        }
        stream.extend(record);
    }
    let whole = take(begin(), stream.chunks(usize::MAX), &sent);
    for cut in [1, 7, 1000] {
        assert_eq!(take(begin(), stream.chunks(cut), &sent), whole, "cut to {cut}");
    }
}

/// How it ends: in an error, by the peer's close_notify, or not at all; and what the peer is told.
type Outcome = (Option<RecordsError>, bool, Vec<u8>);

fn take<'a>(rehearsal: Rehearsal, chunks: impl Iterator<Item = &'a [u8]>, sent: &[u8]) -> Outcome {
    let mut records = rehearsal.records;
    let (mut held, mut got, mut reply) = (Vec::new(), Vec::new(), Vec::new());
    let mut room = vec![0; 20_000];
    for chunk in chunks {
        held.extend_from_slice(chunk);
        loop {
            let opened = match records.open(&mut held, &mut room, &mut reply) {
                Ok(opened) => opened,
                Err(error) => {
                    assert!(reply.len() < 64);
                    assert_eq!(records.open(&mut [], &mut room, &mut Vec::new()), Err(error.clone()));
                    assert_eq!(records.seal(b"x", &mut [0; 200]), Err(error.clone()));
                    return (Some(error), false, reply);
                }
            };
            assert!(opened.consumed <= held.len() && opened.produced <= room.len());
            got.extend_from_slice(&room[..opened.produced]);
            assert!(sent.starts_with(&got), "data that nobody sent");
            held.drain(..opened.consumed);
            if opened.ended {
                return (None, true, reply);
            }
            if opened.consumed == 0 {
                break;
            }
        }
    }
    assert!(reply.is_empty(), "an answer without a question");
    // The way back is open, whatever came: a key update that was asked for goes first.
    let mut output = vec![0; records.sealed_len_max(1)];
    assert!(records.seal(b"x", &mut output).is_ok_and(|sealed| sealed.consumed == 1));
    // And nothing is due any more that would keep a record from being sealed in place.
    let frame = records.frame(1).expect("in place");
    assert_eq!(records.seal_in_place(&mut vec![0; frame.front + 1 + frame.back]), Ok(()));
    (None, false, reply)
}

const APPLICATION_DATA: u8 = 23;
