//! LDIF content records (RFC 2849), as `ldifde`, `ldapsearch` and `ldbsearch` write them.
//!
//! Strict where laxness would lose an account: a value by URL, a change record, a range that is not the last, a line that is
//! none of these are errors with their line. Comments, references and the summary of `ldapsearch` are passed over, unless
//! the summary says that the search failed.

mod write;

use std::fmt;

pub use write::{is_whole, write_end, write_entry};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::entry::Entry;

/// Where and why a text is not LDIF that can be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LdifProblem {
    /// From 1; where the logical line begins.
    pub line: usize,
    /// What and the cure.
    pub text: String,
}

impl fmt::Display for LdifProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.text)
    }
}

impl std::error::Error for LdifProblem {}

/// Reads every entry.
///
/// # Errors
/// The first line that cannot be used.
pub fn read(text: &[u8]) -> Result<Vec<Entry>, LdifProblem> {
    let mut entries = Vec::new();
    let mut entry: Option<Entry> = None;
    // Lines without a DN before them: the version, references, the summary of a search.
    let mut apart = false;
    for (line, content) in logical_lines(text) {
        let problem = |text: &str| LdifProblem { line, text: text.to_owned() };
        if content.is_empty() {
            entries.extend(entry.take());
            apart = false;
            continue;
        }
        if content.starts_with(b"#") {
            continue;
        }
        let colon = content.iter().position(|byte| *byte == b':').ok_or_else(|| problem("no colon"))?;
        let (name, rest) = content.split_at_checked(colon).ok_or_else(|| problem("no colon"))?;
        let name = std::str::from_utf8(name).map_err(|_| problem("an attribute's name is not text"))?;
        let value = value(rest).map_err(problem)?;
        let (attribute, options) = name.split_once(';').unwrap_or((name, ""));
        let lower = attribute.to_ascii_lowercase();
        match (&mut entry, lower.as_str()) {
            (None, "dn") => {
                let dn = String::from_utf8(value).map_err(|_| problem("a distinguished name that is not UTF-8"))?;
                entry = Some(Entry::new(dn));
            }
            (Some(_), "dn") => return Err(problem("a second dn in one entry: entries stand apart by an empty line")),
            (Some(_), "changetype") => return Err(problem("a change record: export entries, not changes")),
            (Some(entry), _) => {
                check_options(options).map_err(problem)?;
                entry.add(attribute, value);
            }
            (None, "result") if !value.starts_with(b"0") => {
                return Err(problem("the search did not succeed: this is not all of it"));
            }
            (None, "version" | "ref" | "search" | "result") => apart = true,
            (None, _) if apart => {}
            (None, _) => return Err(problem("an attribute before any dn")),
        }
    }
    entries.extend(entry);
    Ok(entries)
}

/// What follows the name: `: text`, `:: base64`, or `:< URL`.
fn value(rest: &[u8]) -> Result<Vec<u8>, &'static str> {
    let trimmed = |bytes: &[u8]| {
        let start = bytes.iter().position(|byte| *byte != b' ').unwrap_or(bytes.len());
        bytes.get(start..).unwrap_or_default().to_vec()
    };
    match rest {
        [b':', b':', encoded @ ..] => STANDARD.decode(trimmed(encoded)).map_err(|_| "a value that is not base64"),
        [b':', b'<', ..] => Err("a value by URL: nothing is fetched"),
        [b':', plain @ ..] => Ok(trimmed(plain)),
        _ => Err("no colon"),
    }
}

/// A part of the values is refused; `;binary` says nothing new.
fn check_options(options: &str) -> Result<(), &'static str> {
    let partial =
        options.split(';').filter_map(|option| option.strip_prefix("range=")).any(|range| !range.ends_with('*'));
    if partial { Err("a part of an attribute's values (;range=): export all of them") } else { Ok(()) }
}

/// Lines with their continuations (a blank at the start) joined, each with the number of its first; an empty one ends the
/// last entry.
fn logical_lines(text: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    // Windows editors begin a file with a byte order mark.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut lines =
        text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).zip(1..).peekable();
    std::iter::from_fn(move || {
        let (first, number) = lines.next()?;
        let mut whole = first.to_vec();
        while let Some((more, _)) = lines.next_if(|(line, _)| line.starts_with(b" ")) {
            whole.extend_from_slice(more.get(1..).unwrap_or_default());
        }
        Some((number, whole))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn entries_as_tools_write_them() {
        let text = "version: 1\n\n# PC17, corp.example.com\ndn: CN=PC17,\n DC=corp\nobjectClass: top\nobjectClass: computer\n\
                    objectSid:: AQUAAAAA\nname:   two words \nempty:\nmember;range=0-*: CN=A\nuserCertificate;binary:: AQ==\n\n\
                    # Referral\nref: ldap://corp/CN=Configuration\n\n\r\ndn:: Q049UMO8\r\ncn: x\r\n\r\n\
                    # search result\nsearch: 2\nresult: 0 Success\n";
        let entries = read(text.as_bytes()).unwrap();
        assert_eq!(entries.len(), 2);
        let pc = &entries[0];
        assert_eq!(pc.dn, "CN=PC17,DC=corp");
        assert!(pc.is_a("Computer") && !pc.is_a("group"));
        assert_eq!(pc.value("objectsid"), Some(&[1, 5, 0, 0, 0, 0][..]));
        assert_eq!(pc.text("name"), Some("two words "));
        assert_eq!(pc.value("empty"), Some(&[][..]));
        assert_eq!((pc.text("member"), pc.value("usercertificate")), (Some("CN=A"), Some(&[1][..])));
        assert_eq!((entries[1].dn.as_str(), entries[1].text("cn")), ("CN=Pü", Some("x")));
        assert_eq!(read(b"").unwrap(), []);
        assert_eq!(read(b"\xef\xbb\xbfdn: a\ncn: b").unwrap().len(), 1);
    }

    #[test]
    fn what_would_lose_something_is_refused_with_its_line() {
        for (text, line, words) in [
            ("dn: a\ncn b\n", 2, "no colon"),
            ("cn: a\n", 1, "before any dn"),
            ("dn: a\n\ncn: b\n", 3, "before any dn"),
            ("dn: a\ndn: b\n", 2, "second dn"),
            ("dn: a\nchangetype: add\n", 2, "change record"),
            ("dn: a\njpegPhoto:< file:///etc/passwd\n", 2, "by URL"),
            ("dn: a\ncn:: *\n", 2, "base64"),
            ("dn:: /w==\n", 1, "not UTF-8"),
            ("dn: a\nmember;range=0-1499: CN=b\n", 2, ";range="),
            ("dn: a\ncn: b\n c\n d\n\nresult: 4 Size limit exceeded\n", 6, "did not succeed"),
        ] {
            let problem = read(text.as_bytes()).unwrap_err();
            assert_eq!(problem.line, line, "{text:?}: {problem}");
            assert!(problem.text.contains(words), "{text:?}: {problem}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(value in prop::collection::vec(any::<u8>(), 0..200), width in 2..90_usize) {
            let encoded = STANDARD.encode(&value);
            let line = format!("objectGUID:: {encoded}");
            let mut folded = String::new();
            for (at, piece) in line.as_bytes().chunks(width).enumerate() {
                folded += if at > 0 { "\n " } else { "" };
                folded += std::str::from_utf8(piece).unwrap();
            }
            let entries = read(format!("dn: CN=a\n{folded}\n").as_bytes()).unwrap();
            prop_assert_eq!(entries[0].value("objectguid"), Some(&value[..]));
        }

        #[test]
        fn what_we_write_is_read(dn in ".{0,40}", values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30), 0..6)) {
            let mut text = Vec::new();
            write_entry(&mut text, &dn, values.iter().map(|value| ("objectGUID", &value[..]))).unwrap();
            prop_assert!(!is_whole(&text));
            write_end(&mut text).unwrap();
            prop_assert!(is_whole(&text));
            for cut in 0..text.len() {
                prop_assert!(!is_whole(&text[..cut]));
            }
            let entries = read(&text).unwrap();
            prop_assert_eq!((entries.len(), &entries[0].dn), (1, &dn));
            prop_assert_eq!(entries[0].values("objectguid"), &values[..]);
        }

        #[test]
        fn no_bytes_are_too_strange(text in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&text);
        }
    }
}
