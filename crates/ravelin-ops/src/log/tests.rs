use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Condvar, Mutex};

use ravelin_policy::Reason;

use super::*;
use crate::metrics::Metrics;
use crate::samples::{ACCEPTED_AT, denied, record, stranger};

/// Collects what is written, and blocks while it is reported to.
#[derive(Clone, Default)]
struct Sink(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    written: Vec<u8>,
    blocked: bool,
}

impl Sink {
    fn block(&self, blocked: bool) {
        self.0.0.lock().unwrap().blocked = blocked;
        self.0.1.notify_all();
    }
    fn lines(&self) -> Vec<String> {
        let state = self.0.0.lock().unwrap();
        std::str::from_utf8(&state.written).unwrap().lines().map(str::to_owned).collect()
    }
    fn wait_for(&self, what: &str) -> Vec<String> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let lines = self.lines();
            if lines.iter().any(|line| line.contains(what)) {
                return lines;
            }
            assert!(Instant::now() < deadline, "no {what} in {lines:#?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let state = self.0.0.lock().unwrap();
        let mut state = self.0.1.wait_while(state, |state| state.blocked).unwrap();
        state.written.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn noon() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(ACCEPTED_AT).unwrap()
}

fn config(json: bool) -> LogConfig {
    LogConfig { level: "info".to_owned(), json, audit: None }
}

fn log(json: bool, sink: &Sink) -> (Log, impl Subscriber + Send + Sync + use<>, LogCounters) {
    let metrics = Metrics::new();
    let counters = metrics.log_counters();
    let (log, subscriber) = build(&config(json), counters.clone(), noon, Box::new(sink.clone())).unwrap();
    (log, subscriber, counters)
}

#[test]
fn events_of_the_code_as_text() {
    let sink = Sink::default();
    let (log, subscriber, _) = log(false, &sink);
    tracing::subscriber::with_default(subscriber, || {
        tracing::info!(target: "ravelin::listener", address = "127.0.0.1:443", count = 3_u64, ok = true, "now listening");
        tracing::debug!("too fine");
    });
    assert!(log.flush());
    assert_eq!(
        sink.lines(),
        ["time=2026-01-02T03:04:05.000Z level=info target=ravelin::listener message=\"now listening\" \
             address=127.0.0.1:443 count=3 ok=true"]
    );
}

#[test]
fn events_of_the_code_as_json() {
    let sink = Sink::default();
    let (log, subscriber, _) = log(true, &sink);
    tracing::subscriber::with_default(subscriber, || {
        tracing::error!(error = %io::Error::other("a\nb"), "broken \u{202e}");
    });
    assert!(log.flush());
    let lines = sink.lines();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].is_ascii());
    let value: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(
        (&value["level"], &value["message"], &value["error"]),
        (&json!("error"), &json!("broken \u{202e}"), &json!("a\nb"))
    );
}

#[test]
fn a_session_is_one_event_in_either_form() {
    for json in [false, true] {
        let sink = Sink::default();
        let (log, _subscriber, _) = log(json, &sink);
        log.session(&record());
        assert!(log.flush());
        let lines = sink.lines();
        assert_eq!(lines.len(), 1);
        if json {
            let value: Value = serde_json::from_str(&lines[0]).unwrap();
            let mut expected = session_json(&record());
            expected["level"] = json!("info");
            assert_eq!(value, expected);
        } else {
            let pairs = parse_text(&lines[0]).unwrap();
            assert_eq!(pairs[1], ("level".to_owned(), "info".to_owned()));
            assert!(pairs.contains(&("end".to_owned(), "client_closed".to_owned())));
        }
    }
}

#[test]
fn the_level_holds_for_sessions_and_can_change() {
    let sink = Sink::default();
    let (log, subscriber, _) = log(false, &sink);
    let dispatch = tracing::Dispatch::new(subscriber);
    log.set_level("warn").unwrap();
    log.session(&record());
    log.session(&stranger(SessionEnd::NoServer));
    tracing::dispatcher::with_default(&dispatch, || tracing::info!("not told"));
    assert!(log.set_level("loud").is_err());
    log.set_level("info").unwrap();
    log.session(&denied(Reason::Revoked));
    assert!(log.flush());
    let ends: Vec<_> = sink
        .lines()
        .iter()
        .map(|line| parse_text(line).unwrap().into_iter().find(|(name, _)| name == "end").unwrap().1)
        .collect();
    assert_eq!(ends, ["no_server", "revoked"]);
}

#[test]
fn unauthenticated_clients_are_logged_within_bounds_and_summed_up() {
    let sink = Sink::default();
    let (log, _subscriber, counters) = log(false, &sink);
    for _ in 0..500 {
        log.session(&stranger(SessionEnd::HandshakeFailed));
    }
    log.session(&denied(Reason::Expired));
    for _ in 0..50 {
        log.session(&record());
    }
    let lines = sink.wait_for("event=suppressed");
    let count = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
    // The loop may straddle a second, and then a second ten pass.
    let passed = count("end=handshake_failed");
    assert!((10..=20).contains(&passed), "{passed}");
    assert_eq!(count("end=expired"), 1, "another cause has its own bound");
    assert_eq!(count("end=client_closed"), 50, "tunnels are not limited");
    assert_eq!(counters.suppressed.get(), 500 - u64::try_from(passed).unwrap());
    assert_eq!(counters.dropped.get(), 0);
}

#[test]
fn a_log_that_nobody_reads_blocks_nobody() {
    let sink = Sink::default();
    let (log, _subscriber, counters) = log(false, &sink);
    sink.block(true);
    let flood = writer::QUEUE_LINES * 3;
    let (done, finished): (Sender<()>, Receiver<()>) = channel();
    let flooder = log.clone();
    let thread = std::thread::spawn(move || {
        for _ in 0..flood {
            flooder.session(&record());
        }
        done.send(()).unwrap();
    });
    finished.recv_timeout(Duration::from_secs(30)).expect("the flood goes through while the writer is stuck");
    thread.join().unwrap();
    assert!(counters.dropped.get() >= u64::try_from(writer::QUEUE_LINES).unwrap(), "{}", counters.dropped.get());
    assert!(!log.shared.queue.flush(Instant::now() + Duration::from_millis(20)), "a stuck writer is not waited for");
    sink.block(false);
    sink.wait_for("event=dropped");
    // The loss may be told between two batches: everything still queued must be out before it is counted.
    assert!(log.flush());
    let lines = sink.lines();
    let written = lines.iter().filter(|line| line.contains("event=session")).count();
    assert_eq!(u64::try_from(written).unwrap() + counters.dropped.get(), u64::try_from(flood).unwrap());
}

#[test]
fn a_broken_pipe_is_counted() {
    struct Broken;
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let metrics = Metrics::new();
    let counters = metrics.log_counters();
    let (log, _subscriber) = build(&config(false), counters.clone(), noon, Box::new(Broken)).unwrap();
    log.session(&record());
    assert!(log.flush());
    assert!(counters.dropped.get() >= 1);
}

#[test]
fn a_long_text_is_cut() {
    let sink = Sink::default();
    let (log, subscriber, _) = log(false, &sink);
    let text = "\u{fc}".repeat(10_000);
    tracing::subscriber::with_default(subscriber, || tracing::warn!(text, "long"));
    assert!(log.flush());
    let pairs = parse_text(&sink.lines()[0]).unwrap();
    let (_, value) = pairs.into_iter().find(|(name, _)| name == "text").unwrap();
    assert_eq!(value.chars().count(), FIELD_CHARACTERS_MAX + 3);
}
