//! One of a site's certificates, and which of them a client gets: the first that it can verify.

use std::sync::Arc;

use rustls::sign::CertifiedKey;
use rustls::{NamedGroup, SignatureScheme};

/// One certificate of a site.
#[derive(Clone)]
pub(crate) struct Candidate {
    pub(crate) certified: Arc<CertifiedKey>,
    /// The curve of its key. In TLS 1.2 a client's groups bound the curves of signatures too (RFC 8422 §5.1.1).
    pub(crate) curve: Option<NamedGroup>,
}

/// The first of the certificates that the client can verify; where it can verify none, the first: the engine finds that
/// out by itself, and sends the right alert.
pub(crate) fn pick<'a>(
    candidates: &'a [Candidate],
    schemes: &[SignatureScheme],
    groups: Option<&[NamedGroup]>,
    tls12: bool,
) -> Option<&'a Candidate> {
    // In TLS 1.2 rustls has already struck the schemes that no common suite can use.
    let verifiable = |candidate: &&Candidate| candidate.certified.key.choose_scheme(schemes).is_some();
    let on_a_known_curve = |candidate: &&Candidate| match (candidate.curve, groups) {
        (Some(curve), Some(groups)) if tls12 => groups.contains(&curve),
        _ => true,
    };
    let fitting = candidates.iter().filter(verifiable);
    fitting.clone().find(on_a_known_curve).or_else(|| fitting.clone().next()).or_else(|| candidates.first())
}
