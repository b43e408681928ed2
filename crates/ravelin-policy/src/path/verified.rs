//! Signatures that were verified before: a client comes back with the certificate that it had yesterday, and a reload
//! judges every tunnel anew.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};

use crate::certificate::Certificate;

/// Pairs of a certificate and the key that signed it.
///
/// - What is in it is what verification would say again: it depends on these bytes alone, on no clock, list or rule.
/// - Only signatures that hold are kept, and only by keys that lead to a configured anchor: certificates that an authority
///   here issued, whoever sends them. What is kept saves a stranger nothing.
/// - Bounded: at most twice `half_max`, 2.2 MB ([`HALF_MAX`]). Who was seen since the last half was full is kept.
#[derive(Debug)]
pub(crate) struct VerifiedSignatures {
    half_max: usize,
    halves: Mutex<Halves>,
}

/// SHA-256 of the issuer's SubjectPublicKeyInfo and the certificate, signature included. Both are DER and tell their length.
type Pair = [u8; 32];

#[derive(Debug, Default)]
struct Halves {
    young: HashSet<Pair>,
    old: HashSet<Pair>,
}

impl Default for VerifiedSignatures {
    fn default() -> Self {
        Self::with_half_max(HALF_MAX)
    }
}

impl VerifiedSignatures {
    fn with_half_max(half_max: usize) -> Self {
        Self { half_max, halves: Mutex::default() }
    }

    /// Whether the key of `issuer` signed `certificate`: remembered, or verified now.
    pub(crate) fn verify(&self, certificate: &Certificate, issuer: &Certificate) -> Verified {
        let pair = pair(certificate, issuer);
        if self.lock().remember(&pair, self.half_max) {
            return Verified::Before;
        }
        // Without the lock: two threads may verify the same at once, and find the same.
        if issuer.public_key.verifies(&certificate.signature_algorithm, &certificate.signed, &certificate.signature) {
            self.lock().insert(pair, self.half_max);
            Verified::Now
        } else {
            Verified::Not
        }
    }

    fn lock(&self) -> MutexGuard<'_, Halves> {
        self.halves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of a signature.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verified {
    /// It holds, and held before.
    Before,
    /// It holds: this cost a verification.
    Now,
    /// It does not hold: this cost a verification.
    Not,
}

impl Halves {
    /// Whether the pair is there; then it counts as young.
    fn remember(&mut self, pair: &Pair, half_max: usize) -> bool {
        if self.young.contains(pair) {
            return true;
        }
        let is_old = self.old.remove(pair);
        if is_old {
            self.insert(*pair, half_max);
        }
        is_old
    }

    fn insert(&mut self, pair: Pair, half_max: usize) {
        if self.young.len() >= half_max {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(pair);
    }
}

fn pair(certificate: &Certificate, issuer: &Certificate) -> Pair {
    let mut digest = Context::new(&SHA256);
    digest.update(&issuer.public_key.spki);
    digest.update(&certificate.der);
    let mut pair = Pair::default();
    pair.copy_from_slice(digest.finish().as_ref());
    pair
}

/// As many computers as the largest estate behind one appliance. 28,672 pairs are what a table of 32,768 places takes.
const HALF_MAX: usize = 28_672;

#[cfg(test)]
mod tests {
    use super::*;
    use ravelin_lab::pki::{Authority, CertificateSpec};

    const NOW: i64 = crate::tests::NOW;

    fn read(der: &[u8]) -> Certificate {
        Certificate::read(der).unwrap()
    }

    #[test]
    fn what_held_is_remembered_and_nothing_else() {
        let (root, namesake) = (Authority::root("Root", NOW), Authority::root("Root", NOW));
        let issued = root.issue(CertificateSpec::client("pc1.corp.example.test"));
        let mut tampered = issued.certificate_der.clone();
        *tampered.last_mut().unwrap() ^= 1;
        let (root, namesake) = (read(root.certificate_der()), read(namesake.certificate_der()));
        let (issued, tampered) = (read(&issued.certificate_der), read(&tampered));
        let known = VerifiedSignatures::default();
        for (case, certificate, issuer, expected) in [
            ("first", &issued, &root, Verified::Now),
            ("again", &issued, &root, Verified::Before),
            ("another key of that name", &issued, &namesake, Verified::Not),
            ("that key again", &issued, &namesake, Verified::Not),
            ("another signature", &tampered, &root, Verified::Not),
            ("that signature again", &tampered, &root, Verified::Not),
            ("still", &issued, &root, Verified::Before),
        ] {
            assert_eq!(known.verify(certificate, issuer), expected, "{case}");
        }
    }

    #[test]
    fn who_comes_back_stays_and_the_rest_makes_room() {
        let root = Authority::root("Root", NOW);
        let clients: Vec<Certificate> = (0..7)
            .map(|nth| {
                read(&root.issue(CertificateSpec::client(&format!("pc{nth}.corp.example.test"))).certificate_der)
            })
            .collect();
        let root = read(root.certificate_der());
        let known = VerifiedSignatures::with_half_max(2);
        for (nth, client) in clients.iter().enumerate() {
            assert_eq!(known.verify(client, &root), Verified::Now, "{nth}");
            assert_eq!(known.verify(&clients[0], &root), Verified::Before, "after {nth}");
            let halves = known.lock();
            assert!(halves.young.len() <= 2 && halves.old.len() <= 2, "{halves:?}");
        }
        assert_eq!(known.verify(&clients[1], &root), Verified::Now, "gone, and verified again");
    }
}
