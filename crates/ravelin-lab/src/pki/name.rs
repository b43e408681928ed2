//! Distinguished names: any attributes, any string type, several values in one RDN.

use super::der;

/// A distinguished name in DER order (root first). Written as text: `DC=test,DC=example,DC=corp,CN=Corp Issuing CA 1`;
/// `+` joins the values of one RDN, a backslash takes the meaning from `,` `+` `=` and `\`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Name {
    /// Each RDN with its attributes.
    pub rdns: Vec<Vec<Attribute>>,
}

/// One attribute of a name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attribute {
    /// Type, dotted decimal.
    pub oid: String,
    /// How the value is written.
    pub string_type: StringType,
    /// Text of the value.
    pub value: String,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StringType {
    /// 16-bit characters; what lies beyond becomes `?`.
    Bmp,
    /// ASCII.
    Ia5,
    /// Letters, digits and a few marks; not checked.
    Printable,
    /// Latin-1, as Windows reads it; what lies beyond becomes `?`.
    Teletex,
    /// UTF-8.
    Utf8,
}

impl Name {
    /// No RDN at all, as certificates of the Workstation template have.
    pub fn empty() -> Name {
        Name::default()
    }

    /// One CN, whatever characters it holds.
    pub fn cn(value: &str) -> Name {
        Name::empty().and("CN", value)
    }

    /// One more RDN: a short name (`CN`, `DC`, `O`, `OU`, `C`, `L`, `ST`, `E`, `SERIALNUMBER`) or a dotted OID.
    ///
    /// # Panics
    /// On an unknown short name.
    #[must_use]
    #[track_caller]
    pub fn and(mut self, kind: &str, value: &str) -> Name {
        self.rdns.push(vec![Attribute::new(kind, value)]);
        self
    }

    /// Writes every value but those of DC and E in this string type.
    #[must_use]
    pub fn string_type(mut self, string_type: StringType) -> Name {
        for attribute in self.rdns.iter_mut().flatten() {
            if attribute.string_type != StringType::Ia5 {
                attribute.string_type = string_type;
            }
        }
        self
    }

    /// The last CN, for file names and URLs.
    pub fn common_name(&self) -> Option<&str> {
        self.rdns.iter().flatten().rev().find(|attribute| attribute.oid == CN).map(|attribute| attribute.value.as_str())
    }

    /// `Name` of RFC 5280 §4.1.2.4.
    pub fn to_der(&self) -> Vec<u8> {
        let rdns: Vec<Vec<u8>> = self.rdns.iter().map(|rdn| rdn_der(rdn)).collect();
        der::sequence(&rdns)
    }
}

impl From<&str> for Name {
    /// See [`Name`].
    ///
    /// # Panics
    /// On text that is no name.
    #[track_caller]
    fn from(text: &str) -> Name {
        let mut rdns = vec![Vec::new()];
        for (piece, end) in pieces(text) {
            let Some((kind, value)) = piece.split_once('=') else { panic!("no name: {text:?} at {piece:?}") };
            rdns.last_mut().expect("never empty").push(Attribute::new(kind.trim(), &unescape(value)));
            if end == Some(',') {
                rdns.push(Vec::new());
            }
        }
        rdns.retain(|rdn| !rdn.is_empty());
        Name { rdns }
    }
}

impl Attribute {
    /// With the string type that AD CS takes: IA5String for DC and E, PrintableString where it can hold the value, else
    /// UTF8String.
    ///
    /// # Panics
    /// On an unknown short name.
    #[track_caller]
    pub fn new(kind: &str, value: &str) -> Attribute {
        let oid = SHORT_NAMES.iter().find(|(short, _)| short.eq_ignore_ascii_case(kind)).map(|(_, oid)| *oid);
        let oid = oid.unwrap_or(kind);
        assert!(oid.contains('.'), "unknown attribute type {kind:?}");
        let string_type = if [DC, E].contains(&oid) {
            StringType::Ia5
        } else if value.chars().all(|c| c.is_ascii_alphanumeric() || " '()+,-./:=?".contains(c)) {
            StringType::Printable
        } else {
            StringType::Utf8
        };
        Attribute { oid: oid.to_owned(), string_type, value: value.to_owned() }
    }

    fn to_der(&self) -> Vec<u8> {
        let value = match self.string_type {
            StringType::Bmp => {
                let units = self.value.chars().map(|c| u16::try_from(u32::from(c)).unwrap_or(u16::from(b'?')));
                der::tlv(0x1e, &units.flat_map(u16::to_be_bytes).collect::<Vec<u8>>())
            }
            StringType::Ia5 => der::tlv(0x16, self.value.as_bytes()),
            StringType::Printable => der::tlv(0x13, self.value.as_bytes()),
            StringType::Teletex => {
                let bytes = self.value.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'));
                der::tlv(0x14, &bytes.collect::<Vec<u8>>())
            }
            StringType::Utf8 => der::tlv(0x0c, self.value.as_bytes()),
        };
        der::sequence(&[der::oid(&self.oid), value])
    }
}

/// `RelativeDistinguishedName`.
fn rdn_der(attributes: &[Attribute]) -> Vec<u8> {
    der::set_of(&attributes.iter().map(Attribute::to_der).collect::<Vec<_>>())
}

/// Text between unescaped separators, with the separator that ended it.
fn pieces(text: &str) -> Vec<(String, Option<char>)> {
    let (mut out, mut piece, mut escaped) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        if !escaped && (c == ',' || c == '+') {
            out.push((std::mem::take(&mut piece), Some(c)));
        } else {
            piece.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    if !piece.is_empty() {
        out.push((piece, None));
    }
    out
}

fn unescape(value: &str) -> String {
    let (mut out, mut escaped) = (String::new(), false);
    for c in value.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            out.push(c);
            escaped = false;
        }
    }
    out
}

const CN: &str = "2.5.4.3";
const DC: &str = "0.9.2342.19200300.100.1.25";
const E: &str = "1.2.840.113549.1.9.1";

const SHORT_NAMES: [(&str, &str); 9] = [
    ("CN", CN),
    ("DC", DC),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("C", "2.5.4.6"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("E", E),
    ("SERIALNUMBER", "2.5.4.5"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_rdns_in_order() {
        let name = Name::from("DC=test,DC=example,O=a\\, b+OU=c,CN=x");
        let values: Vec<Vec<&str>> =
            name.rdns.iter().map(|rdn| rdn.iter().map(|attribute| attribute.value.as_str()).collect()).collect();
        assert_eq!(values, [vec!["test"], vec!["example"], vec!["a, b", "c"], vec!["x"]]);
        assert_eq!(name.common_name(), Some("x"));
    }

    #[test]
    fn string_types_differ_in_bytes_only() {
        for (string_type, expected) in [
            (StringType::Bmp, vec![0x1e, 4, 0, b'a', 0, 0xe9]),
            (StringType::Teletex, vec![0x14, 2, b'a', 0xe9]),
            (StringType::Utf8, vec![0x0c, 3, b'a', 0xc3, 0xa9]),
        ] {
            assert!(Name::cn("aé").string_type(string_type).to_der().ends_with(&expected), "{string_type:?}");
        }
    }
}
