//! Who may pass: bytes and a time in, a decision out. Pure.
//!
//! [`Policy::build`] turns checked configuration and the bytes of files into one immutable policy, or says everything that
//! stops it. [`Policy::decide`] judges one certificate list by it. The order of judgement is the order of the rules in
//! [`Decision::rules`]; the story is in `policy.rs`, each rule in the file of its name.
//!
//! Absent on purpose: I/O, clocks, logging, async, sockets.

mod account;
mod account_report;
mod authorities;
mod authority_fault;
mod certificate;
mod crl_status;
mod decision;
mod deny;
mod der;
mod digest;
pub mod directory;
mod dns_name;
mod escape;
mod identity;
mod inspect;
mod judge;
mod name;
mod names;
mod oid;
mod origin;
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

pub use account::{UnreadableClaim, accounts_of};
pub use account_report::AccountReport;
pub use crl_status::CrlStatus;
pub use decision::{
    Context, Decision, DecisionReport, Denial, Outcome, Permit, PresentedChain, Reason, RuleReport, Verdict,
};
pub use escape::{ESCAPED_CHARACTERS_MAX, escape, escape_name};
pub use identity::Identity;
pub use inspect::{InspectedCertificate, InspectedName, UnreadableCertificate, inspect};
pub use judge::RULES;
pub use name::distinguished_name;
pub use origin::{Origin, Part};
pub use policy::Policy;
pub use public_key::public_key;
pub use spec::{
    AccountMapping, AccountSpec, DeniedSerial, DenyList, NameRules, Notice, PolicySpec, Problem, RevocationCheck,
    RevocationSpec, ShadowSpec, Source,
};
