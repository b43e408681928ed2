//! Who may pass: bytes and a time in, a decision out. Pure.
//!
//! [`Policy::build`] turns checked configuration and the bytes of files into one immutable policy, or says everything that
//! stops it. [`Policy::decide`] judges one certificate list by it. The order of judgement is the order of the rules in
//! [`Decision::rules`]; the story is in `policy.rs`, each rule in the file of its name.
//!
//! Absent on purpose: I/O, clocks, logging, async, sockets.

mod account;
mod authorities;
mod certificate;
mod decision;
mod deny;
mod der;
mod digest;
pub mod directory;
mod escape;
mod identity;
mod judge;
mod name;
mod names;
mod oid;
mod path;
mod policy;
mod public_key;
mod purpose;
mod revocation;
mod shape;
mod spec;
#[cfg(test)]
mod tests;
mod time;

pub use account::{AccountReport, accounts_of};
pub use decision::{Context, Decision, Denial, Outcome, Permit, PresentedChain, Reason, RuleReport, Verdict};
pub use escape::{ESCAPED_CHARACTERS_MAX, escape};
pub use identity::Identity;
pub use judge::RULES;
pub use policy::Policy;
pub use public_key::public_key;
pub use spec::{
    AccountMapping, AccountSpec, DeniedSerial, DenyList, NameRules, Notice, PolicySpec, Problem, RevocationCheck,
    RevocationSpec, ShadowSpec, Source,
};

/// One revocation list in use.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListStatus {
    /// The file.
    pub origin: String,
    /// Issuer, RFC 4514.
    pub issuer: String,
    /// CRL number, decimal, where it has one.
    pub number: Option<String>,
    /// Unix seconds.
    pub this_update: i64,
    /// Unix seconds.
    pub next_update: i64,
    /// Revoked certificates in it.
    pub entries: usize,
}
