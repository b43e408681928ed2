//! What is asked of a server.

use zeroize::Zeroizing;

use super::ber::{ENUMERATED, INTEGER, OCTET_STRING, SEQUENCE, element, number};

/// One search (RFC 4511 §4.5.1). Aliases are never followed, referrals neither.
#[derive(Clone, Debug)]
pub struct Search<'a> {
    /// Where it begins.
    pub base: &'a str,
    /// How far down it goes.
    pub scope: Scope,
    /// What it looks for.
    pub filter: Filter<'a>,
    /// Which attributes are wanted.
    pub attributes: &'a [&'a str],
    /// The size of a page and the cookie of the one before, empty at first (RFC 2696).
    pub page: Option<(u16, &'a [u8])>,
    /// Further controls by object identifier, all critical, with their value.
    pub controls: &'a [(&'a str, Option<&'a [u8]>)],
}

/// How far down a search goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// The object itself.
    Base,
    /// Its children.
    OneLevel,
    /// It and everything below.
    Subtree,
}

/// What a search looks for. Values stand as bytes of their own, so that nothing in them needs escaping.
#[derive(Clone, Debug)]
pub enum Filter<'a> {
    /// All of these.
    And(Vec<Filter<'a>>),
    /// The attribute has this value.
    Equal(&'a str, &'a [u8]),
    /// The attribute's number is this or greater.
    AtLeast(&'a str, u64),
    /// The attribute is there.
    Present(&'a str),
}

/// Distinguished names of answers, and values that are such, carry GUID and SID (MS-ADTS §3.1.1.3.4.1.5); without a value in
/// hex.
pub const EXTENDED_DN: &str = "1.2.840.113556.1.4.529";
/// Deleted objects are found, too (MS-ADTS §3.1.1.3.4.1.14).
pub const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";
/// RFC 2696.
pub(super) const PAGED: &str = "1.2.840.113556.1.4.319";
/// RFC 4511 §4.14.1.
const START_TLS: &str = "1.3.6.1.4.1.1466.20037";

/// A simple bind (RFC 4511 §4.2). Wiped when dropped, and so is every copy on the way.
pub fn bind(id: i32, name: &str, password: &[u8]) -> Zeroizing<Vec<u8>> {
    let password = Zeroizing::new(element(SIMPLE, &[password]));
    let request = Zeroizing::new(element(BIND, &[&number(INTEGER, 3), &text(name), &password]));
    Zeroizing::new(element(SEQUENCE, &[&number(INTEGER, id.into()), &request]))
}

/// A search.
pub fn search(id: i32, search: &Search<'_>) -> Vec<u8> {
    let scope = match search.scope {
        Scope::Base => 0,
        Scope::OneLevel => 1,
        Scope::Subtree => 2,
    };
    let attributes: Vec<u8> = search.attributes.iter().flat_map(|attribute| text(attribute)).collect();
    let request = [
        text(search.base),
        number(ENUMERATED, scope),
        // Aliases are never followed; no limit of size or time but the server's own; values, too.
        number(ENUMERATED, 0),
        number(INTEGER, 0),
        number(INTEGER, 0),
        element(BOOLEAN, &[&[0]]),
        filter(&search.filter),
        element(SEQUENCE, &[&attributes]),
    ]
    .concat();
    let mut controls = Vec::new();
    if let Some((size, cookie)) = search.page {
        let value = element(SEQUENCE, &[&number(INTEGER, size.into()), &element(OCTET_STRING, &[cookie])]);
        controls.extend(control(PAGED, Some(&value)));
    }
    for (identifier, value) in search.controls {
        controls.extend(control(identifier, *value));
    }
    let controls = if controls.is_empty() { controls } else { element(CONTROLS, &[&controls]) };
    message(id, SEARCH, &request, &controls)
}

/// Asks for TLS from here on (RFC 4511 §4.14).
pub fn start_tls(id: i32) -> Vec<u8> {
    message(id, EXTENDED, &element(REQUEST_NAME, &[START_TLS.as_bytes()]), &[])
}

/// The end (RFC 4511 §4.3).
pub fn unbind(id: i32) -> Vec<u8> {
    message(id, UNBIND, &[], &[])
}

fn message(id: i32, operation: u8, request: &[u8], controls: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[&number(INTEGER, id.into()), &element(operation, &[request]), controls])
}

fn control(identifier: &str, value: Option<&[u8]>) -> Vec<u8> {
    let value = value.map(|value| element(OCTET_STRING, &[value])).unwrap_or_default();
    element(SEQUENCE, &[&text(identifier), &element(BOOLEAN, &[&[0xff]]), &value])
}

/// RFC 4511 §4.5.1.7.
fn filter(of: &Filter<'_>) -> Vec<u8> {
    match of {
        Filter::And(parts) => element(AND, &[&parts.iter().flat_map(filter).collect::<Vec<u8>>()]),
        Filter::Equal(attribute, value) => element(EQUAL, &[&text(attribute), &element(OCTET_STRING, &[value])]),
        Filter::AtLeast(attribute, least) => element(AT_LEAST, &[&text(attribute), &text(&least.to_string())]),
        Filter::Present(attribute) => element(PRESENT, &[attribute.as_bytes()]),
    }
}

fn text(text: &str) -> Vec<u8> {
    element(OCTET_STRING, &[text.as_bytes()])
}

const BOOLEAN: u8 = 0x01;
const BIND: u8 = 0x60;
const UNBIND: u8 = 0x42;
const SEARCH: u8 = 0x63;
const EXTENDED: u8 = 0x77;
const SIMPLE: u8 = 0x80;
const REQUEST_NAME: u8 = 0x80;
const CONTROLS: u8 = 0xa0;
const AND: u8 = 0xa0;
const EQUAL: u8 = 0xa3;
const AT_LEAST: u8 = 0xa5;
const PRESENT: u8 = 0x87;
