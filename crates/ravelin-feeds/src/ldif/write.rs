//! Entries as LDIF that [`super::read`] gives back the same.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Writes one entry and the empty line behind it. Whatever the values hold, each is one line: what is not plain goes in
/// base64. Names of attributes are the caller's own, never a server's.
///
/// # Errors
/// Nobody takes it.
pub fn write_entry<'v>(
    out: &mut impl Write,
    dn: &str,
    attributes: impl IntoIterator<Item = (&'v str, &'v [u8])>,
) -> io::Result<()> {
    write_line(out, "dn", dn.as_bytes())?;
    for (name, value) in attributes {
        write_line(out, name, value)?;
    }
    out.write_all(b"\n")
}

/// Writes what says that all of it is there, as `ldapsearch` does.
///
/// # Errors
/// As [`write_entry`].
pub fn write_end(out: &mut impl Write) -> io::Result<()> {
    out.write_all(END)
}

/// Whether a text ends with what [`write_end`] wrote.
pub fn is_whole(text: &[u8]) -> bool {
    text.strip_suffix(END).is_some_and(|rest| rest.is_empty() || rest.ends_with(b"\n\n"))
}

fn write_line(out: &mut impl Write, name: &str, value: &[u8]) -> io::Result<()> {
    out.write_all(name.as_bytes())?;
    if is_plain(value) {
        out.write_all(b": ")?;
        out.write_all(value)?;
    } else {
        out.write_all(b":: ")?;
        out.write_all(STANDARD.encode(value).as_bytes())?;
    }
    out.write_all(b"\n")
}

/// SAFE-STRING of RFC 2849, without blanks at its end, which people's tools lose.
fn is_plain(value: &[u8]) -> bool {
    let printable = value.iter().all(|byte| (b' '..=b'~').contains(byte));
    printable
        && !value.starts_with(b" ")
        && !value.starts_with(b":")
        && !value.starts_with(b"<")
        && !value.ends_with(b" ")
}

const END: &[u8] = b"search: 1\nresult: 0 Success\n";
