//! A stranger's bytes as text that may stand in a log, a terminal or a page.

/// The most bytes of a stranger that one fact shows: the longest path or host that a person still reads, and short
/// enough that a record of a refused connection stays one line.
const SHOWN_BYTES_MAX: usize = 96;

/// Quotes `bytes`: printable ASCII as it is, quote and backslash escaped, all else as `\xNN`; cut with the full length
/// behind it where it is long. The result holds at most `4 * SHOWN_BYTES_MAX + 30` ASCII characters.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for &byte in bytes.iter().take(SHOWN_BYTES_MAX) {
        push_escaped(&mut text, byte);
    }
    text.push('"');
    if bytes.len() > SHOWN_BYTES_MAX {
        text.push_str(&format!("... ({} bytes)", bytes.len()));
    }
    text
}

/// [`shown`], of one byte.
pub(crate) fn shown_byte(byte: u8) -> String {
    shown(&[byte])
}

/// [`shown`] without the quotes, for a value that is a field of its own.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes.iter().take(SHOWN_BYTES_MAX) {
        push_escaped(&mut text, byte);
    }
    text
}

fn push_escaped(text: &mut String, byte: u8) {
    match byte {
        b'"' | b'\\' => {
            text.push('\\');
            text.push(char::from(byte));
        }
        b' '..=b'~' => text.push(char::from(byte)),
        _ => text.push_str(&format!("\\x{byte:02x}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Covers: docs/traps.md row 61
    #[test]
    fn strangers_text_is_escaped_and_bounded() {
        for (bytes, expected) in [
            (&b"/IPHTTPS"[..], r#""/IPHTTPS""#),
            (b"", r#""""#),
            (b"a\r\nb", r#""a\x0d\x0ab""#),
            (b"\x1b[31m", r#""\x1b[31m""#),
            (b"say \"no\\\"", r#""say \"no\\\"""#),
            ("\u{202e}x".as_bytes(), r#""\xe2\x80\xaex""#),
        ] {
            assert_eq!(shown(bytes), expected);
        }
        let long = shown(&[0; 5_000]);
        assert!(long.len() <= 4 * SHOWN_BYTES_MAX + 30, "{long}");
        assert!(long.ends_with("... (5000 bytes)"), "{long}");
        assert_eq!(escaped(b"Not\tFound"), r"Not\x09Found");
        assert_eq!(escaped(&[b'a'; 5_000]).len(), SHOWN_BYTES_MAX);
    }
}
