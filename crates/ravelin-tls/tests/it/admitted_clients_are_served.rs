//! A permitted client that proves its key gets a connection, whatever it speaks; and its bytes arrive.

use std::io::{Read, Write};
use std::time::Duration;

use ravelin_tls::{Accepted, Records, TlsStream, TlsVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::*;

#[tokio::test]
async fn every_version_works_with_every_kind_of_key() {
    for (version, label) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        for (certificate, name) in [("healthy", "pc01"), ("healthy-renewed", "pc02")] {
            let judge = Counting::new(estatewide());
            let (address, task) = serve(site(), judge.clone()).await;
            let server = tokio::spawn(async move {
                let Accepted { mut stream, chain, report, negotiated, .. } = ended(task).await.unwrap();
                assert_eq!(negotiated.version, label);
                let identity = report.identity.unwrap();
                assert_eq!(identity.dns_names, [format!("{name}.corp.example.test")]);
                assert!(!chain.presented().certificates.is_empty());
                assert_eq!(read_exactly(&mut stream, 5).await, b"ping\n");
                stream.write_all(b"pong\n").await.unwrap();
                stream.close().await;
            });
            let certificate = with_certificate(certificate);
            let said = s_client(address, &usual(version, &certificate), b"ping\n").await;
            assert!(said.text.contains("pong") && said.alert().is_none(), "{}", said.text);
            server.await.unwrap();
            assert_eq!(judge.calls(), 1);
        }
    }
}

#[tokio::test]
async fn every_suite() {
    for (version, option, suite, iana) in [
        ("-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
        ("-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
        ("-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
        ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
        ("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        ("-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    ] {
        let (address, task) = serve(site(), estatewide()).await;
        let server = tokio::spawn(async move {
            let mut accepted = ended(task).await.unwrap();
            assert_eq!(accepted.negotiated.suite, iana);
            assert_eq!(read_exactly(&mut accepted.stream, 5).await, b"ping\n");
            accepted.stream.close().await;
        });
        let certificate = with_certificate("healthy");
        let mut arguments = usual(version, &certificate);
        arguments.extend([option, suite]);
        s_client(address, &arguments, b"ping\n").await;
        server.await.unwrap();
    }
}

#[tokio::test]
async fn a_hello_in_single_byte_records_is_served() {
    // Covers: docs/traps.md rows 14, 53.
    let (address, task) = serve(site(), estatewide()).await;
    let client = beside(move || {
        let mut socket = Reframing { socket: dial(address), hello_sent: false };
        let mut client = rustls_client(Some(certified_of(&estate().clients.healthy)));
        let mut stream = rustls::Stream::new(&mut client, &mut socket);
        stream.write_all(b"ping").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    });
    let server = async {
        let mut accepted = ended(task).await.unwrap();
        assert_eq!(read_exactly(&mut accepted.stream, 4).await, b"ping");
        accepted.stream.write_all(b"pong").await.unwrap();
        accepted.stream.close().await;
    };
    assert_eq!(tokio::join!(client, server).0, b"pong");
}

#[tokio::test]
async fn what_follows_the_handshake_is_handed_over_whole() {
    let (mut stream, _client) = established_rustls(b"head, then packets", false).await;
    let mut head = [0; 4];
    assert_eq!(stream.read(&mut head).await.unwrap(), 4);
    let mut parts = stream.into_parts();
    assert_eq!([&head[..], &parts.opened].concat(), b"head, then packets");
    assert!(open_all(&mut parts.records, &mut parts.received).is_empty());
}

#[tokio::test]
async fn an_end_behind_the_data_is_left_for_the_relay() {
    let (mut stream, _client) = established_rustls(b"data", true).await;
    let mut data = [0; 4];
    assert_eq!(stream.read(&mut data).await.unwrap(), 4);
    let mut parts = stream.into_parts();
    // The record may still be on its way.
    while parts.received.is_empty() {
        assert_ne!(parts.tcp.read_buf(&mut parts.received).await.unwrap(), 0, "a bare FIN");
    }
    assert!(parts.records.open(&mut parts.received, &mut [0; 64], &mut Vec::new()).unwrap().ended);
}

#[tokio::test]
async fn a_read_that_is_dropped_loses_nothing() {
    let (mut stream, client) = established_rustls(b"", false).await;
    for _ in 0..3 {
        let read = tokio::time::timeout(Duration::from_millis(5), stream.read(&mut [0; 64])).await;
        assert!(read.is_err(), "nothing to read yet");
    }
    beside(move || {
        let (mut tls, mut socket) = client;
        rustls::Stream::new(&mut tls, &mut socket).write_all(b"all of it").unwrap();
    })
    .await;
    assert_eq!(read_exactly(&mut stream, 9).await, b"all of it");
}

#[tokio::test]
async fn close_notify_and_a_bare_fin_are_distinguished() {
    // A clean end.
    let (mut stream, _client) = established_rustls(b"", true).await;
    assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
    assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
    // A bare FIN.
    let (mut stream, client) = established_rustls(b"", false).await;
    drop(client);
    assert_eq!(stream.read(&mut [0; 8]).await.unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
    // Noise.
    let (mut stream, mut client) = established_rustls(b"", false).await;
    client.1.write_all(b"HTTP/1.1 noise\r\n").unwrap();
    assert_eq!(stream.read(&mut [0; 8]).await.unwrap_err().kind(), std::io::ErrorKind::InvalidData);
    // Our own: a close is clean, a reset is none.
    let (stream, client) = established_rustls(b"", false).await;
    let (seen, ()) = tokio::join!(beside(move || rest_of(client)), stream.close());
    assert_eq!(seen.unwrap(), b"");
    let (stream, client) = established_rustls(b"", false).await;
    stream.reset();
    assert_eq!(beside(move || rest_of(client)).await.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_site_bounded_to_tls_12_serves_with_it() {
    let site = site_of(&[&estate().face_ecdsa], TlsVersion::V1_2);
    let (address, task) = serve(site, estatewide()).await;
    let client = beside(move || {
        let mut client = rustls_client(Some(certified_of(&estate().clients.healthy)));
        let mut socket = dial(address);
        client.complete_io(&mut socket).unwrap();
    });
    let (accepted, ()) = tokio::join!(ended(task), client);
    assert_eq!(accepted.unwrap().negotiated.version, "TLSv1.2");
}

type Client = (rustls::ClientConnection, std::net::TcpStream);

/// Our end of an established connection, whose client has sent these bytes, and perhaps close_notify.
async fn established_rustls(sent: &'static [u8], end: bool) -> (TlsStream, Client) {
    let (address, task) = serve(site(), estatewide()).await;
    let client = beside(move || {
        let mut client = rustls_client(Some(certified_of(&estate().clients.healthy)));
        let mut socket = dial(address);
        // Data and end right behind Finished, in one flight.
        client.writer().write_all(sent).unwrap();
        while client.is_handshaking() {
            client.complete_io(&mut socket).unwrap();
        }
        if end {
            client.send_close_notify();
        }
        while client.wants_write() {
            client.write_tls(&mut socket).unwrap();
        }
        (client, socket)
    });
    let (accepted, client) = tokio::join!(ended(task), client);
    (accepted.unwrap().stream, client)
}

fn rest_of((mut client, mut socket): Client) -> std::io::Result<Vec<u8>> {
    let mut rest = Vec::new();
    rustls::Stream::new(&mut client, &mut socket).read_to_end(&mut rest).map(|_| rest)
}

fn open_all(records: &mut Records, received: &mut [u8]) -> Vec<u8> {
    let mut plaintext = vec![0; 65_536];
    let opened = records.open(received, &mut plaintext, &mut Vec::new()).unwrap();
    plaintext.truncate(opened.produced);
    plaintext
}

async fn read_exactly(stream: &mut TlsStream, length: usize) -> Vec<u8> {
    let mut got = Vec::new();
    let reading = async {
        while got.len() < length {
            let mut buffer = [0; 3];
            let read = stream.read(&mut buffer).await.unwrap();
            assert_ne!(read, 0, "an end after {got:?}");
            got.extend_from_slice(&buffer[..read]);
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reading).await.unwrap();
    got
}

/// Sends the first record (the ClientHello) anew, one byte of it in each record.
struct Reframing {
    socket: std::net::TcpStream,
    hello_sent: bool,
}

impl Read for Reframing {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.socket.read(buffer)
    }
}

impl Write for Reframing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.hello_sent {
            return self.socket.write(bytes);
        }
        let length = usize::from(u16::from_be_bytes([bytes[3], bytes[4]]));
        assert!(bytes[0] == 22 && bytes.len() == 5 + length, "the hello in one write");
        let records: Vec<u8> = bytes[5..].iter().flat_map(|byte| [22, 3, 1, 0, 1, *byte]).collect();
        for segment in records.chunks(701) {
            self.socket.write_all(segment)?;
        }
        self.hello_sent = true;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.socket.flush()
    }
}

#[tokio::test]
async fn parts_hold_the_live_socket() {
    let (stream, client) = established_rustls(b"", false).await;
    let mut parts = stream.into_parts();
    let mut sealed = vec![0; parts.records.sealed_len_max(4)];
    let length = parts.records.seal(b"pong", &mut sealed).unwrap().produced;
    parts.tcp.write_all(&sealed[..length]).await.unwrap();
    let mut last = Vec::new();
    parts.records.seal_end(&mut last);
    parts.tcp.write_all(&last).await.unwrap();
    assert_eq!(beside(move || rest_of(client)).await.unwrap(), b"pong");
}
