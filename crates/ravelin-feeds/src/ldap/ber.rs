//! BER as RFC 4511 §5.1 restricts it: definite lengths, tags of one byte. Active Directory writes lengths in four bytes
//! where one would do, which BER allows.

use super::malformed::Malformed;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// What is left of an element's contents.
#[derive(Clone, Copy)]
pub(super) struct BerReader<'a>(&'a [u8]);

impl<'a> BerReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> BerReader<'a> {
        BerReader(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next element, whatever it is: its tag and contents.
    pub(super) fn any(&mut self) -> Result<(u8, &'a [u8]), Malformed> {
        let header = header(self.0)?.ok_or(Malformed("an element that ends early"))?;
        let (_, rest) = self.0.split_at_checked(header.bytes).ok_or(SHORT)?;
        let (contents, rest) = rest.split_at_checked(header.contents).ok_or(SHORT)?;
        self.0 = rest;
        Ok((header.tag, contents))
    }

    /// The contents of the next element, which must have this tag.
    pub(super) fn of(&mut self, tag: u8) -> Result<&'a [u8], Malformed> {
        match self.any()? {
            (found, contents) if found == tag => Ok(contents),
            _ => Err(Malformed("an element of another kind than belongs there")),
        }
    }

    /// The contents of the next element, where it has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, Malformed> {
        if self.0.first() == Some(&tag) { self.of(tag).map(Some) } else { Ok(None) }
    }

    /// A text.
    pub(super) fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.of(OCTET_STRING)?).map_err(|_| Malformed("a text that is not UTF-8"))
    }

    /// A number.
    pub(super) fn number(&mut self, tag: u8) -> Result<i64, Malformed> {
        let bytes = self.of(tag)?;
        let (first, _) = bytes.split_first().filter(|_| bytes.len() <= 8).ok_or(Malformed("a number that is none"))?;
        let sign = if *first >= 0x80 { -1 } else { 0 };
        Ok(bytes.iter().fold(sign, |number, byte| (number << 8) | i64::from(*byte)))
    }

    /// Nothing may follow.
    pub(super) fn end(self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed("something where an element should end")) }
    }
}

/// Tag and length of an element.
pub(super) struct Header {
    pub(super) tag: u8,
    /// Of tag and length themselves.
    pub(super) bytes: usize,
    /// Of the contents.
    pub(super) contents: usize,
}

/// Reads tag and length; `None` where they are not whole yet.
pub(super) fn header(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    let (Some(&tag), Some(&first)) = (bytes.first(), bytes.get(1)) else { return Ok(None) };
    if tag & TAG_NUMBER == TAG_NUMBER {
        return Err(Malformed("a tag of more than one byte"));
    }
    if first < LONG {
        return Ok(Some(Header { tag, bytes: 2, contents: usize::from(first) }));
    }
    let count = usize::from(first - LONG);
    if count == 0 || count > LENGTH_BYTES_MAX {
        return Err(Malformed("a length without end, or of more than eight bytes"));
    }
    let Some(length) = bytes.get(2..2 + count) else { return Ok(None) };
    let length = length.iter().fold(0_u64, |length, byte| (length << 8) | u64::from(*byte));
    let contents = usize::try_from(length).map_err(|_| Malformed("a length beyond any memory"))?;
    Ok(Some(Header { tag, bytes: 2 + count, contents }))
}

/// An element of these contents.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut element = Vec::with_capacity(length + HEADER_BYTES_MAX);
    element.push(tag);
    match u8::try_from(length).ok().filter(|short| *short < LONG) {
        Some(short) => element.push(short),
        None => {
            // Four bytes, as Active Directory writes them; Samba reads no more. What we ask is never longer than they can say.
            element.push(LONG | 4);
            element.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        }
    }
    parts.iter().for_each(|part| element.extend_from_slice(part));
    element
}

/// A number.
pub(super) fn number(tag: u8, number: i64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    // As few bytes as leave the sign in place (X.690 §8.3.2).
    let spare = bytes
        .windows(2)
        .take_while(|pair| matches!(pair, [0, next] if *next < 0x80) || matches!(pair, [0xff, next] if *next >= 0x80))
        .count();
    element(tag, &[bytes.get(spare..).unwrap_or_default()])
}

const TAG_NUMBER: u8 = 0x1f;
const LONG: u8 = 0x80;
/// Active Directory writes four; eight hold every length that a machine can address.
const LENGTH_BYTES_MAX: usize = 8;
/// Tag, and a length of four bytes behind its own.
const HEADER_BYTES_MAX: usize = 1 + 1 + 4;
const SHORT: Malformed = Malformed("an element that ends early");
