//! Where a certificate, a CRL or a problem came from.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where something came from. Displayed in messages as `ca/root.pem (certificate 2)`.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Origin {
    /// A file, or a part of one that holds several.
    File {
        /// The file, as the configuration names it.
        path: PathBuf,
        /// Which part; `None`: the file holds but one.
        part: Option<Part>,
    },
    /// A part of the configuration: a key, or a policy.
    Setting(String),
}

/// A part of a file, counted from 1.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Part {
    /// The certificate of this number.
    Certificate(usize),
    /// The CRL of this number.
    Crl(usize),
}

impl Origin {
    /// A whole file.
    pub fn file(path: impl Into<PathBuf>) -> Origin {
        Origin::File { path: path.into(), part: None }
    }

    /// A part of a file that holds several.
    pub fn part(path: impl Into<PathBuf>, part: Part) -> Origin {
        Origin::File { path: path.into(), part: Some(part) }
    }

    /// A key of the configuration, or a policy.
    pub fn setting(name: impl Into<String>) -> Origin {
        Origin::Setting(name.into())
    }

    /// The file, where it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Origin::File { path, .. } => Some(path),
            Origin::Setting(_) => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File { path, part: None } => path.display().fmt(f),
            Origin::File { path, part: Some(Part::Certificate(number)) } => {
                write!(f, "{} (certificate {number})", path.display())
            }
            Origin::File { path, part: Some(Part::Crl(number)) } => write!(f, "{} (list {number})", path.display()),
            Origin::Setting(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_file_and_part() {
        for (origin, text) in [
            (Origin::file("ca (old)/root.pem"), "ca (old)/root.pem"),
            (Origin::part("ca (old)/root.pem", Part::Certificate(2)), "ca (old)/root.pem (certificate 2)"),
            (Origin::part("crl.pem", Part::Crl(3)), "crl.pem (list 3)"),
            (Origin::setting("trust_anchors"), "trust_anchors"),
        ] {
            assert_eq!(origin.to_string(), text);
        }
    }
}
