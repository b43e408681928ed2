//! One CRL in memory: who signed it, and which of several decides.

use std::sync::{Arc, Mutex, PoisonError};

use super::parse::SetAside;
use super::query::Authority;
use super::scope::Scope;
use super::serials::Serials;
use super::signature::{self, KeyHash, Signed, Verification};
use crate::crl_status::CrlStatus;
use crate::origin::Origin;
use crate::spec::Notice;

/// One CRL. Everything but the cache in `authenticity` is as it was read.
#[derive(Debug)]
pub(super) struct Crl {
    pub(super) origin: Origin,
    /// RFC 4514, as [`super::words::shown`] writes it.
    pub(super) issuer: String,
    /// CRL number, big-endian, without leading zeros. CRLs without one are set aside.
    pub(super) number: Option<Vec<u8>>,
    /// Unix seconds.
    pub(super) this_update: i64,
    /// Unix seconds; that of `this_update` where a CRL states none (it is set aside).
    pub(super) next_update: i64,
    pub(super) scope: Option<Scope>,
    pub(super) set_aside: Option<SetAside>,
    pub(super) serials: Serials,
    pub(super) authenticity: Authenticity,
}

impl Crl {
    /// Was it signed by this authority, and may that sign CRLs?
    pub(super) fn is_signed_by(&self, authority: &Authority<'_>) -> bool {
        authority.may_sign_crls && self.authenticity.holds_for(authority)
    }

    pub(super) fn describe(&self) -> CrlStatus {
        CrlStatus {
            origin: self.origin.clone(),
            issuer: self.issuer.clone(),
            number: self.number.as_deref().map(decimal),
            this_update: self.this_update,
            next_update: self.next_update,
            entries: self.serials.len(),
        }
    }

    /// The same CRL may be there in two files.
    pub(super) fn is_other_than(&self, crl: &Crl) -> bool {
        self.number != crl.number || self.this_update != crl.this_update
    }

    pub(super) fn notice(&self, text: String) -> Notice {
        Notice { origin: self.origin.clone(), text }
    }

    /// Later CRLs of one issuer, key and scope have higher numbers (RFC 5280 §5.2.3), so the number goes before the
    /// date. Longer numbers are larger ones: there are no leading zeros.
    fn rank(&self) -> (Option<(usize, &[u8])>, i64) {
        (self.number.as_deref().map(|number| (number.len(), number)), self.this_update)
    }
}

/// Of CRLs of one issuer, key and scope the one that decides: the newest that has begun, else the newest. A CRL that
/// comes later never loses to an older one, even if it ends earlier.
pub(super) fn deciding<'a>(crls: &[&'a Crl], now: i64) -> Option<&'a Crl> {
    let begun: Vec<&Crl> = crls.iter().copied().filter(|crl| crl.this_update <= now).collect();
    let candidates = if begun.is_empty() { crls } else { &begun };
    // Of equal ones (a file that is there twice) the first: `max_by_key` gives the last.
    candidates.iter().copied().rev().max_by_key(|crl| crl.rank())
}

/// CRLs that can call a certificate good, by scope. Their key must be the same.
pub(super) fn by_scope<'a>(crls: impl IntoIterator<Item = &'a Crl>) -> Vec<Vec<&'a Crl>> {
    let mut groups: Vec<Vec<&Crl>> = Vec::new();
    for crl in crls.into_iter().filter(|crl| crl.set_aside.is_none()) {
        let same = |group: &&mut Vec<&'a Crl>| group.first().is_some_and(|first| first.scope == crl.scope);
        match groups.iter_mut().find(same) {
            Some(group) => group.push(crl),
            None => groups.push(vec![crl]),
        }
    }
    groups
}

/// CRLs of one issuer that a configured authority signed, by key and scope.
pub(super) fn groups(crls: &[Arc<Crl>]) -> Vec<Vec<&Crl>> {
    let mut keys: Vec<&KeyHash> = crls.iter().flat_map(|crl| &crl.authenticity.signers).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter().flat_map(|key| by_scope(of_key(crls, key))).collect()
}

/// CRLs of one issuer that the configured authority of this key signed.
pub(super) fn of_key<'a>(crls: &'a [Arc<Crl>], key: &KeyHash) -> impl Iterator<Item = &'a Crl> {
    crls.iter().map(AsRef::as_ref).filter(|crl: &&Crl| crl.authenticity.signers.contains(key))
}

/// Whose signature a CRL bears.
#[derive(Debug)]
pub(super) struct Authenticity {
    signed: Signed,
    /// Of the signer's key, as the CRL states it.
    key_identifier: Option<Vec<u8>>,
    /// Keys of configured authorities that signed it: one, as a rule.
    signers: Vec<KeyHash>,
    /// Keys of configured authorities that did not.
    strangers: Vec<KeyHash>,
    /// Keys that were met at a decision. A cache: what is in it is what verification would say again.
    met: Mutex<Vec<(KeyHash, bool)>>,
}

/// Why no configured authority stands behind a CRL.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unsigned {
    /// None has its issuer's name.
    NoSuchName,
    /// Those of the name may not sign CRLs.
    NotAllowed,
    /// Those of the name have other keys.
    OtherKey,
    /// That of the name has a key of a size that is not accepted.
    WeakKey,
}

impl Authenticity {
    /// Tries the configured authorities of the CRL's issuer name. Also says why none of them stands behind the CRL,
    /// where none does.
    pub(super) fn of(
        signed: Signed,
        key_identifier: Option<&[u8]>,
        same_name: &[&Authority<'_>],
    ) -> (Authenticity, Option<Unsigned>) {
        let (mut signers, mut strangers, mut weak) = (Vec::new(), Vec::new(), false);
        let fitting = same_name.iter().filter(|authority| !contradicts(key_identifier, authority));
        for authority in fitting.filter(|authority| authority.may_sign_crls) {
            match signed.verify(authority.spki) {
                Verification::Signed => signers.push(signature::key_hash(authority.spki)),
                Verification::WeakKey => weak = true,
                Verification::WrongKey => strangers.push(signature::key_hash(authority.spki)),
            }
        }
        let unsigned = if !signers.is_empty() {
            None
        } else if same_name.is_empty() {
            Some(Unsigned::NoSuchName)
        } else if weak {
            Some(Unsigned::WeakKey)
        } else if same_name.iter().all(|authority| !authority.may_sign_crls) {
            Some(Unsigned::NotAllowed)
        } else {
            Some(Unsigned::OtherKey)
        };
        let key_identifier = key_identifier.map(<[u8]>::to_vec);
        (Authenticity { signed, key_identifier, signers, strangers, met: Mutex::default() }, unsigned)
    }

    /// Did this key sign the CRL?
    fn holds_for(&self, authority: &Authority<'_>) -> bool {
        let key = signature::key_hash(authority.spki);
        // The same key in another certificate (a renewal, a cross certificate) is the same key, whatever identifier
        // that certificate gives it.
        if self.signers.contains(&key) {
            return true;
        }
        if self.strangers.contains(&key) || contradicts(self.key_identifier.as_deref(), authority) {
            return false;
        }
        let met = self.met.lock().unwrap_or_else(PoisonError::into_inner).iter().find(|met| met.0 == key).copied();
        if let Some((_, holds)) = met {
            return holds;
        }
        // Verified without the lock: two threads may do it twice, and find the same.
        let holds = self.signed.verify(authority.spki) == Verification::Signed;
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        if met.len() >= KEYS_MET_MAX {
            met.remove(0);
        }
        met.push((key, holds));
        holds
    }

    /// How many keys the cache holds.
    #[cfg(test)]
    pub(super) fn keys_met(&self) -> usize {
        self.met.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Both state a key identifier, and not the same.
fn contradicts(crl_says: Option<&[u8]>, authority: &Authority<'_>) -> bool {
    matches!((crl_says, authority.key_identifier), (Some(of_crl), Some(own)) if of_crl != own)
}

/// A big-endian number in decimal. At most 20 bytes (RFC 5280 §5.2.3), so that the quadratic way is good enough.
fn decimal(number: &[u8]) -> String {
    let mut digits: Vec<u8> = vec![0];
    for byte in number {
        let mut carry = u16::from(*byte);
        for digit in &mut digits {
            let value = u16::from(*digit) * 256 + carry;
            // Below 10.
            *digit = u8::try_from(value % 10).unwrap_or(0);
            carry = value / 10;
        }
        while carry > 0 {
            digits.push(u8::try_from(carry % 10).unwrap_or(0));
            carry /= 10;
        }
    }
    digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect()
}

/// An authority has a handful of keys in its life; a stranger cannot make up one, because only issuers of a verified
/// path are asked about.
const KEYS_MET_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_decimal() {
        for (number, expected) in [
            (&[][..], "0"),
            (&[0x09], "9"),
            (&[0xff], "255"),
            (&[0x01, 0x00], "256"),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "18446744073709551615"),
            (&[0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00], "18446744073709551616"),
        ] {
            assert_eq!(decimal(number), expected);
        }
    }
}
