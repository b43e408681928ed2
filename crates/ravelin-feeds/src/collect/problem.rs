//! What is wrong with an entry.

use std::fmt;

/// An entry that cannot be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CollectProblem {
    /// Which; empty where it is about all of them.
    pub dn: String,
    /// What and the cure.
    pub text: String,
}

impl fmt::Display for CollectProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dn = ravelin_policy::escape_name(&self.dn);
        if dn.is_empty() { f.write_str(&self.text) } else { write!(f, "{dn}: {}", self.text) }
    }
}

impl std::error::Error for CollectProblem {}
