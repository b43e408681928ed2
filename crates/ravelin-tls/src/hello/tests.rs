//! Hellos in every cut, good and bad.
#![expect(clippy::cast_possible_truncation, reason = "lengths of the cases are small")]

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::alert::Alert;

/// A hello by its fields; `with_extension` adds what a case is about.
#[derive(Clone)]
struct HelloShape {
    version: u16,
    session_id: Vec<u8>,
    suites: Vec<u16>,
    compression: Vec<u8>,
    extensions: Option<Vec<(u16, Vec<u8>)>>,
}

impl HelloShape {
    fn modern() -> HelloShape {
        HelloShape {
            version: 0x0303,
            session_id: vec![7; 32],
            suites: vec![0x1302, 0xc02c],
            compression: vec![0],
            extensions: Some(vec![
                (10, vec![0, 4, 0, 0x1d, 0, 0x17]),
                (13, vec![0, 4, 4, 3, 8, 4]),
                (43, vec![4, 3, 4, 3, 3]),
            ]),
        }
    }
    fn with_extension(mut self, kind: u16, body: &[u8]) -> HelloShape {
        self.extensions.get_or_insert_default().push((kind, body.to_vec()));
        self
    }
    fn named(self, name: &[u8]) -> HelloShape {
        self.with_extension(0, &server_name(&[(0, name)]))
    }
    /// The body of the handshake message.
    fn body(&self) -> Vec<u8> {
        let mut body = self.version.to_be_bytes().to_vec();
        body.extend([0x5a; 32]);
        body.push(self.session_id.len() as u8);
        body.extend(&self.session_id);
        body.extend(((self.suites.len() * 2) as u16).to_be_bytes());
        body.extend(self.suites.iter().flat_map(|suite| suite.to_be_bytes()));
        body.push(self.compression.len() as u8);
        body.extend(&self.compression);
        if let Some(extensions) = &self.extensions {
            let list: Vec<u8> = extensions
                .iter()
                .flat_map(|(kind, body)| [&kind.to_be_bytes()[..], &(body.len() as u16).to_be_bytes(), body].concat())
                .collect();
            body.extend((list.len() as u16).to_be_bytes());
            body.extend(list);
        }
        body
    }
    fn message(&self) -> Vec<u8> {
        message(&self.body())
    }
}

fn message(body: &[u8]) -> Vec<u8> {
    [&[1], &(body.len() as u32).to_be_bytes()[1..], body].concat()
}

fn server_name(entries: &[(u8, &[u8])]) -> Vec<u8> {
    let list: Vec<u8> = entries
        .iter()
        .flat_map(|(kind, name)| [&[*kind][..], &(name.len() as u16).to_be_bytes(), name].concat())
        .collect();
    [&(list.len() as u16).to_be_bytes()[..], &list].concat()
}

/// In records of at most `size` bytes.
fn records(message: &[u8], size: usize) -> Vec<u8> {
    message.chunks(size).flat_map(|piece| record(22, piece)).collect()
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 1][..], &(body.len() as u16).to_be_bytes(), body].concat()
}

/// What the parser makes of it, pushed in segments of these sizes, over and over.
fn parse(bytes: &[u8], segments: &[usize]) -> Result<HelloProgress, HelloError> {
    let mut parser = HelloParser::default();
    let mut rest = bytes;
    let mut sizes = segments.iter().cycle();
    while !rest.is_empty() {
        let (segment, behind) = rest.split_at((*sizes.next().unwrap()).clamp(1, rest.len()));
        rest = behind;
        match parser.push(segment)? {
            HelloProgress::NeedMore => {}
            complete => {
                assert_eq!(parser.into_bytes(), bytes[..bytes.len() - rest.len()]);
                return Ok(complete);
            }
        }
    }
    Ok(HelloProgress::NeedMore)
}

fn hello_of(bytes: &[u8]) -> ClientHello {
    match parse(bytes, &[usize::MAX]) {
        Ok(HelloProgress::Complete(hello)) => hello,
        other => panic!("{other:?}"),
    }
}

#[test]
fn fields_are_read() {
    let hello = hello_of(&record(22, &HelloShape::modern().named(b"DA.Example.com.").message()));
    assert_eq!(
        hello,
        ClientHello {
            server_name: ServerName::Dns("da.example.com".to_owned()),
            suites: vec![0x1302, 0xc02c],
            versions: vec![0x0304, 0x0303],
            groups: vec![0x1d, 0x17],
            signature_schemes: vec![0x0403, 0x0804],
        }
    );
}

#[test]
fn an_old_hello_has_no_extensions() {
    let old = HelloShape { version: 0x0301, extensions: None, ..HelloShape::modern() };
    let hello = hello_of(&record(22, &old.message()));
    assert_eq!((hello.server_name, hello.versions), (ServerName::Absent, vec![0x0301]));
}

#[test]
fn one_host_name_or_none_that_could_match() {
    // Covers: docs/traps.md row 18.
    for (case, body, usable) in [
        ("one name", server_name(&[(0, b"da.example.com")]), true),
        ("two names", server_name(&[(0, b"da.example.com"), (0, b"evil.example")]), false),
        ("a kind nobody knows", server_name(&[(1, b"da.example.com")]), false),
        ("a kind nobody knows behind", server_name(&[(0, b"da.example.com"), (9, b"x")]), false),
        ("an IP literal", server_name(&[(0, b"192.0.2.1")]), false),
        ("NUL", server_name(&[(0, b"da.example.com\0.evil.example")]), false),
        ("empty", server_name(&[(0, b"")]), false),
    ] {
        let hello = hello_of(&record(22, &HelloShape::modern().with_extension(0, &body).message()));
        assert_eq!(matches!(hello.server_name, ServerName::Dns(_)), usable, "{case}");
        assert_ne!(hello.server_name, ServerName::Absent, "{case}");
    }
}

#[test]
fn malformed_hellos_are_refused_with_their_cause() {
    let good = || HelloShape::modern().named(b"da.example.com");
    let whole = |shape: HelloShape| record(22, &shape.message());
    let mut trailing = good().body();
    trailing.push(0);
    let mut short = good().body();
    short.pop();
    let many = (0..70).fold(good(), |shape, kind| shape.with_extension(1000 + kind, b""));
    for (case, bytes, error) in [
        ("plaintext", b"GET / HTTP/1.1\r\n".to_vec(), HelloError::NotTls { byte: b'G', at: 0 }),
        ("plaintext, first byte alone", b"G".to_vec(), HelloError::NotTls { byte: b'G', at: 0 }),
        ("SSLv2", vec![0x80, 0x2e, 1, 3, 1], HelloError::NotTls { byte: 0x80, at: 0 }),
        ("not version 3", vec![22, 2], HelloError::NotTls { byte: 2, at: 1 }),
        ("an alert", record(21, &[2, 40]), HelloError::UnexpectedRecord(21)),
        ("data", record(23, b"data"), HelloError::UnexpectedRecord(23)),
        ("empty record", record(22, b""), HelloError::EmptyRecord),
        ("long record, header alone", vec![22, 3, 1, 0x40, 1], HelloError::RecordTooLong(16_385)),
        ("another message", record(22, &[16, 0, 0, 0]), HelloError::UnexpectedMessage(16)),
        ("claims 16 MB", record(22, &[1, 0xff, 0xff, 0xff]), HelloError::TooLarge),
        ("something behind it", record(22, &[good().message(), vec![20]].concat()), HelloError::UnexpectedMessage(20)),
        ("trailing byte", record(22, &message(&trailing)), HelloError::Malformed("extensions")),
        ("short by one", record(22, &message(&short)), HelloError::Malformed("extensions")),
        ("session id", whole(HelloShape { session_id: vec![0; 33], ..good() }), HelloError::Malformed("session_id")),
        ("no suites", whole(HelloShape { suites: Vec::new(), ..good() }), HelloError::Malformed("cipher_suites")),
        (
            "no compression",
            whole(HelloShape { compression: Vec::new(), ..good() }),
            HelloError::Malformed("compression_methods"),
        ),
        ("name twice", whole(good().named(b"da.example.com")), HelloError::DuplicateExtension(0)),
        (
            "unknown twice",
            whole(good().with_extension(999, b"").with_extension(999, b"")),
            HelloError::DuplicateExtension(999),
        ),
        ("too many extensions", whole(many), HelloError::Malformed("too many extensions")),
        (
            "empty name extension",
            whole(HelloShape::modern().with_extension(0, b"")),
            HelloError::Malformed("server_name"),
        ),
        (
            "empty name list",
            whole(HelloShape::modern().with_extension(0, &[0, 0])),
            HelloError::Malformed("server_name"),
        ),
        (
            "name list with a tail",
            whole(HelloShape::modern().with_extension(0, &[0, 4, 0, 0, 1, b'a', 0])),
            HelloError::Malformed("server_name"),
        ),
        (
            "name longer than its list",
            whole(HelloShape::modern().with_extension(0, &[0, 4, 0, 0, 2, b'a'])),
            HelloError::Malformed("server_name"),
        ),
        (
            "odd groups",
            whole(HelloShape { extensions: Some(vec![(10, vec![0, 3, 0, 23, 0])]), ..good() }),
            HelloError::Malformed("supported_groups"),
        ),
        (
            "no versions",
            whole(HelloShape { extensions: Some(vec![(43, vec![0])]), ..good() }),
            HelloError::Malformed("supported_versions"),
        ),
    ] {
        assert_eq!(parse(&bytes, &[usize::MAX]), Err(error), "{case}");
        assert_eq!(parse(&bytes, &[1]), Err(error), "{case}, byte by byte");
        // No alert is sent to a peer that does not speak TLS.
        assert_eq!(error.alert().is_none(), matches!(error, HelloError::NotTls { .. }), "{case}");
    }
}

#[test]
fn a_hello_is_bounded_in_bytes_and_records() {
    let padded = |padding: usize| HelloShape::modern().with_extension(21, &vec![0; padding]).message();
    assert!(matches!(parse(&records(&padded(16_000), 16_384), &[4096]), Ok(HelloProgress::Complete(_))));
    assert_eq!(parse(&records(&padded(16_400), 8_192), &[4096]), Err(HelloError::TooLarge));
    assert!(matches!(parse(&records(&padded(3_000), 1), &[4096]), Ok(HelloProgress::Complete(_))));
    assert_eq!(parse(&records(&padded(5_000), 1), &[4096]), Err(HelloError::TooManyRecords));
}

#[test]
fn how_a_hello_is_split_makes_no_difference() {
    // Covers: docs/traps.md rows 14, 53.
    let message = HelloShape::modern().named(b"da.example.com").message();
    let expected = HelloProgress::Complete(hello_of(&record(22, &message)));
    for cut in 1..message.len() {
        let bytes = [record(22, &message[..cut]), record(22, &message[cut..])].concat();
        assert_eq!(parse(&bytes, &[usize::MAX]), Ok(expected.clone()), "records cut at {cut}");
        assert_eq!(parse(&bytes, &[cut, usize::MAX]), Ok(expected.clone()), "and segments");
    }
    assert_eq!(parse(&records(&message, 1), &[1]), Ok(expected));
}

#[test]
fn windows_hellos_are_read() {
    let Some(shapes) = windows_hellos() else {
        println!("skipped: windows-hello.json is not there");
        return;
    };
    assert!(shapes.len() >= 3);
    for (id, shape) in shapes {
        let suites = shape.suites.clone();
        for size in [1, 16_384] {
            let hello = hello_of(&records(&shape.message(), size));
            assert_eq!(hello.server_name, ServerName::Dns("da.example.com".to_owned()), "{id}");
            assert_eq!(hello.suites, suites, "{id}");
            assert_eq!(hello.versions.contains(&0x0304), id.contains("tls13"), "{id}");
            assert!(!hello.groups.is_empty() && !hello.signature_schemes.is_empty(), "{id}");
        }
    }
}

#[test]
fn a_hello_of_rustls_is_read() {
    let config = rustls::ClientConfig::builder_with_provider(crate::site::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let name = rustls::pki_types::ServerName::try_from("DA.example.com").unwrap();
    let mut client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    let hello = hello_of(&bytes);
    assert_eq!(hello.server_name, ServerName::Dns("da.example.com".to_owned()));
    assert_eq!(hello.versions, [0x0304, 0x0303]);
}

#[test]
fn alerts_of_the_peek_are_fatal_and_known() {
    for error in [HelloError::EmptyRecord, HelloError::TooLarge, HelloError::DuplicateExtension(0)] {
        assert_ne!(crate::alert::name(error.alert().unwrap()), "unknown");
    }
    assert_eq!(HelloError::RecordTooLong(20_000).alert(), Some(Alert::RECORD_OVERFLOW));
}

proptest! {
    #[test]
    fn cuts_never_matter(
        name in "[a-z]{1,20}\\.example\\.com",
        padding in 0_usize..600,
        record_size in 1_usize..700,
        segments in prop::collection::vec(1_usize..400, 1..8),
        behind in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let message = HelloShape::modern().named(name.as_bytes()).with_extension(21, &vec![0; padding]).message();
        let expected = hello_of(&record(22, &message));
        // What follows in another record belongs to the engine, and is kept for it.
        let mut bytes = records(&message, record_size);
        bytes.extend(record(23, &behind));
        prop_assert_eq!(parse(&bytes, &segments), Ok(HelloProgress::Complete(expected)));
    }

    #[test]
    fn noise_never_panics_and_cuts_do_not_change_its_fate(
        noise in prop::collection::vec(any::<u8>(), 0..600),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        segments in prop::collection::vec(1_usize..90, 1..8),
    ) {
        let mut hello = records(&HelloShape::modern().named(b"da.example.com").message(), 100);
        for (at, value) in flips {
            let at = at.index(hello.len());
            hello[at] = value;
        }
        for bytes in [noise.clone(), record(22, &noise), record(22, &message(&noise)), hello] {
            let whole = parse(&bytes, &[usize::MAX]);
            prop_assert_eq!(parse(&bytes, &segments), whole);
        }
    }
}

/// The shapes of the public data set, with our name filled in.
fn windows_hellos() -> Option<Vec<(String, HelloShape)>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/windows-hello.json");
    let text = std::fs::read_to_string(path).ok()?;
    let rows: serde_json::Value = serde_json::from_str(&text).unwrap();
    let hex = |value: &serde_json::Value| {
        let text = value.as_str().unwrap();
        (0..text.len() / 2).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap()).collect::<Vec<u8>>()
    };
    let shapes = rows.as_array().unwrap().iter().map(|row| {
        let suites = row["ciphers"].as_array().unwrap().iter();
        let extensions = row["extensions"].as_array().unwrap().iter().map(|extension| {
            let kind = extension[0].as_u64().unwrap() as u16;
            let body = match extension[1].as_str().unwrap() {
                _ if kind == 0 => server_name(&[(0, b"da.example.com")]),
                // A key share of the client's own making: X25519.
                "own" => [&[0, 36, 0, 0x1d, 0, 32][..], &[9; 32]].concat(),
                _ => hex(&extension[1]),
            };
            (kind, body)
        });
        let shape = HelloShape {
            version: 0x0303,
            session_id: vec![1; row["session_id_len"].as_u64().unwrap() as usize],
            suites: suites.map(|suite| u16::from_str_radix(suite.as_str().unwrap(), 16).unwrap()).collect(),
            compression: hex(&row["compression"]),
            extensions: Some(extensions.collect()),
        };
        (row["id"].as_str().unwrap().to_owned(), shape)
    });
    Some(shapes.collect())
}
