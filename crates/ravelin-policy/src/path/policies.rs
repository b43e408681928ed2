//! Certificate policies (RFC 5280 §6.1), by the graph of RFC 9618, which cannot be made to grow without bound.
//!
//! The policy asks for no policy of its own (initial set: any; nothing inhibited, nothing required). So the only thing
//! to find out is whether an authority of the path demands an explicit policy (policyConstraints) and whether one is
//! valid then. Qualifiers are for people and are not read.

use std::collections::BTreeSet;

use super::certification_path::Path;
use crate::certificate::{Certificate, PolicyMapping};
use crate::decision::{Denial, Reason};

/// Whether the certificate policies of the path are in order.
///
/// # Errors
/// What is wrong, as a text.
pub(super) fn check(path: &Path<'_>) -> Result<(), Denial> {
    process(path).map_err(|text| Denial::new(Reason::MalformedCertificate, text))
}

fn process(path: &Path<'_>) -> Result<(), String> {
    // RFC 5280 §6.1: n certificates, the anchor not counted. Its policies are the administrator's, who configured it.
    let below_anchor = path.certificates.len().saturating_sub(1);
    let count = u32::try_from(below_anchor).unwrap_or(u32::MAX);
    let mut state = State::new(count);
    for (at, certificate) in path.certificates.iter().take(below_anchor).enumerate().rev() {
        let is_last = at == 0;
        state.process(certificate, is_last)?;
        if !is_last {
            state.prepare_for_next(certificate)?;
        }
    }
    if let Some(leaf) = path.certificates.first() {
        state.wrap_up(leaf);
    }
    if state.explicit_policy == 0 && state.valid.is_none() {
        return Err("an authority demands an explicit certificate policy, and none is valid for the path".to_owned());
    }
    Ok(())
}

/// RFC 5280 §6.1.2. Of the graph only its last level is needed: with `any` wanted, all that counts is whether it has nodes.
struct State {
    explicit_policy: u32,
    policy_mapping: u32,
    inhibit_any: u32,
    /// Policies that the next certificate may state; `None`: the tree is NULL.
    valid: Option<Expected>,
}

/// The union of the expected policy sets of the last level's nodes.
#[derive(Clone)]
struct Expected {
    /// There is a node anyPolicy.
    any: bool,
    policies: BTreeSet<Vec<u8>>,
}

impl Expected {
    fn or_none(self) -> Option<Expected> {
        (self.any || !self.policies.is_empty()).then_some(self)
    }
}

impl State {
    fn new(count: u32) -> State {
        let all = count.saturating_add(1);
        let valid = Some(Expected { any: true, policies: BTreeSet::new() });
        State { explicit_policy: all, policy_mapping: all, inhibit_any: all, valid }
    }

    /// RFC 5280 §6.1.3 d to f.
    fn process(&mut self, certificate: &Certificate, is_last: bool) -> Result<(), String> {
        let stated = certificate.extensions.policies.stated.as_deref();
        self.valid = match (self.valid.take(), stated) {
            (Some(expected), Some(stated)) => {
                let any_counts = self.inhibit_any > 0 || (!is_last && certificate.is_self_issued());
                let states_any = any_counts && stated.iter().any(|policy| policy == ANY_POLICY);
                let named = stated.iter().filter(|policy| *policy != ANY_POLICY);
                // d.1: named policies that are expected, or that a node anyPolicy above lets in.
                let mut policies: BTreeSet<Vec<u8>> =
                    named.filter(|policy| expected.any || expected.policies.contains(*policy)).cloned().collect();
                // d.2: anyPolicy stands for everything that was expected.
                if states_any {
                    policies.extend(expected.policies);
                }
                Expected { any: states_any && expected.any, policies }.or_none()
            }
            // e: no policies stated.
            (_, None) | (None, _) => None,
        };
        // f
        if self.explicit_policy == 0 && self.valid.is_none() {
            return Err(
                "an authority demands an explicit certificate policy, and none is valid for the path".to_owned()
            );
        }
        Ok(())
    }

    /// RFC 5280 §6.1.4 a, b, h, i, j.
    fn prepare_for_next(&mut self, certificate: &Certificate) -> Result<(), String> {
        let policies = &certificate.extensions.policies;
        if policies.mappings.iter().any(|(from, to)| from == ANY_POLICY || to == ANY_POLICY) {
            return Err(format!("{} maps the policy anyPolicy", certificate.label()));
        }
        self.map(&policies.mappings);
        if !certificate.is_self_issued() {
            for counter in [&mut self.explicit_policy, &mut self.policy_mapping, &mut self.inhibit_any] {
                *counter = counter.saturating_sub(1);
            }
        }
        for (counter, limit) in [
            (&mut self.explicit_policy, policies.require_explicit),
            (&mut self.policy_mapping, policies.inhibit_mapping),
            (&mut self.inhibit_any, policies.inhibit_any),
        ] {
            *counter = limit.map_or(*counter, |limit| limit.min(*counter));
        }
        Ok(())
    }

    /// RFC 5280 §6.1.4 b: a mapped policy is expected under its subject's names.
    fn map(&mut self, mappings: &[PolicyMapping]) {
        let Some(expected) = self.valid.as_mut() else { return };
        let is_valid = |policy: &Vec<u8>| expected.any || expected.policies.contains(policy);
        let mapped: Vec<&PolicyMapping> = mappings.iter().filter(|(from, _)| is_valid(from)).collect();
        let (froms, tos): (Vec<_>, Vec<_>) = mapped.into_iter().map(|(from, to)| (from.clone(), to.clone())).unzip();
        for from in &froms {
            expected.policies.remove(from);
        }
        // b.2: where mapping is inhibited the node goes, and nothing comes instead.
        if self.policy_mapping > 0 {
            expected.policies.extend(tos);
        }
        self.valid = self.valid.take().and_then(Expected::or_none);
    }

    /// RFC 5280 §6.1.5 a, b.
    fn wrap_up(&mut self, leaf: &Certificate) {
        self.explicit_policy = self.explicit_policy.saturating_sub(1);
        if leaf.extensions.policies.require_explicit == Some(0) {
            self.explicit_policy = 0;
        }
    }
}

/// 2.5.29.32.0
const ANY_POLICY: &[u8] = &[0x55, 0x1d, 0x20, 0x00];
