//! A client's connection: a tunnel when [`super::Client::connect`] made it, else whatever it has become so far.

use std::net::Ipv6Addr;
use std::time::Duration;

use ravelin_iphttps::{Packet, Progress, ResponseHead, ResponseParser};
use rustls::{Connection, HandshakeKind};

use crate::bulk::{self, BulkReport, Hash};
use crate::end::End;
use crate::packets;
use crate::stream::{Stream, StreamReader};

/// A client's connection.
#[derive(Debug)]
pub struct Tunnel {
    /// The connection itself, for what this type does not offer.
    pub stream: Stream,
    deadline: Duration,
    head: Option<ResponseHead>,
    address: Option<Ipv6Addr>,
    sequence: u16,
}

impl Tunnel {
    pub(super) fn new(stream: Stream, deadline: Duration) -> Tunnel {
        Tunnel { stream, deadline, head: None, address: None, sequence: 0 }
    }

    /// Bounds every further wait.
    pub fn set_deadline(&mut self, deadline: Duration) {
        self.deadline = deadline;
    }

    /// The server's response head.
    pub fn head(&self) -> Option<&ResponseHead> {
        self.head.as_ref()
    }

    /// Whether the TLS handshake was an abbreviated one.
    pub fn was_resumed(&self) -> bool {
        self.stream.with_tls(|tls| tls.handshake_kind() == Some(HandshakeKind::Resumed)).unwrap_or(false)
    }

    /// TLS 1.3 tickets that came so far. They come after the handshake: read something first.
    pub fn tickets(&self) -> u32 {
        let count = |tls: &Connection| match tls {
            Connection::Client(tls) => tls.tls13_tickets_received(),
            Connection::Server(_) => 0,
        };
        self.stream.with_tls(count).unwrap_or(0)
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// The socket broke.
    pub async fn send(&self, bytes: &[u8]) -> Result<(), End> {
        bounded(self.deadline, self.stream.writer.write_all(bytes)).await
    }

    /// Receives exactly so many bytes.
    ///
    /// # Errors
    /// The end that came before.
    pub async fn receive(&mut self, bytes: usize) -> Result<Vec<u8>, End> {
        let mut buffer = vec![0; bytes];
        bounded(self.deadline, self.stream.reader.read_exact(&mut buffer)).await?;
        Ok(buffer)
    }

    /// Receives one IPv6 packet.
    ///
    /// # Errors
    /// The end that came before, or bytes that are no packet.
    pub async fn receive_packet(&mut self) -> Result<Vec<u8>, End> {
        let header = self.receive(ravelin_iphttps::IPV6_HEADER_LEN).await?;
        let length =
            header.get(4..6).map_or(0, |bytes| bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)));
        let packet = [header, self.receive(length).await?].concat();
        match Packet::split_first(&packet) {
            Ok(Some(_)) => Ok(packet),
            other => Err(End::Broken(format!("no packet: {other:?}"))),
        }
    }

    /// The end of the server's direction, whatever comes before it.
    pub async fn end(&mut self) -> End {
        tokio::time::timeout(self.deadline, self.stream.reader.end()).await.unwrap_or(End::Timeout)
    }

    /// Asks the router for a prefix and takes an address in it: router solicitation, advertisement.
    ///
    /// # Errors
    /// The end that came before, or no advertisement among the first packets.
    pub async fn solicit(&mut self) -> Result<Ipv6Addr, End> {
        self.send(&packets::router_solicitation(packets::link_local(CLIENT_IDENTIFIER))).await?;
        for _ in 0..PACKETS_TRIED {
            let packet = self.receive_packet().await?;
            let icmp = packet.get(ravelin_iphttps::IPV6_HEADER_LEN..).unwrap_or_default();
            if icmp.first() != Some(&packets::ROUTER_ADVERTISEMENT) {
                continue;
            }
            // The prefix information option is the first of the stand-in's: type 3, at byte 16; the prefix 16 bytes later.
            if let Some(prefix) = icmp.get(32..).and_then(|rest| rest.first_chunk::<16>()) {
                let address = packets::in_prefix(Ipv6Addr::from(*prefix), CLIENT_IDENTIFIER);
                self.address = Some(address);
                return Ok(address);
            }
        }
        Err(End::Broken("no router advertisement".to_owned()))
    }

    /// Pings the DirectAccess server (its address ends in `::1`), soliciting an address first if there is none yet.
    ///
    /// # Errors
    /// The end that came before, or another answer.
    pub async fn ping(&mut self) -> Result<(), End> {
        let source = match self.address {
            Some(address) => address,
            None => self.solicit().await?,
        };
        self.sequence = self.sequence.wrapping_add(1);
        let destination = packets::in_prefix(source, 1);
        let request = packets::echo_request(source, destination, PING_ID, self.sequence, b"ravelin");
        self.send(&request).await?;
        let reply = self.receive_packet().await?;
        let [id, sequence] = [PING_ID.to_be_bytes(), self.sequence.to_be_bytes()];
        let expected = packets::icmpv6(
            destination,
            source,
            packets::ECHO_REPLY,
            0,
            &[&id, &sequence, b"ravelin".as_slice()].concat(),
        );
        if reply == expected { Ok(()) } else { Err(End::Broken(format!("another answer: {reply:02x?}"))) }
    }

    /// Sends so many bytes of a pattern and at the same time receives so many. The deadline counts from byte to byte.
    ///
    /// # Errors
    /// The end that came before.
    pub async fn bulk(&mut self, seed: u64, send: u64, receive: u64) -> Result<BulkReport, End> {
        let writer = self.stream.writer.clone();
        let (sent, received) = tokio::join!(
            bulk::send(&writer, seed, send),
            receive_bulk(&mut self.stream.reader, receive, self.deadline)
        );
        let (received, received_sha256) = received?;
        Ok(BulkReport { received, received_sha256, sent_sha256: sent? })
    }

    /// Says close_notify and shuts the write side; reading goes on.
    ///
    /// # Errors
    /// The socket broke.
    pub async fn close(&self) -> Result<(), End> {
        bounded(self.deadline, self.stream.close()).await
    }

    /// Shuts the write side with a bare FIN; reading goes on.
    ///
    /// # Errors
    /// The socket broke.
    pub fn fin(&self) -> Result<(), End> {
        self.stream.writer.fin()
    }

    /// Resets the connection.
    pub fn reset(self) {
        self.stream.reset();
    }

    /// Reads a response head; bytes after it stay for the next read.
    ///
    /// # Errors
    /// A status that is not 200, no head, or the end that came before.
    pub async fn read_response(&mut self) -> Result<(), End> {
        bounded(self.deadline, async {
            let mut parser = ResponseParser::new();
            let mut buffer = [0; 4096];
            loop {
                let count = self.stream.reader.read(&mut buffer).await?;
                let received = buffer.get(..count).unwrap_or_default();
                match parser.push(received).map_err(|error| End::BadResponse(error.to_string()))? {
                    Progress::NeedMore => {}
                    Progress::Complete(head, taken) => {
                        self.stream.reader.unread(received.get(taken..).unwrap_or_default());
                        let status = head.status;
                        self.head = Some(head);
                        return if status == 200 { Ok(()) } else { Err(End::Status(status)) };
                    }
                }
            }
        })
        .await
    }
}

async fn bounded<T>(deadline: Duration, work: impl Future<Output = Result<T, End>>) -> Result<T, End> {
    tokio::time::timeout(deadline, work).await.unwrap_or(Err(End::Timeout))
}

async fn receive_bulk(reader: &mut StreamReader, bytes: u64, deadline: Duration) -> Result<(u64, String), End> {
    let (mut hash, mut received) = (Hash::new(), 0u64);
    let mut buffer = vec![0; bulk::PIECE_BYTES];
    while received < bytes {
        let wanted = usize::try_from(bytes - received).unwrap_or(usize::MAX).min(buffer.len());
        let space = buffer.get_mut(..wanted).unwrap_or_default();
        let count = bounded(deadline, reader.read(space)).await?;
        hash.update(space.get(..count).unwrap_or_default());
        received += u64::try_from(count).unwrap_or(0);
    }
    Ok((received, hash.sha256()))
}

/// Interface identifier of the client's addresses.
const CLIENT_IDENTIFIER: u64 = 0xc11e;
const PING_ID: u16 = 0x7261;
/// Packets read in search of an advertisement before it is given up.
const PACKETS_TRIED: usize = 16;
