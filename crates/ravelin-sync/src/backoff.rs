//! How long whoever has failed is left alone.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

/// One controller's failures in a row.
#[derive(Default)]
pub(super) struct Backoff {
    failures: u32,
    until: Option<Instant>,
}

impl Backoff {
    /// Once more. Twice as long each time.
    pub(super) fn failed(&mut self, now: Instant) {
        let doubled = BACKOFF_MIN.saturating_mul(1 << self.failures.min(DOUBLINGS_MAX));
        self.failures = self.failures.saturating_add(1);
        self.until = Some(now + jittered(doubled.min(BACKOFF_MAX)));
    }

    /// What is left of it.
    pub(super) fn left(&self, now: Instant) -> Duration {
        self.until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }
}

/// Up to a tenth less: companions that were started together do not ask together for ever.
pub(super) fn jittered(span: Duration) -> Duration {
    // Keyed anew for each from the system's randomness; this guards nothing.
    let random = RandomState::new().build_hasher().finish() % 1_000;
    span - span.mul_f64(f64::from(u32::try_from(random).unwrap_or_default()) / 10_000.0)
}

/// A controller that restarts is back in a minute or two.
const BACKOFF_MIN: Duration = Duration::from_secs(5);
/// A controller that came back is asked again within two minutes.
const BACKOFF_MAX: Duration = Duration::from_secs(120);
/// Far beyond the longest rest, and no overflow.
const DOUBLINGS_MAX: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoffs_double_up_to_a_limit() {
        let (now, mut rest) = (Instant::now(), Backoff::default());
        assert_eq!(rest.left(now), Duration::ZERO);
        for expected in [5, 10, 20, 40, 80, 120, 120] {
            rest.failed(now);
            let left = rest.left(now).as_secs_f64();
            let expected = f64::from(expected);
            assert!(left <= expected && left >= expected * 0.9, "{left} of {expected}");
        }
        for _ in 0..100 {
            rest.failed(now);
        }
        assert!(rest.left(now) <= BACKOFF_MAX);
    }
}
