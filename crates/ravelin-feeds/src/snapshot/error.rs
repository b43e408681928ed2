//! Why a file is not taken for a snapshot.

use std::fmt;

/// Why a file is not taken for a snapshot.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SnapshotError {
    /// It does not begin as one.
    NotASnapshot,
    /// A version that this program does not know.
    Version(String),
    /// The header breaks a rule.
    Header(&'static str),
    /// The body has another length or digest than the header says: it is damaged, or not yet written whole.
    Damaged(&'static str),
    /// The body breaks a rule, though it is as its writer made it.
    Body(&'static str),
    /// A signature is demanded, and there is none.
    Unsigned,
    /// Its signature is not of the key that is demanded.
    BadSignature,
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotASnapshot => {
                f.write_str("is no directory snapshot: it does not begin with \"ravelin directory snapshot\"")
            }
            Self::Version(version) => write!(f, "is a snapshot of version {version}, and this ravelin reads version 1"),
            Self::Header(what) => write!(f, "is no sound snapshot: {what}. Have it made anew"),
            Self::Damaged(what) => {
                write!(f, "is damaged or not whole: {what}. Copy it again, to another name, and rename it")
            }
            Self::Body(what) => write!(f, "holds a contradiction: {what}. Have it made anew"),
            Self::Unsigned => {
                f.write_str("is not signed, and a signature is demanded: sign it where it is made (signing_key)")
            }
            Self::BadSignature => {
                f.write_str("is not signed by the key that is demanded: whoever made it has another one")
            }
        }
    }
}

impl std::error::Error for SnapshotError {}
