//! One record as ordered fields, and the two forms of a line: JSON, and `key=value` text that reads back.

use std::fmt::Write;

use serde_json::Value;

/// Ordered names and values. Names are ours, never a stranger's.
pub(super) type LogFields = Vec<(&'static str, Value)>;

/// One line of JSON without its line end, ASCII only, so that neither control characters nor bidirectional marks
/// reach a terminal or a log collector. Parses back to the very same values.
pub fn json_line(fields: &LogFields) -> String {
    let mut line = Vec::with_capacity(1536);
    line.push(b'{');
    for (index, (name, value)) in fields.iter().enumerate() {
        if index > 0 {
            line.push(b',');
        }
        // Into memory, of values that are JSON already: neither can fail.
        let _ = serde_json::to_writer(&mut line, name);
        line.push(b':');
        let _ = serde_json::to_writer(&mut line, value);
    }
    line.push(b'}');
    ascii(String::from_utf8(line).unwrap_or_default())
}

/// Any value as one line of ASCII JSON.
pub fn ascii_json(value: &impl serde::Serialize) -> String {
    // Our own types have string keys and nothing that cannot be written.
    ascii(serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned()))
}

/// Any value as lines of ASCII JSON for people.
pub fn ascii_json_pretty(value: &impl serde::Serialize) -> String {
    ascii(serde_json::to_string_pretty(value).unwrap_or_else(|_| "null".to_owned()))
}

/// JSON text with all beyond ASCII, and DEL, as `\uXXXX`: outside of strings there is none.
fn ascii(json: String) -> String {
    if json.bytes().all(|byte| byte < 0x7f) {
        return json;
    }
    let mut line = String::with_capacity(json.len() + 64);
    for character in json.chars() {
        if character.is_ascii() && character != '\u{7f}' {
            line.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(line, "\\u{unit:04x}");
            }
        }
    }
    line
}

/// One line of text without its line end: `key=value` parted by blanks. A value of anything but letters, digits and
/// `._:/@+,-` stands in double quotes, in which `"` and `\` have a backslash before them and control characters and all
/// beyond ASCII are `\u{…}`: a quote inside a value cannot end it, so that no value forges a field. Objects become `name.key`, null and
/// empty values are left out, lists are JSON. [`parse_text`] reads it back.
pub(super) fn text_line(fields: &LogFields) -> String {
    let mut line = String::with_capacity(256);
    for (name, value) in flat(fields) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&name);
        line.push('=');
        push_quoted(&mut line, &value);
    }
    line
}

/// The pairs that [`text_line`] writes.
fn flat(fields: &LogFields) -> Vec<(String, String)> {
    let mut pairs = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        match value {
            Value::Object(members) => {
                for (key, member) in members {
                    pairs.extend(plain(member).map(|text| (format!("{name}.{key}"), text)));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                pairs.extend(plain(value).map(|text| ((*name).to_owned(), text)));
            }
        }
    }
    pairs
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => (!text.is_empty()).then(|| text.clone()),
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) if items.iter().all(is_word) => {
            Some(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","))
        }
        Value::Array(_) | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Some(value.to_string()),
    }
}

/// Whether a list of such values may be parted by commas.
fn is_word(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty() && text.bytes().all(|byte| is_bare(byte) && byte != b','))
}

fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._:/@+,-".contains(&byte)
}

fn push_quoted(line: &mut String, value: &str) {
    if !value.is_empty() && value.bytes().all(is_bare) {
        return line.push_str(value);
    }
    line.push('"');
    for character in value.chars() {
        match character {
            '"' | '\\' => {
                line.push('\\');
                line.push(character);
            }
            ' '..='~' => line.push(character),
            _ => {
                // Writing to a String cannot fail.
                let _ = write!(line, "\\u{{{:x}}}", u32::from(character));
            }
        }
    }
    line.push('"');
}

/// Reads a line of the text form back into its pairs; `None` where it is not one.
pub fn parse_text(line: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(&byte)) {
            return None;
        }
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = after.find(' ').unwrap_or(after.len());
                let (value, after) = after.split_at_checked(end)?;
                (value.bytes().all(is_bare).then(|| value.to_owned())?, after)
            }
        };
        pairs.push((name.to_owned(), value));
        rest = match after.strip_prefix(' ') {
            Some("") => return None,
            Some(after) => after,
            None if after.is_empty() => after,
            None => return None,
        };
    }
    Some(pairs)
}

/// What stands before the closing quote, and the rest behind it.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => return Some((value, characters.as_str())),
            '\\' => match characters.next()? {
                'u' => {
                    let (digits, after) = characters.as_str().strip_prefix('{')?.split_once('}')?;
                    value.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
                    characters = after.chars();
                }
                escaped @ ('"' | '\\') => value.push(escaped),
                _ => return None,
            },
            plain => value.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn values_as_text() {
        for (value, expected) in [
            (json!("da1"), "k=da1"),
            (json!(12), "k=12"),
            (json!(true), "k=true"),
            (json!(null), ""),
            (json!(""), ""),
            (json!("two words"), "k=\"two words\""),
            (json!("a\"b\\c"), "k=\"a\\\"b\\\\c\""),
            (json!("x end=permit"), "k=\"x end=permit\""),
            (json!("a|b"), "k=\"a|b\""),
            (json!("a\r\nb\u{1b}[2J"), "k=\"a\\u{d}\\u{a}b\\u{1b}[2J\""),
            (json!("\u{202e}moc"), "k=\"\\u{202e}moc\""),
            (json!(["a.example", "b.example"]), "k=a.example,b.example"),
            (json!(["a,b"]), "k=\"[\\\"a,b\\\"]\""),
            (json!({"name": "pc 17", "none": null}), "k.name=\"pc 17\""),
        ] {
            assert_eq!(text_line(&vec![("k", value.clone())]), expected, "{value}");
        }
    }

    #[test]
    fn what_is_no_line_is_refused() {
        for line in
            ["a", "=b", "a=b ", "a=b  c=d", "a=\"b", "a=\"b\"c=d", "a=\"\\x\"", "a=\"\\u{d800}\"", "a b=c", "a=b|c"]
        {
            assert_eq!(parse_text(line), None, "{line}");
        }
    }

    /// What a collector sees that knows of quotes and backslashes, and of nothing else.
    fn outside_quotes(line: &str) -> String {
        let (mut bare, mut quoted, mut characters) = (String::new(), false, line.chars());
        while let Some(character) = characters.next() {
            match character {
                '"' => quoted = !quoted,
                '\\' if quoted => drop(characters.next()),
                _ if quoted => {}
                _ => bare.push(character),
            }
        }
        bare
    }

    proptest! {
        /// Covers: docs/traps.md row 61.
        #[test]
        fn any_text_reads_back_and_forges_nothing(first in any::<String>(), second in any::<String>()) {
            let fields = vec![("first", Value::from(first)), ("object", json!({"second": second}))];
            let text = text_line(&fields);
            prop_assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            let pairs = flat(&fields);
            let bare = outside_quotes(&text);
            prop_assert!(!bare.contains('|'));
            prop_assert_eq!(bare.matches('=').count(), pairs.len());
            prop_assert_eq!(parse_text(&text), Some(pairs));

            let line = json_line(&fields);
            prop_assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            let back: Value = serde_json::from_str(&line).unwrap();
            for (name, value) in &fields {
                prop_assert_eq!(&back[name], value);
            }
        }

        #[test]
        fn the_reader_takes_anything(line in any::<String>()) {
            let _ = parse_text(&line);
        }
    }
}
