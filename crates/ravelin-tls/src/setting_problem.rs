//! Settings that cannot be served.

/// Why settings cannot be served, and the cure.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SettingProblem {
    /// Which setting of the site or upstream, as the configuration has it: `tls`, `ca`.
    pub key: &'static str,
    /// What and the cure.
    pub text: String,
}
