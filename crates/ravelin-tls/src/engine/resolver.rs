//! Which of a site's certificates a client gets: the first that it can verify.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::NamedGroup;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

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
        let verifiable = |candidate: &&Candidate| {
            // In TLS 1.2 rustls has already struck the schemes that no common suite can use.
            candidate.certified.key.choose_scheme(hello.signature_schemes()).is_some()
        };
        let on_a_known_curve = |candidate: &&Candidate| match (candidate.curve, hello.named_groups()) {
            (Some(curve), Some(groups)) if self.tls12 => groups.contains(&curve),
            _ => true,
        };
        let fitting = self.candidates.iter().filter(verifiable);
        fitting
            .clone()
            .find(on_a_known_curve)
            .or_else(|| fitting.clone().next())
            // None fits: the engine finds that out by itself, and sends the right alert.
            .or_else(|| self.candidates.first())
            .map(|candidate| candidate.certified.clone())
    }
}
