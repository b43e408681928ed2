//! A thread with a runtime of its own.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};

/// Runs one server on one thread, until it is dropped.
pub(super) struct Worker {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts a thread `name` and runs what `main` makes on it.
    ///
    /// # Errors
    /// Thread or runtime cannot be made.
    pub(super) fn start<F, M>(name: &str, main: M) -> io::Result<Worker>
    where
        M: FnOnce() -> F + Send + 'static,
        F: Future<Output = ()>,
    {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(OPERATOR_CALLS).build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = main() => {}
                    _ = stopped => {}
                }
            });
            // An operator call that hangs must not hang the end of the process.
            runtime.shutdown_timeout(LAST_CALLS);
        })?;
        Ok(Worker { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Gone already where the thread has ended.
        self.stop.take().map(|stop| stop.send(()));
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("an admin thread has panicked");
        }
    }
}

/// How many at once; more are turned away at once, so that whoever holds connections open shuts out others for no
/// longer than their deadline, and never costs a descriptor that a session needs.
pub(super) struct Seats(Arc<Semaphore>);

impl Seats {
    pub(super) fn new(count: usize) -> Seats {
        Seats(Arc::new(Semaphore::new(count)))
    }

    /// A seat, held until it is dropped; `None` where none is free.
    pub(super) fn take(&self) -> Option<tokio::sync::OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }
}

/// Waits before accepting again after an accept failed: descriptors do not come back by spinning.
pub(super) async fn pause_after(error: &io::Error) {
    tracing::warn!(%error, "admin connection cannot be accepted");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// Calls of the operator that may run at once on one interface; each may take a reload's seconds.
const OPERATOR_CALLS: usize = 4;

/// How long calls under way may go on when the interface ends.
const LAST_CALLS: Duration = Duration::from_millis(200);
