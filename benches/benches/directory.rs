//! What half a million computer accounts cost: to load, to hold, to look up, and in a decision.
//!
//! Promise: a snapshot in use within 2 s, below 250 bytes of memory an account by the index' own sum, a lookup below 1 µs, and an
//! account in a decision below 10 µs beside the signatures. The resident figure has what was freed after the reading, too, which
//! the gateway gives back to the system and a benchmark does not.
//!
//! Cannot show: the page faults of a machine that is short of memory, and the writing of the snapshot. In a test run
//! (`--test`) it has 5,000 accounts.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark of the wrong thing must stop, and tells its figures"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use ravelin_feeds::snapshot::Snapshot;
use ravelin_lab::pki::{Authority, CertificateSpec};
use ravelin_policy::directory::{Account, Directory, DirectoryData, Domain, Group, Sid};
use ravelin_policy::{
    AccountMapping, AccountSpec, Context, DenyList, NameRules, Origin, Policy, PolicySpec, PresentedChain,
    RevocationCheck, RevocationSpec, Source, Verdict,
};
use rustls_pki_types::{CertificateDer, UnixTime};

/// 2026-11-24 12:00:00 UTC.
const NOW: i64 = 1_795_521_600;
const DOMAIN: &str = "S-1-5-21-1004336348-1177238915-682003330";
const GROUPS: u32 = 40;

fn benchmarks(criterion: &mut Criterion) {
    let count = if std::env::args().any(|argument| argument == "--test") { 5_000 } else { 500_000 };
    let root = Authority::root("Corp Root", NOW);
    let snapshot = Snapshot { serial: 1, created: NOW, complete: true, data: data(count, &root) };
    let file = snapshot.encode(None).expect("a snapshot");
    drop(snapshot);
    let load = || {
        let snapshot = Snapshot::read(&file, None).expect("a snapshot");
        Directory::build(snapshot.data).expect("a directory")
    };

    let before = resident();
    let began = Instant::now();
    let directory = Arc::new(load());
    let took = began.elapsed();
    let each = |bytes: usize| bytes / directory.len();
    println!(
        "{count} accounts: {} bytes of file each, {} of memory by its own sum, {} by resident memory after a load; loaded in {took:.2?}",
        each(file.len()),
        each(directory.memory_bytes()),
        each(resident().saturating_sub(before)),
    );

    let mut group = criterion.benchmark_group("directory");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    group.bench_function("load", |bencher| bencher.iter_with_large_drop(load));
    group.sample_size(50).measurement_time(Duration::from_secs(3));
    // In an order that no cache knows.
    let mut next = 0_u32;
    let mut number = move || {
        next = (next + 7_654_321) % count;
        next
    };
    let hosts: Vec<String> = (0..1 << 16).map(|_| host(number())).collect();
    let mut at = hosts.iter().cycle();
    let mut next_host = || at.next().map(String::as_str).unwrap_or_default();
    group.bench_function("by-host", |bencher| bencher.iter(|| directory.by_host(next_host()).len()));
    group.bench_function("by-host/nobody", |bencher| {
        bencher.iter(|| directory.by_host(black_box("pc-x.corp.example.test")).len())
    });
    let sids: Vec<Sid> = (0..1 << 16).map(|_| sid(1_000 + number())).collect();
    let mut at = sids.iter().cycle();
    group
        .bench_function("by-sid", |bencher| bencher.iter(|| at.next().and_then(|sid| directory.by_sid(sid)).is_some()));

    let leaf = root.issue(CertificateSpec::client(&host(count / 2)).sid(&sid(1_000 + count / 2).to_string()));
    let chain = PresentedChain { certificates: vec![CertificateDer::from(leaf.certificate_der)] };
    let context = Context { now: UnixTime::since_unix_epoch(Duration::from_secs(NOW.unsigned_abs())), generation: 1 };
    for (name, directory) in [("decide/without-account", None), ("decide/with-account", Some(directory))] {
        let policy = policy(&root, directory, context.now);
        assert!(matches!(policy.decide(&chain, &context).verdict, Verdict::Permit(_)), "{name}");
        group.bench_function(name, |bencher| bencher.iter(|| policy.decide(&chain, &context)));
    }
    group.finish();
}

fn data(count: u32, root: &Authority) -> DirectoryData {
    let domain = Domain {
        dns_name: "corp.example.test".to_owned(),
        netbios_name: "CORP".to_owned(),
        sid: Sid::from_text(DOMAIN).expect("a SID"),
        nt_auth: vec![root.certificate_der().to_vec()],
        as_of: NOW,
    };
    let groups = (0..GROUPS).map(|number| Group { sid: sid(900 + number), name: format!("Group {number}") }).collect();
    DirectoryData { domains: vec![domain], groups, accounts: (0..count).map(account).collect() }
}

fn account(number: u32) -> Account {
    Account {
        guid: (u128::from(number) * 0x9e37_79b9_7f4a_7c15).to_le_bytes(),
        sid: sid(1_000 + number),
        sam_account_name: format!("PC{number:06}$"),
        dns_host_name: Some(host(number)),
        service_hosts: vec![format!("pc{number:06}"), host(number)],
        user_account_control: 0x1000,
        expires: None,
        alt_security_identities: Vec::new(),
        groups: vec![0, 1 + number % (GROUPS - 1)],
    }
}

fn host(number: u32) -> String {
    format!("pc{number:06}.corp.example.test")
}

fn sid(number: u32) -> Sid {
    Sid::from_text(DOMAIN).ok().and_then(|domain| domain.join(number)).expect("a SID")
}

fn policy(root: &Authority, directory: Option<Arc<Directory>>, now: UnixTime) -> Policy {
    let account = directory.map(|directory| AccountSpec {
        directory: Some(directory),
        mapping: AccountMapping::Strong,
        explicit_issuers: None,
        allow_groups: vec!["Group 0".to_owned()],
        deny_groups: Vec::new(),
        max_age: Duration::from_secs(86_400),
        override_until: None,
    });
    let spec = PolicySpec {
        name: "bench".to_owned(),
        trust_anchors: vec![Source { origin: Origin::file("root"), der: root.certificate_der().to_vec() }],
        intermediates: Vec::new(),
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
        account,
        shadow: None,
    };
    Policy::build(spec, now).expect("a policy").0
}

/// Resident memory, bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")).and_then(|kilo| kilo.parse::<usize>().ok()).unwrap_or(0)
        * 1024
}

criterion_group!(directory, benchmarks);
criterion_main!(directory);
