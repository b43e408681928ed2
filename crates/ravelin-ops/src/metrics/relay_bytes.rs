//! Bytes of live and ended tunnels in one sum that never falls and never counts a byte twice.
//!
//! A tunnel lives for days, so its bytes must show while it lives. Each live tunnel is registered with its running
//! counts; the sum is (ended + live), and a tunnel moves from live to ended under the lock that guards the sum, with
//! the last value of the same counts. Records carry the same figures and are not added again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Running byte counts of one tunnel: each only grows.
pub trait ByteCounts: Send + Sync {
    /// Plaintext bytes handed to the client's socket so far.
    fn to_client(&self) -> u64;
    /// Plaintext bytes handed to the server's socket so far.
    fn to_server(&self) -> u64;
}

/// Totals since the start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Totals {
    pub(super) to_client: u64,
    pub(super) to_server: u64,
}

impl Totals {
    fn add(&mut self, counts: &dyn ByteCounts) {
        self.to_client = self.to_client.saturating_add(counts.to_client());
        self.to_server = self.to_server.saturating_add(counts.to_server());
    }
}

#[derive(Default)]
pub(super) struct RelayBytes {
    inner: Mutex<TunnelCounts>,
}

#[derive(Default)]
struct TunnelCounts {
    ended: Totals,
    live: HashMap<u64, Arc<dyn ByteCounts>>,
    next: u64,
}

impl RelayBytes {
    /// Registers a live tunnel; the answer is its key.
    pub(super) fn begin(&self, counts: Arc<dyn ByteCounts>) -> u64 {
        let mut inner = self.lock();
        let key = inner.next;
        inner.next = inner.next.wrapping_add(1);
        inner.live.insert(key, counts);
        key
    }

    /// Moves a tunnel from live to ended. The tunnel's counts must have come to rest.
    pub(super) fn end(&self, key: u64) {
        let mut inner = self.lock();
        if let Some(counts) = inner.live.remove(&key) {
            inner.ended.add(&*counts);
        }
        // A table keeps the room of its fullest hour.
        let fitting = 4 * inner.live.len().max(ROOM_KEPT);
        if inner.live.capacity() > fitting {
            inner.live.shrink_to(fitting / 2);
        }
    }

    /// Hands the totals of this moment to `publish` before any tunnel can begin or end, so that two readers cannot
    /// publish in the wrong order.
    pub(super) fn publish(&self, publish: impl FnOnce(Totals)) {
        let inner = self.lock();
        let mut totals = inner.ended;
        for counts in inner.live.values() {
            totals.add(&**counts);
        }
        publish(totals);
    }

    fn lock(&self) -> MutexGuard<'_, TunnelCounts> {
        // Every change is complete before the lock is let go, whatever the holder died of.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tunnels that there is always room for.
const ROOM_KEPT: usize = 256;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[derive(Default)]
    struct Fake(AtomicU64);

    impl ByteCounts for Fake {
        fn to_client(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
        fn to_server(&self) -> u64 {
            self.0.load(Ordering::Relaxed) * 2
        }
    }

    fn totals(bytes: &RelayBytes) -> Totals {
        let mut seen = Totals::default();
        bytes.publish(|totals| seen = totals);
        seen
    }

    #[test]
    fn a_live_tunnel_counts_and_its_end_changes_nothing() {
        let bytes = RelayBytes::default();
        let (first, second) = (Arc::new(Fake::default()), Arc::new(Fake::default()));
        let key = bytes.begin(first.clone());
        bytes.begin(second.clone());
        first.0.store(10, Ordering::Relaxed);
        second.0.store(5, Ordering::Relaxed);
        assert_eq!(totals(&bytes), Totals { to_client: 15, to_server: 30 });
        bytes.end(key);
        bytes.end(key);
        assert_eq!(totals(&bytes), Totals { to_client: 15, to_server: 30 });
        assert_eq!(Arc::strong_count(&first), 1, "an ended tunnel's counts are let go");
    }

    #[test]
    fn room_for_tunnels_that_have_gone_is_given_back() {
        let bytes = RelayBytes::default();
        let keys: Vec<u64> = (0..10_000).map(|_| bytes.begin(Arc::new(Fake(AtomicU64::new(1))))).collect();
        assert!(bytes.lock().live.capacity() >= 10_000);
        for key in keys {
            bytes.end(key);
        }
        assert!(bytes.lock().live.capacity() <= 4 * ROOM_KEPT);
        assert_eq!(totals(&bytes), Totals { to_client: 10_000, to_server: 20_000 });
    }

    #[test]
    fn the_sum_never_falls_while_tunnels_come_and_go() {
        let bytes = RelayBytes::default();
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        for _ in 0..500 {
                            let counts = Arc::new(Fake::default());
                            let key = bytes.begin(counts.clone());
                            counts.0.store(7, Ordering::Relaxed);
                            bytes.end(key);
                        }
                    })
                })
                .collect();
            let mut last = 0;
            while workers.iter().any(|worker| !worker.is_finished()) {
                let now = totals(&bytes).to_client;
                assert!(now >= last, "{now} after {last}");
                last = now;
            }
        });
        assert_eq!(totals(&bytes), Totals { to_client: 7_000, to_server: 14_000 });
    }
}
