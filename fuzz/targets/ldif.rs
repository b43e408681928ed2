//! Any bytes for an export in LDIF: refused with a line, or entries of which a table of accounts is made or the reason told.

use ravelin_feeds::collect::{Collected, collect};
use ravelin_feeds::ldif;
use ravelin_feeds::snapshot::Snapshot;

/// Panics where a promise is broken.
pub(crate) fn run(data: &[u8]) {
    let lines = data.split(|byte| *byte == b'\n').count();
    let entries = match ldif::read(data) {
        Ok(entries) => entries,
        Err(problem) => return assert!((1..=lines).contains(&problem.line), "{problem}"),
    };
    match collect(&entries, Collected { as_of: 0, netbios_names: &[] }) {
        Ok(data) => {
            // A name may be too long for the file, which is told.
            let snapshot = Snapshot { serial: 1, created: 0, complete: true, data };
            if let Ok(file) = snapshot.encode(None) {
                assert_eq!(Snapshot::read(&file, None).as_ref(), Ok(&snapshot));
            }
        }
        Err(problems) => assert!(problems.iter().all(|problem| !problem.to_string().contains('\n'))),
    }
}
