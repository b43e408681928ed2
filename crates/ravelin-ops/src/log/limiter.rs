//! What comes too often is counted and told in one line instead of many.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lets a bounded number of records a second and cause pass. Causes are words of ours: a closed set.
#[derive(Default)]
pub struct Limiter {
    windows: Mutex<HashMap<&'static str, Window>>,
}

/// What to do with one record.
#[derive(Debug, Eq, PartialEq)]
pub struct LimiterVerdict {
    /// Write it.
    pub pass: bool,
    /// Before it, tell that so many were left out.
    pub more: u64,
}

struct Window {
    began: Instant,
    passed: u32,
    suppressed: u64,
}

impl Limiter {
    /// Judges one record of `cause`, of which `most` may pass in [`WINDOW`].
    pub fn judge(&self, cause: &'static str, most: u32, now: Instant) -> LimiterVerdict {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry(cause).or_insert(Window { began: now, passed: 0, suppressed: 0 });
        let mut more = 0;
        if now.saturating_duration_since(window.began) >= WINDOW {
            more = window.suppressed;
            *window = Window { began: now, passed: 0, suppressed: 0 };
        }
        if window.passed < most {
            window.passed += 1;
            return LimiterVerdict { pass: true, more };
        }
        // Only where none may pass at all can `more` be lost, and none may.
        window.suppressed = window.suppressed.saturating_add(1);
        LimiterVerdict { pass: false, more }
    }

    /// Causes that have gone quiet by `now` with records left out, and how many; a cause is reported once.
    pub fn quiet(&self, now: Instant) -> Vec<(&'static str, u64)> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let mut told = Vec::new();
        windows.retain(|cause, window| {
            let over = now.saturating_duration_since(window.began) >= WINDOW;
            if over && window.suppressed > 0 {
                told.push((*cause, window.suppressed));
            }
            !over
        });
        told.sort_unstable();
        told
    }
}

/// Short enough that the summary is about now, long enough to read.
pub const WINDOW: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_pass_and_the_rest_is_summed_up() {
        let limiter = Limiter::default();
        let start = Instant::now();
        let passed = (0..1000).filter(|_| limiter.judge("a", 10, start).pass).count();
        assert_eq!(passed, 10);
        assert!(limiter.judge("b", 10, start).pass, "one cause does not silence another");
        assert_eq!(limiter.quiet(start), [], "not before the window is over");
        assert_eq!(limiter.judge("a", 10, start + WINDOW), LimiterVerdict { pass: true, more: 990 });
        assert_eq!(limiter.quiet(start + WINDOW * 2), []);
    }

    #[test]
    fn a_cause_that_went_quiet_is_summed_up_once() {
        let limiter = Limiter::default();
        let start = Instant::now();
        for _ in 0..15 {
            limiter.judge("a", 10, start);
        }
        assert_eq!(limiter.quiet(start + WINDOW), [("a", 5)]);
        assert_eq!(limiter.quiet(start + WINDOW), []);
        assert!(limiter.windows.lock().unwrap().is_empty());
    }
}
