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
//! - It is read whole or refused: every byte above the digest's line and of the body is under the digest, nothing may follow it, and no field may be missing, twice
//!   or in another order.
//! - A signature (Ed25519) is over everything above its own line, the digest with it. `serial` counts up, so that
//!   an old file, however well signed, does not come back.
//! - Version 1 is all there is; a change of the layout makes version 2, and a reader refuses what it does not know.

mod body;
mod contents;
mod error;
mod file;
mod header;
mod key;
mod succession;
#[cfg(test)]
mod tests;

pub use contents::Snapshot;
pub use error::SnapshotError;
pub use file::{SNAPSHOT_BYTES_MAX, TOO_LARGE, write_atomically};
pub use key::{KeyProblem, PublicKey, SigningKey};
pub use succession::{SuccessorRefused, Summary, check_successor};

impl Snapshot {
    /// The file's bytes.
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
