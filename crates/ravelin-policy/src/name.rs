//! Distinguished names: when two are the same, and how one is written for a person.
//!
//! Names are compared as RFC 5280 §7.1 says: without regard to case, to leading, trailing and repeated spaces, and to
//! the string type (a certificate authority that was renewed may write its own name as UTF8String where its older
//! certificate has PrintableString). Attributes of one RDN are a set; the order of RDNs counts.
//!
//! Looser comparison gives nobody a right: an equal name only says which key to try. Not done: Unicode normalization
//! (NFKC). Two spellings of one accented letter are two names, which refuses and never admits.

use crate::der::{self, DerReader, Malformed, tag};
use crate::digest::hex;

/// A form of a DER `Name` that is byte-equal for equal names, and for no others.
///
/// Every RDN in it states its own size, so that a name lies below another (a directoryName subtree, RFC 5280 §4.2.1.10)
/// exactly if the other's canonical form is a prefix of its own. An empty name gives an empty form.
///
/// # Errors
/// The bytes are not one `Name`, or a string in it is not of its declared type.
pub(crate) fn canonical(name: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut form = Vec::with_capacity(name.len());
    for rdn in rdns(name)? {
        let mut attributes: Vec<Vec<u8>> = rdn.iter().map(Attribute::canonical).collect();
        // RFC 5280 §7.1: "the same number of naming attributes", matched in any order.
        attributes.sort_unstable();
        push_sized(&mut form, &attributes.concat());
    }
    Ok(form)
}

/// [`canonical`] of a name in text: RDNs in DER order, each with the type (DER contents) and text of its attributes.
pub(crate) fn canonical_of_text(rdns: &[Vec<(Vec<u8>, String)>]) -> Vec<u8> {
    let mut form = Vec::new();
    for rdn in rdns {
        let mut attributes: Vec<Vec<u8>> =
            rdn.iter().map(|(oid, text)| Attribute { oid, value: Value::Text(text.clone()) }.canonical()).collect();
        attributes.sort_unstable();
        push_sized(&mut form, &attributes.concat());
    }
    form
}

/// A distinguished name (DER) as text, in RFC 4514 form: the one way in which ravelin prints names, such as
/// `CN=Corp Issuing CA,DC=corp`. `None` for what is no name. Text of a stranger goes through [`crate::escape_name`] before it
/// is printed.
pub fn distinguished_name(der: &[u8]) -> Option<String> {
    rfc4514(der).ok()
}

/// The name in RFC 4514 form: the last RDN first, special characters escaped. Empty for an empty name.
///
/// # Errors
/// As [`canonical`].
pub(crate) fn rfc4514(name: &[u8]) -> Result<String, Malformed> {
    let mut parts: Vec<String> =
        rdns(name)?.iter().map(|rdn| rdn.iter().map(Attribute::rfc4514).collect::<Vec<_>>().join("+")).collect();
    parts.reverse();
    Ok(parts.join(","))
}

/// Values of one attribute type, as text, in order.
///
/// # Errors
/// As [`canonical`].
pub(crate) fn values(name: &[u8], attribute_type: &[u8]) -> Result<Vec<String>, Malformed> {
    Ok(rdns(name)?
        .into_iter()
        .flatten()
        .filter(|attribute| attribute.oid == attribute_type)
        .filter_map(|attribute| match attribute.value {
            Value::Text(text) => Some(text),
            Value::Other(_) => None,
        })
        .collect())
}

/// id-at-commonName.
pub(crate) const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// emailAddress of PKCS #9, which RFC 5280 §4.2.1.10 puts under rfc822Name constraints.
pub(crate) const EMAIL_ADDRESS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01];

/// One `AttributeTypeAndValue`.
struct Attribute<'a> {
    oid: &'a [u8],
    value: Value<'a>,
}

enum Value<'a> {
    /// Any of the string types, decoded.
    Text(String),
    /// Another type: compared and written as its DER.
    Other(&'a [u8]),
}

impl Attribute<'_> {
    fn canonical(&self) -> Vec<u8> {
        let mut form = Vec::new();
        push_sized(&mut form, self.oid);
        match &self.value {
            Value::Text(text) => {
                form.push(0);
                push_sized(&mut form, fold(text).as_bytes());
            }
            Value::Other(der) => {
                form.push(1);
                push_sized(&mut form, der);
            }
        }
        let mut sized = Vec::with_capacity(form.len() + 4);
        push_sized(&mut sized, &form);
        sized
    }

    fn rfc4514(&self) -> String {
        let key = SHORT_NAMES.iter().find(|(oid, _)| *oid == self.oid).map(|(_, short)| *short);
        match (key, &self.value) {
            (Some(key), Value::Text(text)) => format!("{key}={}", escape_value(text)),
            (None, Value::Text(text)) => format!("{}={}", crate::oid::dotted(self.oid), escape_value(text)),
            (_, Value::Other(der)) => {
                // RFC 4514 §2.4: a value without a string form is `#` and the hex of its DER.
                format!("{}=#{}", crate::oid::dotted(self.oid), hex(der))
            }
        }
    }
}

/// `Name ::= SEQUENCE OF SET OF SEQUENCE { type, value }`.
fn rdns(name: &[u8]) -> Result<Vec<Vec<Attribute<'_>>>, Malformed> {
    let mut sequence = DerReader::new(der::only(name, tag::SEQUENCE)?);
    let mut rdns = Vec::new();
    let mut attributes = 0;
    while !sequence.is_empty() {
        let mut set = sequence.nested(tag::SET)?;
        let mut rdn = Vec::with_capacity(1);
        while !set.is_empty() {
            attributes += 1;
            if attributes > ATTRIBUTES_MAX {
                return Err(Malformed("a name of more than 32 attributes"));
            }
            let mut attribute = set.nested(tag::SEQUENCE)?;
            let oid = der::oid(attribute.read(tag::OID)?)?;
            let value = value(&mut attribute)?;
            attribute.end()?;
            rdn.push(Attribute { oid, value });
        }
        if rdn.is_empty() {
            return Err(Malformed("a name with an empty RDN"));
        }
        rdns.push(rdn);
    }
    Ok(rdns)
}

/// Decodes a string by its declared type.
fn value<'a>(reader: &mut DerReader<'a>) -> Result<Value<'a>, Malformed> {
    let element = reader.any()?;
    let bytes = element.value;
    let text = match element.tag {
        tag::UTF8_STRING => std::str::from_utf8(bytes).map_err(|_| BAD_STRING)?.to_owned(),
        // The small alphabets are held to ASCII, not to their exact sets: authorities write `&`, `@` and `_` as
        // PrintableString, and nothing follows from it.
        tag::PRINTABLE_STRING | tag::IA5_STRING | tag::NUMERIC_STRING | tag::VISIBLE_STRING if bytes.is_ascii() => {
            bytes.iter().copied().map(char::from).collect()
        }
        tag::PRINTABLE_STRING | tag::IA5_STRING | tag::NUMERIC_STRING | tag::VISIBLE_STRING => return Err(BAD_STRING),
        // T.61 is read as Latin-1, which is what its writers meant.
        tag::TELETEX_STRING => bytes.iter().copied().map(char::from).collect(),
        tag::BMP_STRING => {
            let (units, rest) = bytes.as_chunks::<2>();
            let decoded = char::decode_utf16(units.iter().map(|unit| u16::from_be_bytes(*unit)));
            let text = decoded.collect::<Result<String, _>>().map_err(|_| BAD_STRING)?;
            if rest.is_empty() { text } else { return Err(BAD_STRING) }
        }
        tag::UNIVERSAL_STRING => {
            let (units, rest) = bytes.as_chunks::<4>();
            let decoded = units.iter().map(|unit| char::from_u32(u32::from_be_bytes(*unit)));
            let text = decoded.collect::<Option<String>>().ok_or(BAD_STRING)?;
            if rest.is_empty() { text } else { return Err(BAD_STRING) }
        }
        _ => return Ok(Value::Other(element.whole)),
    };
    Ok(Value::Text(text))
}

/// Case folded, spaces trimmed and runs of them made one (RFC 4518 §2.2 and §2.6.1, without §2.3).
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.extend(word.chars().flat_map(char::to_lowercase));
    }
    folded
}

/// RFC 4514 §2.4. Control characters are written as their UTF-8 bytes in hex.
fn escape_value(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let last = text.chars().count().saturating_sub(1);
    for (at, character) in text.chars().enumerate() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => {
                escaped.push('\\');
                escaped.push(character);
            }
            ' ' if at == 0 || at == last => escaped.push_str("\\ "),
            '#' if at == 0 => escaped.push_str("\\#"),
            control if control.is_control() => {
                let mut buffer = [0; 4];
                for byte in control.encode_utf8(&mut buffer).bytes() {
                    escaped.push_str(&format!("\\{byte:02X}"));
                }
            }
            plain => escaped.push(plain),
        }
    }
    escaped
}

/// Length in four bytes, then the bytes: what makes [`canonical`] free of ambiguity.
fn push_sized(form: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    form.extend_from_slice(&length.to_be_bytes());
    form.extend_from_slice(bytes);
}

/// A deep forest has ten. Names are read before anything else is known of a certificate, so that their cost is a stranger's to
/// choose up to here.
const ATTRIBUTES_MAX: usize = 32;

const BAD_STRING: Malformed = Malformed("a string in a name that is not of its declared type");

/// RFC 4514 §3, and the mail address, which Windows and OpenSSL both show.
const SHORT_NAMES: &[(&[u8], &str)] = &[
    (COMMON_NAME, "CN"),
    (&[0x55, 0x04, 0x07], "L"),
    (&[0x55, 0x04, 0x08], "ST"),
    (&[0x55, 0x04, 0x0a], "O"),
    (&[0x55, 0x04, 0x0b], "OU"),
    (&[0x55, 0x04, 0x06], "C"),
    (&[0x55, 0x04, 0x09], "STREET"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19], "DC"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01], "UID"),
    (EMAIL_ADDRESS, "emailAddress"),
    // RFC 4519, as public certificates have them.
    (&[0x55, 0x04, 0x04], "SN"),
    (&[0x55, 0x04, 0x05], "serialNumber"),
    (&[0x55, 0x04, 0x0c], "title"),
    (&[0x55, 0x04, 0x0f], "businessCategory"),
    (&[0x55, 0x04, 0x11], "postalCode"),
    (&[0x55, 0x04, 0x2a], "GN"),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const O: &[u8] = &[0x55, 0x04, 0x0a];
    const CN: &[u8] = COMMON_NAME;
    const DC: &[u8] = &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19];

    type Part<'a> = (&'a [u8], u8, &'a [u8]);

    fn wrap(tag: u8, value: &[u8]) -> Vec<u8> {
        let mut der = vec![tag];
        match u8::try_from(value.len()) {
            Ok(length) if length < 0x80 => der.push(length),
            Ok(length) => der.extend([0x81, length]),
            Err(_) => der.extend([&[0x82][..], &u16::try_from(value.len()).unwrap().to_be_bytes()].concat()),
        }
        der.extend_from_slice(value);
        der
    }

    fn name(rdns: &[&[Part<'_>]]) -> Vec<u8> {
        let sets = rdns.iter().map(|rdn| {
            let parts = rdn
                .iter()
                .map(|(oid, tag, value)| wrap(tag::SEQUENCE, &[wrap(tag::OID, oid), wrap(*tag, value)].concat()));
            wrap(tag::SET, &parts.collect::<Vec<_>>().concat())
        });
        wrap(tag::SEQUENCE, &sets.collect::<Vec<_>>().concat())
    }

    /// Covers: docs/traps.md row 46; RFC 5280 §7.1.
    #[test]
    fn equal_and_unequal_names() {
        let printable = |text: &'static str| (O, tag::PRINTABLE_STRING, text.as_bytes());
        let utf8 = |text: &'static str| (O, tag::UTF8_STRING, text.as_bytes());
        let bmp: &[u8] = &[0x00, b'C', 0x00, b'o', 0x00, b'r', 0x00, b'p'];
        let universal: &[u8] = &[0, 0, 0, b'C', 0, 0, 0, b'o', 0, 0, 0, b'r', 0, 0, 0, b'p'];
        for (case, left, right, equal) in [
            ("same", vec![vec![utf8("Corp")]], vec![vec![utf8("Corp")]], true),
            ("case", vec![vec![utf8("CORP")]], vec![vec![utf8("corp")]], true),
            ("case beyond ASCII", vec![vec![utf8("MÜLLER")]], vec![vec![utf8("müller")]], true),
            ("string type", vec![vec![utf8("Corp")]], vec![vec![printable("Corp")]], true),
            ("teletex", vec![vec![(O, tag::TELETEX_STRING, &[b'M', 0xfc])]], vec![vec![utf8("Mü")]], true),
            ("bmp", vec![vec![(O, tag::BMP_STRING, bmp)]], vec![vec![utf8("Corp")]], true),
            ("universal", vec![vec![(O, tag::UNIVERSAL_STRING, universal)]], vec![vec![utf8("Corp")]], true),
            ("IA5", vec![vec![(DC, tag::IA5_STRING, b"corp")]], vec![vec![(DC, tag::UTF8_STRING, b"CORP")]], true),
            ("outer spaces", vec![vec![utf8("  Corp ")]], vec![vec![utf8("Corp")]], true),
            ("inner spaces", vec![vec![utf8("A  \t B")]], vec![vec![utf8("a b")]], true),
            ("space or none", vec![vec![utf8("A B")]], vec![vec![utf8("AB")]], false),
            ("homoglyph", vec![vec![utf8("Corp")]], vec![vec![utf8("C\u{43e}rp")]], false),
            ("NUL", vec![vec![utf8("Corp")]], vec![vec![utf8("Corp\0")]], false),
            ("attribute type", vec![vec![utf8("Corp")]], vec![vec![(CN, tag::UTF8_STRING, b"Corp")]], false),
            (
                "order of RDNs",
                vec![vec![utf8("A")], vec![(CN, tag::UTF8_STRING, b"B")]],
                vec![vec![(CN, tag::UTF8_STRING, b"B")], vec![utf8("A")]],
                false,
            ),
            (
                "multi-valued RDN is a set",
                vec![vec![utf8("A"), (CN, tag::UTF8_STRING, b"B")]],
                vec![vec![(CN, tag::UTF8_STRING, b"b"), utf8("a")]],
                true,
            ),
            (
                "multi-valued is not two RDNs",
                vec![vec![utf8("A"), (CN, tag::UTF8_STRING, b"B")]],
                vec![vec![utf8("A")], vec![(CN, tag::UTF8_STRING, b"B")]],
                false,
            ),
            (
                "text that looks like an attribute",
                vec![vec![utf8("x,CN=admin")]],
                vec![vec![utf8("x")], vec![(CN, tag::UTF8_STRING, b"admin")]],
                false,
            ),
            ("other type is compared as it is", vec![vec![(O, 0x04, b"A")]], vec![vec![(O, 0x04, b"a")]], false),
            ("one more RDN", vec![vec![utf8("A")]], vec![vec![utf8("A")], vec![utf8("A")]], false),
        ] {
            fn form(rdns: &[Vec<Part<'_>>]) -> Vec<u8> {
                canonical(&name(&rdns.iter().map(Vec::as_slice).collect::<Vec<_>>())).unwrap()
            }
            assert_eq!(form(&left) == form(&right), equal, "{case}");
        }
    }

    #[test]
    fn below_is_a_prefix() {
        let above = canonical(&name(&[&[(DC, tag::IA5_STRING, b"corp")]])).unwrap();
        let below = canonical(&name(&[&[(DC, tag::IA5_STRING, b"CORP")], &[(CN, tag::UTF8_STRING, b"pc")]])).unwrap();
        let beside = canonical(&name(&[&[(DC, tag::IA5_STRING, b"corporation")]])).unwrap();
        assert!(below.starts_with(&above) && !above.starts_with(&below) && !beside.starts_with(&above));
        assert!(canonical(&name(&[])).unwrap().is_empty());
    }

    #[test]
    fn malformed_names() {
        for (case, der) in [
            ("empty RDN", wrap(tag::SEQUENCE, &wrap(tag::SET, &[]))),
            ("not UTF-8", name(&[&[(O, tag::UTF8_STRING, &[0xff])]])),
            ("PrintableString beyond ASCII", name(&[&[(O, tag::PRINTABLE_STRING, &[0xe4])]])),
            ("half a BMP character", name(&[&[(O, tag::BMP_STRING, &[0, b'C', 0])]])),
            ("lone surrogate", name(&[&[(O, tag::BMP_STRING, &[0xd8, 0x00])]])),
            ("trailing", [name(&[]), vec![0]].concat()),
            ("33 attributes", name(&[&[(O, tag::UTF8_STRING, &b"x"[..]); 33]])),
            ("33 RDNs", name(&[&[(O, tag::UTF8_STRING, &b"x"[..])][..]; 33])),
            ("nothing", Vec::new()),
        ] {
            assert!(canonical(&der).is_err(), "{case}");
            assert!(rfc4514(&der).is_err(), "{case}");
        }
    }

    #[test]
    fn special_characters_of_a_value_are_escaped() {
        for (value, text) in [
            ("da.example.com", "CN=da.example.com"),
            ("Contoso, Ltd.", "CN=Contoso\\, Ltd."),
            ("x,CN=admin", "CN=x\\,CN=admin"),
            (" # ", "CN=\\ #\\ "),
            ("#1", "CN=\\#1"),
            ("a\nb", "CN=a\\0Ab"),
        ] {
            let der = name(&[&[(CN, tag::UTF8_STRING, value.as_bytes())]]);
            assert_eq!(distinguished_name(&der).as_deref(), Some(text));
        }
        assert_eq!(distinguished_name(b"CN=da.example.com"), None);
    }

    #[test]
    fn written_for_a_person() {
        let der = name(&[
            &[(DC, tag::IA5_STRING, b"test")],
            &[(DC, tag::IA5_STRING, b"corp")],
            &[(O, tag::UTF8_STRING, b" x,CN=admin\n"), (&[0x2a, 0x03], tag::UTF8_STRING, b"#1")],
            &[(CN, 0x04, b"A")],
        ]);
        assert_eq!(
            rfc4514(&der).unwrap(),
            r"2.5.4.3=#040141,O=\ x\,CN\=admin\0A+1.2.3=\#1,DC=corp,DC=test".replace(r"CN\=", "CN=")
        );
        assert_eq!(values(&der, DC).unwrap(), ["test", "corp"]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = canonical(&bytes);
            let _ = rfc4514(&bytes);
        }

        #[test]
        fn case_and_spaces_never_matter(words in proptest::collection::vec("[a-zA-Z0-9äöü.]{1,8}", 1..4), pad in " {0,3}") {
            let plain = words.join(" ");
            let odd = format!("{pad}{}{pad}", words.join(&format!(" {pad}")).to_uppercase());
            let left = canonical(&name(&[&[(O, tag::UTF8_STRING, plain.as_bytes())]])).unwrap();
            let right = canonical(&name(&[&[(O, tag::UTF8_STRING, odd.as_bytes())]])).unwrap();
            prop_assert_eq!(left, right);
        }
    }
}
