//! Why nothing was fetched: one closed set for exit codes, metrics and the log.

use std::fmt;

/// One kind of failure. Labels and codes are only ever added.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum FetchFailure {
    /// No name found, no connection, or it broke.
    Unreachable,
    /// It does not prove to be the controller that is meant.
    Tls,
    /// Name, password or certificate were refused, or the account may not log on.
    BindRefused,
    /// A search did not succeed.
    SearchFailed,
    /// What it sends is no LDAP.
    Malformed,
    /// It sends more than is taken.
    TooLarge,
    /// It does not answer in time.
    Timeout,
    /// What it sends makes no table of accounts, or is another domain's.
    Unusable,
    /// The process that fetched ended by itself: a defect, or a limit of memory or CPU.
    Crashed,
}

impl FetchFailure {
    /// All of them.
    pub(crate) const ALL: [FetchFailure; 9] = [
        FetchFailure::Unreachable,
        FetchFailure::Tls,
        FetchFailure::BindRefused,
        FetchFailure::SearchFailed,
        FetchFailure::Malformed,
        FetchFailure::TooLarge,
        FetchFailure::Timeout,
        FetchFailure::Unusable,
        FetchFailure::Crashed,
    ];

    /// Stable, for metrics and the log.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            FetchFailure::Unreachable => "unreachable",
            FetchFailure::Tls => "tls",
            FetchFailure::BindRefused => "bind_refused",
            FetchFailure::SearchFailed => "search_failed",
            FetchFailure::Malformed => "malformed",
            FetchFailure::TooLarge => "too_large",
            FetchFailure::Timeout => "timeout",
            FetchFailure::Unusable => "unusable",
            FetchFailure::Crashed => "crashed",
        }
    }

    /// What the process that fetched ends with; none is one that clap, a panic or a shell uses.
    pub(crate) const fn exit_code(self) -> u8 {
        match self {
            FetchFailure::Unreachable => 10,
            FetchFailure::Tls => 11,
            FetchFailure::BindRefused => 12,
            FetchFailure::SearchFailed => 13,
            FetchFailure::Malformed => 14,
            FetchFailure::TooLarge => 15,
            FetchFailure::Timeout => 16,
            FetchFailure::Unusable => 17,
            FetchFailure::Crashed => 18,
        }
    }

    /// The other way; whatever is unknown is a crash.
    pub(crate) fn of_exit_code(code: Option<i32>) -> FetchFailure {
        let same = |failure: &&FetchFailure| code == Some(i32::from(failure.exit_code()));
        FetchFailure::ALL.iter().find(same).copied().unwrap_or(FetchFailure::Crashed)
    }
}

/// A failure and what an administrator should know of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct FetchProblem {
    pub failure: FetchFailure,
    pub text: String,
}

impl FetchProblem {
    pub(crate) fn new(failure: FetchFailure, text: impl Into<String>) -> FetchProblem {
        FetchProblem { failure, text: text.into() }
    }
}

impl fmt::Display for FetchProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.failure.label(), self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_comes_back_from_its_exit_code() {
        for failure in FetchFailure::ALL {
            assert_eq!(FetchFailure::of_exit_code(Some(failure.exit_code().into())), failure);
        }
        for code in [None, Some(0), Some(1), Some(2), Some(101), Some(134)] {
            assert_eq!(FetchFailure::of_exit_code(code), FetchFailure::Crashed, "{code:?}");
        }
    }
}
