//! What a handshake costs the gateway.
//!
//! Promise: a full handshake with a client certificate on P-256 takes at most 0.8 ms of the gateway's CPU (the peers: 1.0 to
//! 2.1), a refused one without a certificate at most 0.15 ms (0.14 to 0.68); an idle connection keeps 5 KB of user memory
//! (25 to 157).
//!
//! The figures of `handshake/…` are CPU time of the gateway's thread alone, system calls included, on loopback: TCP accept,
//! peek, handshake, decision, close. Cannot show: a network card, other cores, the connection to a server.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark that cannot run should stop")]

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ravelin_lab::clock;
use ravelin_lab::pki::{Estate, Issued};
use ravelin_policy::{
    Context, Decision, DenyList, NameRules, Origin, Policy, PolicySpec, PresentedChain, RevocationCheck,
    RevocationSpec, Source,
};
use ravelin_tls::hello::{HelloParser, HelloProgress};
use ravelin_tls::{Judge, LegacyTls, ServerIdentity, SiteTls, SiteTlsSpec, TlsStream, TlsVersion, accept, hello};
use rustix::time::{ClockId, clock_gettime};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion, version};

const NAME: &str = "da.corp.example.test";

struct Permitting(Policy, i64);

impl Judge for Permitting {
    fn judge(&self, chain: &PresentedChain) -> Decision {
        self.0.decide(chain, &Context { now: clock::unix_time(self.1), generation: 1 })
    }
}

fn judge(estate: &Estate) -> Arc<dyn Judge> {
    let source = |der: &[u8]| Source { origin: Origin::file("ca"), der: der.to_vec() };
    let now = clock::unix_time(estate.now);
    let spec = PolicySpec {
        name: "estate".to_owned(),
        trust_anchors: vec![source(estate.root.certificate_der())],
        intermediates: vec![source(estate.issuing.certificate_der())],
        issued_by: None,
        purposes: vec!["1.3.6.1.5.5.7.3.2".to_owned()],
        purpose_absent_allowed: false,
        names: NameRules::Listed { allow: vec!["*.corp.example.test".to_owned()], deny: Vec::new() },
        deny: DenyList::default(),
        revocation: RevocationSpec {
            check: RevocationCheck::Chain,
            crls: vec![
                source(&estate.root_crl.der),
                source(&estate.issuing_crl.der),
                source(&estate.issuing_renewed_crl.der),
            ],
            unknown_allowed: false,
            stale_grace: Duration::ZERO,
        },
        account: None,
        shadow: None,
    };
    Arc::new(Permitting(Policy::build(spec, now).unwrap().0, estate.now))
}

fn site(face: &Issued) -> SiteTls {
    let identity =
        ServerIdentity::from_pem("chain", face.chain_pem().as_bytes(), "key", face.key_pem().as_bytes()).unwrap();
    let spec = SiteTlsSpec {
        identities: vec![identity],
        min: TlsVersion::V1_2,
        max: TlsVersion::V1_3,
        authority_hints: Vec::new(),
        legacy: LegacyTls::default(),
    };
    SiteTls::build(spec).expect("a site")
}

fn client(
    estate: &Estate,
    certificate: Option<&Issued>,
    version: &'static SupportedProtocolVersion,
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(estate.root.certificate_der().to_vec().into()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots);
    let config = match certificate {
        None => builder.with_no_client_auth(),
        Some(issued) => builder.with_client_auth_cert(issued.certificates(), issued.private_key()).unwrap(),
    };
    Arc::new(config)
}

/// Handshakes as a client, says one byte, and keeps or drops the socket.
fn dial(address: SocketAddr, config: &Arc<ClientConfig>) -> std::net::TcpStream {
    let mut socket = std::net::TcpStream::connect(address).unwrap();
    socket.set_nodelay(true).unwrap();
    let mut client = ClientConnection::new(config.clone(), ServerName::try_from(NAME).unwrap()).unwrap();
    // A refusal is an error here.
    let _ = client.complete_io(&mut socket);
    let _ = client.writer().write_all(b"P");
    let _ = client.complete_io(&mut socket);
    socket
}

/// Serves so many clients one after the other; those that were admitted, once their first byte was read.
async fn serve(
    listener: &tokio::net::TcpListener,
    site: &SiteTls,
    judge: &Arc<dyn Judge>,
    count: u64,
) -> Vec<TlsStream> {
    let mut admitted = Vec::new();
    for _ in 0..count {
        let (mut socket, _) = listener.accept().await.unwrap();
        let peeked = hello::read(&mut socket).await.expect("a hello");
        if let Ok(mut accepted) = accept(socket, peeked, site, judge.clone()).await {
            let _ = accepted.stream.read(&mut [0; 16]).await;
            admitted.push(accepted.stream);
        }
    }
    admitted
}

/// CPU time that the gateway's thread spends on so many handshakes.
fn cpu(site: &SiteTls, judge: &Arc<dyn Judge>, config: &Arc<ClientConfig>, count: u64) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let config = config.clone();
    let clients = std::thread::spawn(move || (0..count).for_each(|_| drop(dial(address, &config))));
    let before = thread_time();
    let admitted = runtime.block_on(serve(&listener, site, judge, count));
    drop(admitted);
    let spent = thread_time() - before;
    clients.join().unwrap();
    spent
}

fn thread_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap())
}

fn handshakes(criterion: &mut Criterion) {
    let estate = Estate::standard(clock::now());
    let judge = judge(&estate);
    let clients = &estate.clients;
    let mut group = criterion.benchmark_group("handshake");
    group.sample_size(20).measurement_time(Duration::from_secs(3));
    for (case, face, certificate, version) in [
        ("tls13/p256", &estate.face_ecdsa, Some(&clients.healthy_renewed), &version::TLS13),
        ("tls13/rsa2048-client", &estate.face_ecdsa, Some(&clients.healthy), &version::TLS13),
        ("tls13/rsa2048-both", &estate.face_rsa, Some(&clients.healthy), &version::TLS13),
        ("tls12/p256", &estate.face_ecdsa, Some(&clients.healthy_renewed), &version::TLS12),
        ("tls13/no-certificate", &estate.face_ecdsa, None, &version::TLS13),
    ] {
        let (site, config) = (site(face), client(&estate, certificate, version));
        group.bench_function(case, |bencher| bencher.iter_custom(|count| cpu(&site, &judge, &config, count)));
    }
    group.finish();
}

fn peek(criterion: &mut Criterion) {
    let estate = Estate::standard(clock::now());
    let config = client(&estate, None, &version::TLS13);
    let mut hello = Vec::new();
    ClientConnection::new(config, ServerName::try_from(NAME).unwrap()).unwrap().write_tls(&mut hello).unwrap();
    let split: Vec<u8> = hello.get(5..).unwrap().iter().flat_map(|byte| [22, 3, 1, 0, 1, *byte]).collect();
    let mut group = criterion.benchmark_group("hello");
    for (case, bytes) in [("one-record", hello), ("a-record-per-byte", split)] {
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(case, |bencher| {
            bencher.iter(|| {
                let progress = HelloParser::default().push(&bytes).unwrap();
                assert!(matches!(progress, HelloProgress::Complete(_)));
            });
        });
    }
    group.finish();
}

/// Not a time: what an admitted connection keeps while nothing moves, by the growth of the process.
fn idle_memory(_: &mut Criterion) {
    const WARM: u64 = 200;
    const COUNT: u64 = 1500;
    let estate = Estate::standard(clock::now());
    let (judge, site) = (judge(&estate), site(&estate.face_ecdsa));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let config = client(&estate, Some(&estate.clients.healthy_renewed), &version::TLS13);
    let run = |count| {
        let config = config.clone();
        let clients = std::thread::spawn(move || (0..count).map(|_| dial(address, &config)).collect::<Vec<_>>());
        let admitted = runtime.block_on(serve(&listener, &site, &judge, count));
        (admitted, clients.join().unwrap())
    };
    let warm = run(WARM);
    let before = resident_bytes();
    let held = run(COUNT);
    let grown = resident_bytes().saturating_sub(before);
    eprintln!("handshake/idle: {} bytes of the process for each of {COUNT} admitted connections", grown / COUNT);
    drop((warm, held));
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

criterion_group!(benches, handshakes, peek, idle_memory);
criterion_main!(benches);
