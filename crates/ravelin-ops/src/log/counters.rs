//! What the log leaves out.

use prometheus::IntCounter;

/// Counters of records that were not written.
#[derive(Clone)]
pub struct LogCounters {
    /// The queue was full.
    pub dropped: IntCounter,
    /// Within the bounds of its cause there was no room.
    pub suppressed: IntCounter,
}
