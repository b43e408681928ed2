//! The OpenSSL engine against real peers: null encryption, old suites, old versions; one policy, the same alerts.

use std::io::Write;
use std::sync::Arc;

use ravelin_lab::pki::Issued;
use ravelin_policy::{Reason, Verdict};
use ravelin_tls::{
    Engine, HandshakeEnd, LegacySuite, LegacyTls, NullEncryption, ServerIdentity, SiteTls, SiteTlsSpec, TlsVersion,
    alert,
};

use crate::support::*;

fn legacy_site(faces: &[&Issued], min: TlsVersion, null: NullEncryption, suites: &[LegacySuite]) -> Arc<SiteTls> {
    let identities: Vec<ServerIdentity> = faces.iter().map(|face| identity(face)).collect();
    let legacy = LegacyTls { null_encryption: null, suites: suites.to_vec() };
    let spec = SiteTlsSpec { identities, min, max: TlsVersion::V1_3, authority_hints: Vec::new(), legacy };
    Arc::new(SiteTls::build(spec).unwrap())
}

/// Everything allowed, both certificates.
fn everything(null: NullEncryption) -> Arc<SiteTls> {
    legacy_site(&[&estate().face_rsa, &estate().face_ecdsa], TlsVersion::V1_0, null, LegacySuite::ALL)
}

#[tokio::test]
async fn every_old_client_is_served_with_its_certificate() {
    for (case, arguments, version, suite) in [
        ("null", &["-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0"][..], "TLSv1.2", "TLS_RSA_WITH_NULL_SHA256"),
        ("null, SHA-1", &["-tls1_2", "-cipher", "NULL-SHA:@SECLEVEL=0"], "TLSv1.2", "TLS_RSA_WITH_NULL_SHA"),
        ("null, 1.0", &["-tls1", "-cipher", "NULL-SHA:@SECLEVEL=0"], "TLSv1.0", "TLS_RSA_WITH_NULL_SHA"),
        ("1.0", &["-tls1", "-cipher", "AES256-SHA:@SECLEVEL=0"], "TLSv1.0", "TLS_RSA_WITH_AES_256_CBC_SHA"),
        (
            "1.0, curve",
            &["-tls1", "-cipher", "ECDHE-RSA-AES128-SHA:@SECLEVEL=0"],
            "TLSv1.0",
            "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        ),
        (
            "1.0, ECDSA",
            &["-tls1", "-cipher", "ECDHE-ECDSA-AES256-SHA:@SECLEVEL=0"],
            "TLSv1.0",
            "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
        ),
        ("1.1", &["-tls1_1", "-cipher", "AES128-SHA:@SECLEVEL=0"], "TLSv1.1", "TLS_RSA_WITH_AES_128_CBC_SHA"),
        ("CBC", &["-tls1_2", "-cipher", "ECDHE-RSA-AES256-SHA384"], "TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
        (
            "ECDSA CBC",
            &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"],
            "TLSv1.2",
            "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
        ),
        ("DHE", &["-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384"], "TLSv1.2", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"),
        ("RSA GCM", &["-tls1_2", "-cipher", "AES128-GCM-SHA256"], "TLSv1.2", "TLS_RSA_WITH_AES_128_GCM_SHA256"),
        ("RSA CBC", &["-tls1_2", "-cipher", "AES256-SHA256"], "TLSv1.2", "TLS_RSA_WITH_AES_256_CBC_SHA256"),
    ] {
        // An ECDSA client key and an RSA one.
        for client in ["healthy", "healthy-renewed"] {
            let judge = Counting::new(estatewide());
            let (address, task) = serve(everything(NullEncryption::Fallback), judge.clone()).await;
            let server = tokio::spawn(async move {
                let mut accepted = ended(task).await.unwrap();
                let data = read_some(&mut accepted.stream).await;
                accepted.stream.write_all(b"pong\n").await.unwrap();
                accepted.stream.close().await;
                (accepted.negotiated, accepted.chain, data)
            });
            let certificate = with_certificate(client);
            let mut all = vec!["-quiet", "-servername", NAME];
            all.extend(arguments);
            all.extend(certificate.iter().map(String::as_str));
            let said = s_client(address, &all, b"ping\n").await;
            assert!(said.text.contains("pong"), "{case} {client}: {}", said.text);
            let (negotiated, chain, data) = server.await.unwrap();
            assert_eq!((negotiated.version, negotiated.suite), (version, suite), "{case}");
            assert_eq!(negotiated.engine, Engine::OpenSsl, "{case}");
            assert!(!chain.permit().policy().is_empty());
            assert!(!chain.presented().certificates.is_empty());
            assert_eq!((data, judge.calls()), (b"ping\n".to_vec(), 1), "{case}");
        }
    }
}

async fn read_some(stream: &mut ravelin_tls::TlsStream) -> Vec<u8> {
    let mut data = vec![0; 64];
    let length = stream.read(&mut data).await.unwrap();
    data.truncate(length);
    data
}

#[tokio::test]
async fn null_suites_are_used_only_where_they_are_preferred() {
    for (null, engine) in [(NullEncryption::Fallback, Engine::Rustls), (NullEncryption::Prefer, Engine::OpenSsl)] {
        let (address, task) = serve(everything(null), estatewide()).await;
        let server = tokio::spawn(async move {
            let accepted = ended(task).await.unwrap();
            let negotiated = accepted.negotiated;
            accepted.stream.close().await;
            negotiated
        });
        let certificate = with_certificate("healthy");
        let mut arguments = usual("-tls1_2", &certificate);
        arguments.extend(["-cipher", "ECDHE-RSA-AES128-GCM-SHA256:NULL-SHA256:@SECLEVEL=0"]);
        s_client(address, &arguments, b"ping\n").await;
        assert_eq!(server.await.unwrap().engine, engine);
    }
}

#[tokio::test]
async fn what_the_site_does_not_allow_is_not_served() {
    let rsa: &[&Issued] = &[&estate().face_rsa];
    let off = || site_of(rsa, TlsVersion::V1_3);
    let null_only = || legacy_site(rsa, TlsVersion::V1_2, NullEncryption::Fallback, &[]);
    for (case, site, arguments, expected) in [
        ("null", off(), &["-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0"][..], alert::Alert::HANDSHAKE_FAILURE),
        ("CBC", null_only(), &["-tls1_2", "-cipher", "AES128-SHA"], alert::Alert::HANDSHAKE_FAILURE),
        ("1.0", null_only(), &["-tls1", "-cipher", "NULL-SHA:@SECLEVEL=0"], alert::Alert::PROTOCOL_VERSION),
    ] {
        let judge = Counting::new(estatewide());
        let (address, task) = serve(site, judge.clone()).await;
        let certificate = with_certificate("healthy");
        let mut all = vec!["-quiet", "-servername", NAME];
        all.extend(arguments);
        all.extend(certificate.iter().map(String::as_str));
        let (failure, said) = tokio::join!(failed(task), s_client(address, &all, b"ping\n"));
        assert!(matches!(failure.end, HandshakeEnd::NoCommonSuite), "{case}: {failure:?}");
        assert_eq!((failure.alert_sent, said.alert()), (Some(expected), Some(expected.0)), "{case}: {}", said.text);
        assert_eq!(judge.calls(), 0);
    }
}

#[tokio::test]
async fn each_denial_reason_sends_its_own_alert() {
    // Covers: docs/traps.md row 62; docs/rules.md rule 8. The same table as rustls.
    let certificate = with_certificate("healthy");
    for (version, cipher) in [("-tls1_2", "NULL-SHA256:@SECLEVEL=0"), ("-tls1", "AES128-SHA:@SECLEVEL=0")] {
        for reason in Reason::ALL.iter().filter(|reason| **reason != Reason::NoCertificate) {
            let (address, task) = serve(everything(NullEncryption::Fallback), Arc::new(Denying(*reason))).await;
            let mut arguments = usual(version, &certificate);
            arguments.extend(["-cipher", cipher]);
            let (failure, said) = tokio::join!(failed(task), s_client(address, &arguments, b"ping\n"));
            let expected = alert::for_reason(*reason);
            assert_eq!(said.alert(), Some(expected.0), "{version} {}: {}", reason.label(), said.text);
            assert_eq!(failure.alert_sent, Some(expected), "{version} {}", reason.label());
            assert_eq!(failure.detail, format!("as the test wants: {}", reason.label()));
            let HandshakeEnd::Denied(decision) = failure.end else { panic!("{:?}", failure.end) };
            let Verdict::Denial(denial) = decision.verdict else { panic!("a permit") };
            assert_eq!(denial.reason, *reason);
        }
    }
}

#[tokio::test]
async fn a_denial_by_policy_ends_the_handshake() {
    for (client, reason) in [
        ("expired", Reason::Expired),
        ("not-yet-valid", Reason::NotYetValid),
        ("server-purpose", Reason::WrongPurpose),
        ("partner", Reason::UnknownIssuer),
        ("", Reason::NoCertificate),
    ] {
        let judge = Counting::new(estatewide());
        let (address, task) = serve(everything(NullEncryption::Prefer), judge.clone()).await;
        let certificate = if client.is_empty() { Vec::new() } else { with_certificate(client) };
        let mut arguments = usual("-tls1_2", &certificate);
        arguments.extend(["-cipher", "NULL-SHA256:@SECLEVEL=0"]);
        let (failure, said) = tokio::join!(failed(task), s_client(address, &arguments, b"ping\n"));
        let HandshakeEnd::Denied(decision) = failure.end else { panic!("{client}: {failure:?}") };
        let Verdict::Denial(denial) = decision.verdict else { panic!("a permit") };
        assert_eq!(denial.reason, reason, "{client}: {}", denial.detail);
        assert_eq!(said.alert(), Some(alert::for_reason(reason).0), "{client}: {}", said.text);
        assert!(!said.text.contains("pong"));
        assert_eq!(judge.calls(), 1);
    }
}

#[tokio::test]
async fn a_client_that_does_not_prove_its_key_is_refused() {
    // The certificate of a permitted machine by somebody who does not hold its key.
    let judge = Counting::new(estatewide());
    let (address, task) = serve(everything(NullEncryption::Prefer), judge.clone()).await;
    let (failure, ()) = tokio::join!(failed(task), beside(move || unproved_flight(address)));
    assert!(matches!(failure.end, HandshakeEnd::Failed), "{failure:?}");
    assert_eq!(judge.calls(), 1, "it was the certificate of a permitted machine");
}

/// A hello that offers null, then the certificate of a permitted machine, a key exchange, and no proof.
fn unproved_flight(address: std::net::SocketAddr) {
    let mut socket = dial(address);
    socket.write_all(&record(22, &message(1, &hello(&[0x003b])))).unwrap();
    let leaf = &estate().clients.healthy.certificate_der;
    let mut flight = message(11, &certificate_list(std::slice::from_ref(leaf)));
    flight.extend(message(16, &[&[1, 0][..], &[7; 256]].concat()));
    socket.write_all(&record(22, &flight)).unwrap();
    socket.write_all(&record(20, &[1])).unwrap();
    socket.write_all(&record(22, &[9; 48])).unwrap();
    let _ = std::io::copy(&mut socket, &mut std::io::sink());
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3], &u16::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind], &u32::try_from(body.len()).unwrap().to_be_bytes()[1..], body].concat()
}

fn certificate_list(certificates: &[Vec<u8>]) -> Vec<u8> {
    let prefixed = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[1..], bytes].concat();
    prefixed(&certificates.iter().flat_map(|each| prefixed(each)).collect::<Vec<u8>>())
}

/// The body of a TLS 1.2 hello with the server's name and the usual signature algorithms.
fn hello(suites: &[u16]) -> Vec<u8> {
    let u16_list = |list: &[u16]| list.iter().flat_map(|each| each.to_be_bytes()).collect::<Vec<u8>>();
    let prefixed = |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat();
    let extension = |kind: u16, body: &[u8]| [&kind.to_be_bytes()[..], &prefixed(body)].concat();
    let name = prefixed(&[&[0][..], &prefixed(NAME.as_bytes())].concat());
    let extensions = [
        extension(0, &name),
        extension(10, &prefixed(&u16_list(&[0x1d, 0x17, 0x18]))),
        extension(13, &prefixed(&u16_list(&[0x0401, 0x0501, 0x0403, 0x0503]))),
    ];
    let head = [&[3, 3][..], &[7; 32], &[0], &prefixed(&u16_list(suites)), &[1, 0]].concat();
    [head, prefixed(&extensions.concat())].concat()
}

#[tokio::test]
async fn hostile_certificates_end_one_handshake_each() {
    // Covers: docs/rules.md rule 2; docs/traps.md row 55. None of them reaches OpenSSL; one process, one site, all of them.
    let leaf = estate().clients.healthy.certificate_der.clone();
    let truncated = leaf[..leaf.len() - 9].to_vec();
    let deep = std::iter::repeat_n([0x30, 0x80], 3_000).flatten().collect::<Vec<u8>>();
    let mut flipped = leaf.clone();
    let last = flipped.len() - 5;
    flipped[last] ^= 1;
    let lists: Vec<(&str, Vec<u8>)> = vec![
        ("noise", certificate_list(&[vec![0xff; 300]])),
        ("truncated", certificate_list(&[truncated])),
        ("deep", certificate_list(&[deep])),
        ("flipped", certificate_list(&[flipped])),
        ("large", certificate_list(&[[&[0x30, 0x82, 0x40, 0x00][..], &[0; 16_384]].concat()])),
        ("many", certificate_list(&vec![leaf.clone(); 11])),
        ("an empty one", certificate_list(&[Vec::new()])),
        ("lengths that lie", vec![0, 0xff, 0xff, 0, 0, 9]),
    ];
    let site = everything(NullEncryption::Prefer);
    for (case, list) in lists {
        let (address, task) = serve(site.clone(), estatewide()).await;
        let client = beside(move || {
            let mut socket = dial(address);
            socket.write_all(&record(22, &message(1, &hello(&[0x003b])))).unwrap();
            for piece in message(11, &list).chunks(9_000) {
                // It may have been refused by then.
                let _ = socket.write_all(&record(22, piece));
            }
            let _ = std::io::copy(&mut socket, &mut std::io::sink());
        });
        let (failure, ()) = tokio::join!(failed(task), client);
        assert!(matches!(failure.end, HandshakeEnd::Denied(_) | HandshakeEnd::Failed), "{case}: {failure:?}");
        assert!(failure.alert_sent.is_some(), "{case}: {failure:?}");
    }
}

#[tokio::test]
async fn nothing_is_resumed_and_nothing_renegotiated() {
    // Covers: docs/traps.md rows 1 to 12.
    let certificate = with_certificate("healthy");
    let cipher = ["-cipher", "AES128-SHA256"];
    let folder = tempfile::tempdir().unwrap();
    let session = folder.path().join("session.pem").display().to_string();
    for again in [false, true] {
        let judge = Counting::new(estatewide());
        let (address, task) = serve(everything(NullEncryption::Fallback), judge.clone()).await;
        let server = tokio::spawn(async move {
            let mut accepted = ended(task).await.unwrap();
            assert_eq!(accepted.negotiated.engine, Engine::OpenSsl);
            let _ = accepted.stream.read(&mut [0; 64]).await;
            let _ = accepted.stream.write_all(b"pong\n").await;
            accepted.stream.close().await;
        });
        let file = if again { ["-sess_in", &session] } else { ["-sess_out", &session] };
        let mut arguments = vec!["-ign_eof", "-servername", NAME, "-tls1_2"];
        arguments.extend(cipher);
        if !again || std::fs::exists(&session).unwrap() {
            arguments.extend(file);
        }
        arguments.extend(certificate.iter().map(String::as_str));
        let said = s_client(address, &arguments, b"ping\n").await;
        server.await.unwrap();
        assert!(said.text.contains("pong"), "{}", said.text);
        assert!(!said.text.contains("Reused") && !said.text.contains("TLS session ticket"), "{}", said.text);
        let session_id = said.text.lines().find_map(|line| line.trim().strip_prefix("Session-ID:"));
        assert!(session_id.is_none_or(|id| id.trim().is_empty()), "{}", said.text);
        assert!(said.text.contains("Secure Renegotiation IS supported"), "{}", said.text);
        assert!(said.text.contains("Compression: NONE"), "{}", said.text);
        assert_eq!(judge.calls(), 1);
    }
    let (address, task) = serve(everything(NullEncryption::Fallback), estatewide()).await;
    let server = tokio::spawn(async move {
        let mut accepted = ended(task).await.unwrap();
        let error = accepted.stream.read(&mut [0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
        assert!(error.to_string().contains("renegotiate"), "{error}");
        accepted.stream.close().await;
    });
    let mut arguments = vec!["-servername", NAME, "-tls1_2"];
    arguments.extend(cipher);
    arguments.extend(certificate.iter().map(String::as_str));
    let said = s_client(address, &arguments, b"R\n").await;
    server.await.unwrap();
    assert!(said.text.contains("no renegotiation"), "{}", said.text);
}

#[test]
fn settings_that_could_serve_nobody_are_refused_at_the_start() {
    let (rsa, ecdsa) = (&estate().face_rsa, &estate().face_ecdsa);
    let (off, fallback) = (NullEncryption::Off, NullEncryption::Fallback);
    let (v10, v11, v12, v13) = (TlsVersion::V1_0, TlsVersion::V1_1, TlsVersion::V1_2, TlsVersion::V1_3);
    for (case, face, versions, null, suites, words) in [
        ("null under ECDSA", ecdsa, (v12, v13), fallback, &[][..], "RSA certificate"),
        ("a suite under the wrong key", ecdsa, (v12, v13), off, &[LegacySuite::RsaCbc], "rsa-cbc needs an RSA"),
        ("the other way round", rsa, (v12, v13), off, &[LegacySuite::EcdheEcdsaCbc], "needs an ECDSA"),
        ("TLS 1.3 alone", rsa, (v13, v13), fallback, &[], "end with TLS 1.2"),
        ("TLS 1.0 without a suite of it", rsa, (v10, v13), off, &[], "no suite of TLS 1.0"),
        ("TLS 1.0 with suites of 1.2", rsa, (v10, v13), off, &[LegacySuite::RsaGcm], "no suite of TLS 1.0"),
        ("an end before its suites", rsa, (v11, v11), off, &[LegacySuite::DheRsaGcm], "no suite of"),
    ] {
        let legacy = LegacyTls { null_encryption: null, suites: suites.to_vec() };
        let identities = vec![identity(face)];
        let (min, max) = versions;
        let spec = SiteTlsSpec { identities, min, max, authority_hints: Vec::new(), legacy };
        let problems = SiteTls::build(spec).err().unwrap_or_else(|| panic!("{case}: built"));
        assert!(problems.iter().any(|problem| problem.text.contains(words)), "{case}: {problems:?}");
    }
}
