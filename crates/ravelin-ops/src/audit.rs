//! The audit file: one line of JSON for each session that has ended, and for what an operator did to what is judged by.
//!
//! - No session ever waits: records go through a bounded queue to a thread of its own.
//! - While the file cannot be written, records wait in the queue; when that is full, further ones are dropped and
//!   counted. [`Audit::trouble`] says so, for `/readyz`.
//! - Rotation: a file that was moved or removed is noticed within a second; [`Audit::reopen`] (SIGHUP) does it at once.
//! - Strangers cannot write as much as they like: of sessions that came to no tunnel, [`STRANGERS_PER_SECOND`] a second and cause are
//!   written; how many more there were stands in a line of its own, and in the metrics as dropped.
//! - A line is whole or cut at a line end: what a full disk cut is ended before the next record.

mod file;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};

use prometheus::IntCounter;
use serde_json::Value;

use crate::log::{GATHER, Limiter, WINDOW, json_line, session_fields, summary};
use crate::process::clock;
use crate::record::SessionRecord;
use crate::record_sink::RecordSink;
use file::AuditFile;

/// The audit file; clones are one file.
#[derive(Clone)]
pub struct Audit {
    shared: Arc<AuditShared>,
}

impl Audit {
    /// Starts the thread that writes to `file`. A file that cannot be opened stops nothing: see [`Audit::trouble`].
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(file: &Path, dropped: IntCounter) -> io::Result<Audit> {
        let (sender, receiver) = sync_channel(QUEUE_RECORDS);
        let (status, limiter) = (Arc::new(AuditState::default()), Arc::new(Limiter::default()));
        let writer = AuditWriter {
            file: AuditFile::new(file),
            status: status.clone(),
            limiter: Arc::clone(&limiter),
            pending: Vec::new(),
        };
        thread::Builder::new().name("audit".to_owned()).spawn(move || writer.run(&receiver))?;
        Ok(Audit { shared: Arc::new(AuditShared { path: file.to_owned(), sender, status, dropped, limiter }) })
    }

    /// Hands over one session. Never waits.
    pub fn write(&self, record: &SessionRecord) {
        let shared = &self.shared;
        let stranger = record.tunnel.is_none();
        if stranger {
            let cause = record.end.label();
            let verdict = shared.limiter.judge(cause, STRANGERS_PER_SECOND, Instant::now());
            if verdict.more > 0 {
                let ended = record.accepted_at + record.duration;
                self.send(json_line(&summary(ended, cause, verdict.more)), stranger);
            }
            if !verdict.pass {
                shared.dropped.inc();
                return;
            }
        }
        self.send(json_line(&session_fields(record)), stranger);
    }

    /// Hands over what an operator did. Never waits.
    pub fn write_event(&self, fields: &[(&'static str, Value)]) {
        self.send(json_line(&fields.to_vec()), false);
    }

    fn send(&self, mut line: String, stranger: bool) {
        line.push('\n');
        if self.shared.sender.try_send(AuditMessage::Line(line)).is_err() {
            self.shared.dropped.inc();
            // What strangers cause must not make the gateway unready.
            if !stranger {
                self.shared.status.overflown.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Opens the file anew, after a rotation.
    pub fn reopen(&self) {
        self.shared.status.reopen.store(true, Ordering::Relaxed);
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// What keeps records from the file at this moment.
    pub fn trouble(&self) -> Option<String> {
        let status = &self.shared.status;
        let problem = status.problem.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let path = self.shared.path.display();
        match (problem, status.overflown.load(Ordering::Relaxed)) {
            (None, false) => None,
            (Some(problem), false) => Some(format!("audit file {path} cannot be written: {problem}; records wait")),
            (Some(problem), true) => Some(format!("audit file {path} cannot be written: {problem}; records are lost")),
            (None, true) => Some(format!("audit file {path} is too slow; records are lost")),
        }
    }

    /// Waits until everything handed over so far is on disk, at most `patience`; whether it is.
    pub fn flush(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let (done, wait) = sync_channel(1);
        let mut message = AuditMessage::Flush(done);
        loop {
            match self.shared.sender.try_send(message) {
                Ok(()) => break,
                Err(TrySendError::Full(back)) if Instant::now() < deadline => message = back,
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => return false,
            }
            thread::sleep(Duration::from_millis(1));
        }
        wait.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_ok()
    }
}

/// Records that wait for a disk: a thousand tunnels that end at once fit four times. At 8 KB at most, 32 MB.
const QUEUE_RECORDS: usize = 4096;

/// Records a second and cause of sessions that came to no tunnel. An estate of 20,000 machines that is refused as a whole is
/// still written down machine by machine, since their retries are spread over minutes; a flood writes some 100 KB/s a cause
/// and not what it likes.
pub const STRANGERS_PER_SECOND: u32 = 100;

/// Records are written together up to this size, which the thread keeps.
const BATCH_BYTES: usize = 16 * 1024;

/// How often a rotation is looked for, and causes that have gone quiet.
const HOUSEKEEPING: Duration = Duration::from_secs(1);

/// How long to wait before a file that failed is tried again.
const RETRY: Duration = Duration::from_millis(250);

struct AuditShared {
    path: PathBuf,
    sender: SyncSender<AuditMessage>,
    status: Arc<AuditState>,
    dropped: IntCounter,
    limiter: Arc<Limiter>,
}

impl Drop for AuditShared {
    fn drop(&mut self) {
        self.status.closed.store(true, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct AuditState {
    problem: Mutex<Option<String>>,
    /// A record was dropped since the last one was written.
    overflown: AtomicBool,
    reopen: AtomicBool,
    /// Nobody will hand over more.
    closed: AtomicBool,
}

enum AuditMessage {
    Line(String),
    Flush(SyncSender<()>),
}

struct AuditWriter {
    file: AuditFile,
    status: Arc<AuditState>,
    limiter: Arc<Limiter>,
    pending: Vec<u8>,
}

impl AuditWriter {
    fn run(mut self, receiver: &Receiver<AuditMessage>) {
        // So that a path that cannot be written is known before the first session.
        self.settle(false);
        let mut next_check = Instant::now() + HOUSEKEEPING;
        loop {
            match receiver.recv_timeout(next_check.saturating_duration_since(Instant::now())) {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            while self.pending.len() < BATCH_BYTES {
                let Ok(message) = receiver.try_recv() else { break };
                self.take(message);
            }
            if Instant::now() >= next_check {
                self.file.close_if_moved();
                self.tell_left_out(Instant::now());
                next_check = Instant::now() + HOUSEKEEPING;
            }
            // With a full batch there may be more, and waiting gathers nothing.
            let gathers = (1..BATCH_BYTES).contains(&self.pending.len());
            self.settle(false);
            if gathers {
                thread::sleep(GATHER);
            }
        }
    }

    fn take(&mut self, message: AuditMessage) {
        match message {
            AuditMessage::Line(line) => self.pending.extend_from_slice(line.as_bytes()),
            AuditMessage::Flush(done) => {
                // Whoever flushes may be about to end the process: what is left out so far is reported now.
                self.tell_left_out(Instant::now() + WINDOW);
                if self.settle(true) {
                    // Whoever asked may have gone.
                    let _ = done.try_send(());
                }
            }
        }
    }

    /// Tells how many records were left out of the causes that have gone quiet by `now`.
    fn tell_left_out(&mut self, now: Instant) {
        for (cause, more) in self.limiter.quiet(now) {
            self.pending.extend_from_slice(json_line(&summary(clock::utc(), cause, more)).as_bytes());
            self.pending.push(b'\n');
        }
    }

    /// Writes what is pending, trying until it is written or nobody cares any more; whether it was. The queue fills
    /// meanwhile.
    fn settle(&mut self, sync: bool) -> bool {
        loop {
            if self.status.reopen.swap(false, Ordering::Relaxed) {
                self.file.close();
            }
            match self.file.append(&mut self.pending, sync) {
                Ok(()) => {
                    if self.tell(None) {
                        tracing::info!(file = %self.file.path().display(), "audit file is written again");
                    }
                    self.status.overflown.store(false, Ordering::Relaxed);
                    return true;
                }
                Err(error) => {
                    if self.tell(Some(error.to_string())) {
                        tracing::error!(file = %self.file.path().display(), %error, "audit file cannot be written");
                    }
                    self.file.close();
                }
            }
            if self.status.closed.load(Ordering::Relaxed) {
                return false;
            }
            thread::sleep(RETRY);
        }
    }

    /// Sets the problem; whether that is news.
    fn tell(&self, problem: Option<String>) -> bool {
        let mut current = self.status.problem.lock().unwrap_or_else(PoisonError::into_inner);
        let news = *current != problem;
        *current = problem;
        news
    }
}

impl RecordSink for Audit {
    fn record(&self, record: &SessionRecord) {
        self.write(record);
    }

    fn event(&self, fields: &[(&'static str, serde_json::Value)]) {
        self.write_event(fields);
    }

    fn trouble(&self) -> Option<String> {
        Audit::trouble(self)
    }

    fn reopen(&self) {
        Audit::reopen(self);
    }

    fn flush(&self) {
        // What the disk does not take by then is lost with the process; it was counted as trouble before.
        let _ = Audit::flush(self, FLUSH_DEADLINE);
    }
}

/// What the last records may take at the end of the process: as long as tunnels have for their close_notify.
const FLUSH_DEADLINE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
