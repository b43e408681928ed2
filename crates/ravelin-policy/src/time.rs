//! Times in certificates and lists: read strictly, written for a person.

use rustls_pki_types::UnixTime;

use crate::der::{Element, Malformed, tag};

/// Unix seconds of a `Time` (RFC 5280 §4.1.2.5, §5.1.2.4): `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`, seconds and `Z` always
/// there, no fraction, and a day that the calendar has.
///
/// Looser than RFC 5280: a GeneralizedTime before 2050 is read too; it can be misunderstood by nobody.
///
/// # Errors
/// Anything else.
pub(crate) fn read(time: Element<'_>) -> Result<i64, Malformed> {
    let (year, rest) = match (time.tag, time.value) {
        // RFC 5280 §4.1.2.5.1: 50 to 99 are of the twentieth century.
        (tag::UTC_TIME, [a, b, rest @ ..]) => match digits(*a, *b)? {
            short if short >= 50 => (1900 + short, rest),
            short => (2000 + short, rest),
        },
        (tag::GENERALIZED_TIME, [a, b, c, d, rest @ ..]) => (digits(*a, *b)? * 100 + digits(*c, *d)?, rest),
        _ => return Err(NOT_A_TIME),
    };
    let [m1, m2, d1, d2, h1, h2, n1, n2, s1, s2, b'Z'] = *rest else {
        return Err(NOT_A_TIME);
    };
    let (month, day) = (digits(m1, m2)?, digits(d1, d2)?);
    let (hour, minute, second) = (digits(h1, h2)?, digits(n1, n2)?, digits(s1, s2)?);
    let in_calendar = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    if !in_calendar || hour > 23 || minute > 59 || second > 59 {
        return Err(NOT_A_TIME);
    }
    Ok(days_since_1970(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second)
}

/// `2026-11-24T18:00:00Z`.
pub(crate) fn rfc3339(unix_seconds: i64) -> String {
    let (days, seconds) = (unix_seconds.div_euclid(DAY_SECONDS), unix_seconds.rem_euclid(DAY_SECONDS));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Unix seconds with a sign, as certificates have them.
pub(crate) fn unix_seconds(time: UnixTime) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

fn digits(tens: u8, ones: u8) -> Result<i64, Malformed> {
    if tens.is_ascii_digit() && ones.is_ascii_digit() {
        Ok(i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
    } else {
        Err(NOT_A_TIME)
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of the proleptic Gregorian calendar, counted from March so that the leap day is the last of its year.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (shifted_year.div_euclid(400), shifted_year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * ERA_DAYS + day_of_era - EPOCH_DAYS
}

/// The reverse of [`days_since_1970`].
fn civil(days: i64) -> (i64, i64, i64) {
    let (era, day_of_era) = ((days + EPOCH_DAYS).div_euclid(ERA_DAYS), (days + EPOCH_DAYS).rem_euclid(ERA_DAYS));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted_month + 2) / 5 + 1)
}

const NOT_A_TIME: Malformed = Malformed("a time that is not written as RFC 5280 wants");
const DAY_SECONDS: i64 = 86_400;
/// Days in 400 years.
const ERA_DAYS: i64 = 146_097;
/// Days from 1 March of year 0 to 1 January 1970.
const EPOCH_DAYS: i64 = 719_468;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(tag: u8, text: &[u8]) -> Option<i64> {
        read(Element { tag, value: text, whole: &[] }).ok()
    }

    #[test]
    fn strictly_read() {
        for (tag, text, expected) in [
            (tag::UTC_TIME, &b"700101000000Z"[..], Some(0)),
            (tag::UTC_TIME, b"491231235959Z", Some(2_524_607_999)),
            (tag::UTC_TIME, b"500101000000Z", Some(-631_152_000)),
            (tag::UTC_TIME, b"240229120000Z", Some(1_709_208_000)),
            (tag::UTC_TIME, b"230229120000Z", None),
            (tag::UTC_TIME, b"2402291200Z", None),
            (tag::UTC_TIME, b"240229120000+0000", None),
            (tag::UTC_TIME, b"241301000000Z", None),
            (tag::UTC_TIME, b"240100000000Z", None),
            (tag::UTC_TIME, b"240101240000Z", None),
            (tag::UTC_TIME, b"240101000060Z", None),
            (tag::UTC_TIME, b"24010100000-Z", None),
            (tag::UTC_TIME, b"", None),
            (tag::GENERALIZED_TIME, b"20500101120100Z", Some(2_524_651_260)),
            (tag::GENERALIZED_TIME, b"99991231235959Z", Some(253_402_300_799)),
            (tag::GENERALIZED_TIME, b"20500101120100.5Z", None),
            (tag::GENERALIZED_TIME, b"500101120100Z", None),
            (tag::GENERALIZED_TIME, b"19000229000000Z", None),
            (tag::GENERALIZED_TIME, b"20000229000000Z", Some(951_782_400)),
            (tag::UTF8_STRING, b"700101000000Z", None),
        ] {
            assert_eq!(parse(tag, text), expected, "{}", String::from_utf8_lossy(text));
        }
    }

    proptest! {
        #[test]
        fn written_and_read_again(seconds in -2_000_000_000_i64..200_000_000_000) {
            let text: String = rfc3339(seconds).chars().filter(|c| !matches!(c, '-' | ':' | 'T')).collect();
            prop_assert_eq!(parse(tag::GENERALIZED_TIME, text.as_bytes()), Some(seconds));
        }
    }
}
