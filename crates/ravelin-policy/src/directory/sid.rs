//! Security identifiers (MS-DTYP §2.4.2).

use std::fmt;

/// A security identifier of at most 15 sub-authorities: what names accounts, groups and domains in Active Directory.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Sid {
    authority: u64,
    count: u8,
    sub_authorities: [u32; SUB_AUTHORITIES_MAX],
}

/// MS-DTYP §2.4.2.1.
const SUB_AUTHORITIES_MAX: usize = 15;
/// The identifier authority has six bytes.
const AUTHORITY_MAX: u64 = (1 << 48) - 1;

/// Bytes or text that are no SID.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MalformedSid;

impl fmt::Display for MalformedSid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a security identifier; one looks like S-1-5-21-1004336348-1177238915-682003330-1104")
    }
}

impl std::error::Error for MalformedSid {}

impl Sid {
    /// Reads the text form: `S-1-5-21-…`, decimal without leading zeros or signs, 1 to 15 sub-authorities. Strict, since
    /// certificates bear it: nothing is trimmed, and hexadecimal authorities are refused.
    ///
    /// # Errors
    /// Any other text.
    pub fn from_text(text: &str) -> Result<Sid, MalformedSid> {
        let mut parts = text.strip_prefix("S-1-").ok_or(MalformedSid)?.split('-');
        let authority = parts.next().and_then(decimal).filter(|number| *number <= AUTHORITY_MAX).ok_or(MalformedSid)?;
        let mut sub_authorities = [0; SUB_AUTHORITIES_MAX];
        let mut count = 0;
        for part in parts {
            let place = sub_authorities.get_mut(usize::from(count)).ok_or(MalformedSid)?;
            *place = decimal(part).and_then(|number| u32::try_from(number).ok()).ok_or(MalformedSid)?;
            count += 1;
        }
        if count == 0 {
            return Err(MalformedSid);
        }
        Ok(Sid { authority, count, sub_authorities })
    }

    /// Reads the binary form of objectSid: revision 1, count, authority (big-endian), sub-authorities (little-endian).
    ///
    /// # Errors
    /// Any other bytes, trailing ones too.
    pub fn from_bytes(bytes: &[u8]) -> Result<Sid, MalformedSid> {
        let [1, count, a, b, c, d, e, f, rest @ ..] = bytes else { return Err(MalformedSid) };
        let (words, []) = rest.as_chunks::<4>() else { return Err(MalformedSid) };
        if words.len() != usize::from(*count) || words.is_empty() || words.len() > SUB_AUTHORITIES_MAX {
            return Err(MalformedSid);
        }
        let mut sub_authorities = [0; SUB_AUTHORITIES_MAX];
        for (place, word) in sub_authorities.iter_mut().zip(words) {
            *place = u32::from_le_bytes(*word);
        }
        let authority = u64::from_be_bytes([0, 0, *a, *b, *c, *d, *e, *f]);
        Ok(Sid { authority, count: *count, sub_authorities })
    }

    /// The binary form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let [_, _, authority @ ..] = self.authority.to_be_bytes();
        let mut bytes = vec![1, self.count];
        bytes.extend(authority);
        bytes.extend(self.sub_authorities().iter().flat_map(|number| number.to_le_bytes()));
        bytes
    }

    /// The identifier authority; 5 (NT authority) for everything in a domain.
    pub fn authority(&self) -> u64 {
        self.authority
    }

    /// The sub-authorities; 1 to 15 of them.
    pub fn sub_authorities(&self) -> &[u32] {
        self.sub_authorities.get(..usize::from(self.count)).unwrap_or_default()
    }

    /// The domain that it belongs to, and its own number in it (RID). `None` where it has but one number.
    pub fn split(&self) -> Option<(Sid, u32)> {
        let [_, .., own] = self.sub_authorities() else { return None };
        let own = *own;
        let mut domain = *self;
        domain.count -= 1;
        *domain.sub_authorities.get_mut(usize::from(domain.count))? = 0;
        Some((domain, own))
    }

    /// This domain's SID with one number more. `None` where it has 15 already.
    pub fn join(&self, own: u32) -> Option<Sid> {
        let mut joined = *self;
        *joined.sub_authorities.get_mut(usize::from(self.count))? = own;
        joined.count += 1;
        Some(joined)
    }
}

/// Digits alone, no leading zero.
fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S-1-{}", self.authority)?;
        self.sub_authorities().iter().try_for_each(|number| write!(f, "-{number}"))
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_strictly_and_written_alike() {
        let fifteen = format!("S-1-5{}", "-7".repeat(15));
        for text in ["S-1-5-21-1004336348-1177238915-682003330-1104", "S-1-0-0", "S-1-5-4294967295", &fifteen] {
            let sid = Sid::from_text(text).unwrap();
            assert_eq!(sid.to_string(), text);
            assert_eq!(Sid::from_bytes(&sid.to_bytes()), Ok(sid));
        }
        let sixteen = format!("{fifteen}-7");
        for text in [
            "",
            "S-1-5",
            "S-1-5-",
            "s-1-5-21",
            "S-2-5-21",
            "S-1-5-021",
            "S-1-5-+1",
            "S-1-5-21 ",
            " S-1-5-21",
            "S-1-5--1",
            "S-1-5-4294967296",
            "S-1-281474976710656-1",
            "S-1-0x5-1",
            "S-1-5-21\0",
            "S-1-5-２１",
            &sixteen,
        ] {
            assert_eq!(Sid::from_text(text), Err(MalformedSid), "{text:?}");
        }
        let bytes = Sid::from_text("S-1-5-21-1").unwrap().to_bytes();
        assert_eq!(bytes, [1, 2, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0]);
        for length in 0..bytes.len() {
            assert_eq!(Sid::from_bytes(&bytes[..length]), Err(MalformedSid), "{length}");
        }
        for (place, value) in [(0, 2), (1, 1), (1, 3), (1, 0)] {
            let mut wrong = bytes.clone();
            wrong[place] = value;
            assert_eq!(Sid::from_bytes(&wrong), Err(MalformedSid));
        }
        assert_eq!(Sid::from_bytes(&[bytes.as_slice(), &[0]].concat()), Err(MalformedSid));
    }

    #[test]
    fn a_domain_and_a_number_make_an_account() {
        let account = Sid::from_text("S-1-5-21-1-2-3-1104").unwrap();
        let domain = Sid::from_text("S-1-5-21-1-2-3").unwrap();
        assert_eq!(account.split(), Some((domain, 1104)));
        assert_eq!(domain.join(1104), Some(account));
        assert_eq!(Sid::from_text("S-1-5-18").unwrap().split(), None);
        assert_eq!(Sid::from_text(&format!("S-1-5{}", "-7".repeat(15))).unwrap().join(1), None);
    }
}
