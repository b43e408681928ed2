//! Any bytes as a client's request head: every split has one outcome, what passes is the legal shape, what is shown of a
//! stranger is harmless.

use ravelin_iphttps::{CheckedRequest, HEAD_BYTES_MAX, Progress, RequestError, RequestParser, RequestRules};

/// Panics where a promise is broken.
pub(crate) fn run(data: &[u8]) {
    let rules = RequestRules::new(["/IPHTTPS", "/a"], ["da.example.com", "b"]);
    let whole = parse(&rules, [data]);
    assert_eq!(parse(&rules, data.chunks(1)), whole, "byte by byte");
    assert_eq!(parse(&rules, data.chunks(7)), whole, "by seven bytes");
    match whole {
        Ok(Some((head, taken))) => {
            assert_eq!(head.len(), taken);
            assert!(taken <= HEAD_BYTES_MAX);
            let text = data[..taken].to_ascii_lowercase();
            assert!(text.starts_with(format!("post {} http/1.1\r\n", head.path().to_ascii_lowercase()).as_bytes()));
            assert!(text.ends_with(b"\r\n\r\n"));
            assert_eq!(count(&text, b"\r\ncontent-length:"), 1);
            assert!(count(&text, b"18446744073709551615\r\n") >= 1);
            assert_eq!(count(&text, b"\r\nhost:"), 1);
            assert_eq!(count(&text, b"\r\n\r\n"), 1);
            for forbidden in ["transfer-encoding", "upgrade", "expect", "range", "trailer"] {
                assert_eq!(count(&text, format!("\r\n{forbidden}:").as_bytes()), 0);
            }
        }
        Ok(None) => assert!(data.len() <= HEAD_BYTES_MAX),
        Err(error) => {
            let text = error.to_string();
            assert!(text.len() < 600 && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{text}");
            assert!(error.label().bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase()));
        }
    }
}

fn parse<'a>(
    rules: &RequestRules,
    parts: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Option<(CheckedRequest, usize)>, RequestError> {
    let (mut parser, mut before) = (RequestParser::new(), 0);
    for part in parts {
        match parser.push(rules, part)? {
            Progress::NeedMore => before += part.len(),
            Progress::Complete(head, taken) => return Ok(Some((head, before + taken))),
        }
    }
    Ok(None)
}

fn count(text: &[u8], part: &[u8]) -> usize {
    text.windows(part.len()).filter(|window| *window == part).count()
}
