//! How long a tunnel may do what.

use std::time::Duration;
use tokio::time::Instant;

/// How long a tunnel may do what.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// No byte in either direction for this long ends the tunnel.
    pub idle: Duration,
    /// The same, once one side has ended. Also how long a side may take to accept the last bytes of one that was cut.
    pub half_closed_idle: Duration,
    /// From the call, whatever moves.
    pub lifetime: Option<Duration>,
}

/// What a tunnel's limits mean in time. One timer a tunnel, which is moved only when it fires (or when the limit in
/// force shrinks): a packet costs one clock reading and no timer work.
pub(crate) struct Deadlines {
    limits: Limits,
    last_moved: Instant,
    life_over: Option<Instant>,
    half_closed: bool,
}

/// Which limit was reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reached {
    Idle,
    Lifetime,
}

impl Deadlines {
    pub(crate) fn new(limits: Limits, now: Instant) -> Self {
        let life_over = limits.lifetime.map(|lifetime| later(now, lifetime));
        Self { limits, last_moved: now, life_over, half_closed: false }
    }

    /// Returns how long nothing had moved.
    pub(crate) fn moved(&mut self, now: Instant) -> Duration {
        now.saturating_duration_since(std::mem::replace(&mut self.last_moved, now))
    }

    /// One side has ended. True when this is news, so that the timer may have to fire earlier than it was set to.
    pub(crate) fn half_close(&mut self) -> bool {
        !std::mem::replace(&mut self.half_closed, true)
    }

    /// When to look again.
    pub(crate) fn next(&self) -> Instant {
        let idle_over = self.idle_over();
        self.life_over.map_or(idle_over, |life_over| life_over.min(idle_over))
    }

    pub(crate) fn reached(&self, now: Instant) -> Option<Reached> {
        if self.life_over.is_some_and(|life_over| now >= life_over) {
            Some(Reached::Lifetime)
        } else if now >= self.idle_over() {
            Some(Reached::Idle)
        } else {
            None
        }
    }

    fn idle_over(&self) -> Instant {
        let limit = if self.half_closed { self.limits.half_closed_idle } else { self.limits.idle };
        later(self.last_moved, limit)
    }
}

/// `from + wait`, where "for ever" must not overflow.
pub(crate) fn later(from: Instant, wait: Duration) -> Instant {
    from.checked_add(wait).unwrap_or_else(|| from + FOR_EVER)
}

/// Thirty years: longer than any process, and far from every overflow.
const FOR_EVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        idle: Duration::from_secs(3600),
        half_closed_idle: Duration::from_secs(60),
        lifetime: Some(Duration::from_secs(7200)),
    };

    #[test]
    fn the_first_limit_reached_is_the_one_reported() {
        for (case, limits, half_closed, moved_at, now, expected) in [
            ("fresh", LIMITS, false, 0, 0, None),
            ("last idle second", LIMITS, false, 0, 3599, None),
            ("idle", LIMITS, false, 0, 3600, Some(Reached::Idle)),
            ("something moved", LIMITS, false, 10, 3600, None),
            ("idle after it moved", LIMITS, false, 10, 3610, Some(Reached::Idle)),
            ("half-closed, last second", LIMITS, true, 100, 159, None),
            ("half-closed, idle", LIMITS, true, 100, 160, Some(Reached::Idle)),
            ("busy to the end of its life", LIMITS, false, 7199, 7200, Some(Reached::Lifetime)),
            ("both at once", LIMITS, false, 3600, 7200, Some(Reached::Lifetime)),
            ("no lifetime", Limits { lifetime: None, ..LIMITS }, false, 7199, 7200, None),
            ("never idle", Limits { idle: Duration::MAX, ..LIMITS }, false, 0, 7199, None),
        ] {
            let start = Instant::from_std(std::time::Instant::now());
            let mut deadlines = Deadlines::new(limits, start);
            deadlines.moved(start + Duration::from_secs(moved_at));
            if half_closed {
                assert!(deadlines.half_close(), "{case}: the first half-close is news");
                assert!(!deadlines.half_close(), "{case}: the second is not");
            }
            let now = start + Duration::from_secs(now);
            assert_eq!(deadlines.reached(now), expected, "{case}");
            assert_eq!(deadlines.next() <= now, expected.is_some(), "{case}: the timer and the limit agree");
        }
    }
}
