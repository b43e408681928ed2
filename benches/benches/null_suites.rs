//! Do null suites save the gateway anything?
//!
//! Promise: none; it is the question that is answered. A null suite has every record hashed (HMAC), AES-GCM has it
//! encrypted and authenticated by instructions made for that. On a processor with both sets of instructions a null suite
//! takes seven times the CPU of AES-256-GCM at 1,400 bytes, and five to six times at 16 KiB. The figures are
//! CPU time of one thread per GiB through the records of both engines, over memory: `seal` is what the gateway does on the way
//! to the client, `open` on the way back, at the size of a packet and of a full record. Cannot show: processors without AES
//! instructions, sockets, the client's side of the bargain.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run should stop")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ravelin_lab::clock;
use ravelin_lab::pki::{Estate, Issued};
use ravelin_policy::{
    Context, Decision, DenyList, NameRules, Origin, Policy, PolicySpec, PresentedChain, RevocationCheck,
    RevocationSpec, Source,
};
use ravelin_tls::{
    Judge, LegacyTls, NullEncryption, Records, ServerIdentity, SiteTls, SiteTlsSpec, TlsVersion, UpstreamTls,
    UpstreamTlsSpec, accept, connect, hello,
};
use rustix::time::{ClockId, clock_gettime};

const NAME: &str = "da.corp.example.test";
/// Plaintext of one iteration.
const BLOCK: usize = 1 << 20;
/// An IPv6 packet of a tunnel with room for IPsec, and the longest record (RFC 8446 §5.1).
const RECORDS: &[usize] = &[1_400, 16_384];

struct Permitting(Policy, i64);

impl Judge for Permitting {
    fn judge(&self, chain: &PresentedChain) -> Decision {
        self.0.decide(chain, &Context { now: clock::unix_time(self.1), generation: 1 })
    }
}

fn judge(estate: &Estate) -> Arc<dyn Judge> {
    let source = |der: &[u8]| Source { origin: Origin::file("ca"), der: der.to_vec() };
    let spec = PolicySpec {
        name: "estate".to_owned(),
        trust_anchors: vec![source(estate.root.certificate_der())],
        intermediates: vec![source(estate.issuing.certificate_der())],
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
    let now = clock::unix_time(estate.now);
    Arc::new(Permitting(Policy::build(spec, now).unwrap().0, estate.now))
}

fn identity(issued: &Issued) -> ServerIdentity {
    ServerIdentity::from_pem("chain", issued.chain_pem().as_bytes(), "key", issued.key_pem().as_bytes()).unwrap()
}

/// The gateway's records and a client's, past a handshake between `connect` and `accept`; and the suite.
async fn records(
    estate: &Estate,
    (min, max): (TlsVersion, TlsVersion),
    legacy: &LegacyTls,
) -> (Records, Records, &'static str) {
    let site = SiteTls::build(SiteTlsSpec {
        identities: vec![identity(&estate.face_rsa)],
        min,
        max,
        authority_hints: Vec::new(),
        legacy: legacy.clone(),
    });
    let client = UpstreamTls::build(UpstreamTlsSpec {
        authorities: vec![("ca".to_owned(), estate.root.certificate_der().to_vec())],
        server_name: NAME.to_owned(),
        client_identity: Some(identity(&estate.clients.healthy)),
        legacy: legacy.clone(),
        min,
        max,
    });
    let (site, client) = (site.unwrap(), client.unwrap());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let hello = hello::read(&mut stream).await.unwrap();
        accept(stream, hello, &site, judge(estate)).await
    };
    let dialling = async { connect(tokio::net::TcpStream::connect(address).await.unwrap(), &client).await };
    let (served, dialled) = tokio::join!(serving, dialling);
    let Ok(served) = served else { unreachable!("the client is permitted") };
    let suite = served.negotiated.suite;
    (served.stream.into_parts().records, dialled.unwrap().into_parts().records, suite)
}

/// CPU time of this thread: the machine is shared.
fn thread_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap())
}

/// Seals a block in records of this size.
fn seal(records: &mut Records, plaintext: &[u8], size: usize, output: &mut Vec<u8>) {
    output.clear();
    for piece in plaintext.chunks(size) {
        let start = output.len();
        output.resize(start + records.sealed_len_max(piece.len()), 0);
        let sealed = records.seal(piece, output.get_mut(start..).unwrap()).unwrap();
        assert_eq!(sealed.consumed, piece.len());
        output.truncate(start + sealed.produced);
    }
}

fn null_suites(criterion: &mut Criterion) {
    let estate = Estate::standard(clock::now());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let null = LegacyTls { null_encryption: NullEncryption::Prefer, suites: Vec::new() };
    let plaintext = vec![0x60; BLOCK];
    let mut group = criterion.benchmark_group("null_suites");
    group.throughput(Throughput::Bytes(BLOCK as u64));
    for (versions, legacy) in [
        ((TlsVersion::V1_2, TlsVersion::V1_2), LegacyTls::default()),
        ((TlsVersion::V1_2, TlsVersion::V1_2), null.clone()),
        ((TlsVersion::V1_1, TlsVersion::V1_1), null),
    ] {
        for size in RECORDS {
            let (mut gateway, _, suite) = runtime.block_on(records(&estate, versions, &legacy));
            let mut wire = Vec::new();
            group.bench_function(format!("seal/{suite}/{size}"), |bencher| {
                bencher.iter_custom(|count| {
                    let before = thread_time();
                    for _ in 0..count {
                        seal(&mut gateway, &plaintext, *size, &mut wire);
                        black_box(&wire);
                    }
                    thread_time() - before
                });
            });
            // What was sealed above was opened by nobody: a pair of its own.
            let (mut gateway, mut client, _) = runtime.block_on(records(&estate, versions, &legacy));
            let mut room = vec![0; BLOCK];
            group.bench_function(format!("open/{suite}/{size}"), |bencher| {
                bencher.iter_custom(|count| {
                    let mut spent = Duration::ZERO;
                    for _ in 0..count {
                        seal(&mut client, &plaintext, *size, &mut wire);
                        let before = thread_time();
                        let opened = gateway.open(&mut wire, &mut room, &mut Vec::new()).unwrap();
                        spent += thread_time() - before;
                        assert_eq!(opened.produced, BLOCK);
                    }
                    spent
                });
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(300));
    targets = null_suites
}
criterion_main!(benches);
