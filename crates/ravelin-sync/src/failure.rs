//! Why nothing was fetched: one closed set for exit codes, metrics and the log.

use std::fmt;

/// One kind of failure. Labels and codes are only ever added.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Failure {
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

impl Failure {
    /// All of them.
    pub(crate) const ALL: [Failure; 9] = [
        Failure::Unreachable,
        Failure::Tls,
        Failure::BindRefused,
        Failure::SearchFailed,
        Failure::Malformed,
        Failure::TooLarge,
        Failure::Timeout,
        Failure::Unusable,
        Failure::Crashed,
    ];

    /// Stable, for metrics and the log.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Failure::Unreachable => "unreachable",
            Failure::Tls => "tls",
            Failure::BindRefused => "bind_refused",
            Failure::SearchFailed => "search_failed",
            Failure::Malformed => "malformed",
            Failure::TooLarge => "too_large",
            Failure::Timeout => "timeout",
            Failure::Unusable => "unusable",
            Failure::Crashed => "crashed",
        }
    }

    /// What the process that fetched ends with; none is one that clap, a panic or a shell uses.
    pub(crate) const fn exit_code(self) -> u8 {
        match self {
            Failure::Unreachable => 10,
            Failure::Tls => 11,
            Failure::BindRefused => 12,
            Failure::SearchFailed => 13,
            Failure::Malformed => 14,
            Failure::TooLarge => 15,
            Failure::Timeout => 16,
            Failure::Unusable => 17,
            Failure::Crashed => 18,
        }
    }

    /// The other way; whatever is unknown is a crash.
    pub(crate) fn of_exit_code(code: Option<i32>) -> Failure {
        let same = |failure: &&Failure| code == Some(i32::from(failure.exit_code()));
        Failure::ALL.iter().find(same).copied().unwrap_or(Failure::Crashed)
    }
}

/// A failure and what an administrator should know of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct FetchProblem {
    pub failure: Failure,
    pub text: String,
}

impl FetchProblem {
    pub(crate) fn new(failure: Failure, text: impl Into<String>) -> FetchProblem {
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
        for failure in Failure::ALL {
            assert_eq!(Failure::of_exit_code(Some(failure.exit_code().into())), failure);
        }
        for code in [None, Some(0), Some(1), Some(2), Some(101), Some(134)] {
            assert_eq!(Failure::of_exit_code(code), Failure::Crashed, "{code:?}");
        }
    }
}
