//! One row through both engines.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use openssl::pkey::PKey;
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
use openssl::x509::X509;
use ravelin_tls::{
    Accepted, Engine, HandshakeEnd, HandshakeFailure, Judge, LegacyTls, NullEncryption, ServerIdentity, SiteTls,
    SiteTlsSpec, TlsVersion, accept, alert, hello,
};

use super::*;

const NAME: &str = "da.corp.example.test";
/// `TLS_RSA_WITH_NULL_SHA256`, which the OpenSSL engine alone has.
const NULL: (Engine, &str, u16) = (Engine::OpenSsl, "NULL-SHA256:@SECLEVEL=0", 0x003b);
/// `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`, which goes to rustls.
const GCM: (Engine, &str, u16) = (Engine::Rustls, "ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0", 0xc02f);

type Ended = Result<Accepted, HandshakeFailure>;

/// The decision of a row's policy at the row's time.
struct RowJudge {
    policy: Arc<Policy>,
    context: Context,
}

impl Judge for RowJudge {
    fn judge(&self, chain: &PresentedChain) -> Decision {
        self.policy.decide(chain, &self.context)
    }
}

/// The row again, with each engine.
#[track_caller]
pub(crate) fn also(row: &Row<'_>) {
    let expected = row.policy.decide(&row.chain, &row.context());
    for (engine, ciphers, suite) in [NULL, GCM] {
        let case = format!("{} by {engine:?}, TLS 1.2", row.case);
        match (&expected.verdict, row.key) {
            (Verdict::Permit(_), Some(issued)) => {
                let ended = with_client(row, |address| proving_client(address, ciphers, issued, &row.chain));
                let accepted = ended.unwrap_or_else(|failure| panic!("{case}: {failure:?}"));
                assert_eq!(
                    (accepted.negotiated.engine, *accepted.chain.presented() == row.chain),
                    (engine, true),
                    "{case}"
                );
                assert_eq!(accepted.report.rules, expected.rules, "{case}");
            }
            _ => {
                let (ended, alert) = with_bytes(row, suite);
                assert_refused(&case, ended, &expected, Some(alert));
            }
        }
    }
    if matches!(expected.verdict, Verdict::Denial(_)) {
        let ended = with_client(row, |address| rustls_client(address, &row.chain));
        assert_refused(&format!("{} by rustls, TLS 1.3", row.case), ended, &expected, None);
    }
}

/// Refused with this decision; where the row's key is not at hand, a permit shows itself in that the proof is asked for.
#[track_caller]
fn assert_refused(case: &str, ended: Ended, expected: &Decision, told: Option<Option<u8>>) {
    let failure = ended.err().unwrap_or_else(|| panic!("{case}: accepted"));
    let HandshakeFailure { end, alert_sent, detail, .. } = failure;
    match (&expected.verdict, end) {
        (Verdict::Denial(denial), HandshakeEnd::Denied(decision)) => {
            let Verdict::Denial(met) = &decision.verdict else { panic!("{case}: a permit") };
            assert_eq!(met.reason, denial.reason, "{case}: {} here, {} there", met.detail, denial.detail);
            let number = alert::for_reason(denial.reason);
            assert_eq!(alert_sent, Some(number), "{case}");
            assert!(told.is_none_or(|told| told == Some(number.0)), "{case}: told {told:?}, not {number:?}");
        }
        (Verdict::Permit(_), HandshakeEnd::Failed) => {}
        // What is longer than all messages of a handshake together may be is not waited for, let alone judged.
        (Verdict::Denial(denial), HandshakeEnd::Failed) if detail == "more bytes than a handshake may have" => {
            assert_eq!(denial.reason, Reason::ChainTooLong, "{case}");
        }
        (_, end) => panic!("{case}: {end:?}, {detail}"),
    }
}

/// A client that has nothing but certificates: it never gets to a proof. The alert it gets.
#[track_caller]
fn with_bytes(row: &Row<'_>, suite: u16) -> (Ended, Option<u8>) {
    let certificates: Vec<Vec<u8>> = row.chain.certificates.iter().map(|one| one.to_vec()).collect();
    let told = std::sync::Mutex::new(None);
    let ended = with_client(row, |address| {
        let mut socket = dial(address);
        socket.write_all(&record(22, &message(1, &client_hello(suite)))).unwrap();
        let mut flight = message(11, &certificate_list(&certificates));
        // A permit goes on to the key exchange, which is nonsense here.
        flight.extend(message(16, &[7; 60]));
        for piece in flight.chunks(1 << 14) {
            // It may have been refused by then.
            let _ = socket.write_all(&record(22, piece));
        }
        let mut heard = Vec::new();
        let _ = socket.read_to_end(&mut heard);
        *told.lock().unwrap() = last_alert(&heard);
    });
    (ended, told.into_inner().unwrap())
}

/// Serves one client, which runs on this thread, and returns how its handshake ended.
#[track_caller]
fn with_client(row: &Row<'_>, client: impl FnOnce(SocketAddr)) -> Ended {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let judge = Arc::new(RowJudge { policy: Arc::clone(row.policy), context: row.context() });
    let server = std::thread::spawn(move || {
        let served = async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let (mut stream, _) = listener.accept().await.unwrap();
            let hello = hello::read(&mut stream).await?;
            accept(stream, hello, &SITE, judge).await
        };
        let bounded = async { tokio::time::timeout(PATIENCE, served).await.expect("an end within the deadline") };
        runtime.block_on(bounded)
    });
    client(address);
    server.join().unwrap()
}

const PATIENCE: Duration = Duration::from_secs(60);

/// Shows an RSA certificate; null encryption goes to whoever offers it.
static SITE: LazyLock<SiteTls> = LazyLock::new(|| {
    let face = &ESTATE.face_rsa;
    let (chain, key) = (face.chain_pem(), face.key_pem());
    let identity = ServerIdentity::from_pem("chain", chain.as_bytes(), "key", key.as_bytes()).unwrap();
    let legacy = LegacyTls { null_encryption: NullEncryption::Prefer, suites: Vec::new() };
    SiteTls::build(SiteTlsSpec {
        identities: vec![identity],
        min: TlsVersion::V1_2,
        max: TlsVersion::V1_3,
        authority_hints: Vec::new(),
        legacy,
    })
    .unwrap()
});

/// OpenSSL as the client, with the certificates and the key of a row.
fn proving_client(address: SocketAddr, ciphers: &str, issued: &Issued, chain: &PresentedChain) {
    let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
    builder.set_security_level(0);
    builder.set_verify(SslVerifyMode::NONE);
    builder.set_max_proto_version(Some(openssl::ssl::SslVersion::TLS1_2)).unwrap();
    builder.set_cipher_list(ciphers).unwrap();
    let (leaf, others) = chain.certificates.split_first().unwrap();
    builder.set_certificate(&X509::from_der(leaf).unwrap()).unwrap();
    for other in others {
        builder.add_extra_chain_cert(X509::from_der(other).unwrap()).unwrap();
    }
    builder.set_private_key(&PKey::private_key_from_pem(issued.key_pem().as_bytes()).unwrap()).unwrap();
    // Whatever comes of it, the other side reports it.
    if let Ok(mut stream) = builder.build().connect(NAME, dial(address)) {
        let _ = stream.shutdown();
    }
}

/// rustls as the client, with the certificates of a row and a key that is not theirs.
fn rustls_client(address: SocketAddr, chain: &PresentedChain) {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(ESTATE.root.certificate_der().to_vec().into()).unwrap();
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&ESTATE.clients.healthy.private_key()).unwrap();
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody));
    let config = if chain.certificates.is_empty() {
        builder.with_no_client_auth()
    } else {
        let certified = rustls::sign::CertifiedKey::new(chain.certificates.clone(), key);
        builder.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)))
    };
    let mut connection = rustls::ClientConnection::new(Arc::new(config), NAME.try_into().unwrap()).unwrap();
    let mut socket = dial(address);
    // Ends with the alert.
    let _ = rustls::Stream::new(&mut connection, &mut socket).read_to_end(&mut Vec::new());
}

/// The server's certificate is not what is tested here, and not of today.
#[derive(Debug)]
struct Anybody;

impl rustls::client::danger::ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &rustls::pki_types::ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        self.verify_tls12_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

fn dial(address: SocketAddr) -> std::net::TcpStream {
    let stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// The description of the last alert in a stream of plaintext records.
fn last_alert(mut heard: &[u8]) -> Option<u8> {
    let mut alert = None;
    while let [kind, _, _, high, low, rest @ ..] = heard {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (body, behind) = rest.split_at_checked(length)?;
        if *kind == 21 {
            alert = body.get(1).copied();
        }
        heard = behind;
    }
    alert
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

/// The body of a TLS 1.2 hello with one suite, the server's name and the usual groups and signature algorithms.
fn client_hello(suite: u16) -> Vec<u8> {
    let u16_list = |list: &[u16]| list.iter().flat_map(|each| each.to_be_bytes()).collect::<Vec<u8>>();
    let prefixed = |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat();
    let extension = |kind: u16, body: &[u8]| [&kind.to_be_bytes()[..], &prefixed(body)].concat();
    let name = prefixed(&[&[0][..], &prefixed(NAME.as_bytes())].concat());
    let extensions = [
        extension(0, &name),
        extension(10, &prefixed(&u16_list(&[0x1d, 0x17, 0x18]))),
        extension(11, &[1, 0]),
        extension(13, &prefixed(&u16_list(&[0x0401, 0x0501, 0x0403, 0x0503, 0x0603, 0x0807]))),
    ];
    let head = [&[3, 3][..], &[7; 32], &[0], &prefixed(&u16_list(&[suite])), &[1, 0]].concat();
    [head, prefixed(&extensions.concat())].concat()
}
