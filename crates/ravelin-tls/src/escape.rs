//! What a stranger wrote, on its way into a record.

/// Escapes and cuts bytes of no known encoding, each as the character of its number.
pub(crate) fn printable(bytes: &[u8]) -> String {
    let text: String =
        bytes.iter().take(ravelin_policy::ESCAPED_CHARACTERS_MAX + 1).map(|byte| char::from(*byte)).collect();
    ravelin_policy::escape(&text)
}

/// An error of rustls as text, escaped and bounded: some carry what the peer wrote.
pub(crate) fn describe(error: &rustls::Error) -> String {
    ravelin_policy::escape(&error.to_string())
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn a_strangers_bytes_are_escaped_and_cut() {
        // Covers: docs/traps.md row 61.
        for (bytes, text) in [
            (&b"da.example.com"[..], "da.example.com"),
            (b"a\r\n\x1b[31m\0", "a\\u{d}\\u{a}\\u{1b}[31m\\u{0}"),
            (b"\xff|", "\\u{ff}|"),
        ] {
            assert_eq!(printable(bytes), text);
        }
        assert!(printable(&[b'a'; 16_000]).len() <= ravelin_policy::ESCAPED_CHARACTERS_MAX);
    }
}
