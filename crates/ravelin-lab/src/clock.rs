//! The one place of this crate that reads the wall clock.

use rustls_pki_types::UnixTime;

/// Unix seconds, now.
#[expect(clippy::disallowed_methods, reason = "the lab's one reader of the wall clock; everything else takes `now`")]
pub fn now() -> i64 {
    i64::try_from(UnixTime::now().as_secs()).unwrap_or(i64::MAX)
}

/// Unix seconds as the type that decisions take; a time before 1970 becomes 1970.
pub fn unix_time(seconds: i64) -> UnixTime {
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// Seconds of a minute, an hour, a day: `now - 3 * DAY` reads like the sentence.
pub const MINUTE: i64 = 60;
/// See [`MINUTE`].
pub const HOUR: i64 = 60 * MINUTE;
/// See [`MINUTE`].
pub const DAY: i64 = 24 * HOUR;
