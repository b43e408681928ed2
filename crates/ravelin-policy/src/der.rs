//! The one reader of DER in this crate: strict, borrowing, and without recursion.
//!
//! - Only definite, minimal lengths are read, and only one-byte tags (X.690 §10.1; nothing in RFC 5280 needs more).
//! - Every reader ends with [`DerReader::end`], so that bytes after a structure are an error and never a place to hide.
//! - A length can never exceed the bytes at hand; nothing is allocated by a stranger's count.

/// Bytes are not the DER they should be; the text says which rule they break and never quotes them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Malformed(pub(crate) &'static str);

pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const UTF8_STRING: u8 = 0x0c;
    pub(crate) const NUMERIC_STRING: u8 = 0x12;
    pub(crate) const PRINTABLE_STRING: u8 = 0x13;
    pub(crate) const TELETEX_STRING: u8 = 0x14;
    pub(crate) const IA5_STRING: u8 = 0x16;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const VISIBLE_STRING: u8 = 0x1a;
    pub(crate) const UNIVERSAL_STRING: u8 = 0x1c;
    pub(crate) const BMP_STRING: u8 = 0x1e;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
    /// Context-specific, primitive.
    pub(crate) const fn context(number: u8) -> u8 {
        0x80 | number
    }
    /// Context-specific, constructed.
    pub(crate) const fn context_constructed(number: u8) -> u8 {
        0xa0 | number
    }
}

/// One tag, its contents, and the whole encoding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) value: &'a [u8],
    pub(crate) whole: &'a [u8],
}

/// What is left to read of a structure's contents.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DerReader<'a> {
    rest: &'a [u8],
}

impl<'a> DerReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> DerReader<'a> {
        DerReader { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next tag, if there is one.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Reads one element of any tag.
    pub(crate) fn any(&mut self) -> Result<Element<'a>, Malformed> {
        let (&tag, after_tag) = self.rest.split_first().ok_or(Malformed("a structure ends early"))?;
        if tag & 0x1f == 0x1f {
            return Err(Malformed("a tag of more than one byte"));
        }
        let (&first, after_first) = after_tag.split_first().ok_or(Malformed("a structure ends early"))?;
        let (length, contents) =
            if first < 0x80 { (usize::from(first), after_first) } else { long_length(first & 0x7f, after_first)? };
        let (value, rest) = contents.split_at_checked(length).ok_or(Malformed("a length beyond the end"))?;
        let whole = self.rest.get(..self.rest.len() - rest.len()).unwrap_or_default();
        self.rest = rest;
        Ok(Element { tag, value, whole })
    }

    /// Reads the contents of one element that must have this tag.
    pub(crate) fn read(&mut self, tag: u8) -> Result<&'a [u8], Malformed> {
        self.element(tag).map(|element| element.value)
    }

    /// Reads one element that must have this tag.
    pub(crate) fn element(&mut self, tag: u8) -> Result<Element<'a>, Malformed> {
        if self.peek() != Some(tag) {
            return Err(Malformed("an element is missing or of the wrong type"));
        }
        self.any()
    }

    /// Reads the contents of the next element if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, Malformed> {
        if self.peek() == Some(tag) { self.read(tag).map(Some) } else { Ok(None) }
    }

    /// A reader of the contents of the next element, which must have this tag.
    pub(crate) fn nested(&mut self, tag: u8) -> Result<DerReader<'a>, Malformed> {
        self.read(tag).map(DerReader::new)
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), Malformed> {
        if self.is_empty() { Ok(()) } else { Err(Malformed("bytes follow the end of a structure")) }
    }
}

/// The one element that `bytes` consist of.
pub(crate) fn only(bytes: &[u8], tag: u8) -> Result<&[u8], Malformed> {
    let mut reader = DerReader::new(bytes);
    let value = reader.read(tag)?;
    reader.end()?;
    Ok(value)
}

/// BOOLEAN: one byte, 00 or ff (X.690 §11.1).
pub(crate) fn boolean(value: &[u8]) -> Result<bool, Malformed> {
    match value {
        [0x00] => Ok(false),
        [0xff] => Ok(true),
        _ => Err(Malformed("a BOOLEAN that is neither 00 nor ff")),
    }
}

/// INTEGER contents: at least one byte, in the shortest form (X.690 §8.3).
pub(crate) fn integer(value: &[u8]) -> Result<&[u8], Malformed> {
    match value {
        [] => Err(Malformed("an empty INTEGER")),
        [0x00, second, ..] if second & 0x80 == 0 => Err(Malformed("an INTEGER longer than it need be")),
        [0xff, second, ..] if second & 0x80 != 0 => Err(Malformed("an INTEGER longer than it need be")),
        _ => Ok(value),
    }
}

/// A BIT STRING of whole bytes: its contents without the count of unused bits, which must be none.
pub(crate) fn bit_string_bytes(value: &[u8]) -> Result<&[u8], Malformed> {
    match value.split_first() {
        Some((0, bytes)) => Ok(bytes),
        _ => Err(Malformed("a BIT STRING that is not whole bytes")),
    }
}

/// OBJECT IDENTIFIER contents: no empty ones, no padding, no arc cut short (X.690 §8.19).
pub(crate) fn oid(value: &[u8]) -> Result<&[u8], Malformed> {
    let mut at_start = true;
    for &byte in value {
        if at_start && byte == 0x80 {
            return Err(Malformed("an OBJECT IDENTIFIER with padding"));
        }
        at_start = byte & 0x80 == 0;
    }
    if value.is_empty() || !at_start {
        return Err(Malformed("an OBJECT IDENTIFIER that is empty or cut short"));
    }
    Ok(value)
}

/// The long form of a length: `count` bytes, without leading zeros, and not what the short form could say.
fn long_length(count: u8, bytes: &[u8]) -> Result<(usize, &[u8]), Malformed> {
    if count == 0 || usize::from(count) > LENGTH_BYTES_MAX {
        return Err(Malformed("a length that is indefinite or too long"));
    }
    let (bytes, rest) = bytes.split_at_checked(usize::from(count)).ok_or(Malformed("a structure ends early"))?;
    let length = bytes.iter().fold(0_usize, |length, &byte| (length << 8) | usize::from(byte));
    if bytes.first() == Some(&0) || length < 0x80 {
        return Err(Malformed("a length longer than it need be"));
    }
    Ok((length, rest))
}

/// Four bytes are 4 GiB: a CRL of a million entries has some 45 MB. How large a certificate may be is not
/// decided here.
const LENGTH_BYTES_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_der_is_read() {
        for (case, bytes, good) in [
            ("short", &[0x04, 0x01, 0xaa][..], true),
            ("empty value", &[0x04, 0x00], true),
            ("nothing", &[], false),
            ("no length", &[0x04], false),
            ("beyond the end", &[0x04, 0x02, 0xaa], false),
            ("indefinite", &[0x24, 0x80, 0x00, 0x00], false),
            ("long form of a short length", &[0x04, 0x81, 0x01, 0xaa], false),
            ("leading zero", &[0x04, 0x82, 0x00, 0x81, 0xaa], false),
            ("four bytes of length, one of them zero", &[0x04, 0x84, 0x00, 0x00, 0x00, 0x01, 0xaa], false),
            ("five bytes of length", &[0x04, 0x85, 0x01, 0x00, 0x00, 0x00, 0x00, 0xaa], false),
            ("huge", &[0x04, 0x84, 0xff, 0xff, 0xff, 0xff], false),
            ("tag of two bytes", &[0x1f, 0x81, 0x01, 0x00], false),
            ("trailing", &[0x04, 0x01, 0xaa, 0x00], false),
        ] {
            assert_eq!(only(bytes, bytes.first().copied().unwrap_or(0x04)).is_ok(), good, "{case}");
        }
    }

    #[test]
    fn primitives() {
        assert_eq!(boolean(&[0x01]), Err(Malformed("a BOOLEAN that is neither 00 nor ff")));
        assert_eq!(boolean(&[0xff]), Ok(true));
        for (bytes, good) in [
            (&[][..], false),
            (&[0x00], true),
            (&[0x00, 0x7f], false),
            (&[0x00, 0x80], true),
            (&[0xff, 0x80], false),
            (&[0xff, 0x7f], true),
        ] {
            assert_eq!(integer(bytes).is_ok(), good, "{bytes:02x?}");
        }
        for (bytes, good) in [
            (&[][..], false),
            (&[0x55, 0x1d], true),
            (&[0x80, 0x01], false),
            (&[0x55, 0x80, 0x01], false),
            (&[0x2a, 0x86], false),
            (&[0x2a, 0x86, 0x48], true),
        ] {
            assert_eq!(oid(bytes).is_ok(), good, "{bytes:02x?}");
        }
    }
}
