//! What a snapshot holds.

use ravelin_policy::directory::DirectoryData;

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
