//! Durations and rates.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value as Json, json};
use toml::de::DeValue;

use super::form::{Form, read_text};
use crate::declare::Shape;
use crate::place::Place;
use crate::problems::shown;

/// A duration: `"500ms"`, `"10s"`, `"5m"`, `"1h"`, `"7d"`.
pub(crate) struct Span {
    pub min: Duration,
    pub max: Duration,
    /// Where the bounds come from.
    pub why: &'static str,
}

/// A moment in microseconds: `"0us"`, `"100us"`.
pub(crate) struct Moment {
    pub max: Duration,
    /// Where the bound comes from.
    pub why: &'static str,
}

/// So many a second: `"20/s"`.
pub(crate) struct Rate {
    pub max: u32,
    /// Where the bound comes from.
    pub why: &'static str,
}

impl Shape for Span {
    fn words(&self) -> String {
        format!("duration from `\"{}\"` to `\"{}\"`", duration_text(self.min), duration_text(self.max))
    }
    fn schema(&self) -> Json {
        json!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$" })
    }
}

impl Form for Span {
    type Value = Duration;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<Duration> {
        if let DeValue::Integer(number) = value {
            place.error(format!("a duration has its unit: write \"{number}s\" if seconds are meant (ms, s, m, h, d)"));
            return None;
        }
        let duration = read_text(self, place, value, parse_duration)?;
        if (self.min..=self.max).contains(&duration) {
            return Some(duration);
        }
        place.error(format!(
            "{} is out of range: wants \"{}\" to \"{}\" ({})",
            duration_text(duration),
            duration_text(self.min),
            duration_text(self.max),
            self.why
        ));
        None
    }
    fn show(&self, value: &Self::Value, _: &Path) -> Json {
        json!(duration_text(*value))
    }
}

impl Shape for Moment {
    fn words(&self) -> String {
        format!("duration from `\"0us\"` to `\"{}us\"`", self.max.as_micros())
    }
    fn schema(&self) -> Json {
        json!({ "type": "string", "pattern": "^[0-9]+us$" })
    }
}

impl Form for Moment {
    type Value = Duration;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<Duration> {
        if let DeValue::Integer(number) = value {
            place.error(format!("a duration has its unit: write \"{number}us\" if microseconds are meant"));
            return None;
        }
        let moment = read_text(self, place, value, |text| {
            let digits = text.strip_suffix("us").filter(|digits| is_digits(digits));
            let micros = digits.and_then(|digits| digits.parse::<u64>().ok()).map(Duration::from_micros);
            micros.ok_or_else(|| format!("{} is no duration in microseconds; write it as \"100us\"", shown(text)))
        })?;
        if moment <= self.max {
            return Some(moment);
        }
        place.error(format!(
            "{}us is out of range: wants \"0us\" to \"{}us\" ({})",
            moment.as_micros(),
            self.max.as_micros(),
            self.why
        ));
        None
    }
    fn show(&self, value: &Self::Value, _: &Path) -> Json {
        json!(format!("{}us", value.as_micros()))
    }
}

impl Shape for Rate {
    fn words(&self) -> String {
        format!("rate from `\"1/s\"` to `\"{}/s\"`", self.max)
    }
    fn schema(&self) -> Json {
        json!({ "type": "string", "pattern": "^[0-9]+/s$" })
    }
}

impl Form for Rate {
    type Value = u32;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<u32> {
        if let DeValue::Integer(number) = value {
            place.error(format!("a rate has its unit: write \"{number}/s\""));
            return None;
        }
        let rate = read_text(self, place, value, |text| {
            text.strip_suffix("/s")
                .filter(|digits| is_digits(digits))
                .and_then(|digits| digits.parse::<u32>().ok())
                .ok_or_else(|| format!("{} is no rate; write it as \"20/s\", or \"off\"", shown(text)))
        })?;
        if (1..=self.max).contains(&rate) {
            return Some(rate);
        }
        place.error(format!("{rate}/s is out of range: wants \"1/s\" to \"{}/s\" ({})", self.max, self.why));
        None
    }
    fn show(&self, value: &Self::Value, _: &Path) -> Json {
        json!(format!("{value}/s"))
    }
}

/// `"90s"`: digits and one unit.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let bad = || format!("{} is no duration; write a whole number and a unit: \"10s\" (ms, s, m, h, d)", shown(text));
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
    let (digits, unit) = text.split_at_checked(unit_at).ok_or_else(bad)?;
    let (_, milliseconds) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(bad)?;
    let count: u64 = digits.parse().map_err(|_| bad())?;
    count.checked_mul(*milliseconds).map(Duration::from_millis).ok_or_else(bad)
}

/// A duration as the file writes it: in the largest unit that loses nothing.
pub(crate) fn duration_text(duration: Duration) -> String {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if milliseconds == 0 {
        return "0s".to_owned();
    }
    let fits = |unit: &&(&str, u64)| milliseconds % unit.1 == 0;
    let (name, size) = UNITS.iter().rev().find(fits).copied().unwrap_or(("ms", 1));
    format!("{}{name}", milliseconds / size)
}

/// Milliseconds of each unit, smallest first.
const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, milliseconds) in [
            ("0s", Some(0)),
            ("1ms", Some(1)),
            ("90s", Some(90_000)),
            ("007m", Some(420_000)),
            ("1h", Some(3_600_000)),
            ("7d", Some(604_800_000)),
            ("", None),
            ("10", None),
            ("s", None),
            ("10 s", None),
            ("1.5h", None),
            ("-1s", None),
            ("1h30m", None),
            ("10S", None),
            ("10µs", None),
            ("99999999999999999999s", None),
            ("18446744073709551615d", None),
        ] {
            assert_eq!(parse_duration(text).ok(), milliseconds.map(Duration::from_millis), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_written_duration_reads_back(milliseconds in 0u64..=u64::MAX) {
            let duration = Duration::from_millis(milliseconds);
            proptest::prop_assert_eq!(parse_duration(&duration_text(duration)), Ok(duration));
        }
    }
}
