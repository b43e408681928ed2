//! What a certificate claims about its account. Nothing in it is believed before the directory agrees.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::certificate::{Certificate, GeneralName};
use crate::der::{self, DerReader, Malformed, tag};
use crate::directory::{ExplicitKey, Kind, Sid};
use crate::dns_name::is_dns_name;

/// What a leaf says of its account.
pub(super) struct Claim {
    /// The security identifier, from the extension or the alternative names.
    pub(super) sid: Option<Sid>,
    /// Plain DNS names of the subject alternative names, lower case, each once. Neither the subject nor a user principal
    /// name counts.
    pub(super) names: Vec<String>,
}

/// Why a claim cannot be read.
#[derive(Debug)]
pub(super) enum BadClaim {
    /// A security identifier that is none, or more than one of a form.
    Malformed(&'static str),
    /// Extension and alternative name differ.
    Differ(String),
}

impl Claim {
    /// Reads it.
    ///
    /// # Errors
    /// A security identifier that cannot be understood in exactly one way.
    pub(super) fn read(leaf: &Certificate) -> Result<Claim, BadClaim> {
        let extension = leaf.extensions.security_identifier.as_deref().map(sid_of_extension);
        let extension =
            extension.transpose().map_err(|_| BadClaim::Malformed("the extension with it cannot be read"))?;
        let mut names: Vec<String> = Vec::new();
        let mut uri = None;
        for name in leaf.extensions.subject_alternative_name.iter().flatten() {
            match name {
                GeneralName::Dns(bytes) if is_dns_name(bytes) => {
                    let name = String::from_utf8_lossy(bytes).to_ascii_lowercase();
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
                GeneralName::Uri(bytes) => {
                    let Some(text) = bytes.strip_prefix(SID_URI) else { continue };
                    let text = std::str::from_utf8(text).ok();
                    let sid = text.and_then(|text| Sid::from_text(text).ok());
                    let sid = sid.ok_or(BadClaim::Malformed("the URI with it cannot be read"))?;
                    if uri.replace(sid).is_some() {
                        return Err(BadClaim::Malformed("more than one URI has one"));
                    }
                }
                GeneralName::Directory(_)
                | GeneralName::Dns(_)
                | GeneralName::Ip(_)
                | GeneralName::Mail(_)
                | GeneralName::Other(_, _) => {}
            }
        }
        match (extension, uri) {
            (Some(one), Some(other)) if one != other => {
                Err(BadClaim::Differ(format!("its extension says {one}, its alternative name {other}")))
            }
            (extension, uri) => Ok(Claim { sid: extension.or(uri), names }),
        }
    }

    /// What explicit mappings of this certificate would be, those that bind it strongly.
    pub(super) fn strong_mappings(&self, leaf: &Certificate) -> Vec<(Kind, ExplicitKey)> {
        let issuer = &leaf.issuer.canonical;
        let sha1 = |bytes: &[u8]| ExplicitKey::sha1(digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref());
        let mut mappings = vec![
            (Kind::IssuerSerial, ExplicitKey::issuer_serial(issuer, &leaf.serial)),
            // MS-PKCA has the hash of the public key, Microsoft's tool writes that of the certificate. Either pins the key.
            (Kind::Sha1, sha1(&leaf.der)),
            (Kind::Sha1, sha1(leaf.public_key.bytes())),
        ];
        // Never a computed one: only what the authority wrote.
        mappings.extend(leaf.extensions.subject_key_identifier.as_deref().map(|id| (Kind::Ski, ExplicitKey::ski(id))));
        mappings.extend(self.sid.as_ref().map(|sid| (Kind::IssuerSid, ExplicitKey::issuer_sid(issuer, sid))));
        mappings
    }

    /// The one that binds it weakly.
    pub(super) fn weak_mapping(leaf: &Certificate) -> Option<(Kind, ExplicitKey)> {
        let named = !leaf.subject.is_empty();
        named.then(|| {
            (Kind::IssuerSubject, ExplicitKey::issuer_subject(&leaf.issuer.canonical, &leaf.subject.canonical))
        })
    }
}

/// `SEQUENCE { [0] { OID 1.3.6.1.4.1.311.25.2.1, [0] { OCTET STRING } } }`, the text of a SID in it, and nothing else
/// (MS-WCCE §2.2.2.7.7.4).
pub(super) fn sid_of_extension(value: &[u8]) -> Result<Sid, Malformed> {
    let mut names = DerReader::new(der::only(value, tag::SEQUENCE)?);
    let mut fields = names.nested(tag::context_constructed(0))?;
    names.end()?;
    if fields.read(tag::OID)? != SID_OID {
        return Err(Malformed("another name than a security identifier"));
    }
    let text = der::only(fields.read(tag::context_constructed(0))?, tag::OCTET_STRING)?;
    fields.end()?;
    let text = std::str::from_utf8(text).map_err(|_| NOT_A_SID)?;
    Sid::from_text(text).map_err(|_| NOT_A_SID)
}

const NOT_A_SID: Malformed = Malformed("a security identifier that is none");
/// 1.3.6.1.4.1.311.25.2.1
const SID_OID: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x19, 0x02, 0x01];
/// What requests made off line carry (KB5014754).
const SID_URI: &[u8] = b"tag:microsoft.com,2022-09-14:sid:";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn extension(text: &[u8]) -> Vec<u8> {
        let wrap = |tag: u8, value: &[u8]| [&[tag, u8::try_from(value.len()).unwrap()], value].concat();
        let name = [wrap(tag::OID, SID_OID), wrap(0xa0, &wrap(tag::OCTET_STRING, text))].concat();
        wrap(tag::SEQUENCE, &wrap(0xa0, &name))
    }

    #[test]
    fn the_extension_is_read_whole_or_not() {
        let text = "S-1-5-21-1004336348-1177238915-682003330-1104";
        let good = extension(text.as_bytes());
        assert_eq!(sid_of_extension(&good).unwrap().to_string(), text);
        for at in 0..good.len() {
            assert!(sid_of_extension(&good[..at]).is_err(), "cut after {at}");
            for byte in 0..=255 {
                let mut changed = good.clone();
                changed[at] = byte;
                if let Ok(sid) = sid_of_extension(&changed) {
                    // Another number, plainly read: that is for the directory to refuse.
                    assert!(changed == good || changed.ends_with(sid.to_string().as_bytes()), "byte {at} as {byte}");
                }
            }
        }
        for wrong in [&[&good[..], &[0]].concat()[..], &extension(b"S-1-5-21-1\0"), &extension(b""), &[0x30, 0x00]] {
            assert!(sid_of_extension(wrong).is_err(), "{wrong:02x?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(value in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = sid_of_extension(&value);
        }
    }
}
