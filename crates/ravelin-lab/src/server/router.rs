//! The IPv6 router behind a stand-in, mode None of MS-IPHTTPS §3.2.5.2.

use std::collections::HashMap;
use std::net::Ipv6Addr;
use std::sync::{Mutex, PoisonError};

use ravelin_iphttps::Packet;

use crate::packets::{self, ICMPV6};

/// The server's own addresses: this identifier, in its prefix and link-local.
pub const SERVER_IDENTIFIER: u64 = 1;
/// A packet to this identifier in the server's prefix comes back with its addresses exchanged, byte for byte otherwise.
pub const ECHO_IDENTIFIER: u64 = 0xec40;
/// A packet to this identifier in the server's prefix asks for others: see [`source_request`].
pub const SOURCE_IDENTIFIER: u64 = 0x50ce;

/// Asks a stand-in for `count` UDP packets with `bytes` of data each (zeros; at most 1,232, so that they fit the link's MTU).
pub fn source_request(source: Ipv6Addr, prefix: Ipv6Addr, count: u32, bytes: u16) -> Vec<u8> {
    let data = [count.to_be_bytes().as_slice(), &bytes.to_be_bytes()].concat();
    packets::udp((source, PORT), (packets::in_prefix(prefix, SOURCE_IDENTIFIER), PORT), &data)
}

#[derive(Debug)]
pub(crate) struct Router {
    prefix: Ipv6Addr,
    /// Addresses that clients claimed by duplicate address detection, and the visit that did.
    claimed: Mutex<HashMap<Ipv6Addr, usize>>,
}

impl Router {
    pub(crate) fn new(prefix: Ipv6Addr) -> Router {
        Router { prefix: packets::in_prefix(prefix, 0), claimed: Mutex::default() }
    }

    /// Appends what the router sends back to this client. What has no answer is taken and forgotten: it went inside.
    pub(crate) fn answer(&self, visit: usize, packet: &Packet<'_>, answers: &mut Vec<u8>) {
        let (source, destination) = (packet.source(), packet.destination());
        let own = [self.own(SERVER_IDENTIFIER), packets::link_local(SERVER_IDENTIFIER)];
        let icmp = if packet.next_header() == ICMPV6 { packet.payload() } else { &[] };
        match icmp {
            [packets::ROUTER_SOLICITATION, ..] => {
                let to = if source.is_unspecified() { packets::ALL_NODES } else { source };
                answers.extend(packets::router_advertisement(packets::link_local(SERVER_IDENTIFIER), to, self.prefix));
            }
            [packets::NEIGHBOR_SOLICITATION, _, _, _, _, _, _, _, rest @ ..] => {
                if let Some(target) = rest.first_chunk::<16>().map(|bytes| Ipv6Addr::from(*bytes)) {
                    self.neighbor(visit, source, target, &own, answers);
                }
            }
            [packets::ECHO_REQUEST, _, _, _, body @ ..] if own.contains(&destination) => {
                answers.extend(packets::icmpv6(destination, source, packets::ECHO_REPLY, 0, body));
            }
            _ if destination == self.own(ECHO_IDENTIFIER) => {
                let header = packet.bytes().get(..8).unwrap_or_default();
                let bytes = [header, &destination.octets(), &source.octets(), packet.payload()];
                bytes.iter().for_each(|part| answers.extend_from_slice(part));
            }
            _ if destination == self.own(SOURCE_IDENTIFIER) => self.source(packet, answers),
            _ => {}
        }
    }

    /// The server speaks for everybody on the link: for itself, and for a client whose address another one asks for.
    fn neighbor(&self, visit: usize, source: Ipv6Addr, target: Ipv6Addr, own: &[Ipv6Addr], answers: &mut Vec<u8>) {
        let detection = source.is_unspecified();
        if own.contains(&target) {
            let (to, flags) = if detection { (packets::ALL_NODES, 0xa0) } else { (source, 0xe0) };
            answers.extend(packets::neighbor_advertisement(target, to, target, flags));
        } else if detection {
            let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
            if *claimed.entry(target).or_insert(visit) != visit {
                // Router flag clear, no link-layer address, to everybody on the asker's link: MS-IPHTTPS §3.2.5.2.2.
                answers.extend(packets::neighbor_advertisement(target, packets::ALL_NODES, target, 0x20));
            }
        }
    }

    fn source(&self, packet: &Packet<'_>, answers: &mut Vec<u8>) {
        let data = packet.payload().get(8..).unwrap_or_default();
        let Some((count, bytes)) = data.split_first_chunk::<4>() else { return };
        let Some(bytes) = bytes.first_chunk::<2>() else { return };
        let zeros = vec![0; usize::from(u16::from_be_bytes(*bytes)).min(1232)];
        let answer = packets::udp((packet.destination(), PORT), (packet.source(), PORT), &zeros);
        for _ in 0..u32::from_be_bytes(*count).min(SOURCE_PACKETS_MAX) {
            answers.extend_from_slice(&answer);
        }
    }

    fn own(&self, identifier: u64) -> Ipv6Addr {
        packets::in_prefix(self.prefix, identifier)
    }
}

const PORT: u16 = 9;
/// Packets of one request: 64 MiB of the largest.
const SOURCE_PACKETS_MAX: u32 = 50_000;
