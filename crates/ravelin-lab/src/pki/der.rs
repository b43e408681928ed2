//! A small DER writer (X.690), and the one reader that [`super`] needs.
//!
//! Every function returns the whole TLV, so that values nest like the ASN.1 they stand for.

/// Tag, length, contents.
pub fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(contents.len() + 6);
    out.push(tag);
    let length = contents.len().to_be_bytes();
    let significant = length.iter().skip_while(|byte| **byte == 0).copied().collect::<Vec<_>>();
    match significant.as_slice() {
        [] => out.push(0),
        [short] if *short < 0x80 => out.push(*short),
        long => {
            out.push(0x80 | long.len() as u8);
            out.extend_from_slice(long);
        }
    }
    out.extend_from_slice(contents);
    out
}

/// SEQUENCE of whole TLVs.
pub fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

/// SET OF whole TLVs, sorted as DER asks.
pub fn set_of(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut sorted = parts.to_vec();
    sorted.sort();
    tlv(0x31, &sorted.concat())
}

/// BOOLEAN.
pub fn boolean(value: bool) -> Vec<u8> {
    tlv(0x01, &[if value { 0xff } else { 0 }])
}

/// INTEGER from its contents as they stand: no byte is added or taken away.
pub fn integer_raw(contents: &[u8]) -> Vec<u8> {
    tlv(0x02, contents)
}

/// INTEGER that is not negative, from big-endian bytes in any length.
pub fn integer_unsigned(big_endian: &[u8]) -> Vec<u8> {
    let mut contents: Vec<u8> = big_endian.iter().skip_while(|byte| **byte == 0).copied().collect();
    if contents.first().is_none_or(|first| *first >= 0x80) {
        contents.insert(0, 0);
    }
    tlv(0x02, &contents)
}

/// INTEGER.
pub fn integer(value: u64) -> Vec<u8> {
    integer_unsigned(&value.to_be_bytes())
}

/// ENUMERATED.
pub fn enumerated(value: u8) -> Vec<u8> {
    tlv(0x0a, &[value])
}

/// BIT STRING of whole bytes.
pub fn bit_string(bytes: &[u8]) -> Vec<u8> {
    tlv(0x03, &[&[0], bytes].concat())
}

/// BIT STRING with named bits: bit 0 is the highest bit of `bits`; trailing zero bits are left out (X.690 §11.2.2).
pub fn named_bits(bits: u16) -> Vec<u8> {
    tlv(0x03, &named_bits_contents(bits))
}

/// Contents of [`named_bits`], for implicit tags.
pub fn named_bits_contents(bits: u16) -> Vec<u8> {
    if bits == 0 {
        return vec![0];
    }
    let unused = bits.trailing_zeros() % 8;
    let bytes = bits.to_be_bytes();
    let used = if bytes[1] == 0 { &bytes[..1] } else { &bytes[..] };
    [&[unused as u8], used].concat()
}

/// OCTET STRING.
pub fn octet_string(bytes: &[u8]) -> Vec<u8> {
    tlv(0x04, bytes)
}

/// NULL.
pub fn null() -> Vec<u8> {
    tlv(0x05, &[])
}

/// OBJECT IDENTIFIER from dotted decimal.
///
/// # Panics
/// On text that is no identifier.
#[track_caller]
pub fn oid(dotted: &str) -> Vec<u8> {
    tlv(0x06, &oid_contents(dotted))
}

/// Contents of [`oid`], for implicit tags.
///
/// # Panics
/// On text that is no identifier.
#[track_caller]
pub fn oid_contents(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u64> =
        dotted.split('.').map(|arc| arc.parse().unwrap_or_else(|_| panic!("no OID: {dotted}"))).collect();
    let [first, second, rest @ ..] = arcs.as_slice() else { panic!("no OID: {dotted}") };
    let mut out = base128(first * 40 + second);
    rest.iter().for_each(|arc| out.extend(base128(*arc)));
    out
}

fn base128(value: u64) -> Vec<u8> {
    let mut out = vec![(value & 0x7f) as u8];
    let mut rest = value >> 7;
    while rest > 0 {
        out.insert(0, 0x80 | (rest & 0x7f) as u8);
        rest >>= 7;
    }
    out
}

/// `[number] EXPLICIT`.
pub fn explicit(number: u8, inner: &[u8]) -> Vec<u8> {
    tlv(0xa0 | number, inner)
}

/// `[number] IMPLICIT` over a primitive type: contents without their own tag.
pub fn implicit(number: u8, contents: &[u8]) -> Vec<u8> {
    tlv(0x80 | number, contents)
}

/// `[number] IMPLICIT` over a constructed type: contents without their own tag.
pub fn implicit_constructed(number: u8, contents: &[u8]) -> Vec<u8> {
    tlv(0xa0 | number, contents)
}

/// A time as certificates write it (RFC 5280 §4.1.2.5): UTCTime from 1950 through 2049, else GeneralizedTime.
///
/// # Panics
/// Outside the years 0 to 9999.
pub fn time(unix_seconds: i64) -> Vec<u8> {
    let at = time::OffsetDateTime::from_unix_timestamp(unix_seconds).expect("a time in the years 0 to 9999");
    if (1950..2050).contains(&at.year()) {
        let (year, rest) = (at.year() % 100, clock_digits(&at));
        return tlv(0x17, format!("{year:02}{rest}").as_bytes());
    }
    generalized_time(unix_seconds)
}

/// GeneralizedTime, whatever the year.
///
/// # Panics
/// Outside the years 0 to 9999.
pub fn generalized_time(unix_seconds: i64) -> Vec<u8> {
    let at = time::OffsetDateTime::from_unix_timestamp(unix_seconds).expect("a time in the years 0 to 9999");
    tlv(0x18, format!("{:04}{}", at.year(), clock_digits(&at)).as_bytes())
}

fn clock_digits(at: &time::OffsetDateTime) -> String {
    format!("{:02}{:02}{:02}{:02}{:02}Z", u8::from(at.month()), at.day(), at.hour(), at.minute(), at.second())
}

/// Splits the first TLV off: its tag, its contents, what follows. `None` if it is not whole.
pub fn read(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [tag, length, rest @ ..] = input else { return None };
    let (length, rest) = if *length < 0x80 {
        (usize::from(*length), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
        (digits.iter().try_fold(0usize, |sum, digit| sum.checked_mul(256)?.checked_add(usize::from(*digit)))?, rest)
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((*tag, contents, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_x690_writes_them() {
        for (case, written, expected) in [
            ("short length", octet_string(&[7; 3]), "0403070707"),
            ("no contents", null(), "0500"),
            ("zero", integer(0), "020100"),
            ("127", integer(127), "02017f"),
            ("128 keeps its sign", integer(128), "02020080"),
            ("leading zeros go", integer_unsigned(&[0, 0, 1]), "020101"),
            ("raw stays raw", integer_raw(&[0, 1]), "02020001"),
            ("two arcs", oid("2.5.29.37"), "0603551d25"),
            ("long arc", oid("1.3.6.1.4.1.311.25.2"), "06092b060104018237"),
            ("digitalSignature, keyEncipherment", named_bits(0b1010_0000_0000_0000), "030205a0"),
            ("ninth bit", named_bits(0b0000_0000_1000_0000), "0303070080"),
            ("no bits", named_bits(0), "030100"),
            ("set is sorted", set_of(&[integer(2), integer(1)]), "3106020101020102"),
            ("UTCTime", time(0), "170d3730303130313030303030305a"),
            ("GeneralizedTime", time(2_524_608_000), "180f32303530303130313030303030305a"),
        ] {
            let hex: String = written.iter().map(|byte| format!("{byte:02x}")).collect();
            assert!(hex.starts_with(expected), "{case}: {hex}");
        }
    }

    #[test]
    fn long_lengths_are_read_back() {
        for length in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let contents = vec![9; length];
            assert_eq!(read(&tlv(0x30, &contents)), Some((0x30, contents.as_slice(), [].as_slice())), "{length}");
        }
        assert_eq!(read(&[0x30, 5, 1]), None);
    }
}
