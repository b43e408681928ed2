//! Hostile and broken handshakes end with their label, and cost next to nothing.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ravelin_policy::{Decision, PresentedChain};
use ravelin_tls::hello::{self, PeekedHello, ServerName};
use ravelin_tls::{HandshakeEnd, Judge, accept, alert::Alert, refuse};

use crate::support::*;

/// The ClientHello record of rustls.
fn hello_record() -> Vec<u8> {
    let mut bytes = Vec::new();
    rustls_client(None).write_tls(&mut bytes).unwrap();
    bytes
}

/// Sends these bytes, ends its side, and returns what came back.
async fn sends(address: SocketAddr, bytes: Vec<u8>, end: bool) -> Vec<u8> {
    beside(move || {
        let mut socket = dial(address);
        socket.write_all(&bytes).unwrap();
        if end {
            socket.shutdown(std::net::Shutdown::Write).unwrap();
        }
        let mut answer = Vec::new();
        // A reset is an answer too.
        let _ = socket.read_to_end(&mut answer);
        answer
    })
    .await
}

#[tokio::test]
async fn hostile_first_bytes_are_refused() {
    let half = hello_record()[..100].to_vec();
    let huge = [&[22, 3, 1, 0x40, 0][..], &[1, 0, 0xff, 0xff], &[0; 16_380]].concat();
    for (case, bytes, end, alert, socket) in [
        ("plaintext", b"GET / HTTP/1.1\r\n\r\n".to_vec(), false, None, false),
        ("one byte of noise", vec![0x80], false, None, false),
        ("an alert", vec![21, 3, 3, 0, 2, 2, 40], false, Some(10), false),
        ("an empty record", vec![22, 3, 1, 0, 0], false, Some(10), false),
        ("too long a record", vec![22, 3, 1, 0xff, 0xff], false, Some(22), false),
        ("too large a hello", huge, false, Some(50), false),
        ("half a hello", half, true, None, true),
        ("nothing", Vec::new(), true, None, true),
    ] {
        let judge = Counting::new(estatewide());
        let (address, task) = serve(site(), judge.clone()).await;
        let (failure, answer) = tokio::join!(failed(task), sends(address, bytes, end));
        assert_eq!(failure.alert_sent, alert.map(Alert), "{case}: {failure:?}");
        assert_eq!(answer, alert.map_or(Vec::new(), |alert| vec![21, 3, 3, 0, 2, 2, alert]), "{case}");
        assert_eq!(matches!(failure.end, HandshakeEnd::Socket(_)), socket, "{case}: {failure:?}");
        assert_eq!(matches!(failure.end, HandshakeEnd::Failed), !socket, "{case}: {failure:?}");
        assert_eq!(judge.calls(), 0);
    }
}

#[tokio::test]
async fn close_notify_in_the_handshake_ends_it() {
    // Covers: docs/traps.md row 54.
    const CLOSE_NOTIFY: &[u8] = &[21, 3, 3, 0, 2, 1, 0];
    for (version, count, end) in
        [(&rustls::version::TLS13, 1, false), (&rustls::version::TLS12, 1, true), (&rustls::version::TLS12, 100, false)]
    {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let mut bytes = Vec::new();
        let mut client = rustls::ClientConnection::new(Arc::new(config), NAME.try_into().unwrap()).unwrap();
        client.write_tls(&mut bytes).unwrap();
        bytes.extend(CLOSE_NOTIFY.repeat(count));
        let (address, task) = serve(site(), estatewide()).await;
        let (failure, _) = tokio::join!(failed(task), sends(address, bytes, end));
        assert!(matches!(failure.end, HandshakeEnd::Failed | HandshakeEnd::Socket(_)), "{failure:?}");
    }
}

#[tokio::test]
async fn noise_in_the_middle_of_the_handshake_ends_it() {
    let mut bytes = hello_record();
    bytes.extend([22, 3, 3, 0, 4, 99, 0, 0, 0]);
    let (address, task) = serve(site(), estatewide()).await;
    let (failure, answer) = tokio::join!(failed(task), sends(address, bytes, false));
    assert!(matches!(failure.end, HandshakeEnd::Failed), "{failure:?}");
    assert!(failure.alert_sent.is_some() && !answer.is_empty(), "{failure:?}");
}

#[tokio::test]
async fn a_client_that_cannot_prove_its_key_gets_nothing() {
    let clients = &estate().clients;
    for (certificate, key) in
        [(&clients.healthy, &clients.expired), (&clients.healthy_renewed, &clients.healthy_no_subject)]
    {
        let judge = Counting::new(estatewide());
        let (address, task) = serve(site(), judge.clone()).await;
        let client = beside(move || {
            let mut client = rustls_client(Some(certified(certificate.chain(), key)));
            let mut socket = dial(address);
            std::io::copy(&mut rustls::Stream::new(&mut client, &mut socket), &mut std::io::sink()).unwrap_err()
        });
        let (failure, told) = tokio::join!(failed(task), client);
        // A permit was said, and came to nothing.
        assert_eq!(judge.calls(), 1);
        assert!(matches!(failure.end, HandshakeEnd::Failed), "{failure:?}");
        assert_eq!(failure.alert_sent, Some(Alert::DECRYPT_ERROR), "{failure:?}");
        assert!(told.to_string().contains("DecryptError"), "{told}");
    }
}

#[tokio::test]
async fn a_handshake_is_bounded_in_bytes() {
    // Covers: docs/traps.md row 55; docs/rules.md rule 2.
    let judge = Counting::new(estatewide());
    let (address, task) = serve(site(), judge.clone()).await;
    let client = beside(move || {
        let leaf = &estate().clients.healthy;
        let mut client = rustls_client(Some(certified(vec![leaf.certificate_der.clone(); 50], leaf)));
        let mut socket = dial(address);
        let _ = std::io::copy(&mut rustls::Stream::new(&mut client, &mut socket), &mut std::io::sink());
    });
    let (failure, ()) = tokio::join!(failed(task), client);
    assert!(matches!(failure.end, HandshakeEnd::Failed), "{failure:?}");
    assert!(failure.detail.contains("more bytes than a handshake may have"), "{failure:?}");
    assert_eq!(judge.calls(), 0);
}

#[tokio::test]
async fn a_server_name_that_the_engine_reads_differently_ends_the_handshake() {
    // Covers: docs/traps.md rows 3, 14: the site was chosen by another name than the engine reads.
    let (mut client, mut server) = tcp_pair().await;
    let sending = async {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        client.write_all(&hello_record()).await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        answer
    };
    let accepting = async {
        let mut peeked = hello::read(&mut server).await.unwrap();
        peeked.hello.server_name = ServerName::Dns("other.example.test".to_owned());
        accept(server, peeked, &site(), estatewide()).await
    };
    let (answer, outcome) = tokio::join!(sending, accepting);
    let failure = outcome.err().unwrap();
    assert!(matches!(failure.end, HandshakeEnd::Failed), "{failure:?}");
    assert!(failure.detail.contains("server name"), "{failure:?}");
    assert_eq!(answer.first(), Some(&21), "an alert and nothing of the site");
}

#[tokio::test]
async fn an_unknown_server_name_gets_its_own_alert() {
    for (versions, record_version) in [(vec![0x0304, 0x0303], [3, 3]), (vec![0x0301], [3, 1])] {
        let (mut client, server) = tcp_pair().await;
        let mut peeked = PeekedHello { hello: hello::ClientHello::default(), bytes: Vec::new() };
        peeked.hello.versions = versions;
        let reading = async {
            let mut answer = Vec::new();
            tokio::io::AsyncReadExt::read_to_end(&mut client, &mut answer).await.unwrap();
            drop(client);
            answer
        };
        let (answer, ()) = tokio::join!(reading, refuse(server, &peeked, Alert::UNRECOGNIZED_NAME));
        assert_eq!(answer, [&[21][..], &record_version, &[0, 2, 2, 112]].concat());
    }
}

#[tokio::test]
async fn an_alert_arrives_although_the_client_sent_more_than_is_read() {
    // Covers: docs/rules.md rule 8. The client has sent much more than we read when the alert comes.
    let (address, task) = serve(site(), estatewide()).await;
    let bytes = [&[22, 3, 1, 0, 0][..], &[0; 60_000]].concat();
    let (failure, answer) = tokio::join!(failed(task), sends(address, bytes, false));
    assert_eq!(failure.alert_sent, Some(Alert::UNEXPECTED_MESSAGE));
    assert_eq!(answer, [21, 3, 3, 0, 2, 2, 10]);
}

#[tokio::test]
async fn a_panicking_judge_ends_its_own_connection_only() {
    struct Panicking(AtomicUsize);
    impl Judge for Panicking {
        fn judge(&self, chain: &PresentedChain) -> Decision {
            assert!(self.0.fetch_add(1, Ordering::Relaxed) > 0, "the first one panics");
            estatewide().judge(chain)
        }
    }
    let (site, judge) = (site(), Arc::new(Panicking(AtomicUsize::new(0))));
    for expected_panic in [true, false] {
        let (address, task) = serve(site.clone(), judge.clone()).await;
        let client = beside(move || {
            let mut client = rustls_client(Some(certified_of(&estate().clients.healthy)));
            let mut socket = dial(address);
            let _ = client.complete_io(&mut socket);
        });
        let (outcome, ()) = tokio::join!(task, client);
        assert_eq!(outcome.is_err(), expected_panic);
        if let Ok(outcome) = outcome {
            assert!(outcome.is_ok());
        }
    }
}

#[tokio::test]
async fn a_silent_client_holds_little_memory() {
    // Covers: docs/rules.md rule 5. What waits for a first byte is this future and a socket.
    let (_client, mut server) = tcp_pair().await;
    let waiting = hello::read(&mut server);
    assert!(size_of_val(&waiting) <= 1024, "{}", size_of_val(&waiting));
}
