use proptest::prelude::*;

use super::*;
use crate::{HEAD_FIELDS_MAX, HeadWriteError};

/// Spec: MS-IPHTTPS §4.1.
const GOOD: &str = "HTTP/1.1 200 OK\r\nServer: Microsoft-HTTPAPI/2.0\r\nDate: Tue, 24 Nov 2026 18:07:42 GMT\r\n\r\n";

fn parse(bytes: &[u8]) -> Result<Option<(ResponseHead, usize)>, ResponseError> {
    parse_in_parts(&[bytes])
}

fn parse_in_parts(parts: &[&[u8]]) -> Result<Option<(ResponseHead, usize)>, ResponseError> {
    let (mut parser, mut before) = (ResponseParser::new(), 0);
    for part in parts {
        match parser.push(part)? {
            Progress::NeedMore => before += part.len(),
            Progress::Complete(head, taken) => return Ok(Some((head, before + taken))),
        }
    }
    Ok(None)
}

fn check(case: &str, head: &str, expected: &str) {
    let outcome = match parse(head.as_bytes()) {
        Ok(Some((head, _))) => format!("{} {}", head.status, head.reason),
        Ok(None) => "need_more".to_owned(),
        Err(error) => error.label().to_owned(),
    };
    assert_eq!(outcome, expected, "{case}: {head:?}");
}

#[test]
fn heads_and_their_outcomes() {
    let status = |line: &str| GOOD.replace("HTTP/1.1 200 OK", line);
    let field = |line: &str| GOOD.replace("Server", &format!("{line}\r\nServer"));
    let refusal = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\nTransfer-Encoding: x\r\n\r\n";
    for (case, head, expected) in [
        ("the server's answer", GOOD.to_owned(), "200 OK"),
        ("HTTP/1.0", status("HTTP/1.0 200 OK"), "200 OK"),
        ("another reason", status("HTTP/1.1 200 Fine, thanks"), "200 Fine, thanks"),
        ("an empty reason", status("HTTP/1.1 200 "), "200 "),
        ("no space before no reason", status("HTTP/1.1 200"), "200 "),
        ("a reason above ASCII", status("HTTP/1.1 404 \u{e9}"), r"404 \xc3\xa9"),
        ("no fields", "HTTP/1.1 200 OK\r\n\r\n".to_owned(), "200 OK"),
        ("a refusal with a body", refusal.to_owned(), "503 Service Unavailable"),
        ("another success is no tunnel", status("HTTP/1.1 204 No Content"), "204 No Content"),
        ("redirection", status("HTTP/1.1 301 Moved"), "301 Moved"),
        ("no end", GOOD.replace("\r\n\r\n", "\r\n"), "need_more"),
        ("a length", field("Content-Length: 0"), "content_length"),
        ("a length in other case", field("CONTENT-LENGTH: 18446744073709551615"), "content_length"),
        ("a coding", field("Transfer-Encoding: chunked"), "transfer_encoding"),
        ("continue", status("HTTP/1.1 100 Continue"), "interim_response"),
        ("switching protocols", status("HTTP/1.1 101 Switching Protocols"), "interim_response"),
        ("interim of the future", status("HTTP/1.1 199 x"), "interim_response"),
        ("no HTTP", "220 mail.example.com ESMTP\r\n".to_owned(), "not_http"),
        ("HTTP/2", status("HTTP/2 200 OK"), "not_http"),
        ("HTTP/1.2", status("HTTP/1.2 200 OK"), "not_http"),
        ("HTTP/1.10", status("HTTP/1.10 200 OK"), "not_http"),
        ("lower case", status("http/1.1 200 OK"), "not_http"),
        ("no status", status("HTTP/1.1"), "not_http"),
        ("empty line first", format!("\r\n{GOOD}"), "not_http"),
        ("two spaces", status("HTTP/1.1  200 OK"), "wrong_status"),
        ("two digits", status("HTTP/1.1 20 OK"), "wrong_status"),
        ("four digits", status("HTTP/1.1 2000 OK"), "wrong_status"),
        ("a sign", status("HTTP/1.1 +20 OK"), "wrong_status"),
        ("below all", status("HTTP/1.1 099 x"), "wrong_status"),
        ("above all", status("HTTP/1.1 600 x"), "wrong_status"),
        ("LF ends the status", status("HTTP/1.1 200\nX"), "bare_lf"),
        ("LF ends the status line", status("HTTP/1.1 200 OK\nX: y"), "bare_lf"),
        ("CR in the reason", status("HTTP/1.1 200 O\rK"), "bare_cr"),
        ("NUL in the reason", status("HTTP/1.1 200 O\0K"), "nul"),
        ("LF everywhere", GOOD.replace('\r', ""), "bare_lf"),
        ("folded", field("X: a\r\n b"), "obs_fold"),
        ("space before the colon", field("X : a"), "whitespace_before_colon"),
        ("no colon", field("X"), "missing_colon"),
        ("NUL in a value", field("X: \0"), "nul"),
        ("ESC in a value", field("X: \u{1b}"), "control_byte"),
    ] {
        check(case, &head, expected);
    }
}

#[test]
fn limits_hold_to_the_byte() {
    let fields = |count: usize| format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(count));
    check("as many fields as may be", &fields(HEAD_FIELDS_MAX), "200 OK");
    check("one field more", &fields(HEAD_FIELDS_MAX + 1), "too_many_fields");
    let sized = |len: usize| format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "a".repeat(len - 24));
    assert_eq!(sized(HEAD_BYTES_MAX).len(), HEAD_BYTES_MAX);
    check("as large as may be", &sized(HEAD_BYTES_MAX), "200 OK");
    check("one byte more", &sized(HEAD_BYTES_MAX + 1), "head_too_large");
    check("a reason without end", &format!("HTTP/1.1 200 {}", "a".repeat(100_000)), "head_too_large");
}

#[test]
fn the_head_is_kept_as_it_came_and_nothing_more_is_taken() {
    for behind in [&b""[..], b"\r\n", b"\x60\0\0\0", GOOD.as_bytes()] {
        let (head, taken) = parse(&[GOOD.as_bytes(), behind].concat()).unwrap().unwrap();
        assert_eq!((head.bytes.as_slice(), taken), (GOOD.as_bytes(), GOOD.len()));
    }
}

#[test]
fn an_outcome_is_final() {
    let mut parser = ResponseParser::new();
    let Ok(Progress::Complete(head, _)) = parser.push(GOOD.as_bytes()) else { panic!("the server's answer") };
    assert_eq!(parser.push(b"x"), Ok(Progress::Complete(head, 0)));
    let mut parser = ResponseParser::new();
    let error = parser.push(b"x").unwrap_err();
    assert_eq!(parser.push(GOOD.as_bytes()), Err(error));
}

// Covers: docs/traps.md row 61
#[test]
fn what_is_told_of_a_server_is_escaped_and_bounded() {
    let reason = "\u{1b}".repeat(7_000).replace('\u{1b}', "\u{202e}");
    let head = format!("HTTP/1.1 500 {}\r\n\r\n", &reason[..6_000]);
    let (head, _) = parse(head.as_bytes()).unwrap().unwrap();
    assert!(head.reason.len() < 500 && head.reason.is_ascii(), "{}", head.reason);
    let text = parse(b"\x1b]0;x\x07").unwrap_err().to_string();
    assert!(text.ends_with(r#""\x1b""#), "{text}");
}

#[test]
fn the_written_head_is_the_one_of_the_specification() {
    assert_eq!(write_response_head("Tue, 24 Nov 2026 18:07:42 GMT").unwrap(), GOOD.as_bytes());
    for date in ["", "a\r\nX: y", "a\0", &"a".repeat(41)] {
        assert!(matches!(write_response_head(date), Err(HeadWriteError::Date(_))), "{date:?}");
    }
}

proptest! {
    #[test]
    fn every_split_has_the_same_outcome(
        edits in prop::collection::vec((0..GOOD.len(), 0_usize..4, "(\r\n|\n|\r| |\t|[0-9]|:|\0|X: y\r\n|Content-Length: 1\r\n|é)?"), 0..4),
        cut in any::<prop::sample::Index>(),
        behind in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut bytes = GOOD.as_bytes().to_vec();
        for (at, cut, insert) in edits {
            let at = at.min(bytes.len());
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, insert.into_bytes());
        }
        bytes.extend(behind);
        let whole = parse(&bytes);
        let (left, right) = bytes.split_at(cut.index(bytes.len() + 1));
        prop_assert_eq!(&parse_in_parts(&[left, right]), &whole);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&parse_in_parts(&single), &whole);
        if let Ok(Some((head, taken))) = whole {
            prop_assert_eq!(&head.bytes[..], &bytes[..taken]);
        }
    }

    #[test]
    fn any_bytes_have_an_outcome(bytes in prop::collection::vec(any::<u8>(), 0..600), lead in 0..GOOD.len()) {
        let stream = [&GOOD.as_bytes()[..lead], &bytes].concat();
        let single: Vec<&[u8]> = stream.chunks(1).collect();
        prop_assert_eq!(parse_in_parts(&single), parse(&stream));
    }
}
