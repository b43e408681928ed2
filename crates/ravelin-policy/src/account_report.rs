//! The account that a certificate was mapped to, for records and `explain`.

use crate::time;

/// The account that a permit rests on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccountReport {
    /// sAMAccountName without its `$`, escaped.
    pub name: String,
    /// DNS name of its domain.
    pub domain: String,
    /// objectSid as text.
    pub sid: String,
    /// objectGUID as Windows writes it.
    pub guid: String,
    /// What led to it: `SID`, `name`, or an explicit mapping such as `<SKI>`.
    pub mapping: &'static str,
    /// Only `compatible` lets this mapping count: a warning is due.
    pub is_weak: bool,
    /// Names of the allowed groups that it is in, escaped.
    pub groups: Vec<String>,
    /// When the domain's data were last known to be whole, Unix seconds.
    pub as_of: i64,
    /// The data are past `max_age` and count by an operator's override.
    pub is_overridden: bool,
}

impl AccountReport {
    /// The facts in one line.
    pub(crate) fn text(&self, now: i64) -> String {
        let AccountReport { name, sid, mapping, groups, .. } = self;
        let domain = crate::escape::escape(&self.domain);
        let shown = groups.iter().take(GROUPS_SHOWN_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
        let weak = if self.is_weak { " (weak)" } else { "" };
        let age = now.saturating_sub(self.as_of).max(0);
        let overridden = if self.is_overridden { ", past max_age, by override" } else { "" };
        let as_of = time::rfc3339(self.as_of);
        format!(
            "{name} of {domain} ({sid}) by {mapping}{weak}; in {shown}; known as of {as_of} ({age} s ago{overridden})"
        )
    }
}

/// Three of at most 256 characters each keep a detail below a kilobyte.
const GROUPS_SHOWN_MAX: usize = 3;
