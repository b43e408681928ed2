//! Which of a site's certificates a client gets: the first that it can verify.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{NamedGroup, SignatureScheme};

use crate::hello::ServerName;

/// One certificate of a site.
#[derive(Clone)]
pub(crate) struct Candidate {
    pub(crate) certified: Arc<CertifiedKey>,
    /// The curve of its key. In TLS 1.2 a client's groups bound the curves of signatures too (RFC 8422 §5.1.1).
    pub(crate) curve: Option<NamedGroup>,
}

/// Picks for one connection. The site was chosen by the peeked name before; here the name is only compared, so that
/// what the engine read and what the choice was made from cannot differ (traps rows 3, 14).
pub(crate) struct Resolver {
    /// Preferred first.
    pub(crate) candidates: Arc<[Candidate]>,
    pub(crate) peeked: ServerName,
    /// The client and the site will agree on TLS 1.2.
    pub(crate) tls12: bool,
    /// The engine read another name.
    pub(crate) name_differs: Arc<AtomicBool>,
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let read = hello.server_name().map_or(ServerName::Absent, |name| ServerName::from_host_name(name.as_bytes()));
        if read != self.peeked {
            self.name_differs.store(true, Ordering::Relaxed);
            return None;
        }
        pick(&self.candidates, hello.signature_schemes(), hello.named_groups(), self.tls12)
            .map(|candidate| candidate.certified.clone())
    }
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
