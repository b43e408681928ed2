//! No tickets, no session cache, no early data, no renegotiation.

use std::sync::Arc;

use crate::support::*;

/// Serves clients until they stop coming; each gets an answer and a clean end.
async fn serve_many(count: usize) -> (std::net::SocketAddr, tokio::task::JoinHandle<usize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (site, judge) = (site(), Counting::new(estatewide()));
    let task = tokio::spawn(async move {
        for _ in 0..count {
            let (mut stream, _) = listener.accept().await.unwrap();
            let hello = ravelin_tls::hello::read(&mut stream).await.unwrap();
            let judge: Arc<Counting> = judge.clone();
            if let Ok(mut accepted) = ravelin_tls::accept(stream, hello, &site, judge).await {
                let mut data = [0; 64];
                if accepted.stream.read(&mut data).await.is_ok() {
                    let _ = accepted.stream.write_all(b"pong\n").await;
                }
                accepted.stream.close().await;
            }
        }
        judge.calls()
    });
    (address, task)
}

#[tokio::test]
async fn every_connection_is_a_full_handshake_and_judged() {
    // Covers: docs/traps.md rows 1 to 11. There is no ticket to take from one name or policy to another: none is sent, no
    // session identifier is given out, and a client that tries to resume all the same is judged anew.
    for version in ["-tls1_2", "-tls1_3"] {
        let (address, task) = serve_many(2).await;
        let folder = tempfile::tempdir().unwrap();
        let session = folder.path().join("session.pem").display().to_string();
        let certificate = with_certificate("healthy");
        let mut first = vec!["-ign_eof", "-servername", NAME, version, "-sess_out", &session];
        first.extend(certificate.iter().map(String::as_str));
        let said = s_client(address, &first, b"ping\n").await;
        assert!(said.text.contains("pong") && said.text.contains("New, TLSv1"), "{}", said.text);
        assert!(!said.text.contains("TLS session ticket"), "{}", said.text);
        assert!(!said.text.contains("New Session Ticket arrived"), "{}", said.text);
        let session_id = said.text.lines().find_map(|line| line.trim().strip_prefix("Session-ID:"));
        assert!(session_id.is_none_or(|id| id.trim().is_empty()), "{}", said.text);
        let mut second = first.clone();
        second.retain(|argument| *argument != "-sess_out" && *argument != session);
        if std::fs::exists(&session).unwrap() {
            second.extend(["-sess_in", &session]);
        }
        let said = s_client(address, &second, b"ping\n").await;
        assert!(said.text.contains("New, TLSv1") && !said.text.contains("Reused"), "{}", said.text);
        assert_eq!(task.await.unwrap(), 2, "{version}: judged twice");
    }
}

#[tokio::test]
async fn a_session_of_another_server_is_worth_nothing_and_its_early_data_goes_nowhere() {
    // Covers: docs/traps.md rows 1, 13. Any server that hands out tickets makes the session.
    let folder = tempfile::tempdir().unwrap();
    let session = folder.path().join("session.pem").display().to_string();
    let early = folder.path().join("early");
    std::fs::write(&early, b"EARLY-POST").unwrap();
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let face = ["face-rsa.pem", "face-rsa.key"].map(|name| path("tls").join(name).display().to_string());
    let mut server = std::process::Command::new("timeout")
        .args(["20", "openssl", "s_server", "-accept", &other.to_string(), "-cert", &face[0], "-key", &face[1]])
        .args(["-tls1_3", "-early_data", "-naccept", "1", "-quiet"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    beside(move || {
        for _ in 0..200 {
            if std::net::TcpListener::bind(other).is_err() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("s_server does not listen");
    })
    .await;
    let taken = session.clone();
    let taking = beside(move || {
        let mut child = std::process::Command::new("timeout")
            .args(["20", "openssl", "s_client", "-connect", &other.to_string(), "-tls1_3", "-servername", NAME])
            .args(["-sess_out", &taken])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..500 {
            if std::fs::read(&taken).is_ok_and(|text| text.ends_with(b"-----END SSL SESSION PARAMETERS-----\n")) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        drop(child.stdin.take());
        child.wait().unwrap();
    });
    taking.await;
    drop(server.stdin.take());
    let _ = server.wait();
    assert!(std::fs::exists(&session).unwrap(), "no session was taken");

    let judge = Counting::new(estatewide());
    let (address, task) = serve(site(), judge.clone()).await;
    let early = early.display().to_string();
    let certificate = with_certificate("healthy");
    let mut arguments = vec!["-servername", NAME, "-tls1_3", "-sess_in", &session, "-early_data", &early];
    arguments.extend(certificate.iter().map(String::as_str));
    let server = tokio::spawn(async move {
        match ended(task).await {
            // Refused for the early data itself.
            Err(failure) => assert!(failure.alert_sent.is_some(), "{failure:?}"),
            Ok(mut accepted) => {
                let mut data = [0; 64];
                let read = accepted.stream.read(&mut data).await.unwrap_or(0);
                assert!(!data[..read].starts_with(b"EARLY"), "early data was taken");
                accepted.stream.close().await;
            }
        }
    });
    let said = s_client(address, &arguments, b"ping\n").await;
    server.await.unwrap();
    assert!(!said.text.contains("Early data was accepted"), "{}", said.text);
    assert!(!said.text.contains("Reused"), "{}", said.text);
}

#[tokio::test]
async fn renegotiation_ends_the_connection() {
    // Covers: docs/traps.md row 12.
    let (address, task) = serve(site(), estatewide()).await;
    let server = tokio::spawn(async move {
        let mut accepted = ended(task).await.unwrap();
        let error = accepted.stream.read(&mut [0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
        assert!(error.to_string().contains("renegotiate"), "{error}");
        accepted.stream.close().await;
    });
    let certificate = with_certificate("healthy");
    let mut arguments = vec!["-servername", NAME, "-tls1_2"];
    arguments.extend(certificate.iter().map(String::as_str));
    let said = s_client(address, &arguments, b"R\n").await;
    server.await.unwrap();
    assert!(said.text.contains("RENEGOTIATING"), "{}", said.text);
    assert!(said.text.contains("no renegotiation"), "{}", said.text);
}
