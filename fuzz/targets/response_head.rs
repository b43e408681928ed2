//! Any bytes as a server's response head: every split has one outcome, the head is kept as it came, and a tunnel has no
//! length.

use ravelin_iphttps::{HEAD_BYTES_MAX, Progress, ResponseError, ResponseHead, ResponseParser};

/// Panics where a promise is broken.
pub(crate) fn run(data: &[u8]) {
    let whole = parse([data]);
    assert_eq!(parse(data.chunks(1)), whole, "byte by byte");
    assert_eq!(parse(data.chunks(7)), whole, "by seven bytes");
    match whole {
        Ok(Some((head, taken))) => {
            assert_eq!(head.bytes, &data[..taken]);
            assert!(taken <= HEAD_BYTES_MAX && (200..600).contains(&head.status));
            assert!(head.reason.len() < 500 && head.reason.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            let text = head.bytes.to_ascii_lowercase();
            for lengths in [&b"\r\ncontent-length:"[..], b"\r\ntransfer-encoding:"] {
                let there = text.windows(lengths.len()).any(|window| window == lengths);
                assert!(head.status != 200 || !there);
            }
        }
        Ok(None) => assert!(data.len() <= HEAD_BYTES_MAX),
        Err(error) => {
            let text = error.to_string();
            assert!(text.len() < 600 && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{text}");
        }
    }
}

fn parse<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<(ResponseHead, usize)>, ResponseError> {
    let (mut parser, mut before) = (ResponseParser::new(), 0);
    for part in parts {
        match parser.push(part)? {
            Progress::NeedMore => before += part.len(),
            Progress::Complete(head, taken) => return Ok(Some((head, before + taken))),
        }
    }
    Ok(None)
}
