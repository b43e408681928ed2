//! What a gateway does once a second: health checks, expired permits, changed files, memory.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ravelin_ops::process::clock;
use ravelin_ops::process::memory::{self, Trimmer};
use ravelin_ops::process::watch::{Retry, Watcher};
use tokio::runtime::Handle;
use tokio::time::{Interval, MissedTickBehavior, interval_at};

use crate::gateway::Gateway;
use crate::operations::Operations;
use crate::pool;
use crate::reload;

/// How often changed files and expired permits are looked for; together with [`Watcher`]'s second look a revocation is
/// noticed within two seconds, and its tunnels are gone within five.
const HOUSEKEEPING: Duration = Duration::from_secs(1);

/// Runs for as long as the gateway does: health checks, expired permits, changed files. Each by itself, so that a
/// file that hangs (a dead network disk) or breaks its reader keeps no permit alive.
pub(crate) fn start(
    gateway: &Arc<Gateway>,
    operations: &Operations,
    watcher: Watcher,
    keeper: &Handle,
    threads: Vec<Handle>,
) {
    let _entered = keeper.enter();
    let first = tokio::time::Instant::now() + HOUSEKEEPING;
    let in_force = Arc::clone(gateway);
    let in_force = move || in_force.generation();
    keeper.spawn(pool::check_forever(in_force, Arc::clone(&gateway.pools), Arc::clone(&gateway.metrics), beat(first)));
    let expiring = Arc::clone(gateway);
    keeper.spawn(on_every(beat(first), "the look for expired permits", move || {
        let expired = expiring.live.expired(clock::now());
        if !expired.is_empty() {
            expiring.judge_again(&expired, "expiry");
        }
    }));
    let (crowd, trimmer) = (Arc::clone(gateway), Mutex::new(Trimmer::default()));
    keeper.spawn(on_every(beat(first), "the look for memory to give back", move || {
        if trimmer.lock().unwrap_or_else(PoisonError::into_inner).look(crowd.sessions(), Instant::now()) {
            memory::give_back_of(&threads);
        }
    }));
    let (gateway, operations, looks) =
        (Arc::clone(gateway), operations.clone(), Mutex::new((watcher, Retry::default())));
    keeper.spawn(on_every(beat(first), "the look for changed files", move || {
        // A look that panicked is made again as a whole.
        let mut looks = looks.lock().unwrap_or_else(PoisonError::into_inner);
        let (watcher, retry) = &mut *looks;
        let changed = watcher.look(&gateway.watched_files());
        let was_refused = gateway.was_reload_refused();
        if changed || !was_refused {
            *retry = Retry::default();
        } else {
            retry.refused(Instant::now());
        }
        let is_time = changed || (watcher.is_at_rest() && retry.is_due(Instant::now()));
        if is_time {
            retry.begins(Instant::now());
            operations.reload_for(if changed { reload::FILE } else { reload::RETRY }, false);
        }
    }));
}

/// A beat a second. All of one first beat come together, however long the work takes: a silent gateway wakes once.
fn beat(first: tokio::time::Instant) -> Interval {
    let mut beat = interval_at(first, HOUSEKEEPING);
    beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
    beat
}

/// Does a piece of work on every beat for ever, one at a time, on a thread that may block. A panic of it is logged, and the
/// work goes on.
async fn on_every(mut beat: Interval, what: &'static str, work: impl Fn() + Send + Sync + 'static) {
    let work = Arc::new(work);
    loop {
        beat.tick().await;
        let (work, is_wanted) = (Arc::clone(&work), Arc::new(AtomicBool::new(true)));
        let wanted = Arc::clone(&is_wanted);
        let once = move || {
            if wanted.load(Ordering::Relaxed) {
                work();
            }
        };
        // Where the system has no thread to give, tokio panics, and keeps the work for the next that it gets.
        let Ok(begun) = catch_unwind(AssertUnwindSafe(|| tokio::task::spawn_blocking(once))) else {
            is_wanted.store(false, Ordering::Relaxed);
            tracing::error!("{what} cannot be begun: there is no thread for it; it is tried again");
            continue;
        };
        match begun.await {
            Ok(()) => {}
            Err(error) if error.is_panic() => tracing::error!("{what} broke off; it is tried again"),
            // The runtime ends.
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[tokio::test]
    async fn housekeeping_survives_a_panic() {
        let looks = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&looks);
        let keeping = tokio::spawn(on_every(beat(tokio::time::Instant::now()), "a test", move || {
            assert!(counted.fetch_add(1, Ordering::Relaxed) > 0, "the first look panics");
        }));
        let deadline = Instant::now() + Duration::from_secs(20);
        while looks.load(Ordering::Relaxed) < 2 {
            assert!(Instant::now() < deadline && !keeping.is_finished(), "nobody looks any more");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        keeping.abort();
    }
}
