//! Settings that cannot be served.

/// Why settings cannot be served, and the cure.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SettingProblem {
    /// Which setting of the site or upstream, as the configuration has it: `tls`, `ca`.
    pub key: &'static str,
    /// What and the cure.
    pub text: String,
}

impl SettingProblem {
    /// Of the TLS settings as a whole.
    pub(crate) fn of_tls(text: impl Into<String>) -> SettingProblem {
        SettingProblem { key: "tls", text: text.into() }
    }
}
