//! The estate, sites, judges, one-shot gateways and peers.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ravelin_lab::clock;
use ravelin_lab::pki::{Estate, Issued};
use ravelin_policy::{
    Context, Decision, Denial, DenyList, NameRules, Origin, Policy, PolicySpec, PresentedChain, Reason,
    RevocationCheck, RevocationSpec, Source, Verdict,
};
use ravelin_tls::{
    Accepted, HandshakeFailure, Judge, LegacyTls, ServerIdentity, SiteTls, SiteTlsSpec, TlsVersion, accept, hello,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub(crate) const NAME: &str = "da.corp.example.test";

/// One estate for all tests: its RSA keys take their time.
pub(crate) fn estate() -> &'static Estate {
    static ESTATE: OnceLock<Estate> = OnceLock::new();
    ESTATE.get_or_init(|| Estate::standard(clock::now()))
}

/// The estate as files, for openssl.
pub(crate) fn files() -> &'static Path {
    static FILES: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FILES.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        estate().write(folder.path()).unwrap();
        folder
    });
    folder.path()
}

pub(crate) fn identity(issued: &Issued) -> ServerIdentity {
    ServerIdentity::from_pem("chain", issued.chain_pem().as_bytes(), "key", issued.key_pem().as_bytes()).unwrap()
}

/// A site with these certificates, without hints, from TLS 1.2 on.
pub(crate) fn site_of(faces: &[&Issued], max: TlsVersion) -> Arc<SiteTls> {
    let identities = faces.iter().map(|face| identity(face)).collect();
    let spec = SiteTlsSpec {
        identities,
        min: TlsVersion::V1_2,
        max,
        authority_hints: Vec::new(),
        legacy: LegacyTls::default(),
    };
    Arc::new(SiteTls::build(spec).unwrap())
}

pub(crate) fn site() -> Arc<SiteTls> {
    site_of(&[&estate().face_rsa, &estate().face_ecdsa], TlsVersion::V1_3)
}

/// The product's own decision: any computer of the estate.
pub(crate) struct Estatewide(Policy);

impl Judge for Estatewide {
    fn judge(&self, chain: &PresentedChain) -> Decision {
        self.0.decide(chain, &Context { now: clock::unix_time(estate().now), generation: 1 })
    }
}

pub(crate) fn estatewide() -> Arc<dyn Judge> {
    let source = |der: &[u8]| Source { origin: Origin::file("ca"), der: der.to_vec() };
    let spec = PolicySpec {
        name: "estate".to_owned(),
        trust_anchors: vec![source(estate().root.certificate_der())],
        intermediates: vec![source(estate().issuing.certificate_der())],
        issued_by: None,
        purposes: vec!["1.3.6.1.5.5.7.3.2".to_owned()],
        purpose_absent_allowed: false,
        names: NameRules::Any,
        deny: DenyList::default(),
        revocation: RevocationSpec {
            check: RevocationCheck::Off,
            crls: Vec::new(),
            unknown_allowed: false,
            stale_grace: Duration::ZERO,
        },
        account: None,
        shadow: None,
    };
    let (policy, _) = Policy::build(spec, clock::unix_time(estate().now)).unwrap();
    Arc::new(Estatewide(policy))
}

/// Says no, always for the same reason.
pub(crate) struct Denying(pub(crate) Reason);

impl Judge for Denying {
    fn judge(&self, _: &PresentedChain) -> Decision {
        Decision {
            verdict: Verdict::Denial(Denial {
                reason: self.0,
                detail: format!("as the test wants: {}", self.0.label()),
            }),
            identity: None,
            rules: Vec::new(),
            account: None,
            shadow_denial: None,
        }
    }
}

/// Counts how often another judge was asked.
pub(crate) struct Counting(pub(crate) Arc<dyn Judge>, pub(crate) AtomicUsize);

impl Counting {
    pub(crate) fn new(judge: Arc<dyn Judge>) -> Arc<Counting> {
        Arc::new(Counting(judge, AtomicUsize::new(0)))
    }
    pub(crate) fn calls(&self) -> usize {
        self.1.load(Ordering::Relaxed)
    }
}

impl Judge for Counting {
    fn judge(&self, chain: &PresentedChain) -> Decision {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.judge(chain)
    }
}

pub(crate) type Outcome = Result<Accepted, HandshakeFailure>;

/// Serves one client as far as the handshake goes.
pub(crate) async fn serve(site: Arc<SiteTls>, judge: Arc<dyn Judge>) -> (SocketAddr, JoinHandle<Outcome>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let hello = hello::read(&mut stream).await?;
        accept(stream, hello, &site, judge).await
    });
    (address, task)
}

/// Waits for an end, within bounds.
pub(crate) async fn ended(task: JoinHandle<Outcome>) -> Outcome {
    tokio::time::timeout(Duration::from_secs(20), task).await.expect("no end within 20 s").unwrap()
}

pub(crate) async fn failed(task: JoinHandle<Outcome>) -> HandshakeFailure {
    match ended(task).await {
        Ok(accepted) => panic!("accepted: {:?}", accepted.negotiated),
        Err(failure) => failure,
    }
}

/// What a run of `openssl` came to.
pub(crate) struct Said {
    pub(crate) text: String,
}

impl Said {
    /// The number in `SSL alert number 49`.
    pub(crate) fn alert(&self) -> Option<u8> {
        let (_, behind) = self.text.split_once("SSL alert number ")?;
        behind.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
    }
}

/// `openssl s_client`, with input on stdin, to its end.
pub(crate) fn s_client(
    address: SocketAddr,
    arguments: &[&str],
    input: &'static [u8],
) -> impl Future<Output = Said> + use<> {
    let mut all = vec!["s_client".to_owned(), "-connect".to_owned(), address.to_string()];
    all.extend(arguments.iter().map(|each| (*each).to_owned()));
    beside(move || openssl(&all, input))
}

/// Runs openssl for at most 20 seconds. Its standard input stays open, so that it ends by what the peer does.
pub(crate) fn openssl(arguments: &[String], input: &[u8]) -> Said {
    let mut child = Command::new("timeout")
        .args(["20", "openssl"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // It may be gone before it reads anything.
    let _ = stdin.write_all(input);
    let holder = std::thread::spawn(move || child.wait_with_output().unwrap());
    let output = holder.join().unwrap();
    drop(stdin);
    let text = [output.stdout, output.stderr].concat();
    Said { text: String::from_utf8_lossy(&text).into_owned() }
}

/// Arguments for the certificate of `clients/NAME.pem`: leaf, key, and the authorities it was written with.
pub(crate) fn with_certificate(name: &str) -> Vec<String> {
    let file = |extension: &str| files().join("clients").join(format!("{name}.{extension}")).display().to_string();
    ["-cert", &file("pem"), "-key", &file("key"), "-cert_chain", &file("pem")].map(str::to_owned).to_vec()
}

/// Arguments of a usual client.
pub(crate) fn usual<'a>(version: &'a str, certificate: &'a [String]) -> Vec<&'a str> {
    let mut arguments = vec!["-quiet", "-servername", NAME, version];
    arguments.extend(certificate.iter().map(String::as_str));
    arguments
}

pub(crate) fn path(name: &str) -> PathBuf {
    files().join(name)
}

/// A client of rustls with this certificate, or none.
pub(crate) fn rustls_client(certificate: Option<rustls::sign::CertifiedKey>) -> rustls::ClientConnection {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(estate().root.certificate_der().to_vec().into()).unwrap();
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match certificate {
        None => builder.with_no_client_auth(),
        Some(certificate) => {
            builder.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certificate)))
        }
    };
    rustls::ClientConnection::new(Arc::new(config), NAME.try_into().unwrap()).unwrap()
}

/// These certificates with this key, whether they belong together or not.
pub(crate) fn certified(chain: Vec<Vec<u8>>, key: &Issued) -> rustls::sign::CertifiedKey {
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key.private_key()).unwrap();
    rustls::sign::CertifiedKey::new(chain.into_iter().map(Into::into).collect(), key)
}

pub(crate) fn certified_of(issued: &Issued) -> rustls::sign::CertifiedKey {
    certified(issued.chain(), issued)
}

/// Runs a blocking client beside the server's task.
pub(crate) async fn beside<T: Send + 'static>(client: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(client).await.unwrap()
}

/// A blocking socket that does not block for ever.
pub(crate) fn dial(address: SocketAddr) -> std::net::TcpStream {
    let stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Both ends of a TCP connection.
pub(crate) async fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (client, server) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    (client.unwrap(), server.unwrap().0)
}
