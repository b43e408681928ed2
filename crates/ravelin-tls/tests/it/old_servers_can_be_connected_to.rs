//! The gateway as a client of servers that speak neither ECDHE with AEAD nor TLS 1.3; and the records of both sides.

use ravelin_tls::{
    Engine, LegacySuite, LegacyTls, NullEncryption, Records, SiteTls, SiteTlsSpec, TlsVersion, UpstreamTls,
    UpstreamTlsSpec, accept, connect, hello,
};
use tokio::net::TcpStream;

use crate::servers_are_verified::Server;
use crate::support::*;

fn upstream(authority: &[u8], name: &str, (min, max): (TlsVersion, TlsVersion), legacy: LegacyTls) -> UpstreamTls {
    let spec = UpstreamTlsSpec {
        authorities: vec![("ca/root.pem".to_owned(), authority.to_vec())],
        server_name: name.to_owned(),
        client_identity: Some(identity(&estate().clients.healthy)),
        legacy,
        min,
        max,
    };
    UpstreamTls::build(spec).unwrap()
}

fn allowing(null_encryption: NullEncryption, suites: &[LegacySuite]) -> LegacyTls {
    LegacyTls { null_encryption, suites: suites.to_vec() }
}

async fn server(arguments: &[&str]) -> Server {
    let files = ["face-rsa.pem", "face-rsa.key"].map(|name| path("tls").join(name).display().to_string());
    let mut all = vec!["-cert", &files[0], "-key", &files[1], "-cert_chain", &files[0]];
    all.extend(arguments);
    Server::start(&all).await
}

const TLS12: (TlsVersion, TlsVersion) = (TlsVersion::V1_2, TlsVersion::V1_3);

#[tokio::test]
async fn every_old_server_can_be_connected_to() {
    let old = (TlsVersion::V1_0, TlsVersion::V1_2);
    for (case, arguments, versions, legacy) in [
        // Server 2012 R2 under an RSA certificate: RSA key exchange, or CBC.
        (
            "2012 R2",
            &["-tls1_2", "-cipher", "AES128-GCM-SHA256"][..],
            TLS12,
            allowing(NullEncryption::Off, &[LegacySuite::RsaGcm]),
        ),
        (
            "CBC",
            &["-tls1_2", "-cipher", "ECDHE-RSA-AES256-SHA384"],
            TLS12,
            allowing(NullEncryption::Off, &[LegacySuite::EcdheRsaCbc]),
        ),
        (
            "DHE",
            &["-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384"],
            TLS12,
            allowing(NullEncryption::Off, &[LegacySuite::DheRsaGcm]),
        ),
        ("null", &["-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0"], TLS12, allowing(NullEncryption::Fallback, &[])),
        ("null preferred", &["-cipher", "ALL:NULL:@SECLEVEL=0"], TLS12, allowing(NullEncryption::Prefer, &[])),
        (
            "TLS 1.0",
            &["-tls1", "-cipher", "AES256-SHA:@SECLEVEL=0"],
            old,
            allowing(NullEncryption::Off, &[LegacySuite::RsaCbc]),
        ),
        (
            "a new one all the same",
            &["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"],
            TLS12,
            allowing(NullEncryption::Fallback, &[]),
        ),
    ] {
        let server = server(arguments).await;
        let tls = upstream(estate().root.certificate_der(), NAME, versions, legacy);
        let tcp = TcpStream::connect(server.1).await.unwrap();
        let mut stream = connect(tcp, &tls).await.unwrap_or_else(|error| panic!("{case}: {error}"));
        stream.write_all(b"stressed\n").await.unwrap();
        let mut answer = Vec::new();
        while answer.len() < 9 {
            let mut buffer = [0; 64];
            let read = stream.read(&mut buffer).await.unwrap();
            assert_ne!(read, 0, "{case}");
            answer.extend_from_slice(&buffer[..read]);
        }
        assert_eq!(answer, b"desserts\n", "{case}");
        stream.close().await;
    }
}

#[tokio::test]
async fn any_other_server_is_refused_with_the_cause() {
    let null = || allowing(NullEncryption::Prefer, &[]);
    let server = server(&["-tls1_2", "-cipher", "ALL:NULL:@SECLEVEL=0"]).await;
    for (case, authority, name, words) in [
        ("another authority", estate().partner_root.certificate_der(), NAME, "UnknownIssuer"),
        ("an authority of the same name", estate().forger.certificate_der(), NAME, "Signature"),
        ("another name", estate().root.certificate_der(), "da9.corp.example.test", "not valid for name"),
    ] {
        let tls = upstream(authority, name, TLS12, null());
        let error = connect(TcpStream::connect(server.1).await.unwrap(), &tls).await.err().unwrap();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{case}");
        assert!(error.to_string().contains("does not verify"), "{case}: {error}");
        assert!(error.to_string().contains(words), "{case}: {error}");
    }
    // Nothing in common.
    let tls = upstream(estate().root.certificate_der(), NAME, (TlsVersion::V1_0, TlsVersion::V1_1), null());
    assert!(connect(TcpStream::connect(server.1).await.unwrap(), &tls).await.is_err());
}

/// Server's and client's records of one handshake between our own two sides.
async fn records(versions: (TlsVersion, TlsVersion), legacy: LegacyTls) -> (Records, Records, &'static str) {
    let spec = SiteTlsSpec {
        identities: vec![identity(&estate().face_rsa)],
        min: versions.0,
        max: versions.1,
        authority_hints: Vec::new(),
        legacy: legacy.clone(),
    };
    let site = SiteTls::build(spec).unwrap();
    let tls = upstream(estate().root.certificate_der(), NAME, versions, legacy);
    let (client, mut server) = tcp_pair().await;
    let accepting = async {
        let hello = hello::read(&mut server).await.unwrap();
        accept(server, hello, &site, estatewide()).await.unwrap()
    };
    let (client, accepted) = tokio::join!(connect(client, &tls), accepting);
    assert_eq!(accepted.negotiated.engine, Engine::OpenSsl);
    let suite = accepted.negotiated.suite;
    (accepted.stream.into_parts().records, client.unwrap().into_parts().records, suite)
}

/// Numbers that repeat and follow no pattern a record could.
fn next(state: &mut u32) -> usize {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    usize::try_from(*state >> 8).unwrap()
}

/// Seals `data` in odd pieces into odd rooms, and opens it from odd cuts into odd rooms.
fn carry(from: &mut Records, to: &mut Records, data: &[u8], seed: &mut u32) -> Vec<u8> {
    let mut wire = Vec::new();
    let mut at = 0;
    while at < data.len() {
        let piece = &data[at..(at + 1 + next(seed) % 40_000).min(data.len())];
        let mut output = vec![0; 300 + next(seed) % 60_000];
        let sealed = from.seal(piece, &mut output).unwrap();
        assert!(sealed.consumed > 0, "a room of {} moves nothing", output.len());
        assert!(sealed.produced <= from.sealed_len_max(sealed.consumed));
        wire.extend_from_slice(&output[..sealed.produced]);
        at += sealed.consumed;
    }
    from.seal_end(&mut wire);
    let (mut input, mut plain, mut ended) = (Vec::new(), Vec::new(), false);
    let mut rest = wire.as_slice();
    while !ended {
        let (piece, behind) = rest.split_at((1 + next(seed) % 30_000).min(rest.len()));
        rest = behind;
        input.extend_from_slice(piece);
        loop {
            let mut room = vec![0; 16_384 + next(seed) % 40_000];
            let mut reply = Vec::new();
            let opened = to.open(&mut input, &mut room, &mut reply).unwrap();
            assert!(reply.is_empty());
            input.drain(..opened.consumed);
            plain.extend_from_slice(&room[..opened.produced]);
            ended = opened.ended;
            if opened.consumed == 0 || ended {
                break;
            }
        }
        assert!(ended || !rest.is_empty(), "no end arrived");
    }
    plain
}

#[tokio::test]
async fn how_the_bytes_are_split_makes_no_difference() {
    let old = (TlsVersion::V1_0, TlsVersion::V1_0);
    for (versions, legacy, expected) in [
        (TLS12, allowing(NullEncryption::Prefer, &[]), "TLS_RSA_WITH_NULL_SHA256"),
        (old, allowing(NullEncryption::Prefer, &[]), "TLS_RSA_WITH_NULL_SHA"),
        (old, allowing(NullEncryption::Off, &[LegacySuite::RsaCbc]), "TLS_RSA_WITH_AES_256_CBC_SHA"),
        (
            (TlsVersion::V1_1, TlsVersion::V1_1),
            allowing(NullEncryption::Off, &[LegacySuite::EcdheRsaCbc]),
            "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
        ),
    ] {
        let data: Vec<u8> = (0u32..700_000).map(|each| each.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
        let mut seed = 7;
        let (mut server, mut client, suite) = records(versions, legacy.clone()).await;
        assert_eq!(suite, expected);
        assert!(carry(&mut server, &mut client, &data, &mut seed) == data, "{suite}, down");
        let (mut server, mut client, _) = records(versions, legacy).await;
        assert!(carry(&mut client, &mut server, &data, &mut seed) == data, "{suite}, up");
    }
}

#[tokio::test]
async fn a_changed_byte_ends_the_connection_with_an_alert() {
    let (mut server, mut client, _) = records(TLS12, allowing(NullEncryption::Prefer, &[])).await;
    let mut wire = vec![0; 200];
    let sealed = client.seal(b"packets in the clear, protected by a MAC", &mut wire).unwrap();
    wire[20] ^= 1;
    let mut reply = Vec::new();
    let error = server.open(&mut wire[..sealed.produced], &mut [0; 16_384], &mut reply).unwrap_err();
    assert!(format!("{error:?}").contains("bad"), "{error:?}");
    assert_eq!(reply.first(), Some(&21));
    assert!(server.open(&mut [], &mut [], &mut Vec::new()).is_err(), "it stays ended");
    assert!(server.seal(b"more", &mut [0; 100]).is_err());
}
