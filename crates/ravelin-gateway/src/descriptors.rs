//! Whether the process may open as many descriptors as its sessions need.

use std::fmt;

use ravelin_config::Config;

/// Descriptors besides sessions: listeners, logs, admin, files of a reload, runtimes. A busy gateway was seen
/// to hold some 60.
const DESCRIPTORS_RESERVED: u64 = 256;

/// Raises the limit of open descriptors to what `limits.sessions` needs, or says what is missing.
pub(crate) fn descriptors_suffice(config: &Config) -> Result<(), TooFewDescriptors> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let sessions = u64::try_from(config.limits.sessions).unwrap_or(u64::MAX);
    let needed = sessions.saturating_mul(2).saturating_add(DESCRIPTORS_RESERVED);
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let maximum = if limit.maximum.is_none_or(|maximum| maximum >= needed) { limit.maximum } else { Some(needed) };
    let raised = Rlimit { current: Some(needed), maximum };
    setrlimit(Resource::Nofile, raised).map_err(|_| {
        let has = limit.maximum.or(limit.current).unwrap_or(u64::MAX);
        TooFewDescriptors { sessions, needed, has }
    })
}

/// The system gives fewer descriptors than the sessions need.
#[derive(Debug)]
pub(crate) struct TooFewDescriptors {
    sessions: u64,
    needed: u64,
    has: u64,
}

impl fmt::Display for TooFewDescriptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TooFewDescriptors { sessions, needed, has } = self;
        let fits = has.saturating_sub(DESCRIPTORS_RESERVED) / 2;
        write!(
            f,
            "{sessions} sessions need {needed} descriptors (2 a session and {DESCRIPTORS_RESERVED}); the system gives {has}. \
             Cure: LimitNOFILE={needed} in the unit (or ulimit -n), or sessions = {fits}"
        )
    }
}
