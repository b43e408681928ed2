//! Explicit mappings: what altSecurityIdentities says of certificates, and what a certificate is looked up by.
//!
//! Source: MS-PKCA §3.1.5.2.1.3; facts of the text form: serial numbers with their bytes reversed, names root first
//! and quoted as CERT_X500_NAME_STR writes them.
//!
//! `X509:<S>…` and `X509:<RFC822>…` bind no issuer and never count: any trusted authority could write such a certificate.
//! A value that cannot be read maps nobody.

use crate::name;
use crate::oid;

use super::sid::Sid;

/// What one mapping is compared by: equal for the text of the directory and for the certificate it means.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct ExplicitKey(Vec<u8>);

/// The kinds, by the text that introduces them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// `<I>issuer<SR>serial number`
    IssuerSerial,
    /// `<I>issuer<SID>security identifier`
    IssuerSid,
    /// `<I>issuer<S>subject`: weak, a subject may be issued twice.
    IssuerSubject,
    /// `<SHA1-PUKEY>`: of the public key, or, as Microsoft's own tool writes it, of the whole certificate.
    Sha1,
    /// `<SKI>key identifier`: binds no issuer, see [`crate::account`].
    Ski,
}

impl Kind {
    /// As the directory writes it, and `explain`.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Kind::IssuerSerial => "<I>..<SR>",
            Kind::IssuerSid => "<I>..<SID>",
            Kind::IssuerSubject => "<I>..<S>",
            Kind::Sha1 => "<SHA1-PUKEY>",
            Kind::Ski => "<SKI>",
        }
    }
}

impl ExplicitKey {
    /// Of an issuer ([`name::canonical`]) and the serial number (DER contents).
    pub(crate) fn issuer_serial(issuer: &[u8], serial: &[u8]) -> ExplicitKey {
        let magnitude = serial.iter().position(|byte| *byte != 0).and_then(|at| serial.get(at..)).unwrap_or_default();
        ExplicitKey::of(Kind::IssuerSerial, &[issuer, magnitude])
    }

    /// Of an issuer and an account.
    pub(crate) fn issuer_sid(issuer: &[u8], sid: &Sid) -> ExplicitKey {
        ExplicitKey::of(Kind::IssuerSid, &[issuer, &sid.to_bytes()])
    }

    /// Of an issuer and a subject (both canonical).
    pub(crate) fn issuer_subject(issuer: &[u8], subject: &[u8]) -> ExplicitKey {
        ExplicitKey::of(Kind::IssuerSubject, &[issuer, subject])
    }

    /// Of a SHA-1 digest.
    pub(crate) fn sha1(digest: &[u8]) -> ExplicitKey {
        ExplicitKey::of(Kind::Sha1, &[digest])
    }

    /// Of the extension's key identifier.
    pub(crate) fn ski(identifier: &[u8]) -> ExplicitKey {
        ExplicitKey::of(Kind::Ski, &[identifier])
    }

    /// Reads one value of altSecurityIdentities; `None` where it maps nobody.
    pub(crate) fn read(text: &str) -> Option<ExplicitKey> {
        let rest = strip(text, "X509:")?;
        if let Some(hex) = strip(rest, "<SKI>") {
            return bytes(hex).map(|identifier| ExplicitKey::ski(&identifier));
        }
        if let Some(hex) = strip(rest, "<SHA1-PUKEY>") {
            return bytes(hex).filter(|digest| digest.len() == SHA1_BYTES).map(|digest| ExplicitKey::sha1(&digest));
        }
        let (issuer, tag, value) = split_tag(strip(rest, "<I>")?)?;
        let issuer = name_of_text(issuer)?;
        match tag.to_ascii_uppercase().as_str() {
            "SR" => {
                let mut serial = bytes(value)?;
                serial.reverse();
                Some(ExplicitKey::issuer_serial(&issuer, &serial))
            }
            "SID" => Sid::from_text(value).ok().map(|sid| ExplicitKey::issuer_sid(&issuer, &sid)),
            "S" => name_of_text(value).map(|subject| ExplicitKey::issuer_subject(&issuer, &subject)),
            _ => None,
        }
    }

    fn of(kind: Kind, parts: &[&[u8]]) -> ExplicitKey {
        let mut key = vec![kind as u8];
        for part in parts {
            key.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            key.extend_from_slice(part);
        }
        ExplicitKey(key)
    }

    /// Bytes held, for the sum of a directory's memory.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// What follows a prefix in whatever case.
fn strip<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// The next `<TAG>` outside quotes: what stands before it, the tag, what stands after it.
fn split_tag(text: &str) -> Option<(&str, &str, &str)> {
    let mut quoted = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'<' if !quoted => {
                let (tag, value) = text.get(at + 1..)?.split_once('>')?;
                return Some((text.get(..at)?, tag, value));
            }
            _ => {}
        }
    }
    None
}

/// Pairs of hex digits, at least one.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    if pairs.is_empty() || pairs.len() > HEX_BYTES_MAX || !rest.is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// The canonical form of a name in CERT_X500_NAME_STR: `DC=test,DC=corp,CN="Smith, J."`, root first.
fn name_of_text(text: &str) -> Option<Vec<u8>> {
    let mut rdns: Vec<Vec<(Vec<u8>, String)>> = Vec::new();
    let mut rest = text;
    let mut new_rdn = true;
    loop {
        let (key, after) = rest.split_once('=')?;
        let (value, end) = value_of_text(after)?;
        let attribute = (attribute_type(key.trim())?, value);
        match rdns.last_mut() {
            Some(rdn) if !new_rdn => rdn.push(attribute),
            _ => rdns.push(vec![attribute]),
        }
        let mut following = end.chars();
        match following.next() {
            None => return Some(name::canonical_of_text(&rdns)),
            Some(',' | ';') => new_rdn = true,
            Some('+') => new_rdn = false,
            Some(_) => return None,
        }
        rest = following.as_str();
    }
}

/// A value, quoted or not, and what follows it, its separator first.
fn value_of_text(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start();
    let Some(mut inside) = text.strip_prefix('"') else {
        let end = text.find([',', ';', '+']).unwrap_or(text.len());
        let (value, rest) = text.split_at_checked(end)?;
        let plain = !value.contains('"') && !value.trim().is_empty();
        return plain.then(|| (value.trim().to_owned(), rest));
    };
    let mut value = String::new();
    loop {
        let (part, rest) = inside.split_once('"')?;
        value.push_str(part);
        match rest.strip_prefix('"') {
            // Two quotes are one.
            Some(more) => {
                value.push('"');
                inside = more;
            }
            None => return Some((value, rest.trim_start())),
        }
    }
}

/// Attribute types by the names that CertNameToStr gives them; others as `OID.1.2.3`.
fn attribute_type(key: &str) -> Option<Vec<u8>> {
    if let Some(dotted) = strip(key, "OID.") {
        return oid::encode(dotted);
    }
    NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).and_then(|(_, dotted)| oid::encode(dotted))
}

const NAMES: &[(&str, &str)] = &[
    ("C", "2.5.4.6"),
    ("CN", "2.5.4.3"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("E", "1.2.840.113549.1.9.1"),
    ("G", "2.5.4.42"),
    ("I", "2.5.4.43"),
    ("L", "2.5.4.7"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("S", "2.5.4.8"),
    ("SERIALNUMBER", "2.5.4.5"),
    ("SN", "2.5.4.4"),
    ("ST", "2.5.4.8"),
    ("STREET", "2.5.4.9"),
    ("T", "2.5.4.12"),
];
/// FIPS 180-4: 160 bits.
const SHA1_BYTES: usize = 20;
/// Serial numbers have 20 bytes, key identifiers rarely more than 32.
const HEX_BYTES_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `DC=test,CN=CA 1` in DER.
    const ISSUER: &[u8] = &[
        0x30, 0x25, 0x31, 0x14, 0x30, 0x12, 0x06, 0x0a, 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19,
        0x16, 0x04, 0x74, 0x65, 0x73, 0x74, 0x31, 0x0d, 0x30, 0x0b, 0x06, 0x03, 0x55, 0x04, 0x03, 0x13, 0x04, 0x43,
        0x41, 0x20, 0x31,
    ];

    #[test]
    fn texts_mean_certificates() {
        let issuer = name::canonical(ISSUER).unwrap();
        let serial = ExplicitKey::issuer_serial(&issuer, &[0x00, 0x8b, 0x2d, 0x6c]);
        let sid = Sid::from_text("S-1-5-21-1-2-3-1104").unwrap();
        for (text, meant) in [
            ("X509:<I>DC=test,CN=CA 1<SR>6c2d8b", Some(serial.clone())),
            ("x509:<i>dc=TEST, cn=ca  1<sr>6C2D8B", Some(serial.clone())),
            ("X509:<I>DC=test,CN=\"CA 1\"<SR>6c2d8b00", Some(serial.clone())),
            ("X509:<I>OID.0.9.2342.19200300.100.1.25=test;OID.2.5.4.3=CA 1<SR>6c2d8b", Some(serial)),
            ("X509:<SKI>0aFF", Some(ExplicitKey::ski(&[0x0a, 0xff]))),
            (&format!("X509:<SHA1-PUKEY>{}", "07".repeat(20)), Some(ExplicitKey::sha1(&[7; 20]))),
            ("X509:<I>DC=test,CN=CA 1<SID>S-1-5-21-1-2-3-1104", Some(ExplicitKey::issuer_sid(&issuer, &sid))),
            ("X509:<I>DC=test,CN=CA 1<S>CN=CA 1,DC=test", None),
            // Order, number and separators of RDNs count.
            ("X509:<I>CN=CA 1,DC=test<SR>6c2d8b", None),
            ("X509:<I>DC=test+CN=CA 1<SR>6c2d8b", None),
            ("X509:<I>DC=test,CN=CA 1<SR>8b2d6c", None),
        ] {
            let subjects = ExplicitKey::issuer_subject(&issuer, &issuer);
            let read = ExplicitKey::read(text);
            assert!(read.is_some(), "{text}");
            match meant {
                Some(meant) => assert_eq!(read, Some(meant), "{text}"),
                None => {
                    let serial = ExplicitKey::issuer_serial(&issuer, &[0x8b, 0x2d, 0x6c]);
                    assert!(read != Some(serial) && read != Some(subjects), "{text}");
                }
            }
        }
        assert_eq!(
            ExplicitKey::read("X509:<I>DC=test,CN=CA 1<S>DC=Test,CN=CA 1"),
            Some(ExplicitKey::issuer_subject(&issuer, &issuer))
        );
    }

    #[test]
    fn what_cannot_be_read_maps_nobody() {
        for text in [
            "",
            "Kerberos:pc17$@CORP.EXAMPLE",
            "X509:",
            "X509:<SKI>",
            "X509:<SKI>0",
            "X509:<SKI>0g",
            "X509:<SKI>0a 0b",
            "X509:<SHA1-PUKEY>0707",
            "X509:<S>CN=PC17",
            "X509:<RFC822>a@corp.example",
            "X509:<I>CN=CA",
            "X509:<I><SR>01",
            "X509:<I>CN<SR>01",
            "X509:<I>CN=<SR>01",
            "X509:<I>CN=\"CA<SR>01",
            "X509:<I>CN=C\"A<SR>01",
            "X509:<I>CN=\"CA\"x<SR>01",
            "X509:<I>XX=CA<SR>01",
            "X509:<I>OID.9.9=CA<SR>01",
            "X509:<I>CN=CA<XX>01",
            "X509:<I>CN=CA<SID>S-1-5",
            "X509:<I>CN=CA<SR>",
            "X509:<I>CN=CA,<SR>01",
        ] {
            assert_eq!(ExplicitKey::read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "(X509:)?(<I>|<SKI>|<S>)?.{0,80}") {
            let _ = ExplicitKey::read(&text);
        }

        #[test]
        fn quoting_hides_nothing(value in "[ -~]{1,40}") {
            prop_assume!(!value.trim().is_empty());
            let quoted = format!("X509:<I>CN=\"{}\"<SR>01", value.replace('"', "\"\""));
            let form = name::canonical_of_text(&[vec![(name::COMMON_NAME.to_vec(), value)]]);
            prop_assert_eq!(ExplicitKey::read(&quoted), Some(ExplicitKey::issuer_serial(&form, &[1])));
        }
    }
}
