//! The client's certificate chain on its way from the engine to the judge.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use ravelin_policy::{Decision, Denial, Outcome, PresentedChain, Reason, RuleReport, Verdict};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme};

use super::proof;
use crate::alert::{self, Alert};
use crate::outcome::Judge;

/// What the judge decided about which chain; at most once a handshake.
#[derive(Clone, Default)]
pub(crate) struct Judgement(Arc<Mutex<Option<(PresentedChain, Decision)>>>);

impl Judgement {
    /// Takes it out.
    pub(crate) fn take(&self) -> Option<(PresentedChain, Decision)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Asks the judge in the middle of one handshake, so that a denial can still be sent as its alert. The proof of the
/// key comes after: a permit counts only once the engine has reported the handshake as done.
pub(crate) struct JudgingVerifier {
    pub(crate) judge: Arc<dyn Judge>,
    pub(crate) hints: Arc<[DistinguishedName]>,
    pub(crate) algorithms: WebPkiSupportedAlgorithms,
    pub(crate) judgement: Judgement,
}

impl fmt::Debug for JudgingVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JudgingVerifier").finish_non_exhaustive()
    }
}

impl ClientCertVerifier for JudgingVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    /// Nothing of the chain has been parsed when this is called. The judge has a clock of its own.
    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let count = intermediates.len() + 1;
        let (chain, decision) = if count > CERTIFICATES_MAX {
            (PresentedChain::default(), too_many(count))
        } else {
            let certificates = std::iter::once(end_entity).chain(intermediates);
            let chain = PresentedChain { certificates: certificates.map(|each| each.clone().into_owned()).collect() };
            let decision = self.judge.judge(&chain);
            (chain, decision)
        };
        let result = match &decision.verdict {
            Verdict::Permit(_) => Ok(ClientCertVerified::assertion()),
            Verdict::Denial(denial) => Err(Error::InvalidCertificate(error_for(alert::for_reason(denial.reason)))),
        };
        let mut slot = self.judgement.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.is_some() {
            return Err(Error::General("a second certificate chain in one handshake".to_owned()));
        }
        *slot = Some((chain, decision));
        result
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        proof::verify_tls12(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        proof::verify_tls13(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// For a chain that is not even looked at. Anybody may make a denial; only policy makes a permit.
pub(crate) fn too_many(count: usize) -> Decision {
    unread(format!("{count} certificates, more than the {CERTIFICATES_MAX} that are looked at"))
}

/// The same for a chain that is too long to wait for.
#[cfg(feature = "legacy-tls")]
pub(crate) fn too_long(bytes: usize) -> Decision {
    unread(format!("a certificate chain of {bytes} bytes, more than a handshake may have"))
}

fn unread(detail: String) -> Decision {
    Decision {
        verdict: Verdict::Denial(Denial { reason: Reason::ChainTooLong, detail: detail.clone() }),
        identity: None,
        rules: vec![RuleReport { rule: "shape", outcome: Outcome::Denied(Reason::ChainTooLong), detail }],
        account: None,
        shadow_denial: None,
    }
}

/// The error for which rustls sends this alert (its table is `From<CertificateError> for AlertDescription`).
fn error_for(alert: Alert) -> CertificateError {
    match alert {
        Alert::BAD_CERTIFICATE => CertificateError::BadEncoding,
        Alert::UNSUPPORTED_CERTIFICATE => CertificateError::InvalidPurpose,
        Alert::CERTIFICATE_REVOKED => CertificateError::Revoked,
        Alert::CERTIFICATE_EXPIRED => CertificateError::Expired,
        Alert::UNKNOWN_CA => CertificateError::UnknownIssuer,
        Alert::ACCESS_DENIED => CertificateError::ApplicationVerificationFailure,
        _ => CertificateError::Other(OtherError(Arc::new(std::fmt::Error))),
    }
}

/// Twice what policy accepts; the rest of a longer chain is not copied.
pub(crate) const CERTIFICATES_MAX: usize = 10;

#[cfg(test)]
mod tests {
    use rustls::AlertDescription;

    use super::*;

    #[test]
    fn rustls_sends_the_alert_of_every_reason() {
        for reason in Reason::ALL {
            // rustls itself sends `certificate_required` when there is nothing to judge.
            if *reason != Reason::NoCertificate {
                let alert = alert::for_reason(*reason);
                let sent = AlertDescription::from(error_for(alert));
                assert_eq!(Alert(sent.into()), alert, "{}", reason.label());
            }
        }
    }
}
