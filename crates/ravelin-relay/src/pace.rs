//! Whether a thread's tunnels are busy enough that waiting a moment between two wake-ups makes packets merge.
//!
//! Where one tunnel's small packets follow each other closely, the cost is wake-ups, and each packet that comes during a
//! wait rides with the next. Where tunnels are read now and then, a wait would only make their packets late. So a thread
//! waits only while most of its reads follow closely on the same tunnel's last one.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// What a thread remembers.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// From 0 (all is quiet) to [`SCORE_MAX`].
    score: u32,
    woke: Option<Instant>,
}

thread_local! {
    static PACE: Cell<Pace> = const { Cell::new(Pace { score: 0, woke: None }) };
}

/// Called by a relay thread when it wakes, before it looks at its tunnels: waits until `most` has passed since it last
/// did so, if its tunnels are busy. A thread whose runtime does not call it never waits.
pub fn linger(most: Duration) {
    let mut pace = PACE.get();
    let wait = pace.wait(Instant::now(), most);
    if !wait.is_zero() {
        std::thread::sleep(wait);
    }
    pace.woke = Some(Instant::now());
    PACE.set(pace);
}

/// A tunnel moved bytes, so long after it last did.
pub(crate) fn note(since_last: Duration) {
    let mut pace = PACE.get();
    pace.note(since_last);
    PACE.set(pace);
}

impl Pace {
    fn note(&mut self, since_last: Duration) {
        self.score = if since_last < CLOSELY { SCORE_MAX.min(self.score + 1) } else { self.score.saturating_sub(1) };
    }

    fn wait(self, now: Instant, most: Duration) -> Duration {
        match self.woke {
            Some(woke) if self.score > SCORE_MAX / 2 => most.saturating_sub(now.saturating_duration_since(woke)),
            Some(_) | None => Duration::ZERO,
        }
    }
}

/// Five times the longest wait: what comes back within this comes back while others are waited for.
const CLOSELY: Duration = Duration::from_micros(500);
/// So many reads decide: a few packets of a quiet tunnel among a stream change nothing.
const SCORE_MAX: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_waits_while_most_reads_follow_closely() {
        let start = Instant::now();
        let most = Duration::from_micros(100);
        let mut pace = Pace { score: 0, woke: Some(start) };
        let at = |micros| start + Duration::from_micros(micros);
        assert_eq!(pace.wait(at(1), most), Duration::ZERO, "nothing is known yet");
        for _ in 0..SCORE_MAX {
            pace.note(Duration::from_micros(20));
        }
        assert_eq!(pace.wait(at(30), most), Duration::from_micros(70));
        assert_eq!(pace.wait(at(100), most), Duration::ZERO, "it has been away for as long");
        assert_eq!(pace.wait(at(30), Duration::ZERO), Duration::ZERO, "switched off");
        assert_eq!(Pace { woke: None, ..pace }.wait(at(30), most), Duration::ZERO, "the first time");
        for _ in 0..4 {
            pace.note(Duration::from_millis(20));
        }
        assert_ne!(pace.wait(at(30), most), Duration::ZERO, "a few quiet tunnels among them");
        for _ in 0..SCORE_MAX / 2 {
            pace.note(Duration::from_millis(20));
        }
        assert_eq!(pace.wait(at(30), most), Duration::ZERO, "it has become quiet");
    }
}
