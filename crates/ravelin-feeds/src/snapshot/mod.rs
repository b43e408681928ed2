//! The directory snapshot: one file that says what was known of every computer account at one time.
//!
//! ```text
//! ravelin directory snapshot 1
//! created: 1795521600 2026-11-24T12:00:00Z
//! serial: 42
//! complete: yes
//! domains: corp.example.com
//! groups: 2
//! accounts: 3023
//! body-octets: 391204
//! sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//! signature: none
//!
//! (the body: see `body.rs`)
//! ```
//!
//! - `head -10` shows all that a person wants to know of it.
//! - It is read whole or refused: every octet above the digest's line and of the body is under the digest, nothing may follow it, and no field may be missing, twice
//!   or in another order.
//! - A signature (Ed25519) is over everything above its own line, the digest with it. `serial` counts up, so that
//!   an old file, however well signed, does not come back.
//! - Version 1 is all there is; a change of the layout makes version 2, and a reader refuses what it does not know.

mod body;
mod file;
mod header;
mod key;
mod succession;
#[cfg(test)]
mod tests;

use std::fmt;

use ravelin_policy::directory::DirectoryData;

pub use file::{SNAPSHOT_BYTES_MAX, TOO_LARGE, write_atomically};
pub use key::{KeyProblem, PublicKey, SigningKey};
pub use succession::{Refused, Summary, check_successor};

/// What was known of the directory at one time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Snapshot {
    /// Counts up from one snapshot to the next of the same file.
    pub serial: u64,
    /// Unix seconds at which it was made.
    pub created: i64,
    /// Everything that was asked for was got. One that is not complete is never put into use.
    pub complete: bool,
    /// The facts.
    pub data: DirectoryData,
}

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

impl Snapshot {
    /// The file's octets.
    ///
    /// # Errors
    /// Data that contradict themselves: what would be refused when it is read.
    pub fn encode(&self, signer: Option<&SigningKey>) -> Result<Vec<u8>, SnapshotError> {
        let body = body::write(&self.data)?;
        let mut file = header::write(self, &body, signer)?;
        file.extend_from_slice(&body);
        Ok(file)
    }

    /// Reads a file whole, or refuses it. Where a key is demanded its signature must be there.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn read(file: &[u8], demanded: Option<&PublicKey>) -> Result<Snapshot, SnapshotError> {
        let (header, body) = header::read(file)?;
        header.check_body(body)?;
        if let Some(key) = demanded {
            header.check_signature(key)?;
        }
        let data = body::read(body)?;
        header.check_contents(&data)?;
        Ok(Snapshot { serial: header.serial, created: header.created, complete: header.complete, data })
    }
}
