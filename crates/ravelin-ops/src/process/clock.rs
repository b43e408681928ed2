//! The only reader of the wall clock. Everything else takes the time as an argument.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls_pki_types::UnixTime;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The time to judge certificates by.
pub fn now() -> UnixTime {
    UnixTime::since_unix_epoch(since_epoch())
}

/// The time to write into records.
pub fn utc() -> OffsetDateTime {
    let since = since_epoch();
    let seconds = from_unix(to_unix(UnixTime::since_unix_epoch(since)));
    seconds.replace_nanosecond(since.subsec_nanos()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Unix seconds as a calendar time; what lies outside the calendar is its edge.
pub fn from_unix(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(if seconds < 0 { OffsetDateTime::UNIX_EPOCH } else { LAST })
}

/// The time as Unix seconds with a sign, as certificates, lists and directories are dated.
pub fn to_unix(at: UnixTime) -> i64 {
    i64::try_from(at.as_secs()).unwrap_or(i64::MAX)
}

/// RFC 3339 in UTC, whole seconds: `2026-11-24T18:00:00Z`.
pub fn rfc3339(at: OffsetDateTime) -> String {
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default()
}

/// Reads RFC 3339, for `explain --at`.
pub fn parse_rfc3339(text: &str) -> Option<UnixTime> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some(UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(at.unix_timestamp()).ok()?)))
}

/// 9999-12-31T23:59:59Z, the last second of RFC 5280's calendar.
const LAST: OffsetDateTime = time::macros::datetime!(9999-12-31 23:59:59 UTC);

#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO)
}
