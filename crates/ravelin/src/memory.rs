//! Gives memory back to the system when many sessions have gone. The C library keeps what was freed in the middle of its
//! arenas for later; after ten thousand tunnels that is a hundred megabytes that nothing else on the machine can have.

use std::time::{Duration, Instant};

/// Decides when it is worth the trouble.
#[derive(Debug, Default)]
pub(crate) struct Trimmer {
    /// Most sessions since the last time.
    most: usize,
    /// At the last look.
    before: usize,
    last: Option<Instant>,
}

impl Trimmer {
    /// Looks at the number of sessions, once a second or so. True when so many have gone that memory should be given back
    /// now.
    pub(crate) fn look(&mut self, sessions: usize, now: Instant) -> bool {
        self.most = self.most.max(sessions);
        let gone = self.most - sessions;
        let rested = self.last.is_none_or(|last| now.saturating_duration_since(last) >= REST);
        // While they are going, the most is still to come.
        let settled = self.before.saturating_sub(sessions) < GONE_MIN;
        self.before = sessions;
        let worth_it = rested && settled && gone >= GONE_MIN && gone >= self.most / 8;
        if worth_it {
            (self.most, self.last) = (sessions, Some(now));
        }
        worth_it
    }
}

/// Gives back every whole page that is free in any thread's arena. Takes some milliseconds for each hundred megabytes, and
/// a thread that allocates meanwhile waits for its own arena's part.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "malloc_trim has no safe form. Test: tests/system/many_tunnels_leave_nothing.sh")]
pub(crate) fn give_back() {
    // SAFETY: malloc_trim(3) may be called at any time by any thread; it touches nothing but free memory.
    unsafe { libc::malloc_trim(0) };
}

/// Other C libraries give back what is freed, or have no way to ask.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn give_back() {}

/// Half a megabyte of handshakes, some megabytes of tunnels.
const GONE_MIN: usize = 100;
/// While clients come and go all the time, memory given back is memory asked for again.
const REST: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_when_many_have_gone_and_not_all_the_time() {
        let start = Instant::now();
        let mut trimmer = Trimmer::default();
        for (second, sessions, expected) in [
            (0, 0, false),
            (1, 5000, false),
            // Too few of so many.
            (2, 4401, false),
            (3, 4400, false),
            // They are going; they have gone.
            (4, 1000, false),
            (5, 500, false),
            (6, 450, true),
            // Too soon, however many.
            (7, 10, false),
            (15, 10, false),
            (16, 10, true),
            // Few.
            (40, 99, false),
            (41, 0, false),
            (42, 200, false),
            (43, 101, false),
            (44, 100, true),
        ] {
            assert_eq!(trimmer.look(sessions, start + Duration::from_secs(second)), expected, "second {second}");
        }
    }
}
