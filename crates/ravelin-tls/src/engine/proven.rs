//! The proof of a key, as a type.

#[cfg(feature = "legacy-tls")]
use crate::records::openssl::OpenSslConnection;
use ravelin_policy::{Permit, PresentedChain};
use rustls::server::UnbufferedServerConnection;

/// A certificate chain whose leaf's private key the client has proved to hold in *this* handshake, with the permit that the
/// judge gave it there.
///
/// A [`PresentedChain`] is a chain as it came: anybody can present anybody's. A proven one is made by the engines alone,
/// each from its library's own finished connection, and by nobody else:
///
/// ```
/// use ravelin_policy::PresentedChain;
/// use ravelin_tls::{Accepted, ProvenChain};
///
/// fn presented(accepted: &Accepted) -> &PresentedChain {
///     let proven: &ProvenChain = &accepted.chain;
///     proven.presented()
/// }
/// ```
///
/// It cannot be built from a chain that was merely presented, nor copied, nor is there a default:
///
/// ```compile_fail,E0451
/// use ravelin_policy::{Permit, PresentedChain};
/// use ravelin_tls::ProvenChain;
///
/// fn prove(presented: PresentedChain, permit: Permit) -> ProvenChain {
///     ProvenChain { presented, permit }
/// }
/// ```
///
/// ```compile_fail,E0277
/// use ravelin_tls::ProvenChain;
///
/// fn twice(proven: &ProvenChain) -> ProvenChain {
///     Clone::clone(proven)
/// }
/// ```
///
/// ```compile_fail,E0277
/// let proven: ravelin_tls::ProvenChain = Default::default();
/// ```
#[derive(Debug)]
pub struct ProvenChain {
    presented: PresentedChain,
    permit: Permit,
}

impl ProvenChain {
    /// The chain as the client presented it, for judging.
    pub fn presented(&self) -> &PresentedChain {
        &self.presented
    }

    /// The judge's permit, of the generation that judged in the handshake.
    pub fn permit(&self) -> &Permit {
        &self.permit
    }

    /// Both, given away: what is left proves nothing.
    pub fn into_judged(self) -> (PresentedChain, Permit) {
        (self.presented, self.permit)
    }

    /// `None` unless rustls has finished the handshake and verified the CertificateVerify message of exactly the chain that
    /// was judged: it keeps a client's certificates from that moment on, not before.
    pub(in crate::engine) fn by_rustls(
        connection: &UnbufferedServerConnection,
        presented: PresentedChain,
        permit: Permit,
    ) -> Option<ProvenChain> {
        is_proved(connection, &presented).then_some(ProvenChain { presented, permit })
    }

    /// `None` unless OpenSSL has finished the handshake and verified the CertificateVerify message of the leaf that was
    /// judged. The gate has let nothing but the judged list through, so its other certificates are the judged ones.
    #[cfg(feature = "legacy-tls")]
    pub(in crate::engine) fn by_openssl(
        connection: &OpenSslConnection,
        presented: PresentedChain,
        permit: Permit,
    ) -> Option<ProvenChain> {
        let verified = connection.proven_certificate()?;
        let leaf = presented.certificates.first()?;
        (verified == leaf.as_ref()).then_some(ProvenChain { presented, permit })
    }
}

fn is_proved(connection: &UnbufferedServerConnection, presented: &PresentedChain) -> bool {
    let verified = connection.peer_certificates().filter(|_| !connection.is_handshaking()).unwrap_or_default();
    !verified.is_empty() && verified == presented.certificates
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::ServerConfig;
    use rustls::pki_types::CertificateDer;
    use rustls::server::ResolvesServerCertUsingSni;

    use super::*;

    /// Covers: docs/rules.md rule 1.
    #[test]
    fn nothing_is_proven_before_the_handshake_is_finished() {
        let config = ServerConfig::builder_with_provider(crate::site::provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(ResolvesServerCertUsingSni::new()));
        let connection = UnbufferedServerConnection::new(Arc::new(config)).unwrap();
        let presented = PresentedChain { certificates: vec![CertificateDer::from(vec![0x30, 0])] };
        assert!(!is_proved(&connection, &presented));
        assert!(!is_proved(&connection, &PresentedChain::default()));
    }
}
