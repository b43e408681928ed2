//! Log records on standard error, as text or JSON.
//!
//! - Nobody who logs ever waits: a record goes into a bounded queue, and what does not fit is dropped and counted.
//! - What strangers cause is counted always and logged within bounds: ten records a second and cause, then a summary.
//! - A line is ASCII and forges nothing, whatever text is in it; both forms read back.

mod counters;
mod fields;
mod limiter;
mod session;
mod writer;

pub use counters::LogCounters;
pub use fields::parse_text;
pub use fields::{ascii_json, ascii_json_pretty, json_line};
pub use session::account_json;
use session::session_fields_but_rules;
pub use session::session_json;
pub use session::{rfc3339, session_fields};

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus::IntCounter;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::{Registry, reload};

use crate::record::{SessionEnd, SessionRecord};
use crate::record_sink::RecordSink;
use fields::{LogFields, text_line};
pub use limiter::{Limiter, WINDOW};
use ravelin_config::LogConfig;
pub(crate) use writer::GATHER;
use writer::{Queue, SummarySource};

/// The log of this process; clones are one log.
#[derive(Clone)]
pub struct Log {
    shared: Arc<LogShared>,
    level: reload::Handle<LevelFilter, Registry>,
}

/// Makes standard error the log of the whole process. `now` is the wall clock; `counters` count what the log leaves out.
///
/// # Errors
/// There is no such level, the thread cannot be started, or the process has a log already.
pub fn start(config: &LogConfig, counters: LogCounters, now: fn() -> OffsetDateTime) -> io::Result<Log> {
    let (log, subscriber) = build(config, counters, now, Box::new(io::stderr()))?;
    tracing::subscriber::set_global_default(subscriber).map_err(io::Error::other)?;
    Ok(log)
}

/// Sends panics to the log, as one line with the place, in place of several on standard error.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("no text");
        tracing::error!(place, thread = std::thread::current().name(), "panicked: {text}");
    }));
}

impl Log {
    /// Writes one ended session. Sessions that came to no tunnel are limited by cause.
    pub fn session(&self, record: &SessionRecord) {
        let level = session_level(record.end);
        if !self.level.with_current(|filter| level <= *filter).unwrap_or(true) {
            return;
        }
        let cause = record.end.label();
        if record.tunnel.is_none() && !self.shared.admits(cause, STRANGERS_PER_SECOND) {
            return;
        }
        let mut fields = if self.shared.json { session_fields(record) } else { session_fields_but_rules(record) };
        fields.insert(1.min(fields.len()), ("level", json!(level_label(level))));
        self.shared.write(&fields);
    }

    /// Changes what is logged from now on, after a reload.
    ///
    /// # Errors
    /// `level` is none.
    pub fn set_level(&self, level: &str) -> io::Result<()> {
        let filter = parse_level(level)?;
        self.level.modify(|current| *current = filter).map_err(io::Error::other)
    }

    /// Waits until everything logged so far is written, at most [`FLUSH_DEADLINE`]; whether it was. For the end of the
    /// process.
    pub fn flush(&self) -> bool {
        self.shared.queue.flush(Instant::now() + FLUSH_DEADLINE)
    }
}

impl RecordSink for Log {
    fn record(&self, record: &SessionRecord) {
        self.session(record);
    }
}

/// Long enough for a full queue into a slow journal, short enough for a restart.
pub const FLUSH_DEADLINE: Duration = Duration::from_secs(2);

/// Records of one cause that strangers get a second: enough to see who and why, ten lines a screen.
const STRANGERS_PER_SECOND: u32 = 10;

/// Records of one place in the code a second. A configuration with a hundred problems is reported whole.
const PLACE_PER_SECOND: u32 = 100;

/// Longest text of one field. A configuration problem quotes a line of a file.
const FIELD_CHARACTERS_MAX: usize = 2048;

struct LogShared {
    json: bool,
    queue: Queue,
    limiter: Arc<Limiter>,
    suppressed: IntCounter,
    now: fn() -> OffsetDateTime,
}

fn build(
    config: &LogConfig,
    counters: LogCounters,
    now: fn() -> OffsetDateTime,
    sink: Box<dyn Write + Send>,
) -> io::Result<(Log, impl Subscriber + Send + Sync + use<>)> {
    let filter = parse_level(&config.level)?;
    let limiter = Arc::new(Limiter::default());
    let summaries = Summaries { json: config.json, limiter: limiter.clone(), now };
    let (queue, _ends_with_the_last_queue) = writer::start(sink, summaries, counters.dropped)?;
    let shared = Arc::new(LogShared { json: config.json, queue, limiter, suppressed: counters.suppressed, now });
    let (filter, level) = reload::Layer::new(filter);
    let subscriber = tracing_subscriber::registry().with(filter).with(LineLayer { shared: shared.clone() });
    Ok((Log { shared, level }, subscriber))
}

impl LogShared {
    /// Whether a record of `cause` may be written now; writes the summary of what was left out before it.
    fn admits(&self, cause: &'static str, most: u32) -> bool {
        let verdict = self.limiter.judge(cause, most, Instant::now());
        if verdict.more > 0 {
            self.write(&summary((self.now)(), cause, verdict.more));
        }
        if !verdict.pass {
            self.suppressed.inc();
        }
        verdict.pass
    }

    fn write(&self, fields: &LogFields) {
        self.queue.send(line(self.json, fields));
    }
}

fn line(json: bool, fields: &LogFields) -> String {
    if json { json_line(fields) } else { text_line(fields) }
}

/// The line that says how many records of a cause were left out.
pub(crate) fn summary(now: OffsetDateTime, cause: &'static str, more: u64) -> LogFields {
    vec![
        ("time", json!(rfc3339(now))),
        ("level", json!("info")),
        ("event", json!("suppressed")),
        ("cause", json!(cause)),
        ("more", json!(more)),
        ("message", json!(format!("{more} more"))),
    ]
}

/// LineLayer that the writer thread makes itself.
struct Summaries {
    json: bool,
    limiter: Arc<Limiter>,
    now: fn() -> OffsetDateTime,
}

impl SummarySource for Summaries {
    fn summaries(&mut self, now: Instant) -> Vec<String> {
        let quiet = self.limiter.quiet(now);
        quiet.into_iter().map(|(cause, more)| line(self.json, &summary((self.now)(), cause, more))).collect()
    }

    fn dropped(&mut self, count: u64) -> String {
        let fields = vec![
            ("time", json!(rfc3339((self.now)()))),
            ("level", json!("warn")),
            ("event", json!("dropped")),
            ("more", json!(count)),
            ("message", json!(format!("{count} log records dropped: the reader of this log is too slow"))),
        ];
        line(self.json, &fields)
    }
}

/// Turns events of the code into lines.
struct LineLayer {
    shared: Arc<LogShared>,
}

impl<S: Subscriber> Layer<S> for LineLayer {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let metadata = event.metadata();
        // Whoever turned on debug records wants them all; the queue is the bound.
        if *metadata.level() <= Level::INFO && !self.shared.admits(metadata.name(), PLACE_PER_SECOND) {
            return;
        }
        let mut fields = vec![
            ("time", json!(rfc3339((self.shared.now)()))),
            ("level", json!(level_label(*metadata.level()))),
            ("target", json!(metadata.target())),
            ("message", Value::Null),
        ];
        event.record(&mut Collect(&mut fields));
        self.shared.write(&fields);
    }
}

struct Collect<'a>(&'a mut LogFields);

impl Collect<'_> {
    fn push(&mut self, field: &Field, value: Value) {
        match self.0.iter_mut().find(|(name, _)| field.name() == "message" && *name == "message") {
            Some((_, message)) => *message = value,
            None => self.0.push((field.name(), value)),
        }
    }
}

impl Visit for Collect<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        let text = match value.char_indices().nth(FIELD_CHARACTERS_MAX) {
            Some((end, _)) => format!("{}...", value.get(..end).unwrap_or_default()),
            None => value.to_owned(),
        };
        self.push(field, Value::from(text));
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, Value::from(value));
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, Value::from(value));
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, Value::from(value));
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field, Value::from(value));
    }
}

/// Warnings are for what an operator should look at: the servers, and a gateway that is full.
fn session_level(end: SessionEnd) -> Level {
    let warns = [
        SessionEnd::InternalError,
        SessionEnd::NoServer,
        SessionEnd::ServerFailed,
        SessionEnd::ServerRefused,
        SessionEnd::SessionLimit,
    ];
    if warns.contains(&end) { Level::WARN } else { Level::INFO }
}

fn level_label(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

fn parse_level(level: &str) -> io::Result<LevelFilter> {
    level.parse().map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("log level {level:?}: want error, warn, info, debug or trace"),
        )
    })
}

#[cfg(test)]
mod tests;
