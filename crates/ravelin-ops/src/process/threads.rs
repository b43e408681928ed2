//! Threads: one tokio runtime each, so that strangers' handshakes and tunnels never share one.

use std::io;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// One thread with a runtime of its own.
pub struct Thread {
    name: String,
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    join: Option<JoinHandle<()>>,
}

/// Several threads of one kind.
pub struct ThreadPool {
    handles: Vec<Handle>,
    next: AtomicUsize,
}

impl Thread {
    /// Starts a thread; its tasks run until it is stopped. With `linger`, that is called at every wake-up, and may wait for
    /// more to come: the kernel's timers are exact to a microsecond for it.
    ///
    /// # Errors
    /// The system gives no thread or no descriptors.
    pub fn start(name: &str, linger: Option<impl Fn() + Send + Sync + 'static>) -> io::Result<Thread> {
        let mut builder = Builder::new_current_thread();
        let lingers = linger.is_some();
        if let Some(linger) = linger {
            builder.on_thread_unpark(linger);
        }
        let runtime = builder.enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let join = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            if lingers {
                // The kernel may else wait for half as long again. Should it refuse, it does.
                let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1_000));
            }
            // An error means the sender is gone: the owner of the thread is, too.
            let _ = runtime.block_on(stopped);
            runtime.shutdown_timeout(STOP_TIMEOUT);
        })?;
        Ok(Thread { name: name.to_owned(), handle, stop: Some(stop), join: Some(join) })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its runtime.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Drops every task and waits for the thread.
    pub fn stop(mut self) {
        drop(self.stop.take());
        if let Some(join) = self.join.take() {
            // A panic of the thread was reported by the panic hook.
            let _ = join.join();
        }
    }
}

impl ThreadPool {
    /// Over the runtimes of some threads.
    pub fn new(threads: &[Thread]) -> ThreadPool {
        ThreadPool { handles: threads.iter().map(|thread| thread.handle.clone()).collect(), next: AtomicUsize::new(0) }
    }

    /// Their runtimes in turns.
    ///
    /// # Panics
    /// Never: configuration gives every kind at least one thread.
    pub fn next(&self) -> Handle {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        #[expect(clippy::indexing_slicing, reason = "configuration gives every kind at least one thread")]
        self.handles[turn % self.handles.len()].clone()
    }
}

/// Blocking tasks that have not returned by then (a reload reading a dead network disk) are left behind.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);
