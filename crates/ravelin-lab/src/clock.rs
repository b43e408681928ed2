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

/// HTTP-date (RFC 9110 §5.6.7): `Tue, 24 Nov 2026 18:07:42 GMT`. A time that no calendar holds becomes 1970.
pub fn http_date(seconds: i64) -> String {
    let at = time::OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    let (weekday, month) = (at.weekday().to_string(), at.month().to_string());
    let (weekday, month) = (weekday.get(..3).unwrap_or_default(), month.get(..3).unwrap_or_default());
    let clock = format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second());
    format!("{weekday}, {:02} {month} {:04} {clock} GMT", at.day(), at.year())
}

/// Seconds of a minute, an hour, a day: `now - 3 * DAY` reads like the sentence.
pub const MINUTE: i64 = 60;
/// See [`MINUTE`].
pub const HOUR: i64 = 60 * MINUTE;
/// See [`MINUTE`].
pub const DAY: i64 = 24 * HOUR;

#[cfg(test)]
mod tests {
    #[test]
    fn dates_are_those_of_http() {
        assert_eq!(super::http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(super::http_date(1_795_543_662), "Tue, 24 Nov 2026 18:07:42 GMT");
    }
}
