//! Session records of the demo's gateway.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ravelin_ops::record::SessionRecord;
use ravelin_ops::record_sink::RecordSink;

/// What the demo keeps of a session record.
#[derive(Clone, Debug)]
pub(super) struct EndedSession {
    pub(super) end: &'static str,
    pub(super) detail: String,
    pub(super) alert: Option<u8>,
}

/// Session records of the demo's gateway.
#[derive(Clone, Default)]
pub(super) struct DemoRecords(Arc<Mutex<Vec<EndedSession>>>);

impl RecordSink for DemoRecords {
    fn record(&self, record: &SessionRecord) {
        let ended = EndedSession { end: record.end.label(), detail: record.detail.clone(), alert: record.alert_sent };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(ended);
    }
}

impl DemoRecords {
    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The record after the first `seen`, when it comes; a session that leaves none within ten seconds is a failure.
    pub(super) async fn after(&self, seen: usize) -> Option<EndedSession> {
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if let Some(ended) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(seen) {
                return Some(ended.clone());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        None
    }
}
