use proptest::prelude::*;

use super::*;
use crate::{HEAD_FIELDS_MAX, HeadWriteError};

const GOOD: &str = "POST /IPHTTPS HTTP/1.1\r\nHost: da-eu.example.com\r\nContent-Length: 18446744073709551615\r\n\r\n";

fn rules() -> RequestRules {
    RequestRules::new(["/IPHTTPS", "/IPTLS"], ["DA-EU.example.com", "da.example.com."])
}

/// The outcome of one push.
fn parse(bytes: &[u8]) -> Result<Option<(CheckedRequest, usize)>, RequestError> {
    parse_in_parts(&[bytes])
}

/// The outcome of several pushes; the count is over all of them.
fn parse_in_parts(parts: &[&[u8]]) -> Result<Option<(CheckedRequest, usize)>, RequestError> {
    let (rules, mut parser, mut before) = (rules(), RequestParser::new(), 0);
    for part in parts {
        match parser.push(&rules, part)? {
            Progress::NeedMore => before += part.len(),
            Progress::Complete(head, taken) => return Ok(Some((head, before + taken))),
        }
    }
    Ok(None)
}

fn label(bytes: &[u8]) -> &'static str {
    match parse(bytes) {
        Ok(Some(_)) => "complete",
        Ok(None) => "need_more",
        Err(error) => error.label(),
    }
}

fn check(case: &str, head: &str, expected: &str) {
    assert_eq!(label(head.as_bytes()), expected, "{case}: {head:?}");
}

// Covers: docs/traps.md row 60
#[test]
fn one_shape_is_legal() {
    for (case, head) in [
        ("the legal head", GOOD.to_owned()),
        (
            "length first",
            GOOD.replacen("\r\nHost: da-eu.example.com", "", 1).replace("\r\n\r\n", "\r\nHost: da.example.com\r\n\r\n"),
        ),
        ("another spelling of the path", GOOD.replace("IPHTTPS", "ipHTTPs")),
        ("the second path", GOOD.replace("IPHTTPS", "IPTLS")),
        ("names of fields in any case", GOOD.replace("Host", "HOST").replace("Content-Length", "content-length")),
        ("host in any case", GOOD.replace("da-eu", "Da-EU")),
        ("host with its trailing dot", GOOD.replace(".com", ".com.")),
        ("host with a port", GOOD.replace(".com", ".com:443")),
        ("host with dot and port", GOOD.replace(".com", ".com.:65535")),
        ("no space behind the colons", GOOD.replace(": ", ":")),
        ("white space around the host", GOOD.replace(" da-eu.example.com", " \t da-eu.example.com \t")),
        ("further fields", GOOD.replace("Host", "User-Agent: x\r\nAccept: */*\r\nConnection: Keep-Alive\r\nHost")),
        ("a field without a value", GOOD.replace("Host", "X:\r\nHost")),
        ("bytes above ASCII in a value nobody reads", GOOD.replace("Host", "X: \u{e9}\r\nHost")),
    ] {
        check(case, &head, "complete");
    }
    let (head, taken) = parse(GOOD.replace("Host", "A: 1\r\nHost").as_bytes()).unwrap().unwrap();
    let expected = Head {
        path: "/IPHTTPS".to_owned(),
        host: "da-eu.example.com".to_owned(),
        port: None,
        other_fields: 1,
        len: GOOD.len() + 6,
    };
    assert_eq!((head, taken), (CheckedRequest { head: expected }, GOOD.len() + 6));
    assert_eq!(parse(GOOD.replace(".com", ".com.:8443").as_bytes()).unwrap().unwrap().0.port(), Some(8443));
}

// Covers: docs/traps.md row 60
#[test]
fn every_variant_is_refused_by_its_cause() {
    let length = |value: &str| GOOD.replace(" 18446744073709551615", value);
    let host = |value: &str| GOOD.replace("da-eu.example.com", value);
    let target = |value: &str| GOOD.replace("/IPHTTPS", value);
    let version = |value: &str| GOOD.replace("HTTP/1.1", value);
    let field = |line: &str| GOOD.replace("Host", &format!("{line}\r\nHost"));
    let legal = "18446744073709551615";
    for (case, head, expected) in [
        ("another method", GOOD.replace("POST", "GET"), "wrong_method"),
        ("method in lower case", GOOD.replace("POST", "post"), "wrong_method"),
        ("longer method", GOOD.replace("POST", "POSTX"), "wrong_method"),
        ("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), "wrong_method"),
        ("tab behind the method", GOOD.replace("POST ", "POST\t"), "control_byte"),
        ("LF in the method", GOOD.replace("POST", "PO\nST"), "bare_lf"),
        ("no HTTP at all", "\u{16}\u{3}\u{1}".to_owned(), "wrong_method"),
        ("empty line first", format!("\r\n{GOOD}"), "bytes_before_method"),
        ("LF first", format!("\n{GOOD}"), "bytes_before_method"),
        ("space first", format!(" {GOOD}"), "bytes_before_method"),
        ("another path", target("/wsman"), "wrong_path"),
        ("a longer path", target("/IPHTTPS/x"), "wrong_path"),
        ("a slash too many", target("/IPHTTPS/"), "wrong_path"),
        ("a shorter path", target("/IPHTTP"), "wrong_path"),
        ("percent-encoded", target("/IPHTTP%53"), "wrong_path"),
        ("two slashes", target("//IPHTTPS"), "wrong_path"),
        ("dot segment", target("/./IPHTTPS"), "wrong_path"),
        ("no version", target("/IPHTTPS\r\n"), "wrong_version"),
        ("no version, another path", target("/\r\n"), "wrong_path"),
        ("query", target("/IPHTTPS?x"), "query_string"),
        ("empty query", target("/IPHTTPS?"), "query_string"),
        ("query behind another path", target("/x?y"), "wrong_path"),
        ("fragment", target("/IPHTTPS#x"), "wrong_path"),
        ("absolute URI", target("https://da-eu.example.com/IPHTTPS"), "absolute_target"),
        ("absolute URI in capitals", target("HTTPS://da-eu.example.com/IPHTTPS"), "absolute_target"),
        ("authority", target("da-eu.example.com:443"), "absolute_target"),
        ("asterisk", target("*"), "target_not_path"),
        ("two spaces before the path", target(" /IPHTTPS"), "target_not_path"),
        ("no target", "POST \r\n".to_owned(), "target_not_path"),
        ("tab in the path", target("/IP\tHTTPS"), "control_byte"),
        ("NUL in the path", target("/IP\0HTTPS"), "nul"),
        ("LF behind the path", target("/IPHTTPS\n"), "bare_lf"),
        ("LF before the path", target("\n/IPHTTPS"), "bare_lf"),
        ("two spaces before the version", version(" HTTP/1.1"), "wrong_version"),
        ("HTTP/1.0", version("HTTP/1.0"), "wrong_version"),
        ("HTTP/1.10", version("HTTP/1.10"), "wrong_version"),
        ("HTTP/2.0", version("HTTP/2.0"), "wrong_version"),
        ("version in lower case", version("http/1.1"), "wrong_version"),
        ("space behind the version", version("HTTP/1.1 "), "wrong_version"),
        ("LF alone ends the request line", version("HTTP/1.1\n"), "bare_lf"),
        ("NUL in the version", version("HTTP/1.1\0"), "nul"),
        ("CR alone ends the request line", version("HTTP/1.1\rX"), "bare_cr"),
        ("LF in the version", version("HTTP/\n1.1"), "bare_lf"),
        ("zero", length(" 0"), "content_length_wrong"),
        ("one less", length(" 18446744073709551614"), "content_length_wrong"),
        ("a digit less", length(" 1844674407370955161"), "content_length_wrong"),
        ("a digit more", length(" 184467440737095516150"), "content_length_wrong"),
        ("digits without end", length(&format!(" {}", "1".repeat(5_000))), "content_length_wrong"),
        ("2^63-1", length(" 9223372036854775807"), "content_length_wrong"),
        ("leading zero", length(&format!(" 0{legal}")), "content_length_leading_zero"),
        ("plus", length(&format!(" +{legal}")), "content_length_sign"),
        ("minus one", length(" -1"), "content_length_sign"),
        ("two spaces", length(&format!("  {legal}")), "content_length_whitespace"),
        ("tab", length(&format!("\t{legal}")), "content_length_whitespace"),
        ("space behind", length(&format!(" {legal} ")), "content_length_whitespace"),
        ("tab behind", length(&format!(" {legal}\t")), "content_length_whitespace"),
        ("space within", length(" 1844674407 3709551615"), "content_length_whitespace"),
        ("equal list", length(&format!(" {legal}, {legal}")), "content_length_list"),
        ("unequal list", length(" 42,18446744073709551615"), "content_length_list"),
        ("empty list element", length(&format!(" ,{legal}")), "content_length_list"),
        ("empty", length(""), "content_length_invalid"),
        ("a space", length(" "), "content_length_invalid"),
        ("hexadecimal", length(" 0xFFFFFFFFFFFFFFFF"), "content_length_invalid"),
        ("a float", length(" 1.8e19"), "content_length_invalid"),
        ("digits of another script", length(" \u{661}"), "content_length_invalid"),
        ("a second, equal", field("Content-Length: 18446744073709551615"), "duplicate_content_length"),
        ("a second, in other case", field("CONTENT-LENGTH: 18446744073709551615"), "duplicate_content_length"),
        ("a second, unequal and first", field("Content-Length: 1"), "content_length_wrong"),
        ("none", GOOD.replace("Content-Length", "Content-Lengths"), "missing_content_length"),
        ("no host", GOOD.replace("Host", "Hosts"), "missing_host"),
        ("nothing but the request line", "POST /IPHTTPS HTTP/1.1\r\n\r\n".to_owned(), "missing_host"),
        ("a second host, equal", field("Host: da-eu.example.com"), "duplicate_host"),
        ("a second host, other", field("hOST: da.example.com"), "duplicate_host"),
        ("another host", host("www.example.com"), "host_unknown"),
        ("a host beneath", host("x.da-eu.example.com"), "host_unknown"),
        ("empty host", host(""), "host_unknown"),
        ("dot alone", host("."), "host_unknown"),
        ("two dots", host("da-eu.example.com.."), "host_unknown"),
        ("IPv4 literal", host("192.0.2.1"), "host_unknown"),
        ("IPv6 literal", host("[2001:db8::1]:443"), "host_unknown"),
        ("list of hosts", host("da-eu.example.com, da.example.com"), "host_unknown"),
        ("user before the host", host("a@da-eu.example.com"), "host_unknown"),
        ("host above ASCII", host("da-e\u{fc}.example.com"), "host_unknown"),
        ("host without end", host(&"a".repeat(5_000)), "host_unknown"),
        ("port empty", host("da-eu.example.com:"), "host_port"),
        ("port zero", host("da-eu.example.com:0"), "host_port"),
        ("port too high", host("da-eu.example.com:65536"), "host_port"),
        ("port with a sign", host("da-eu.example.com:+443"), "host_port"),
        ("port with a space", host("da-eu.example.com: 443"), "host_port"),
        ("two ports", host("da-eu.example.com:443:443"), "host_port"),
        ("NUL in the host", host("da-eu\0.example.com"), "nul"),
        ("Transfer-Encoding", field("Transfer-Encoding: chunked"), "transfer_encoding"),
        ("Transfer-Encoding, harmless and in capitals", field("TRANSFER-ENCODING: identity"), "transfer_encoding"),
        ("Upgrade", field("Upgrade: websocket"), "upgrade"),
        ("Expect", field("Expect: 100-continue"), "expect"),
        ("Range", field("Range: bytes=0-18446744073709551615"), "range"),
        ("Trailer", field("Trailer: Expires"), "trailer"),
        ("folded with a space", field("X: a\r\n b"), "obs_fold"),
        ("folded with a tab", field("X: a\r\n\tb"), "obs_fold"),
        ("space before the first field", GOOD.replacen("Host", " Host", 1), "leading_whitespace"),
        ("tab before the first field", GOOD.replacen("Host", "\tHost", 1), "leading_whitespace"),
        ("space before the colon", GOOD.replace("Host:", "Host :"), "whitespace_before_colon"),
        ("tab before the colon", GOOD.replace("Length:", "Length\t:"), "whitespace_before_colon"),
        ("space in a name", field("X Y: z"), "whitespace_before_colon"),
        ("no name", field(": x"), "field_name_empty"),
        ("no colon", field("X"), "missing_colon"),
        ("a name that is no token", field("X(y): z"), "field_name_byte"),
        ("a name above ASCII", field("\u{e9}: z"), "field_name_byte"),
        ("NUL in a name", field("X\0: z"), "nul"),
        ("NUL in a value", field("X: \0"), "nul"),
        ("ESC in a value", field("X: \u{1b}[31m"), "control_byte"),
        ("DEL in a value", field("X: \u{7f}"), "control_byte"),
        ("control byte in a name", field("X\u{1}: z"), "control_byte"),
        ("LF alone ends a field", field("X: a\nY: b"), "bare_lf"),
        ("LF alone in a name", field("X\nY: b"), "bare_lf"),
        ("LF alone ends the head", GOOD.replace("\r\n\r\n", "\r\n\n"), "bare_lf"),
        ("LF everywhere", GOOD.replace('\r', ""), "bare_lf"),
        ("CR alone in a value", field("X: a\rb"), "bare_cr"),
        ("CR alone ends the head", GOOD.replace("\r\n\r\n", "\r\n\rX"), "bare_cr"),
        ("two CRs", field("X: a\r"), "bare_cr"),
        ("no end", GOOD.replace("\r\n\r\n", "\r\n"), "need_more"),
        ("nothing", String::new(), "need_more"),
    ] {
        check(case, &head, expected);
    }
}

#[test]
fn limits_hold_to_the_byte() {
    let fields = |count: usize| GOOD.replace("Host", &("X: y\r\n".repeat(count - 2) + "Host"));
    check("as many fields as may be", &fields(HEAD_FIELDS_MAX), "complete");
    check("one field more", &fields(HEAD_FIELDS_MAX + 1), "too_many_fields");

    let sized = |len: usize| GOOD.replace("Host", &format!("X: {}\r\nHost", "a".repeat(len - GOOD.len() - 5)));
    assert_eq!(sized(HEAD_BYTES_MAX).len(), HEAD_BYTES_MAX);
    check("as large as may be", &sized(HEAD_BYTES_MAX), "complete");
    check("one byte more", &sized(HEAD_BYTES_MAX + 1), "head_too_large");
    check("a value without end", &format!("{}X: {}", &GOOD[..24], "a".repeat(100_000)), "head_too_large");
    check("a name without end", &format!("{}{}", &GOOD[..24], "a".repeat(100_000)), "head_too_large");
}

#[test]
fn refused_as_early_as_the_bytes_tell() {
    for (bytes, expected) in [
        ("G", "wrong_method"),
        ("PU", "wrong_method"),
        ("\r", "bytes_before_method"),
        ("POST h", "absolute_target"),
        ("POST /IPHTTPSX", "wrong_path"),
        ("POST /IPHTTPS?", "query_string"),
        ("POST /IPHTTPS HTTP/2", "wrong_version"),
        ("POST /IPHTTPS HTTP/1.0", "wrong_version"),
        ("POST /IPHTTPS HTTP/1.1\r\nTransfer-Encoding:", "transfer_encoding"),
        ("POST /IPHTTPS HTTP/1.1\r\nContent-Length: +", "content_length_sign"),
        ("POST /IPHTTPS HTTP/1.1\r\nContent-Length: 1,", "content_length_list"),
        ("POST /IPHTTPS HTTP/1.1\r\nHost: x\r\n", "host_unknown"),
    ] {
        check("at its last byte", bytes, expected);
        check("not before", &bytes[..bytes.len() - 1], "need_more");
    }
}

#[test]
fn no_rules_admit_nobody() {
    let none: [&str; 0] = [];
    for (rules, expected) in [
        (RequestRules::new(none, ["da-eu.example.com"]), "wrong_path"),
        (RequestRules::new(["/IPHTTPS"], none), "host_unknown"),
        (RequestRules::new(["/IPHTTPS"], ["", "."]), "host_unknown"),
    ] {
        for head in [GOOD.to_owned(), GOOD.replace("da-eu.example.com", "")] {
            let error = RequestParser::new().push(&rules, head.as_bytes()).unwrap_err();
            assert_eq!(error.label(), expected, "{rules:?} {head:?}");
        }
    }
}

#[test]
fn bytes_behind_the_head_are_not_taken() {
    for behind in ["", "\r\n", "`\0\0\0", GOOD] {
        let stream = format!("{GOOD}{behind}");
        assert_eq!(parse(stream.as_bytes()).unwrap().unwrap().1, GOOD.len());
    }
}

#[test]
fn an_outcome_is_final() {
    let (rules, mut parser) = (rules(), RequestParser::new());
    let Ok(Progress::Complete(head, _)) = parser.push(&rules, GOOD.as_bytes()) else { panic!("the legal head") };
    assert_eq!(parser.push(&rules, b"\0\n"), Ok(Progress::Complete(head, 0)));
    assert_eq!(parser.len(), GOOD.len());

    let mut parser = RequestParser::new();
    let error = parser.push(&rules, b"GET").unwrap_err();
    assert_eq!(parser.push(&rules, GOOD.as_bytes()), Err(error));
    assert_eq!(parser.len(), 1);
}

// Covers: docs/traps.md row 61
#[test]
fn a_strangers_text_is_escaped_and_bounded() {
    let deep = "a".repeat(4_000);
    let wide = RequestRules::new([format!("/{deep}")], ["da.example.com"]);
    for (head, part) in [
        (format!("POST /\u{202e}{deep} HTTP/1.1\r\n"), r#""/\xe2\x80\xae"#),
        (format!("POST /{deep} HTTP/1.1\r\nHost: a\u{202e}\\\r\n"), r#""a\xe2\x80\xae\\""#),
        (format!("POST /{deep} HTTP/1.1\r\n{deep}(: x\r\n"), "... (4000 bytes)"),
        ("\u{1b}".to_owned(), r#""\x1b""#),
    ] {
        let text = RequestParser::new().push(&wide, head.as_bytes()).unwrap_err().to_string();
        assert!(text.contains(part), "{text}");
        assert!(text.len() < 600 && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{text}");
    }
}

#[test]
fn the_written_head_is_the_legal_one_and_cannot_be_injected_into() {
    assert_eq!(write_request_head("/IPHTTPS", "da-eu.example.com").unwrap(), GOOD.as_bytes());
    assert!(write_request_head("/IPHTTPS", "da-eu.example.com.:443").is_ok());
    assert!(write_request_head("/IPHTTPS", "[2001:db8::1]").is_ok());
    let long = format!("/{}", "a".repeat(2_000));
    for path in ["", "IPHTTPS", "/a b", "/a\r\nX: y", "/a\0", "/\u{e9}", "/a?b", "/a#b", "/a\tb", "*", &long] {
        assert!(matches!(write_request_head(path, "da.example.com"), Err(HeadWriteError::Path(_))), "{path:?}");
    }
    for host in ["", "a b", "a\r\nX: y", "a\0", "\u{e9}", "a,b", "a/b", "a@b", "a\tb", &long] {
        assert!(matches!(write_request_head("/IPHTTPS", host), Err(HeadWriteError::Host(_))), "{host:?}");
    }
}

/// The legal head with a few bytes cut out and others put in, and anything behind.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let inserts = prop::sample::select(vec![
        &b""[..],
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b"\0",
        b":",
        b",",
        b"0",
        b"+",
        b"?",
        b"/",
        b"Host: x\r\n",
        b"Host: da.example.com\r\n",
        b"Content-Length: 18446744073709551615\r\n",
        b"Content-Length: 1\r\n",
        b"X: y\r\n",
        b"Expect: x\r\n",
        b"\r\n x",
        b"\xff",
        b"a",
        b"POST ",
        b" HTTP/1.1\r\n",
    ]);
    let edit = (0..GOOD.len(), 0_usize..4, inserts);
    (prop::collection::vec(edit, 0..4), prop::collection::vec(any::<u8>(), 0..20)).prop_map(|(edits, behind)| {
        let mut bytes = GOOD.as_bytes().to_vec();
        for (at, cut, insert) in edits {
            let at = at.min(bytes.len());
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, insert.iter().copied());
        }
        bytes.extend(behind);
        bytes
    })
}

fn split_at<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

proptest! {
    #[test]
    fn every_split_has_the_same_outcome(bytes in mutated(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
        let whole = parse(&bytes);
        prop_assert_eq!(&parse_in_parts(&split_at(&bytes, &cuts)), &whole);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&parse_in_parts(&single), &whole);
    }

    #[test]
    fn any_bytes_have_an_outcome(bytes in prop::collection::vec(any::<u8>(), 0..600), lead in 0..GOOD.len()) {
        let stream = [&GOOD.as_bytes()[..lead], &bytes].concat();
        let whole = parse(&stream);
        let single: Vec<&[u8]> = stream.chunks(1).collect();
        prop_assert_eq!(parse_in_parts(&single), whole);
    }

    /// What is admitted is the legal shape, by a second reading that shares no code with the parser.
    #[test]
    fn what_passes_is_legal(bytes in mutated()) {
        if let Some((head, taken)) = parse(&bytes).unwrap_or(None) {
            let text = String::from_utf8_lossy(&bytes[..taken]).into_owned();
            let (lines, end) = text.split_at(text.len() - 4);
            prop_assert_eq!(end, "\r\n\r\n");
            let lines: Vec<&str> = lines.split("\r\n").collect();
            prop_assert!(lines.iter().all(|line| !line.is_empty() && !line.contains(['\r', '\n', '\0'])));
            let request: Vec<&str> = lines[0].split(' ').collect();
            prop_assert!(matches!(request[..], ["POST", path, "HTTP/1.1"] if path.eq_ignore_ascii_case(head.path())));
            let named = |name: &str| lines.iter().filter(|line| {
                line.split(':').next().is_some_and(|sent| sent.eq_ignore_ascii_case(name))
            }).count();
            prop_assert_eq!((named("content-length"), named("host")), (1, 1));
            prop_assert_eq!((named("expect"), named("transfer-encoding"), named("upgrade")), (0, 0, 0));
            prop_assert_eq!(head.other_fields(), lines.len() - 3);
            prop_assert_eq!(head.len(), taken);
        }
    }
}
