//! Where session records go.

use serde_json::Value;

use crate::record::SessionRecord;

/// Where session records go besides the metrics: log and audit. Must not block.
pub trait RecordSink: Send + Sync {
    /// Takes one record.
    fn record(&self, record: &SessionRecord);
    /// Takes what an operator did that deserves to be written down beside the records, as ordered fields. What is for the log
    /// alone goes there by itself.
    fn event(&self, _fields: &[(&'static str, Value)]) {}
    /// Why records are being lost, for `/readyz`.
    fn trouble(&self) -> Option<String> {
        None
    }
    /// SIGHUP: a file may have been rotated away.
    fn reopen(&self) {}
    /// The gateway stops: what was taken should reach its file now.
    fn flush(&self) {}
}
