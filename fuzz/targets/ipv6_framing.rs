//! Any bytes as a tunnel's packets: the iterator over the whole and the framer over any slices agree, and nothing is
//! lost between packets.

use ravelin_iphttps::{Framer, Packet, PacketError, Packets};

/// The first byte of `data` says how the rest is sliced. Panics where a promise is broken.
pub(crate) fn run(data: &[u8]) {
    let Some((slice_len, stream)) = data.split_first() else { return };
    let (mut packets, mut ends, mut error, mut at) = (Packets::new(stream), Vec::new(), None, 0);
    for packet in packets.by_ref() {
        match packet {
            Ok(packet) => {
                check(&packet);
                assert_eq!(packet.bytes(), &stream[at..at + packet.bytes().len()]);
                at += packet.bytes().len();
                ends.push(at);
            }
            Err(found) => error = Some(found),
        }
    }
    assert_eq!(packets.remainder(), &stream[at..]);
    let between = at == stream.len() && error.is_none();
    for len in [1, 1 + usize::from(*slice_len), stream.len().max(1)] {
        assert_eq!(follow(stream, len), (ends.clone(), between, error), "slices of {len}");
    }
}

fn check(packet: &Packet<'_>) {
    let bytes = packet.bytes();
    assert_eq!(bytes[0] >> 4, 6);
    assert_eq!(bytes.len(), 40 + usize::from(u16::from_be_bytes([bytes[4], bytes[5]])));
    assert_eq!(packet.payload(), &bytes[40..]);
    assert_eq!(packet.source().octets(), bytes[8..24]);
    assert_eq!(packet.destination().octets(), bytes[24..40]);
    assert_eq!((packet.next_header(), packet.hop_limit()), (bytes[6], bytes[7]));
}

fn follow(stream: &[u8], slice_len: usize) -> (Vec<usize>, bool, Option<PacketError>) {
    let (mut framer, mut ends, mut error, mut at, mut inside) = (Framer::new(), Vec::new(), None, 0, false);
    for slice in stream.chunks(slice_len) {
        for piece in framer.pieces(slice) {
            match piece {
                Ok(piece) => {
                    assert_eq!(piece.bytes, &stream[at..at + piece.bytes.len()]);
                    assert_eq!(piece.begins, !inside);
                    at += piece.bytes.len();
                    inside = !piece.ends;
                    if piece.ends {
                        ends.push(at);
                    }
                }
                Err(found) => error = Some(found),
            }
        }
        if error.is_some() {
            break;
        }
    }
    (ends, framer.is_between_packets(), error)
}
