//! Hands rustls the certificate that a client gets.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::hello::server_name::ServerName;
use crate::identity::candidate::{Candidate, pick};

/// Picks for one connection. The site was chosen by the peeked name before; here the name is only compared, so that
/// what the engine read and what the choice was made from cannot differ (docs/traps.md rows 3, 14).
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
