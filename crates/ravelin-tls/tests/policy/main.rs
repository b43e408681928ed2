//! Every row of the policy's own tables, taken in as they are, sent through a handshake with each engine: the OpenSSL engine
//! with a null suite, rustls with TLS 1.2 and 1.3. Whoever policy refuses is refused there with the same decision and
//! the alert of its reason, before any proof of the key; whoever it permits has a connection.
// `test` by itself, so that the lints' exemption for tests covers the tables too.
#![cfg(test)]
#![cfg(feature = "legacy-tls")]

mod engines;
#[path = "../../../ravelin-policy/src/tests/tables/mod.rs"]
mod tables;

pub(crate) use engines::also;
pub(crate) use ravelin_policy::{
    AccountMapping, AccountSpec, Context, Decision, DeniedSerial, DenyList, NameRules, Origin, Outcome, Policy,
    PolicySpec, PresentedChain, RULES, Reason, RevocationCheck, RevocationSpec, ShadowSpec, Source, Verdict, directory,
};
pub(crate) use tables::*;

/// What a refusal costs is held where the tables are from.
pub(crate) fn also_free(_: &Row<'_>) {}
