//! A kernel's packets through IP-HTTPS: TUN devices on both sides, for tests with real peers in network namespaces.
//!
//! - What the device gives and is not IPv6 is dropped.
//! - The server side answers router solicitations and duplicate address detection as [`crate::server`] does; everything else
//!   from clients goes to its kernel, which routes.
//! - The server side learns which client has an address from the packets that come from it.

mod device;

use std::collections::HashMap;
use std::io;
use std::net::Ipv6Addr;
use std::sync::{Arc, Mutex, PoisonError};

use ravelin_iphttps::Packet;
use tokio::sync::mpsc;

use crate::client::Client;
use crate::end::End;
use crate::packets::{self, ICMPV6};
use crate::server::{Body, Router, ServerSpec};
use crate::stream::{Stream, StreamReader, Writer};

pub use device::Device;

/// Pumps between the device and a client's tunnel until one of them ends.
///
/// # Errors
/// The device failed.
pub async fn run_client(device: &Device, client: &Client) -> io::Result<End> {
    let tunnel = match client.connect().await {
        Ok(tunnel) => tunnel,
        Err(end) => return Ok(end),
    };
    let Stream { mut reader, writer } = tunnel.stream;
    let up = async {
        let mut batch = Vec::new();
        loop {
            receive_batch(device, &mut batch).await?;
            if let Err(end) = writer.write_all(&batch).await {
                return Ok(end);
            }
        }
    };
    let down = async {
        let mut unframed = Vec::new();
        loop {
            match read_packets(&mut reader, &mut unframed).await {
                Ok(packets) => send_packets(device, &packets).await?,
                Err(end) => return Ok(end),
            }
        }
    };
    tokio::select! {
        end = up => end,
        end = down => end,
    }
}

/// Pumps between the device and all clients of a stand-in until the device fails. `prefix` is the /64 for clients.
///
/// # Errors
/// The address cannot be bound, or the device failed.
pub async fn run_server(device: Device, server: ServerSpec, prefix: Ipv6Addr) -> io::Result<()> {
    let (taker, mut tunnels) = mpsc::unbounded_channel();
    let _server = server.body(Body::HandOver(taker)).start().await?;
    let hub = Arc::new(Hub { device, router: Router::new(prefix), clients: Mutex::default() });
    let from_kernel = tokio::spawn({
        let hub = Arc::clone(&hub);
        async move { hub.serve_kernel().await }
    });
    let accepting = async {
        let mut number = 0;
        while let Some(stream) = tunnels.recv().await {
            let hub = Arc::clone(&hub);
            tokio::spawn(async move { hub.serve_client(number, stream).await });
            number += 1;
        }
    };
    tokio::select! {
        failed = from_kernel => failed.unwrap_or_else(|error| Err(io::Error::other(error))),
        () = accepting => Ok(()),
    }
}

struct Hub {
    device: Device,
    router: Router,
    clients: Mutex<HashMap<Ipv6Addr, (usize, Writer)>>,
}

impl Hub {
    async fn serve_kernel(&self) -> io::Result<()> {
        let mut batch = Vec::new();
        loop {
            receive_batch(&self.device, &mut batch).await?;
            let mut rest = batch.as_slice();
            let mut run: Option<(Ipv6Addr, Writer, Vec<u8>)> = None;
            while let Ok(Some((packet, after))) = Packet::split_first(rest) {
                rest = after;
                let destination = packet.destination();
                match &mut run {
                    Some((same, _, bytes)) if *same == destination => bytes.extend_from_slice(packet.bytes()),
                    _ => {
                        flush(run.take()).await;
                        let writer = self.clients().get(&destination).map(|(_, writer)| writer.clone());
                        run = writer.map(|writer| (destination, writer, packet.bytes().to_vec()));
                    }
                }
            }
            flush(run).await;
        }
    }

    async fn serve_client(&self, number: usize, stream: Stream) {
        let Stream { mut reader, writer } = stream;
        let mut unframed = Vec::new();
        while let Ok(packets) = read_packets(&mut reader, &mut unframed).await {
            let mut inward = Vec::new();
            let mut answers = Vec::new();
            let mut rest = packets.as_slice();
            while let Ok(Some((packet, after))) = Packet::split_first(rest) {
                rest = after;
                if !packet.source().is_unspecified() && !self.knows(packet.source(), number) {
                    self.clients().insert(packet.source(), (number, writer.clone()));
                }
                let kind = if packet.next_header() == ICMPV6 { packet.payload().first() } else { None };
                match kind {
                    Some(&packets::ROUTER_SOLICITATION | &packets::NEIGHBOR_SOLICITATION) => {
                        self.router.answer(number, &packet, &mut answers);
                    }
                    _ => inward.extend_from_slice(packet.bytes()),
                }
            }
            let _ = writer.write_all(&answers).await;
            if send_packets(&self.device, &inward).await.is_err() {
                break;
            }
        }
        self.clients().retain(|_, (of, _)| *of != number);
        let _ = writer.close().await;
    }

    fn knows(&self, address: Ipv6Addr, number: usize) -> bool {
        self.clients().get(&address).is_some_and(|(of, _)| *of == number)
    }

    fn clients(&self) -> std::sync::MutexGuard<'_, HashMap<Ipv6Addr, (usize, Writer)>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn flush(run: Option<(Ipv6Addr, Writer, Vec<u8>)>) {
    if let Some((_, writer, bytes)) = run {
        // A client that is gone loses its packets, as on any link.
        let _ = writer.write_all(&bytes).await;
    }
}

/// Waits for a packet and takes what else is there, up to a full TLS record.
async fn receive_batch(device: &Device, batch: &mut Vec<u8>) -> io::Result<()> {
    batch.clear();
    let mut buffer = [0; DEVICE_BYTES];
    let mut received = device.receive(&mut buffer).await?;
    loop {
        let packet = buffer.get(..received).unwrap_or_default();
        if let Ok(Some((packet, []))) = Packet::split_first(packet) {
            batch.extend_from_slice(packet.bytes());
        }
        if batch.len() + DEVICE_BYTES > BATCH_BYTES {
            return Ok(());
        }
        match device.try_receive(&mut buffer) {
            Ok(count) => received = count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if batch.is_empty() {
                    received = device.receive(&mut buffer).await?;
                } else {
                    return Ok(());
                }
            }
            Err(error) => return Err(error),
        }
    }
}

async fn send_packets(device: &Device, packets: &[u8]) -> io::Result<()> {
    let mut rest = packets;
    while let Ok(Some((packet, after))) = Packet::split_first(rest) {
        device.send(packet.bytes()).await?;
        rest = after;
    }
    Ok(())
}

/// Whole packets from the tunnel; what is not whole waits in `unframed`.
async fn read_packets(reader: &mut StreamReader, unframed: &mut Vec<u8>) -> Result<Vec<u8>, End> {
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let count = reader.read(&mut buffer).await?;
        unframed.extend_from_slice(buffer.get(..count).unwrap_or_default());
        let mut rest = unframed.as_slice();
        loop {
            match Packet::split_first(rest) {
                Ok(Some((_, after))) => rest = after,
                Ok(None) => break,
                Err(error) => return Err(End::Broken(error.to_string())),
            }
        }
        let whole = unframed.len() - rest.len();
        if whole > 0 {
            return Ok(unframed.drain(..whole).collect());
        }
    }
}

/// Above the largest packet of a link whose MTU is 1280.
const DEVICE_BYTES: usize = 2048;
/// One TLS record.
/// What a TLS record takes at most.
const BATCH_BYTES: usize = 16 * 1024;
/// A record with its header and tag.
const READ_BYTES: usize = 64 * 1024;
