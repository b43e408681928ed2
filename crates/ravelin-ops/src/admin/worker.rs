//! A thread with a runtime of its own.

use std::future::Future;
use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// Runs one server on one thread, until it is dropped.
pub(super) struct Worker {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Resolves when the server should end.
pub(super) type StopSignal = oneshot::Receiver<()>;

impl Worker {
    /// Starts a thread `name` and runs what `main` makes on it.
    ///
    /// # Errors
    /// Thread or runtime cannot be made.
    pub(super) fn start<F, M>(name: &str, main: M) -> io::Result<Worker>
    where
        M: FnOnce(StopSignal) -> F + Send + 'static,
        F: Future<Output = ()>,
    {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(OPERATOR_CALLS).build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            runtime.block_on(main(stopped));
            // An operator call that hangs must not hang the end of the process.
            runtime.shutdown_timeout(LAST_ANSWERS);
        })?;
        Ok(Worker { stop: Some(stop), thread: Some(thread) })
    }

    /// Asks the server to end and does not wait for it.
    pub(super) fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // Gone already where the thread has ended.
            let _ = stop.send(());
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("an admin thread has panicked");
        }
    }
}

/// Serves connections until it is stopped, then lets those under way finish for a moment: whoever asked for a drain
/// should hear that it has begun.
///
/// More than `seats` at once are turned away at once, so that whoever holds connections open shuts out others for no
/// longer than their deadline, and never costs a descriptor that a session needs.
pub(super) async fn serve<S, A, F>(seats: usize, mut stop: StopSignal, accept: A, connection: impl Fn(S) -> F)
where
    A: AsyncFn() -> io::Result<S>,
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept() => accepted,
            _ = &mut stop => break,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok(stream) if connections.len() < seats => {
                connections.spawn(connection(stream));
            }
            Ok(_turned_away) => {}
            Err(error) => {
                tracing::warn!(%error, "admin connection cannot be accepted");
                // Descriptors do not come back by spinning.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    // Whoever is not done by then is cut off.
    let _ = tokio::time::timeout(LAST_ANSWERS, async { while connections.join_next().await.is_some() {} }).await;
}

/// Calls of the operator that may run at once on one interface; each may take a reload's seconds.
const OPERATOR_CALLS: usize = 4;

/// How long answers under way may take when the interface ends: part of the 0.2 s in which the process ends.
const LAST_ANSWERS: Duration = Duration::from_millis(100);
