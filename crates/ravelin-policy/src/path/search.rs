//! The search itself: strings by name, signatures from the anchor down, the nearest failure.

use std::collections::HashMap;

use super::certification_path::Path;
use super::verified::{Verified, VerifiedSignatures};
use crate::authorities::Authorities;
use crate::authority_fault::authority_fault;
use crate::certificate::{Certificate, Weakness};
use crate::decision::{Denial, Reason, RuleReport};

/// How far a path got. The further, the nearer to what the administrator has to mend.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Stage {
    /// No issuer of that name.
    Issuer,
    /// A bound of the search.
    Length,
    /// A signature algorithm on the way.
    Algorithm,
    /// A signature on the way.
    Signature,
    /// What RFC 5280 asks of the path as a whole.
    Rules,
    Validity,
    Purpose,
    IssuedBy,
    RevocationUnknown,
    Revoked,
}

/// Why a path does not hold.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) stage: Stage,
    pub(crate) reason: Reason,
    pub(crate) detail: String,
    /// Reports of the rules that this path passed before it failed.
    pub(crate) passed: Vec<RuleReport>,
}

/// A path that holds, and what the judge made of it.
#[derive(Debug)]
pub(crate) struct Found<'a, T> {
    pub(crate) path: Path<'a>,
    pub(crate) judged: T,
}

/// What a search has spent.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct SearchCost {
    pub(crate) steps: usize,
    /// Looked at: verified, or remembered. What is remembered counts against the budget too, so that the answer to a
    /// list does not depend on who came before.
    pub(crate) signatures: usize,
    /// Of these, remembered.
    pub(crate) remembered: usize,
}

/// One search.
pub(crate) struct Search<'a, J> {
    leaf: &'a Certificate,
    sent: &'a [Certificate],
    authorities: &'a Authorities,
    known: &'a VerifiedSignatures,
    judge: J,
    verified: HashMap<(Node, Node), bool>,
    cost: SearchCost,
    nearest: Option<Failure>,
}

/// A certificate, by where it is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Node {
    Leaf,
    Sent(usize),
    Configured(usize),
}

impl<'a, T, J: FnMut(&Path<'a>) -> Result<T, Failure>> Search<'a, J> {
    /// `judge` sees every path whose signatures hold, and says whether it will do.
    pub(crate) fn new(
        leaf: &'a Certificate,
        sent: &'a [Certificate],
        authorities: &'a Authorities,
        known: &'a VerifiedSignatures,
        judge: J,
    ) -> Self {
        let (verified, cost) = (HashMap::new(), SearchCost::default());
        Search { leaf, sent, authorities, known, judge, verified, cost, nearest: None }
    }

    /// The first path that holds, or the failure of the one that got furthest.
    pub(crate) fn run(mut self) -> (Result<Found<'a, T>, Failure>, SearchCost) {
        let found = self.extend(&mut vec![Node::Leaf]);
        let outcome = match (found, self.nearest) {
            (Some(found), _) => Ok(found),
            (None, Some(nearest)) => Err(nearest),
            (None, None) => Err(failure(Stage::Issuer, Reason::UnknownIssuer, "no path to a trust anchor".to_owned())),
        };
        (outcome, self.cost)
    }

    /// Tries every issuer of the last certificate.
    fn extend(&mut self, nodes: &mut Vec<Node>) -> Option<Found<'a, T>> {
        let last = self.certificate(*nodes.last()?)?;
        let issuers = self.issuers(last, nodes);
        if issuers.is_empty() {
            let issuer = last.issuer.label();
            let text = format!("the chain ends at {}: its issuer {issuer} is not known", last.label());
            self.note(failure(Stage::Issuer, Reason::UnknownIssuer, text));
        }
        for issuer in issuers {
            if self.cost.steps == STEPS_MAX || nodes.len() == PATH_MAX {
                let text = format!("no path of at most {PATH_MAX} certificates was found within {STEPS_MAX} steps");
                self.note(failure(Stage::Length, Reason::ChainTooLong, text));
                return None;
            }
            self.cost.steps += 1;
            nodes.push(issuer);
            let found = if self.is_anchor(issuer) { self.try_path(nodes) } else { self.extend(nodes) };
            nodes.pop();
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Everybody who bears the issuer's name and is not on the path yet; whoever has the key that was meant comes first.
    fn issuers(&self, certificate: &Certificate, path: &[Node]) -> Vec<Node> {
        let name = &certificate.issuer.canonical;
        let configured = self.authorities.named(name).iter().map(|&index| Node::Configured(index));
        let sent = self.sent.iter().enumerate().filter(|(_, one)| one.subject.canonical == *name);
        let mut issuers: Vec<Node> = configured.chain(sent.map(|(index, _)| Node::Sent(index))).collect();
        // RFC 4158 §2.4.2: a name and key that is there already makes the path longer and no better. The leaf is not
        // compared: one that is its own issuer shall be refused for what it is.
        issuers.retain(|&issuer| {
            let on_path = path.iter().skip(1).filter_map(|&node| self.certificate(node));
            self.certificate(issuer).is_some_and(|issuer| !on_path.into_iter().any(|one| one.is_same_authority(issuer)))
        });
        let wanted = certificate.extensions.authority_key_identifier.as_ref();
        // A stable sort: configured ones stay before sent ones.
        issuers.sort_by_key(|&issuer| {
            let has = self.certificate(issuer).and_then(|one| one.extensions.subject_key_identifier.as_ref());
            wanted.is_some() && has != wanted
        });
        issuers
    }

    /// Verifies a string of certificates that ends at an anchor, from there down, and lets the judge look at it.
    fn try_path(&mut self, nodes: &[Node]) -> Option<Found<'a, T>> {
        let outcome = self.verify(nodes).and_then(|path| {
            let judged = (self.judge)(&path)?;
            Ok(Found { path, judged })
        });
        match outcome {
            Ok(found) => Some(found),
            Err(failure) => {
                self.note(failure);
                None
            }
        }
    }

    fn verify(&mut self, nodes: &[Node]) -> Result<Path<'a>, Failure> {
        let links = nodes.iter().zip(nodes.iter().skip(1)).rev();
        for (&subject_node, &issuer_node) in links {
            let (Some(subject), Some(issuer)) = (self.certificate(subject_node), self.certificate(issuer_node)) else {
                continue;
            };
            if let Some(Denial { reason, detail: text }) = authority_fault(issuer) {
                return Err(failure(Stage::Rules, reason, format!("{}: {text}", issuer.label())));
            }
            if let Some(Weakness(weakness)) = subject.signature_algorithm.weakness {
                let text = format!("{} has {weakness}", subject.label());
                return Err(failure(Stage::Algorithm, Reason::WeakKey, text));
            }
            if !self.is_signed_by(subject_node, issuer_node)? {
                return Err(failure(Stage::Signature, Reason::BadSignature, bad_signature(subject, issuer)));
            }
        }
        let anchor_origin = match nodes.last() {
            Some(&Node::Configured(index)) => self.authorities.get(index).map(|one| &one.origin),
            _ => None,
        };
        Ok(Path { certificates: nodes.iter().filter_map(|&node| self.certificate(node)).collect(), anchor_origin })
    }

    fn is_signed_by(&mut self, subject: Node, issuer: Node) -> Result<bool, Failure> {
        if let (Node::Configured(subject), Node::Configured(issuer)) = (subject, issuer) {
            return Ok(self.authorities.is_verified(subject, issuer));
        }
        if let Some(&known) = self.verified.get(&(subject, issuer)) {
            return Ok(known);
        }
        if self.cost.signatures == SIGNATURES_MAX {
            let text = format!("no path was found with {SIGNATURES_MAX} signatures verified");
            return Err(failure(Stage::Length, Reason::ChainTooLong, text));
        }
        self.cost.signatures += 1;
        let (Some(signed), Some(signer)) = (self.certificate(subject), self.certificate(issuer)) else {
            return Ok(false);
        };
        let verified = self.known.verify(signed, signer);
        self.cost.remembered += usize::from(verified == Verified::Before);
        self.verified.insert((subject, issuer), verified != Verified::Not);
        Ok(verified != Verified::Not)
    }

    fn certificate(&self, node: Node) -> Option<&'a Certificate> {
        match node {
            Node::Leaf => Some(self.leaf),
            Node::Sent(index) => self.sent.get(index),
            Node::Configured(index) => self.authorities.get(index).map(|one| &one.certificate),
        }
    }

    fn is_anchor(&self, node: Node) -> bool {
        matches!(node, Node::Configured(index) if self.authorities.get(index).is_some_and(|one| one.is_anchor))
    }

    /// Keeps the failure if its path got further than any before.
    fn note(&mut self, failure: Failure) {
        if self.nearest.as_ref().is_none_or(|nearest| failure.stage > nearest.stage) {
            self.nearest = Some(failure);
        }
    }
}

fn failure(stage: Stage, reason: Reason, detail: String) -> Failure {
    Failure { stage, reason, detail, passed: Vec::new() }
}

/// Names the likely cause: in an estate it is a renewed authority far more often than an attack.
fn bad_signature(subject: &Certificate, issuer: &Certificate) -> String {
    let wanted = subject.extensions.authority_key_identifier.as_ref();
    let has = issuer.extensions.subject_key_identifier.as_ref();
    let hint = if wanted.is_some() && has.is_some() && wanted != has {
        "; it names another key (authority key identifier), so it comes from another authority of that name, or from \
         this one after a renewal: then its new certificate has to be configured"
    } else {
        ""
    };
    format!("the key of {} did not sign {}{hint}", issuer.label(), subject.label())
}

/// Leaf, four that were sent or configured, two more tiers that are configured, anchor: deeper than any estate.
const PATH_MAX: usize = 8;
/// Strings of four sent certificates of two names have fewer than a hundred steps; the rest is for the administrator's
/// own cross-certificates.
const STEPS_MAX: usize = 256;
/// A path of four sent certificates needs five. Twice that for renewed authorities, where only the key tells them apart.
const SIGNATURES_MAX: usize = 12;
