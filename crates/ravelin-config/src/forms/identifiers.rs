//! Name patterns, purposes, serial numbers, hashes and labels.

use ravelin_policy::directory::Sid;
use std::path::Path;

use serde_json::{Value as Json, json};
use toml::de::DeValue;

use super::basic::ListOf;
use super::form::{Form, read_text};
use super::net::host_name;
use crate::declare::Shape;
use crate::place::Place;
use crate::problems::shown;

/// A DNS name or `*.` and a DNS name, in lower case and without trailing dot.
pub(crate) struct Pattern;

/// An extended key usage: `client-auth`, `server-auth` or a dotted object identifier.
pub(crate) struct Purpose;

/// The serial number of a certificate in hex; `:` and spaces between digits are let through, as Windows shows them.
pub(crate) struct Serial;

/// A SHA-256 in hex.
pub(crate) struct Digest;

/// A name that is shown in records and metrics.
pub(crate) struct Label;

/// A group of Active Directory: `DOMAIN\name`, `name`, or a security identifier.
pub(crate) struct GroupName;

impl Shape for Pattern {
    fn words(&self) -> String {
        "name or `*.domain`".to_owned()
    }
    fn schema(&self) -> Json {
        json!({ "type": "string", "minLength": 1 })
    }
}

impl Form for Pattern {
    type Value = String;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<String> {
        read_text(self, place, value, parse_pattern)
    }
    fn show(&self, value: &Self::Value, _: &Path) -> Json {
        json!(value)
    }
}

fn parse_pattern(text: &str) -> Result<String, String> {
    if text == "*" {
        return Err("`*` alone is no pattern: write \"*.domain\" for each domain, or names = \"any\"".to_owned());
    }
    let (wildcard, name) = text.strip_prefix("*.").map_or(("", text), |name| ("*.", name));
    if name.contains('*') {
        return Err(format!(
            "{} is no pattern: `*` stands for the whole leftmost label and nothing else, \"*.corp.example.com\"",
            shown(text)
        ));
    }
    if let Some(domain) = name.strip_prefix('.') {
        return Err(format!("{} begins with a dot: write \"*.{}\"", shown(text), domain.escape_debug()));
    }
    host_name(name).map(|name| format!("{wildcard}{name}"))
}

impl Shape for Purpose {
    fn words(&self) -> String {
        "`\"client-auth\"`, `\"server-auth\"` or dotted object identifier".to_owned()
    }
    fn schema(&self) -> Json {
        json!({ "type": "string", "pattern": r"^(client-auth|server-auth|[0-2](\.[0-9]+)+)$" })
    }
}

impl Form for Purpose {
    type Value = String;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<String> {
        read_text(self, place, value, |text| {
            if let Some((_, oid)) = PURPOSES.iter().find(|(name, _)| *name == text) {
                return Ok((*oid).to_owned());
            }
            if is_oid(text) {
                return Ok(text.to_owned());
            }
            Err(format!(
                "{} is no purpose: wants \"client-auth\", \"server-auth\" or a dotted object identifier",
                shown(text)
            ))
        })
    }
    fn show(&self, value: &Self::Value, _: &Path) -> Json {
        json!(purpose_text(value))
    }
}

/// The name of a purpose, where it has one.
pub(crate) fn purpose_text(oid: &str) -> &str {
    PURPOSES.iter().find(|(_, known)| *known == oid).map_or(oid, |(name, _)| name)
}

/// Client authentication (RFC 5280 §4.2.1.12).
pub(crate) const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
/// RFC 5280 §4.2.1.12.
const PURPOSES: [(&str, &str); 2] = [("client-auth", CLIENT_AUTH), ("server-auth", "1.3.6.1.5.5.7.3.1")];

/// Dotted decimal as X.660 has it: two arcs at least, the first 0 to 2, the second below 40 under 0 and 1.
fn is_oid(text: &str) -> bool {
    let arcs: Option<Vec<u64>> = text
        .split('.')
        .map(|arc| {
            let canonical = arc == "0" || (!arc.starts_with('0') && arc.bytes().all(|byte| byte.is_ascii_digit()));
            canonical.then(|| arc.parse().ok()).flatten()
        })
        .collect();
    match arcs.as_deref() {
        Some([0 | 1, second, ..]) => *second < 40,
        Some([2, second, ..]) => *second < u64::from(u32::MAX),
        _ => false,
    }
}

impl Shape for Serial {
    fn words(&self) -> String {
        "serial number in hex".to_owned()
    }
    fn schema(&self) -> Json {
        json!({ "type": "string", "pattern": "^[0-9A-Fa-f: ]+$" })
    }
}

impl Form for Serial {
    type Value = String;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<String> {
        if let DeValue::Integer(_) = value {
            place.error("wants the serial number in hex, as text: \"5b2d\"");
            return None;
        }
        read_text(self, place, value, |text| {
            let digits = hex_digits(text)?;
            let significant = digits.trim_start_matches('0');
            if significant.len() > SERIAL_DIGITS_MAX {
                return Err(format!("a serial number has at most {SERIAL_DIGITS_MAX} hex digits (RFC 5280 §4.1.2.2)"));
            }
            Ok(if significant.is_empty() { "0" } else { significant }.to_owned())
        })
    }
    fn show(&self, value: &Self::Value, _: &Path) -> Json {
        json!(value)
    }
}

/// 20 bytes, RFC 5280 §4.1.2.2.
const SERIAL_DIGITS_MAX: usize = 40;

impl Shape for Digest {
    fn words(&self) -> String {
        "SHA-256 in hex, 64 digits".to_owned()
    }
    fn schema(&self) -> Json {
        json!({ "type": "string", "pattern": "^[0-9A-Fa-f: ]+$" })
    }
}

impl Form for Digest {
    type Value = String;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<String> {
        read_text(self, place, value, |text| {
            let digits = hex_digits(text)?;
            match digits.len() {
                64 => Ok(digits),
                length => Err(format!("{length} hex digits; a SHA-256 has 64")),
            }
        })
    }
    fn show(&self, value: &Self::Value, _: &Path) -> Json {
        json!(value)
    }
}

/// Lower-case digits without separators.
fn hex_digits(text: &str) -> Result<String, String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | ' ')).map(|c| c.to_ascii_lowercase()).collect();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(format!("{} is not written in hex", shown(text)));
    }
    Ok(digits)
}

impl Shape for Label {
    fn words(&self) -> String {
        "name of letters, digits, `.`, `-` and `_`".to_owned()
    }
    fn schema(&self) -> Json {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]{1,63}$" })
    }
}

impl Form for Label {
    type Value = String;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<String> {
        read_text(self, place, value, |text| {
            let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
            if (1..=crate::place::NAME_LENGTH_MAX).contains(&text.len()) && text.bytes().all(good) {
                return Ok(text.to_owned());
            }
            Err(format!(
                "{} cannot be a name: use 1 to 63 letters, digits, `.`, `-` and `_`; it is a label in metrics and records",
                shown(text)
            ))
        })
    }
    fn show(&self, value: &Self::Value, _: &Path) -> Json {
        json!(value)
    }
}

impl Shape for GroupName {
    fn words(&self) -> String {
        "name, `DOMAIN\\name` or security identifier of a group".to_owned()
    }
    fn schema(&self) -> Json {
        json!({ "type": "string", "minLength": 1, "maxLength": GROUP_NAME_BYTES_MAX })
    }
}

impl Form for GroupName {
    type Value = String;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<String> {
        read_text(self, place, value, |text| {
            if text.trim() != text || text.is_empty() || text.len() > GROUP_NAME_BYTES_MAX {
                return Err(format!("{} cannot be a group: wants 1 to 320 bytes, no blanks at its ends", shown(text)));
            }
            if text.contains(|c: char| c.is_control()) || text.matches('\\').count() > 1 {
                return Err(format!("{} cannot be a group: write \"name\" or 'DOMAIN\\name'", shown(text)));
            }
            if text.contains('=') && text.contains(',') {
                return Err(format!("{} is a distinguished name: write the group's name or SID", shown(text)));
            }
            if text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("S-1-")) {
                return Sid::from_text(text)
                    .map(|sid| sid.to_string())
                    .map_err(|error| format!("{} is {error}", shown(text)));
            }
            Ok(text.to_owned())
        })
    }
    fn show(&self, value: &Self::Value, _: &Path) -> Json {
        json!(value)
    }
}

/// A sAMAccountName of 256, a NetBIOS name, and room.
const GROUP_NAME_BYTES_MAX: usize = 320;

/// EKUs, at least one. A certificate of AD CS has two or three; sixteen is a template of everything.
pub(crate) const PURPOSES_SHAPE: ListOf<Purpose> =
    ListOf { of: Purpose, min: 1, max: 16, twice_is_error: false, single: false };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (text, expected) in [
            ("*.Corp.Example.com.", Some("*.corp.example.com")),
            ("PC1.corp.example.com", Some("pc1.corp.example.com")),
            ("*", None),
            ("*.", None),
            ("*.*.example.com", None),
            ("pc*.example.com", None),
            ("a.*.example.com", None),
            (".example.com", None),
            ("*.bücher.example", None),
            ("*.10.0.0.1", None),
            ("", None),
        ] {
            assert_eq!(parse_pattern(text).ok().as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn object_identifiers() {
        for (text, good) in [
            ("1.3.6.1.5.5.7.3.2", true),
            ("2.5.29.37.0", true),
            ("2.999", true),
            ("1.40", false),
            ("3.1", false),
            ("1", false),
            ("1.", false),
            ("1..3", false),
            ("1.03", false),
            ("1.3.x", false),
            ("1.3.+1", false),
            ("", false),
            ("1.3.99999999999999999999", false),
        ] {
            assert_eq!(is_oid(text), good, "{text:?}");
        }
    }
}
