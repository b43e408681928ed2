//! The public key of a certificate, for whoever verifies the proof that a client holds its private key.

use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};

use crate::certificate::Certificate;

/// The SubjectPublicKeyInfo of a certificate; `None` where the certificate cannot be read.
///
/// The reader is the one that judges: whatever [`crate::Policy::decide`] calls a malformed certificate has no key here, and
/// whose proof is verified is the one who was judged.
pub fn public_key(certificate: &CertificateDer<'_>) -> Option<SubjectPublicKeyInfoDer<'static>> {
    let certificate = Certificate::read(certificate).ok()?;
    Some(SubjectPublicKeyInfoDer::from(certificate.public_key.spki))
}

#[cfg(test)]
mod tests {
    use ravelin_lab::pki::{CertificateSpec, self_signed};

    use super::*;

    #[test]
    fn a_certificate_that_policy_would_not_read_has_no_key() {
        let issued = self_signed(CertificateSpec::authority("CN=Corp Root"), ravelin_lab::clock::now());
        let certificate = issued.certificate_der.as_slice();
        let key = public_key(&CertificateDer::from(certificate)).unwrap();
        assert!(certificate.windows(key.len()).any(|window| window == key.as_ref()));
        let trailing = [certificate, &[0]].concat();
        assert_eq!(public_key(&CertificateDer::from(trailing)), None);
        assert_eq!(public_key(&CertificateDer::from(&certificate[..certificate.len() - 1])), None);
    }
}
