//! The thread that writes: whoever logs hands a line over or, where the queue is full, counts it and goes on.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use prometheus::IntCounter;

/// What comes within this time after a line was written is written together, so that whoever logs does not wake a thread for
/// each line. A process that is killed loses what waits.
pub(crate) const GATHER: Duration = Duration::from_millis(5);

/// Hands lines to a writer thread; clones share the queue.
#[derive(Clone)]
pub(super) struct Queue {
    sender: SyncSender<LogMessage>,
    dropped: IntCounter,
}

enum LogMessage {
    /// With its line end.
    Line(String),
    /// Everything before this was written (or given up).
    Flush(SyncSender<()>),
}

impl Queue {
    /// Never waits.
    pub(super) fn send(&self, mut line: String) {
        line.push('\n');
        if self.sender.try_send(LogMessage::Line(line)).is_err() {
            self.dropped.inc();
        }
    }

    /// Waits until everything sent before is written, at most until `deadline`; whether it was.
    pub(super) fn flush(&self, deadline: Instant) -> bool {
        let (done, wait) = sync_channel(1);
        let mut message = LogMessage::Flush(done);
        loop {
            match self.sender.try_send(message) {
                Ok(()) => break,
                Err(TrySendError::Disconnected(_)) => return false,
                Err(TrySendError::Full(back)) if Instant::now() < deadline => message = back,
                Err(TrySendError::Full(_)) => return false,
            }
            // The reader is slow: look again in a moment.
            std::thread::sleep(Duration::from_millis(1));
        }
        wait.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_ok()
    }
}

/// What the thread asks for lines of its own.
pub(super) trait SummarySource: Send + 'static {
    /// Lines about what was left out and is not told yet. Called at least once a [`TICK`].
    fn summaries(&mut self, now: Instant) -> Vec<String>;
    /// A line that says how many were dropped.
    fn dropped(&mut self, count: u64) -> String;
}

/// Starts the thread. It ends when the last [`Queue`] is gone.
///
/// # Errors
/// The thread cannot be started.
pub(super) fn start(
    sink: impl Write + Send + 'static,
    source: impl SummarySource,
    dropped: IntCounter,
) -> io::Result<(Queue, JoinHandle<()>)> {
    let (sender, receiver) = sync_channel(QUEUE_LINES);
    let told = dropped.get();
    let writer =
        LogWriter { sink, source, dropped: dropped.clone(), told, batch: String::new(), lines: 0, is_cut: false };
    let thread = std::thread::Builder::new().name("log".to_owned()).spawn(move || writer.run(&receiver))?;
    Ok((Queue { sender, dropped }, thread))
}

/// A burst of a thousand tunnels that end at once fits four times. At 8 KB a line at most, 32 MB.
pub(super) const QUEUE_LINES: usize = 4096;

/// How often summaries are looked for.
const TICK: Duration = Duration::from_millis(500);

/// Lines are written together up to this size, which the thread keeps: a system call each would be the limit of a busy log.
const BATCH_BYTES: usize = 16 * 1024;

struct LogWriter<W, S> {
    sink: W,
    source: S,
    dropped: IntCounter,
    /// Value of `dropped` that the log has told.
    told: u64,
    batch: String,
    lines: u64,
    /// What was written last may end in mid-line.
    is_cut: bool,
}

impl<W: Write, S: SummarySource> LogWriter<W, S> {
    fn run(mut self, receiver: &Receiver<LogMessage>) {
        let mut next_tick = Instant::now() + TICK;
        loop {
            match receiver.recv_timeout(next_tick.saturating_duration_since(Instant::now())) {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            while self.batch.len() < BATCH_BYTES {
                let Ok(message) = receiver.try_recv() else { break };
                self.take(message);
            }
            // With a full batch there may be more, and waiting gathers nothing.
            let gathers = (1..BATCH_BYTES).contains(&self.batch.len());
            self.write();
            if Instant::now() >= next_tick {
                self.tell();
                next_tick = Instant::now() + TICK;
            }
            if gathers {
                std::thread::sleep(GATHER);
            }
        }
        self.tell();
    }

    fn take(&mut self, message: LogMessage) {
        match message {
            LogMessage::Line(line) => {
                self.batch.push_str(&line);
                self.lines += 1;
            }
            LogMessage::Flush(done) => {
                self.write();
                // Nobody waits any more: nothing to tell.
                let _ = done.try_send(());
            }
        }
    }

    fn tell(&mut self) {
        let dropped = self.dropped.get();
        let mut lines = self.source.summaries(Instant::now());
        if dropped > self.told {
            lines.push(self.source.dropped(dropped - self.told));
            self.told = dropped;
        }
        for line in lines {
            self.batch.push_str(&line);
            self.batch.push('\n');
            self.lines += 1;
        }
        self.write();
    }

    fn write(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        if self.is_cut {
            // An empty line is all that costs where it was not.
            self.batch.insert(0, '\n');
        }
        // Where the log's own reader is gone there is nobody to tell but the counter.
        self.is_cut = self.sink.write_all(self.batch.as_bytes()).and_then(|()| self.sink.flush()).is_err();
        if self.is_cut {
            self.dropped.inc_by(self.lines);
        }
        self.batch.clear();
        self.lines = 0;
    }
}
