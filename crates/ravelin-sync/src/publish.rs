//! The writing end of a snapshot's file: serial numbers rise, and what a gateway would refuse is not written.

use std::fmt;
use std::io;
use std::path::PathBuf;

use ravelin_feeds::snapshot::{
    SigningKey, Snapshot, SnapshotError, SuccessorRefused, Summary, check_successor, write_atomically,
};
use ravelin_policy::directory::{Directory, DirectoryData};

use ravelin_feeds::snapshot::{SNAPSHOT_BYTES_MAX, TOO_LARGE};

/// One snapshot's file and what was last written to it.
pub struct Publisher {
    path: PathBuf,
    signer: Option<SigningKey>,
    max_shrink: u8,
    last: Option<Summary>,
}

/// Why nothing was written. The file is as it was.
#[derive(Debug)]
pub enum PublishProblem {
    /// It does not follow the one that is there.
    Refused(SuccessorRefused),
    /// It contradicts itself.
    Contradiction(String),
    /// It cannot be put into the form of the file.
    Form(SnapshotError),
    /// It has more bytes than a gateway reads.
    TooLarge,
    /// The file cannot be written.
    Io(io::Error),
    /// What was fetched does not fit together; the first problem.
    Collect(String),
    /// A bug of ours; the log says where.
    BrokeOff,
}

/// A snapshot that is there and cannot be read.
#[derive(Debug)]
pub struct SnapshotInTheWay(String);

impl fmt::Display for SnapshotInTheWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "is there and {}; move it away to begin anew", self.0)
    }
}

impl fmt::Display for PublishProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BrokeOff => f.write_str("writing it broke off"),
            Self::Collect(problem) => f.write_str(problem),
            Self::Refused(refused) => write!(f, "the new snapshot {refused}"),
            Self::Contradiction(why) => write!(f, "the directory holds a contradiction: {why}"),
            Self::Form(error) => write!(f, "the new snapshot {error}"),
            Self::TooLarge => write!(f, "the new snapshot {TOO_LARGE}"),
            Self::Io(error) => write!(f, "cannot be written: {error}"),
        }
    }
}

impl Publisher {
    /// With the snapshot that is there, whose serial number the next one continues. One that cannot be read must not be written
    /// over unseen: the numbers would begin anew, and gateways refuse what is older.
    ///
    /// # Errors
    /// There is one and it cannot be read.
    pub fn open(
        path: PathBuf,
        signer: Option<SigningKey>,
        max_shrink: u8,
    ) -> Result<(Publisher, Option<Snapshot>), SnapshotInTheWay> {
        let in_the_way = SnapshotInTheWay;
        let before = match path.try_exists() {
            Ok(false) => None,
            _ => {
                let bytes = std::fs::read(&path).map_err(|error| in_the_way(format!("cannot be read: {error}")))?;
                Some(Snapshot::read(&bytes, None).map_err(|error| in_the_way(error.to_string()))?)
            }
        };
        let last = before.as_ref().map(Snapshot::summary);
        Ok((Publisher { path, signer, max_shrink, last }, before))
    }

    /// Writes the next one, made at `now` (Unix seconds); its serial number.
    ///
    /// # Errors
    /// It would be refused, or cannot be written.
    pub fn publish(&mut self, data: DirectoryData, now: i64) -> Result<u64, PublishProblem> {
        let serial = self.last.as_ref().map_or(1, |last| last.serial.saturating_add(1));
        let snapshot = Snapshot { serial, created: now, complete: true, data };
        check_successor(self.last.as_ref(), &snapshot, self.max_shrink, now).map_err(PublishProblem::Refused)?;
        let bytes = snapshot.encode(self.signer.as_ref()).map_err(PublishProblem::Form)?;
        let summary = snapshot.summary();
        drop(snapshot);
        if u64::try_from(bytes.len()).is_ok_and(|length| length > SNAPSHOT_BYTES_MAX) {
            return Err(PublishProblem::TooLarge);
        }
        // What a gateway would refuse is not written: it reads these bytes.
        let read = Snapshot::read(&bytes, None).map_err(PublishProblem::Form)?;
        Directory::build(read.data).map_err(|why| PublishProblem::Contradiction(why.to_string()))?;
        write_atomically(&self.path, &bytes).map_err(PublishProblem::Io)?;
        self.last = Some(summary);
        Ok(serial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ravelin_policy::directory::{Domain, Sid};

    #[test]
    fn what_a_gateway_would_refuse_is_not_written() {
        let domain = |name: &str, sid: &str| Domain {
            dns_name: name.to_owned(),
            netbios_name: "CORP".to_owned(),
            sid: Sid::from_text(sid).unwrap(),
            nt_auth: Vec::new(),
            as_of: 0,
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("snapshot");
        for (other, written) in [
            (domain("corp.test", "S-1-5-21-4-5-6"), false),
            (domain("old.test", "S-1-5-21-1-2-3"), false),
            (domain("old.test", "S-1-5-21-4-5-6"), true),
        ] {
            let (mut publisher, _) = Publisher::open(path.clone(), None, 50).unwrap();
            let case = format!("{other:?}");
            let domains = vec![domain("corp.test", "S-1-5-21-1-2-3"), other];
            let data = DirectoryData { domains, groups: Vec::new(), accounts: Vec::new() };
            assert_eq!(publisher.publish(data, 0).is_ok(), written, "{case}");
            assert_eq!(path.exists(), written, "{case}");
        }
    }
}
