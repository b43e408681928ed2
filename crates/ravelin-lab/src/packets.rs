//! IPv6 packets as DirectAccess clients and servers send them.

use std::net::Ipv6Addr;

/// Next header of ICMPv6.
pub const ICMPV6: u8 = 58;
/// Next header of UDP.
pub const UDP: u8 = 17;
/// ICMPv6 type: echo request.
pub const ECHO_REQUEST: u8 = 128;
/// ICMPv6 type: echo reply.
pub const ECHO_REPLY: u8 = 129;
/// ICMPv6 type: router solicitation.
pub const ROUTER_SOLICITATION: u8 = 133;
/// ICMPv6 type: router advertisement.
pub const ROUTER_ADVERTISEMENT: u8 = 134;
/// ICMPv6 type: neighbor solicitation.
pub const NEIGHBOR_SOLICITATION: u8 = 135;
/// ICMPv6 type: neighbor advertisement.
pub const NEIGHBOR_ADVERTISEMENT: u8 = 136;
/// All nodes of the link.
pub const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// All routers of the link.
pub const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

/// Any packet. What does not fit the 16-bit payload length is cut.
pub fn packet(next_header: u8, hop_limit: u8, source: Ipv6Addr, destination: Ipv6Addr, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
    let payload = payload.get(..usize::from(length)).unwrap_or(payload);
    let mut out = vec![0x60, 0, 0, 0];
    out.extend(length.to_be_bytes());
    out.extend([next_header, hop_limit]);
    out.extend(source.octets());
    out.extend(destination.octets());
    out.extend(payload);
    out
}

/// ICMPv6 (RFC 4443) with its checksum; `body` is what follows the checksum.
pub fn icmpv6(source: Ipv6Addr, destination: Ipv6Addr, kind: u8, code: u8, body: &[u8]) -> Vec<u8> {
    let message = [&[kind, code, 0, 0], body].concat();
    // Neighbor discovery must come with hop limit 255 (RFC 4861 §7.1); echo may.
    packet(ICMPV6, 255, source, destination, &with_checksum(ICMPV6, source, destination, message, 2))
}

/// UDP (RFC 768) with its checksum.
pub fn udp(source: (Ipv6Addr, u16), destination: (Ipv6Addr, u16), data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 8).unwrap_or(u16::MAX);
    let ports = [source.1.to_be_bytes(), destination.1.to_be_bytes(), length.to_be_bytes(), [0, 0]].concat();
    let datagram = with_checksum(UDP, source.0, destination.0, [ports.as_slice(), data].concat(), 6);
    packet(UDP, 64, source.0, destination.0, &datagram)
}

/// Echo request.
pub fn echo_request(source: Ipv6Addr, destination: Ipv6Addr, id: u16, sequence: u16, data: &[u8]) -> Vec<u8> {
    let body = [id.to_be_bytes().as_slice(), &sequence.to_be_bytes(), data].concat();
    icmpv6(source, destination, ECHO_REQUEST, 0, &body)
}

/// Router solicitation of a client that has no address yet.
pub fn router_solicitation(source: Ipv6Addr) -> Vec<u8> {
    icmpv6(source, ALL_ROUTERS, ROUTER_SOLICITATION, 0, &[0; 4])
}

/// Router advertisement of a /64 prefix for addresses, with the MTU that both ends of IP-HTTPS must use, 1280.
pub fn router_advertisement(source: Ipv6Addr, destination: Ipv6Addr, prefix: Ipv6Addr) -> Vec<u8> {
    // Hop limit 64, no managed addresses, router for 1800 s, no timers.
    let mut body = vec![64, 0];
    body.extend(1800u16.to_be_bytes());
    body.extend([0; 8]);
    // Option 3, prefix information: on-link and autonomous, valid and preferred for a day.
    body.extend([3, 4, 64, 0xc0]);
    body.extend(86_400u32.to_be_bytes());
    body.extend(86_400u32.to_be_bytes());
    body.extend([0; 4]);
    body.extend(prefix.octets());
    // Option 5, MTU.
    body.extend([5, 1, 0, 0]);
    body.extend(1280u32.to_be_bytes());
    icmpv6(source, destination, ROUTER_ADVERTISEMENT, 0, &body)
}

/// Neighbor solicitation; from `::` it is duplicate address detection.
pub fn neighbor_solicitation(source: Ipv6Addr, target: Ipv6Addr) -> Vec<u8> {
    let [.., a, b, c] = target.octets();
    let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), u16::from_be_bytes([b, c]));
    icmpv6(source, group, NEIGHBOR_SOLICITATION, 0, &[[0; 4].as_slice(), &target.octets()].concat())
}

/// Neighbor advertisement without a link-layer address, as a server in mode None answers duplicate address detection
/// (MS-IPHTTPS §3.2.5.2.2). `flags`: router 0x80, solicited 0x40, override 0x20.
pub fn neighbor_advertisement(source: Ipv6Addr, destination: Ipv6Addr, target: Ipv6Addr, flags: u8) -> Vec<u8> {
    let body = [[flags, 0, 0, 0].as_slice(), &target.octets()].concat();
    icmpv6(source, destination, NEIGHBOR_ADVERTISEMENT, 0, &body)
}

/// `fe80::/64` address with this interface identifier.
pub fn link_local(identifier: u64) -> Ipv6Addr {
    in_prefix(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), identifier)
}

/// Address of a /64 prefix with this interface identifier.
pub fn in_prefix(prefix: Ipv6Addr, identifier: u64) -> Ipv6Addr {
    Ipv6Addr::from(u128::from(prefix) & !u128::from(u64::MAX) | u128::from(identifier))
}

/// The checksum of the upper layers (RFC 8200 §8.1), written at this offset.
fn with_checksum(next_header: u8, source: Ipv6Addr, destination: Ipv6Addr, mut message: Vec<u8>, at: usize) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes();
    let pseudo =
        [source.octets().as_slice(), &destination.octets(), &length, &[0, 0, 0, next_header], &message].concat();
    let mut sum: u32 = pseudo
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([*pair.first().unwrap_or(&0), *pair.get(1).unwrap_or(&0)])))
        .fold(0, u32::wrapping_add);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let checksum = match u16::try_from(!sum & 0xffff).unwrap_or(0) {
        // A UDP checksum of zero would mean none.
        0 if next_header == UDP => 0xffff,
        checksum => checksum,
    };
    if let Some(place) = message.get_mut(at..at + 2) {
        place.copy_from_slice(&checksum.to_be_bytes());
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_add_up() {
        let (here, there) = (link_local(1), in_prefix("2001:db8:1::".parse().unwrap(), 2));
        for (case, packet) in [
            ("echo", echo_request(here, there, 7, 1, b"odd")),
            ("solicitation", router_solicitation(here)),
            ("advertisement", router_advertisement(here, ALL_NODES, there)),
            ("udp", udp((here, 500), (there, 500), b"x")),
        ] {
            // With the checksum in place, the sum over pseudo-header and message is all ones.
            let payload = &packet[40..];
            let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
            let summed = [&packet[8..40], &length, &[0, 0, 0, packet[6]], payload].concat();
            let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
            let sum: u32 = summed.chunks(2).map(word).sum();
            assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff, "{case}");
            let length = usize::from(u16::from_be_bytes([packet[4], packet[5]]));
            assert_eq!(length + 40, packet.len(), "{case}");
        }
    }
}
