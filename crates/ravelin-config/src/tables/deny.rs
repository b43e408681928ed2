//! `policies.NAME.deny`.

use std::path::PathBuf;

use crate::declare::{Presence, keys};
use crate::forms::{Digest, File, ListOf, Rows, Section, Serial, Words};
use crate::table::Table;

keys! {
    /// Certificates and keys that never pass, whatever else is true: for a lost machine whose certificate is not on a
    /// CRL yet. Names are denied by `names.deny`.
    POLICY_DENY: Section = "policies.NAME.deny", Section { words: Words::NONE }, Presence::Optional;

    /// Certificates by issuer and serial number. A serial number alone is not enough: it is unique for one CA only.
    DENY_SERIALS: Rows = "policies.NAME.deny.serials",
        Rows { min: 0, max: DENIED_MAX, why: "a list this long is a revocation list: let the authority publish it" }, Presence::Optional;

    /// File (PEM or DER) of the CA that issued the certificate.
    DENY_ISSUER: File = "policies.NAME.deny.serials[].issuer", File, Presence::Required;

    /// Serial number in hex, as Windows shows it. There may be `:` and spaces between the digits.
    DENY_SERIAL: Serial = "policies.NAME.deny.serials[].serial", Serial, Presence::Required;

    /// Keys by the SHA-256 of their SubjectPublicKeyInfo, in hex. Denies every certificate of the key, of a client as
    /// well as of a CA.
    DENY_SPKI: ListOf<Digest> = "policies.NAME.deny.spki_sha256",
        ListOf { of: Digest, min: 0, max: DENIED_MAX, twice_is_error: false, single: false }, Presence::Default("[]");
}

/// What an administrator can still read; beyond, a CRL is the means.
const DENIED_MAX: usize = 10_000;

type Denied = (Vec<(PathBuf, String)>, Option<Vec<String>>);

/// Serial numbers with their issuers, and hashes of keys (`None`: something is wrong there).
pub(crate) fn read(table: &Table<'_>) -> Denied {
    let deny = table.section(&POLICY_DENY);
    let mut serials: Vec<(PathBuf, String)> = Vec::new();
    for row in deny.rows(&DENY_SERIALS) {
        let (issuer, serial) = (row.read(&DENY_ISSUER), row.read(&DENY_SERIAL));
        let (Some(issuer), Some(serial)) = (issuer, serial) else { continue };
        if serials.contains(&(issuer.clone(), serial.clone())) {
            row.place.warn("stands in the list twice; take one out");
        }
        serials.push((issuer, serial));
    }
    (serials, deny.read(&DENY_SPKI).map(|digests| digests.values()))
}
