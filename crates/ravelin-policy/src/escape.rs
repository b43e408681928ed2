//! A stranger's text, made safe to print.

use std::fmt::Write;

/// `text` in printable ASCII, cut at [`ESCAPED_CHARACTERS_MAX`] characters: everything else, and the backslash, is written
/// as `\u{…}`.
///
/// Escaped are control characters (CR, LF, ESC), everything beyond ASCII (bidirectional and zero-width marks, homoglyphs),
/// and the backslash itself, so that different texts never print alike. What comes out can be printed on a terminal or in a
/// table as it is. A format with separators of its own (`key=value`, JSON, HTML) quotes it by its own rules.
pub fn escape(text: &str) -> String {
    bounded(text, |character, escaped| match character {
        '\\' => escaped.push_str("\\u{5c}"),
        ' '..='~' => escaped.push(character),
        _ => {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "\\u{{{:x}}}", u32::from(character));
        }
    })
}

/// The same for a distinguished name in RFC 4514 form, whose backslashes are escapes already: what is not printable ASCII is
/// written as RFC 4514 §2.4 has it, a backslash and two hexadecimal digits for each byte of its UTF-8.
pub fn escape_name(name: &str) -> String {
    bounded(name, |character, escaped| match character {
        ' '..='~' => escaped.push(character),
        _ => {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(escaped, "\\{byte:02X}");
            }
        }
    })
}

/// Writes character by character with `push`, and stops before what would be longer than [`ESCAPED_CHARACTERS_MAX`].
fn bounded(text: &str, push: impl Fn(char, &mut String)) -> String {
    let mut escaped = String::with_capacity(text.len().min(ESCAPED_CHARACTERS_MAX));
    for character in text.chars() {
        let before = escaped.len();
        push(character, &mut escaped);
        if escaped.len() > ESCAPED_CHARACTERS_MAX - CUT.len() {
            escaped.truncate(before);
            escaped.push_str(CUT);
            break;
        }
    }
    escaped
}

/// Enough for a DNS name of 253 bytes; a record holds a few of them and stays below a kilobyte or two.
pub const ESCAPED_CHARACTERS_MAX: usize = 256;

/// Ends a text that was cut. Cannot come from a stranger unnoticed: it counts towards the length.
const CUT: &str = "...";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Covers: docs/traps.md row 61.
    #[test]
    fn what_could_forge_a_line_is_escaped() {
        for (text, expected) in [
            ("pc17.corp.example", "pc17.corp.example"),
            ("a\r\nb", "a\\u{d}\\u{a}b"),
            ("\u{1b}[31m", "\\u{1b}[31m"),
            ("a|b=c \"d\"", "a|b=c \"d\""),
            ("a\u{200b}\u{feff}b", "a\\u{200b}\\u{feff}b"),
            ("a\u{7f}\u{2028}", "a\\u{7f}\\u{2028}"),
            ("\u{202e}gro.elpmaxe", "\\u{202e}gro.elpmaxe"),
            ("m\u{fc}ller", "m\\u{fc}ller"),
            ("\\u{d}", "\\u{5c}u{d}"),
            ("a\0b", "a\\u{0}b"),
            ("", ""),
        ] {
            assert_eq!(escape(text), expected);
        }
    }

    /// RFC 4514 §2.4: what a name's text escapes stays escaped once.
    #[test]
    fn distinguished_names_stay_readable() {
        for (name, expected) in [
            ("CN=Corp Issuing CA,DC=corp", "CN=Corp Issuing CA,DC=corp"),
            ("O=Smith\\, Jones \\+ Co,CN=a|b", "O=Smith\\, Jones \\+ Co,CN=a|b"),
            ("CN=\\ a\\ ,O=\\#1", "CN=\\ a\\ ,O=\\#1"),
            ("CN=pc17\\0D\\0Aend=permit", "CN=pc17\\0D\\0Aend=permit"),
            ("CN=a\r\nb", "CN=a\\0D\\0Ab"),
            ("CN=M\u{fc}ller", "CN=M\\C3\\BCller"),
            ("CN=\u{202e}gro", "CN=\\E2\\80\\AEgro"),
            ("", ""),
        ] {
            assert_eq!(escape_name(name), expected);
        }
    }

    proptest! {
        #[test]
        fn always_bounded_and_plain(text in any::<String>()) {
            for escaped in [escape(&text), escape_name(&text)] {
                prop_assert!(escaped.len() <= ESCAPED_CHARACTERS_MAX);
                prop_assert!(escaped.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            }
        }

        #[test]
        fn long_text_is_cut(text in "[a-z|]{300,600}") {
            let escaped = escape(&text);
            prop_assert!(escaped.ends_with(CUT) && escaped.len() <= ESCAPED_CHARACTERS_MAX);
        }
    }
}
