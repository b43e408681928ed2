use proptest::prelude::*;

use super::boundary::HOP_BY_HOP;
use super::*;

/// A packet of `payload_len` zeros from 2001:db8::1 to 2001:db8::2.
fn packet(next_header: u8, payload_len: u16) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend(payload_len.to_be_bytes());
    bytes.extend([next_header, 64]);
    bytes.extend(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).octets());
    bytes.extend(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2).octets());
    bytes.resize(IPV6_HEADER_LEN + usize::from(payload_len), 0);
    bytes
}

/// Lengths of whole packets, then the length of the remainder, then the error.
fn framed(bytes: &[u8]) -> (Vec<usize>, usize, Option<PacketError>) {
    let (mut packets, mut lens, mut error) = (Packets::new(bytes), Vec::new(), None);
    for item in packets.by_ref() {
        match item {
            Ok(packet) => lens.push(packet.bytes().len()),
            Err(found) => error = Some(found),
        }
    }
    (lens, packets.remainder().len(), error)
}

const ICMPV6: u8 = 58;
const NO_NEXT_HEADER: u8 = 59;

#[test]
fn boundaries() {
    let version = |first: u8| [&[first][..], &packet(ICMPV6, 8)[1..]].concat();
    let two = [packet(ICMPV6, 8), packet(ICMPV6, 1240)].concat();
    let jumbogram = [packet(ICMPV6, 8), packet(HOP_BY_HOP, 0)].concat();
    for (case, bytes, expected) in [
        ("nothing", vec![], (vec![], 0, None)),
        ("one packet", packet(ICMPV6, 8), (vec![48], 0, None)),
        ("two packets", two.clone(), (vec![48, 1280], 0, None)),
        ("two packets, the second cut", two[..60].to_vec(), (vec![48], 12, None)),
        ("a header cut before its length", packet(ICMPV6, 8)[..5].to_vec(), (vec![], 5, None)),
        ("a header alone", packet(ICMPV6, 8)[..40].to_vec(), (vec![], 40, None)),
        ("no payload", packet(NO_NEXT_HEADER, 0), (vec![40], 0, None)),
        ("hop-by-hop with a length", packet(HOP_BY_HOP, 8), (vec![48], 0, None)),
        ("the longest", packet(ICMPV6, u16::MAX), (vec![PACKET_LEN_MAX], 0, None)),
        ("traffic class and flow label", version(0x6f), (vec![48], 0, None)),
        ("jumbogram", jumbogram.clone(), (vec![48], 40, Some(PacketError::Jumbogram))),
        ("jumbogram, seven bytes of it", jumbogram[..55].to_vec(), (vec![48], 7, Some(PacketError::Jumbogram))),
        ("jumbogram, six bytes of it", jumbogram[..54].to_vec(), (vec![48], 6, None)),
        ("IPv4", version(0x45), (vec![], 48, Some(PacketError::Version(4)))),
        ("IPv4, its first byte", vec![0x45], (vec![], 1, Some(PacketError::Version(4)))),
        ("text", b"GET / HTTP/1.1\r\n".to_vec(), (vec![], 16, Some(PacketError::Version(4)))),
        ("zeros", vec![0; 100], (vec![], 100, Some(PacketError::Version(0)))),
    ] {
        assert_eq!(framed(&bytes), expected, "{case}");
    }
}

#[test]
fn a_packet_shows_its_fields() {
    let mut bytes = packet(ICMPV6, 4);
    bytes[40..].copy_from_slice(b"ping");
    let (packet, rest) = Packet::split_first(&bytes).unwrap().unwrap();
    assert_eq!(packet.source(), "2001:db8::1".parse::<Ipv6Addr>().unwrap());
    assert_eq!(packet.destination(), "2001:db8::2".parse::<Ipv6Addr>().unwrap());
    assert_eq!((packet.next_header(), packet.hop_limit(), packet.payload()), (ICMPV6, 64, &b"ping"[..]));
    assert_eq!((packet.bytes(), rest), (&bytes[..], &b""[..]));
}

/// Ends of packets as offsets in the stream, whether it stands between packets, and the error.
fn followed(parts: &[&[u8]]) -> (Vec<usize>, bool, Option<PacketError>) {
    let (mut framer, mut ends, mut error, mut at, mut inside) = (Framer::new(), Vec::new(), None, 0, false);
    for part in parts {
        let (mut pieces, mut taken) = (framer.pieces(part), 0);
        for piece in pieces.by_ref() {
            match piece {
                Ok(piece) => {
                    assert!(!piece.bytes.is_empty());
                    assert_eq!(piece.begins, !inside, "a packet begins where the one before has ended");
                    assert_eq!(piece.bytes, &part[taken..taken + piece.bytes.len()], "without gaps");
                    taken += piece.bytes.len();
                    inside = !piece.ends;
                    if piece.ends {
                        ends.push(at + taken);
                    }
                }
                Err(found) => error = Some(found),
            }
        }
        assert_eq!(pieces.remainder(), &part[taken..]);
        at += part.len();
    }
    (ends, framer.is_between_packets(), error)
}

#[test]
fn an_error_is_final() {
    let mut framer = Framer::new();
    assert_eq!(framer.pieces(&[0x45]).next(), Some(Err(PacketError::Version(4))));
    assert_eq!(framer.pieces(&packet(ICMPV6, 0)).next(), Some(Err(PacketError::Version(4))));
    assert!(!framer.is_between_packets());
    assert_eq!(framer.pieces(&[]).next(), None);
}

proptest! {
    #[test]
    fn any_slices_frame_like_the_whole(
        packets in prop::collection::vec((1..=255_u8, prop_oneof![0..100_u16, 1230..1250_u16]), 0..8),
        tail in prop::collection::vec(any::<u8>(), 0..60),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut stream: Vec<u8> = packets.iter().flat_map(|(next, len)| packet(*next, *len)).collect();
        stream.extend(&tail);
        let (lens, remainder, error) = framed(&stream);
        let ends: Vec<usize> = lens.iter().scan(0, |at, len| { *at += len; Some(*at) }).collect();
        prop_assert!(ends.len() >= packets.len());
        let expected = (ends, remainder == 0, error);

        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        at.extend([0, stream.len()]);
        at.sort_unstable();
        let parts: Vec<&[u8]> = at.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
        prop_assert_eq!(&followed(&parts), &expected);
        let single: Vec<&[u8]> = stream.chunks(1).collect();
        prop_assert_eq!(&followed(&single), &expected);
    }
}
