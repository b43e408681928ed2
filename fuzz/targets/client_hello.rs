//! Any bytes as what a client sends first: the outcome does not depend on how they are cut, and a server name that may
//! pick a site is a plain one.

use ravelin_tls::hello::{ClientHello, HelloError, HelloParser, HelloProgress, ServerName};

/// Panics where a promise is broken.
pub(crate) fn run(data: &[u8]) {
    let whole = parse([data]);
    assert_eq!(parse(data.chunks(1)), whole, "byte by byte");
    assert_eq!(parse(data.chunks(7)), whole, "by seven bytes");
    match whole {
        Ok(Some(hello)) => {
            if let ServerName::Dns(name) = &hello.server_name {
                assert!(!name.is_empty() && name.len() <= 253 && !name.ends_with('.'), "{name:?}");
                assert!(name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.')), "{name:?}");
                assert!(name.parse::<std::net::IpAddr>().is_err(), "{name:?}");
            }
            if let ServerName::Unusable(shown) = &hello.server_name {
                assert!(shown.len() <= 4_096 && shown.bytes().all(|b| (b' '..=b'~').contains(&b)), "{shown:?}");
            }
        }
        Ok(None) => {}
        Err(error) => {
            let text = error.to_string();
            assert!(text.len() < 600 && text.bytes().all(|b| (b' '..=b'~').contains(&b)), "{text}");
        }
    }
}

fn parse<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<ClientHello>, HelloError> {
    let (mut parser, mut pushed) = (HelloParser::default(), Vec::new());
    for part in parts {
        pushed.extend_from_slice(part);
        if let HelloProgress::Complete(hello) = parser.push(part)? {
            assert_eq!(parser.into_bytes(), pushed, "the engine gets every byte");
            return Ok(Some(hello));
        }
    }
    Ok(None)
}
