//! Who may pass: bytes and a time in, a decision out. Pure.
//!
//! Absent on purpose: I/O, clocks, logging, async, sockets.

mod decision;
mod der;
mod escape;
mod identity;
mod name;
mod oid;
mod revocation;
mod spec;

pub use decision::{Context, Decision, Denial, Outcome, Permit, PresentedChain, Reason, RuleReport, Verdict};
pub use escape::{ESCAPED_CHARACTERS_MAX, escape};
pub use identity::Identity;
pub use spec::{
    DeniedSerial, DenyList, NameRules, Notice, PolicySpec, Problem, RevocationCheck, RevocationSpec, ShadowSpec, Source,
};

use rustls_pki_types::UnixTime;

/// One policy of one generation: immutable, everything a decision needs.
#[derive(Debug)]
pub struct Policy {
    name: String,
}

impl Policy {
    /// Builds a policy whole or says everything that stops it. `now` is needed to judge anchors and lists at load time.
    ///
    /// # Errors
    /// Every problem: no anchor, an anchor that is no certificate authority or expired, a list that cannot be read, …
    pub fn build(spec: PolicySpec, now: UnixTime) -> Result<(Policy, Vec<Notice>), Vec<Problem>> {
        let _ = now;
        Ok((Policy { name: spec.name }, Vec::new()))
    }

    /// The policy's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The one decision. Pure: the same chain and context give the same answer.
    pub fn decide(&self, chain: &PresentedChain, context: &Context) -> Decision {
        let _ = (chain, context);
        Decision {
            verdict: Verdict::Denial(Denial { reason: Reason::DirectoryUnavailable, detail: String::new() }),
            identity: None,
            rules: Vec::new(),
            shadow_denial: None,
        }
    }

    /// Subjects (DER) of the certificate authorities a client's certificate may come from, for the hint list of a
    /// CertificateRequest: anchors and configured intermediates.
    pub fn authority_subjects(&self) -> Vec<Vec<u8>> {
        Vec::new()
    }

    /// The revocation lists in use, for metrics and `status`.
    pub fn lists(&self) -> Vec<ListStatus> {
        Vec::new()
    }
}

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
