//! Bytes as they are, and as no server should send them.

use proptest::prelude::*;

use super::ber::{BerReader, ENUMERATED, INTEGER, OCTET_STRING, SEQUENCE, SET, element, number};
use super::*;

fn octet_string(text: &[u8]) -> Vec<u8> {
    element(OCTET_STRING, &[text])
}

fn result(code: i64, text: &str) -> Vec<u8> {
    [number(ENUMERATED, code), octet_string(b""), octet_string(text.as_bytes())].concat()
}

fn message(id: i64, operation: u8, body: &[u8], controls: &[u8]) -> Vec<u8> {
    [number(INTEGER, id), element(operation, &[body]), controls.to_vec()].concat()
}

/// The body of the operation in a message.
fn entry_of(message: &[u8]) -> Vec<u8> {
    let mut reader = BerReader::new(message);
    reader.number(INTEGER).unwrap();
    reader.any().unwrap().1.to_vec()
}

#[test]
fn requests_are_those_of_the_standard() {
    // RFC 4511 in DER, worked out by hand.
    assert_eq!(bind(1, "a", b"bc")[..], *b"\x30\x0f\x02\x01\x01\x60\x0a\x02\x01\x03\x04\x01a\x80\x02bc");
    assert_eq!(unbind(3), b"\x30\x05\x02\x01\x03\x42\x00");
    let filter = Filter::And(vec![Filter::Equal("a", b"\0*"), Filter::AtLeast("u", 7), Filter::Present("p")]);
    let controls: &[(&str, Option<&[u8]>)] = &[("1.2", None)];
    let asked =
        Search { base: "", scope: Scope::Subtree, filter, attributes: &["x"], page: Some((500, b"k")), controls };
    let written = search(2, &asked);
    let mut message = BerReader::new(&written);
    let mut message = BerReader::new(message.of(SEQUENCE).unwrap());
    assert_eq!(message.number(INTEGER), Ok(2));
    let fields = [
        &b"\x04\x00\x0a\x01\x02\x0a\x01\x00\x02\x01\x00\x02\x01\x00\x01\x01\x00"[..],
        b"\xa0\x14\xa3\x07\x04\x01a\x04\x02\0*\xa5\x06\x04\x01u\x04\x017\x87\x01p",
        b"\x30\x03\x04\x01x",
    ];
    assert_eq!(message.of(0x63).unwrap(), fields.concat());
    let page = b"\x30\x26\x04\x161.2.840.113556.1.4.319\x01\x01\xff\x04\x09\x30\x07\x02\x02\x01\xf4\x04\x01k";
    assert_eq!(message.of(0xa0).unwrap(), [&page[..], b"\x30\x08\x04\x031.2\x01\x01\xff"].concat());
    message.end().unwrap();
}

#[test]
fn answers_are_read() {
    let values = element(SET, &[&octet_string(b"\x01\xff"), &octet_string(b"")]);
    let attribute = element(SEQUENCE, &[&octet_string(b"member;range=0-1499"), &values]);
    let empty = element(SEQUENCE, &[&octet_string(b"cn"), &element(SET, &[])]);
    let entry = [octet_string("CN=Pü".as_bytes()), element(SEQUENCE, &[&attribute, &empty])].concat();
    let read = message(7, 0x64, &entry, &[]);
    let Message { id: 7, response: Response::Entry(entry), cookie: None } = Message::read(&read).unwrap() else {
        panic!("an entry")
    };
    assert_eq!(entry.dn, "CN=Pü");
    assert_eq!(entry.attributes, [("member;range=0-1499", vec![&b"\x01\xff"[..], b""]), ("cn", vec![])]);

    let page = element(SEQUENCE, &[&number(INTEGER, 0), &octet_string(b"next")]);
    let control = element(SEQUENCE, &[&octet_string(b"1.2.840.113556.1.4.319"), &octet_string(&page)]);
    let read = message(7, 0x65, &result(0, ""), &element(0xa0, &[&control]));
    let done = Message::read(&read).unwrap();
    assert_eq!(done.cookie, Some(&b"next"[..]));
    assert_eq!(done.response, Response::Done(LdapResult { code: 0, text: String::new() }));

    let read = message(1, 0x61, &result(49, "data 52e"), &[]);
    let refused = LdapResult { code: 49, text: "data 52e".to_owned() };
    assert_eq!(Message::read(&read).unwrap().response, Response::Bind(refused));
    let read = message(0, 0x78, &[result(52, "going"), element(0x8a, &[b"1.3"])].concat(), &[]);
    assert_eq!(Message::read(&read).unwrap().id, 0, "a notice of disconnection");
    // As Active Directory writes lengths.
    let read = b"\x02\x01\x05\x65\x84\x00\x00\x00\x07\x0a\x01\x00\x04\x00\x04\x00";
    assert_eq!(Message::read(read).unwrap().id, 5);
}

#[test]
fn what_is_no_message_is_refused() {
    for (contents, words) in [
        (&b""[..], "ends early"),
        (b"\x02\x01\x01", "ends early"),
        (b"\x02\x01\xff\x65\x00", "message number"),
        (b"\x02\x00\x65\x00", "a number that is none"),
        (b"\x02\x01\x01\x65\x80", "without end"),
        (b"\x02\x01\x01\x65\x89\0\0\0\0\0\0\0\0\0", "eight bytes"),
        (b"\x02\x01\x01\x7f\x01\x00", "more than one byte"),
        (b"\x02\x01\x01\x65\x88\xff\xff\xff\xff\xff\xff\xff\xff", "ends early"),
        (b"\x02\x01\x01\x65\x05\x0a\x01\x00\x04\x00", "ends early"),
        (b"\x02\x01\x01\x66\x00", "answers nothing"),
        (b"\x02\x01\x01\x65\x07\x0a\x01\x00\x04\x00\x04\x00\x00", "should end"),
        (b"\x02\x01\x01\x64\x04\x04\x00\x30\x00\x05\x00", "should end"),
        (b"\x02\x01\x01\x64\x05\x04\x01\xff\x30\x00", "not UTF-8"),
        (b"\x02\x01\x01\x64\x08\x04\x00\x30\x04\x30\x02\x04\x00", "ends early"),
        (b"\x02\x01\x01\x64\x0a\x04\x00\x30\x06\x30\x04\x04\x00\x30\x00", "another kind"),
    ] {
        let problem = Message::read(contents).unwrap_err();
        assert!(problem.0.contains(words), "{contents:x?}: {problem}");
    }
}

#[test]
fn no_message_is_larger_or_deeper_than_is_taken() {
    let mut announced = &b"\x30\x84\x7f\xff\xff\xff\x02"[..];
    assert!(matches!(read_message(&mut announced, 1 << 20), Err(ReadProblem::TooLarge(0x7fff_ffff))));
    // Announced within the limit and not sent: nothing is set aside for it.
    let mut short = &b"\x30\x84\x04\x00\x00\x00\x02"[..];
    assert!(matches!(read_message(&mut short, 1 << 30), Err(ReadProblem::Closed)));
    assert!(matches!(read_message(&mut &b""[..], 10), Err(ReadProblem::Closed)));
    assert!(matches!(read_message(&mut &b"\x04\x00"[..], 10), Err(ReadProblem::Malformed(_))));
    // 20,000 sequences in one another overflow the stack of ldap3 0.12.1.
    let mut deep = Vec::new();
    for _ in 0..20_000 {
        deep = element(SEQUENCE, &[&deep]);
    }
    let contents = read_message(&mut &deep[..], 1 << 20).unwrap();
    assert!(Message::read(&contents).is_err());
    let empty = read_message(&mut &b"\x30\x00"[..], 10).unwrap();
    assert!(Message::read(&empty).is_err());
}

#[test]
fn ranges_and_extended_names() {
    let part = |attribute, next| Some(AttributeRange { attribute, next });
    for (description, expected) in [
        ("member;range=0-1499", part("member", Some(1500))),
        ("member;Range=1500-*", part("member", None)),
        ("member;binary;range=0-0", part("member", Some(1))),
        ("member", None),
        ("member;binary", None),
        ("member;range=0", None),
        ("member;range=0-x", None),
        ("member;range=0-4294967295", None),
    ] {
        assert_eq!(range_of(description), expected, "{description}");
    }
    for (dn, plain, sid) in [
        ("<GUID=aa>;<SID=0105>;CN=a,DC=b", "CN=a,DC=b", Some("<SID=0105>")),
        ("<GUID=aa>;CN=<SID=01>,DC=b", "CN=<SID=01>,DC=b", None),
        ("CN=a;<SID=0105>;", "CN=a;<SID=0105>;", None),
        ("<GUID=aa", "<GUID=aa", None),
        ("<SID=0105>", "<SID=0105>", Some("<SID=0105>")),
        ("", "", None),
    ] {
        assert_eq!((without_extension(dn), sid_of(dn)), (plain, sid), "{dn}");
    }
}

proptest! {
    #[test]
    fn numbers_come_back(value in any::<i64>()) {
        let written = number(INTEGER, value);
        prop_assert_eq!(BerReader::new(&written).number(INTEGER), Ok(value));
    }

    #[test]
    fn damage_is_refused_or_changes_a_value(cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5)) {
        let values = element(SET, &[&octet_string(b"<GUID=00>;<SID=0105>;CN=a"), &octet_string(b"")]);
        let attribute = element(SEQUENCE, &[&octet_string(b"member;range=0-1499"), &values]);
        let entry = [octet_string(b"CN=G,DC=corp"), element(SEQUENCE, &[&attribute])].concat();
        let page = element(SEQUENCE, &[&number(INTEGER, 0), &octet_string(b"next")]);
        let control = element(SEQUENCE, &[&octet_string(b"1.2.840.113556.1.4.319"), &octet_string(&page)]);
        let whole = message(7, 0x64, &entry, &element(0xa0, &[&control]));
        let mut damaged = whole.clone();
        for (at, byte) in cuts {
            let at = at.index(damaged.len());
            damaged[at] = byte;
        }
        if let Ok(Message { response: Response::Entry(entry), .. }) = Message::read(&damaged) {
            let bytes: usize = entry.attributes.iter().map(|(name, values)| name.len() + values.concat().len()).sum();
            prop_assert!(bytes + entry.dn.len() < damaged.len());
        }
        for end in 0..whole.len() {
            // Cut where the controls begin, it is a message without them.
            let without_controls = message(7, 0x64, &entry_of(&whole), &[]).len();
            prop_assert!(Message::read(&whole[..end]).is_err() || end == without_controls);
        }
    }

    #[test]
    fn no_bytes_are_too_strange(text in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(contents) = read_message(&mut &text[..], 1000) {
            let _ = Message::read(&contents);
        }
        let _ = Message::read(&text);
    }
}
