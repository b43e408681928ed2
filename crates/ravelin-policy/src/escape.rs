//! A stranger's text, made safe to print.

use std::fmt::Write;

/// `text` with everything but plain ASCII written as `\u{…}`, and cut at [`ESCAPED_CHARACTERS_MAX`] characters.
///
/// Escaped are control characters (CR, LF, ESC), everything beyond ASCII (bidirectional marks, homoglyphs), the
/// backslash itself, and `|` and `=`, which separate fields in CEF and key-value logs. What comes out can be put into
/// a log line, a terminal or a table without quoting, and can be told apart from every other input.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len().min(ESCAPED_CHARACTERS_MAX));
    for character in text.chars() {
        let before = escaped.len();
        if matches!(character, ' '..='~') && !matches!(character, '\\' | '|' | '=') {
            escaped.push(character);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "\\u{{{:x}}}", u32::from(character));
        }
        if escaped.len() > ESCAPED_CHARACTERS_MAX - CUT.len() {
            escaped.truncate(before);
            escaped.push_str(CUT);
            break;
        }
    }
    escaped
}

/// Enough for a DNS name of 253 octets; a record holds a few of them and stays below a kilobyte or two.
pub const ESCAPED_CHARACTERS_MAX: usize = 256;

/// Ends a text that was cut. Cannot come from a stranger unnoticed: it counts towards the length.
const CUT: &str = "...";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Covers: traps row 61.
    #[test]
    fn what_could_forge_a_line_is_escaped() {
        for (text, expected) in [
            ("pc17.corp.example", "pc17.corp.example"),
            ("a\r\nb", "a\\u{d}\\u{a}b"),
            ("\u{1b}[31m", "\\u{1b}[31m"),
            ("a|b=c", "a\\u{7c}b\\u{3d}c"),
            ("\u{202e}gro.elpmaxe", "\\u{202e}gro.elpmaxe"),
            ("m\u{fc}ller", "m\\u{fc}ller"),
            ("\\u{d}", "\\u{5c}u{d}"),
            ("a\0b", "a\\u{0}b"),
            ("", ""),
        ] {
            assert_eq!(escape(text), expected);
        }
    }

    proptest! {
        #[test]
        fn always_bounded_and_plain(text in any::<String>()) {
            let escaped = escape(&text);
            prop_assert!(escaped.len() <= ESCAPED_CHARACTERS_MAX);
            prop_assert!(escaped.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'|' && byte != b'='));
        }

        #[test]
        fn long_text_is_cut(text in "[a-z|]{300,600}") {
            let escaped = escape(&text);
            prop_assert!(escaped.ends_with(CUT) && escaped.len() <= ESCAPED_CHARACTERS_MAX);
        }
    }
}
