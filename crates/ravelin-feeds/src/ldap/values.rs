//! Forms of names and values that are Active Directory's own.

/// A part of an attribute's values (MS-ADTS §3.1.1.3.1.3.3): `member;range=0-1499`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AttributeRange<'a> {
    /// The attribute, without the option.
    pub attribute: &'a str,
    /// The first value of the next part; `None`: this is the last.
    pub next: Option<u32>,
}

/// The range that a description names, if it names one that can be read.
pub fn range_of(description: &str) -> Option<AttributeRange<'_>> {
    let (attribute, options) = description.split_once(';')?;
    let option = options.split(';').find_map(|option| {
        let start = option.get(..RANGE.len())?;
        start.eq_ignore_ascii_case(RANGE).then(|| option.get(RANGE.len()..)).flatten()
    })?;
    let (_, end) = option.split_once('-')?;
    let next = if end == "*" { None } else { Some(end.parse::<u32>().ok()?.checked_add(1)?) };
    Some(AttributeRange { attribute, next })
}

/// `CN=PC17,DC=corp` of `<GUID=…>;<SID=…>;CN=PC17,DC=corp`.
pub fn without_extension(dn: &str) -> &str {
    let mut rest = dn;
    while rest.starts_with('<') {
        match rest.split_once(">;") {
            Some((_, after)) => rest = after,
            None => return rest,
        }
    }
    rest
}

/// `<SID=0105…>` of `<GUID=…>;<SID=0105…>;CN=PC17,DC=corp`: a distinguished name of the same object that outlives its renaming
/// (MS-ADTS §3.1.1.3.1.2.4). `None` where the object has no SID.
pub fn sid_of(dn: &str) -> Option<&str> {
    let mut rest = dn;
    while rest.starts_with('<') {
        let end = rest.find('>')?;
        let (part, after) = rest.split_at_checked(end + 1)?;
        if part.get(..SID.len()).is_some_and(|start| start.eq_ignore_ascii_case(SID)) {
            return Some(part);
        }
        rest = after.strip_prefix(';')?;
    }
    None
}

const RANGE: &str = "range=";
const SID: &str = "<SID=";
