use std::fs;
use std::os::unix::fs::PermissionsExt;

use ravelin_policy::Reason;
use serde_json::Value;

use super::*;
use crate::metrics::Metrics;
use crate::samples::{denied, record};

const PATIENCE: Duration = Duration::from_secs(10);

struct Bench {
    folder: tempfile::TempDir,
    audit: Audit,
    metrics: Metrics,
}

/// An audit file at `path` below a fresh folder.
fn bench(path: &str) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let metrics = Metrics::new();
    let audit = Audit::start(&folder.path().join(path), metrics.audit_records_dropped().clone()).unwrap();
    Bench { folder, audit, metrics }
}

fn numbered(session: u64) -> SessionRecord {
    SessionRecord { session, ..record() }
}

fn sessions(path: &Path) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["session"].as_u64().unwrap()).collect()
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn each_session_is_one_line_of_json() {
    let Bench { audit, .. } = &bench("audit.jsonl");
    audit.write(&record());
    audit.write(&denied(Reason::Revoked));
    assert!(audit.flush(PATIENCE));
    let text = fs::read_to_string(audit.path()).unwrap();
    let values: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(values, [crate::log::session_json(&record()), crate::log::session_json(&denied(Reason::Revoked))]);
    assert_eq!(fs::metadata(audit.path()).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(audit.trouble(), None);
}

#[test]
fn unauthenticated_clients_write_only_so_much() {
    let Bench { audit, metrics, .. } = &bench("audit.jsonl");
    let flood = 50 * u64::from(STRANGERS_PER_SECOND);
    for _ in 0..flood {
        audit.write(&denied(Reason::UnknownIssuer));
    }
    let told = || {
        let text = fs::read_to_string(audit.path()).unwrap_or_default();
        let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.filter(|line| line["event"] == "suppressed").map(|line| line["more"].as_u64().unwrap()).sum::<u64>()
    };
    // Nothing more of this kind has to happen for that, and nobody has to ask.
    wait_until("word of what was left out", || told() == metrics.audit_records_dropped().get());
    audit.write(&record());
    assert!(audit.flush(PATIENCE));
    let text = fs::read_to_string(audit.path()).unwrap();
    let ends = |end: &str| text.lines().filter(|line| line.contains(&format!("\"end\":\"{end}\""))).count() as u64;
    let dropped = metrics.audit_records_dropped().get();
    // The flood may last into further windows of a second on a slow machine.
    assert!(ends("unknown_issuer") >= u64::from(STRANGERS_PER_SECOND) && dropped > 0, "{dropped} dropped");
    assert_eq!(ends("unknown_issuer") + dropped, flood);
    assert_eq!(ends(record().end.label()), 1, "a tunnel's record is never left out");
    assert_eq!(audit.trouble(), None, "and the gateway stays ready");
    // A process that ends tells at once.
    for _ in 0..=STRANGERS_PER_SECOND {
        audit.write(&denied(Reason::CrlExpired));
    }
    assert!(audit.flush(PATIENCE));
    assert_eq!(told(), metrics.audit_records_dropped().get());
}

#[test]
fn what_was_there_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    for session in [1, 2] {
        let audit = Audit::start(&path, Metrics::new().audit_records_dropped().clone()).unwrap();
        audit.write(&numbered(session));
        assert!(audit.flush(PATIENCE));
    }
    assert_eq!(sessions(&path), [1, 2]);
}

#[test]
fn a_rotated_file_is_noticed_with_and_without_a_signal() {
    for signal in [true, false] {
        let Bench { audit, folder, .. } = &bench("audit.jsonl");
        audit.write(&numbered(1));
        assert!(audit.flush(PATIENCE));
        let rotated = folder.path().join("audit.jsonl.1");
        fs::rename(audit.path(), &rotated).unwrap();
        if signal {
            audit.reopen();
        } else {
            wait_until("a new file", || audit.path().exists());
        }
        audit.write(&numbered(2));
        assert!(audit.flush(PATIENCE));
        assert_eq!((sessions(&rotated), sessions(audit.path())), (vec![1], vec![2]), "signal: {signal}");
    }
}

#[test]
fn a_short_outage_loses_nothing() {
    let Bench { audit, folder, metrics } = &bench("missing/audit.jsonl");
    wait_until("trouble", || audit.trouble().is_some());
    assert!(audit.trouble().unwrap().contains("No such file"), "{:?}", audit.trouble());
    for session in 0..100 {
        audit.write(&numbered(session));
    }
    assert!(!audit.flush(Duration::from_millis(20)), "nothing is on disk, and nobody says it is");
    fs::create_dir(folder.path().join("missing")).unwrap();
    assert!(audit.flush(PATIENCE));
    assert_eq!(sessions(audit.path()), (0..100).collect::<Vec<_>>());
    assert_eq!(audit.trouble(), None);
    assert_eq!(metrics.audit_records_dropped().get(), 0);
}

#[test]
fn a_full_disk_stalls_nobody_and_is_counted() {
    let metrics = Metrics::new();
    let audit = Audit::start(Path::new("/dev/full"), metrics.audit_records_dropped().clone()).unwrap();
    let flood = 2 * QUEUE_RECORDS;
    let begin = Instant::now();
    for session in 0..flood {
        audit.write(&numbered(u64::try_from(session).unwrap()));
    }
    assert!(begin.elapsed() < PATIENCE);
    assert!(metrics.audit_records_dropped().get() > 0);
    wait_until("trouble", || audit.trouble().is_some_and(|trouble| trouble.contains("records are lost")));
    assert!(audit.trouble().unwrap().contains("No space left"), "{:?}", audit.trouble());
}
