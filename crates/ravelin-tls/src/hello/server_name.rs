//! The server name: one DNS name, or nothing that could match a site.

use rustls_pki_types::DnsName;

use crate::escape::printable;

/// The server name as sent.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum ServerName {
    /// No server_name extension.
    #[default]
    Absent,
    /// A DNS name: lower case, without trailing dot.
    Dns(String),
    /// Anything else (IP literal, NUL, two names, not a DNS name): never matches a site. Escaped for the record.
    Unusable(String),
}

impl ServerName {
    /// From the body of a `host_name` entry (RFC 6066 §3: ASCII, no trailing dot, no IP literal; a trailing dot is
    /// taken off, since some clients send it).
    pub(crate) fn from_host_name(name: &[u8]) -> ServerName {
        match normalized(name) {
            Some(name) => ServerName::Dns(name),
            None => ServerName::Unusable(printable(name)),
        }
    }
}

/// Lower case, one trailing dot off; `None` for what is no host name. The same rules as the engine's, since it is the
/// same parser: letters, digits, hyphens and underscores in labels of 1 to 63 bytes, 253 in all, the last label not a
/// number (so no IPv4 literal in any notation).
pub(crate) fn normalized(name: &[u8]) -> Option<String> {
    let name = str::from_utf8(name).ok()?;
    let name = name.strip_suffix('.').unwrap_or(name);
    // One dot is off; a second would be taken for the name's own by the parser.
    if name.ends_with('.') {
        return None;
    }
    DnsName::try_from(name).ok()?;
    Some(name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_dns_name_can_match_a_site() {
        // Covers: docs/traps.md rows 15, 16, 18.
        let long_label = format!("{}.example.com", "a".repeat(64));
        let long_name = format!("{}com", "abcdefg.".repeat(32));
        for (name, expected) in [
            (&b"da.example.com"[..], Some("da.example.com")),
            (b"DA.Example.COM", Some("da.example.com")),
            (b"da.example.com.", Some("da.example.com")),
            (b"da_1.example.com", Some("da_1.example.com")),
            (b"xn--bcher-kva.example", Some("xn--bcher-kva.example")),
            (b"da.example.com..", None),
            (b".", None),
            (b"", None),
            (b".da.example.com", None),
            (b"da..example.com", None),
            (b"*.example.com", None),
            (b"-da.example.com", None),
            (b"da-.example.com", None),
            (b"192.0.2.1", None),
            (b"192.0.2.1.", None),
            (b"0x7f.1", None),
            (b"2001:db8::1", None),
            (b"[2001:db8::1]", None),
            (b"da.example.com\0.evil.example", None),
            (b"da example.com", None),
            ("dä.example.com".as_bytes(), None),
            (b"\xff\xfe", None),
            (long_label.as_bytes(), None),
            (long_name.as_bytes(), None),
        ] {
            let got = ServerName::from_host_name(name);
            match expected {
                Some(expected) => assert_eq!(got, ServerName::Dns(expected.to_owned())),
                None => assert!(matches!(got, ServerName::Unusable(_)), "{got:?}"),
            }
        }
    }
}
