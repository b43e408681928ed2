//! A stranger's bytes on their way into a record.

/// Escapes everything but printable ASCII (quotes and backslashes too) and cuts after `bytes_max` input bytes.
pub(crate) fn printable(bytes: &[u8], bytes_max: usize) -> String {
    let (shown, cut) = match bytes.get(..bytes_max) {
        Some(head) if bytes.len() > bytes_max => (head, true),
        _ => (bytes, false),
    };
    let mut text = shown.escape_ascii().to_string();
    if cut {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn a_strangers_text_is_escaped_and_cut() {
        // Covers: traps row 61.
        for (bytes, text) in [
            (&b"da.example.com"[..], "da.example.com"),
            (b"a\r\nb\x1b[31m\0", r"a\r\nb\x1b[31m\x00"),
            ("b\u{202e}c".as_bytes(), r"b\xe2\x80\xaec"),
            (b"0123456789abcdefXYZ", "0123456789abcdef…"),
        ] {
            assert_eq!(printable(bytes, 16), text);
        }
    }
}
