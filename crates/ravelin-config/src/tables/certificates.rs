//! Certificates of our own, towards clients and towards servers: a PEM pair or a PFX file.

use std::path::PathBuf;

use crate::checked::CertificateFiles;
use crate::declare::{Declared, Key, Presence, keys};
use crate::forms::{File, Refused, Rows, Section, Words};
use crate::table::Table;

mod site {
    use super::*;
    keys! {
        /// Certificates shown to clients; of several, a client gets one that it can verify. There may be RSA and ECDSA
        /// certificates side by side: Windows 8 and 8.1 need ECDSA. Each is a PEM pair (`chain`, `key`) or a PFX
        /// (`pfx`, `password_file`).
        CERTIFICATES: Rows = "sites.NAME.certificates",
            Rows { min: 1, max: 8, why: "two key types under two authorities, old and new, are eight" }, Presence::Required;

        /// PEM file: the site's certificate first, then those of its CAs.
        CHAIN: File = "sites.NAME.certificates[].chain", File, Presence::Optional;

        /// PEM file: the private key (PKCS#8, PKCS#1 or SEC1), not encrypted.
        KEY: File = "sites.NAME.certificates[].key", File, Presence::Optional;

        /// PFX (PKCS#12) file as Windows exports it, with chain and private key.
        PFX: File = "sites.NAME.certificates[].pfx", File, Presence::Optional;

        /// File whose one line is the password of the PFX. Without it, the password is empty.
        PASSWORD_FILE: File = "sites.NAME.certificates[].password_file", File, Presence::Optional;

        /// The password itself.
        PASSWORD: Refused = "sites.NAME.certificates[].password", Refused { why: NO_PASSWORD }, Presence::Optional;
    }
}

mod upstream {
    use super::*;
    keys! {
        /// The gateway's own certificate, if the servers ask for one: a PEM pair or a PFX, as for a site.
        CERTIFICATE: Section = "pools.NAME.upstream.certificate", Section { words: Words::NONE }, Presence::Optional;

        /// PEM file: the gateway's certificate first, then those of its CAs.
        CHAIN: File = "pools.NAME.upstream.certificate.chain", File, Presence::Optional;

        /// PEM file: the private key (PKCS#8, PKCS#1 or SEC1), not encrypted.
        KEY: File = "pools.NAME.upstream.certificate.key", File, Presence::Optional;

        /// PFX (PKCS#12) file as Windows exports it, with chain and private key.
        PFX: File = "pools.NAME.upstream.certificate.pfx", File, Presence::Optional;

        /// File whose one line is the password of the PFX. Without it, the password is empty.
        PASSWORD_FILE: File = "pools.NAME.upstream.certificate.password_file", File, Presence::Optional;

        /// The password itself.
        PASSWORD: Refused = "pools.NAME.upstream.certificate.password", Refused { why: NO_PASSWORD }, Presence::Optional;
    }
}

const NO_PASSWORD: &str =
    "a password does not belong in this file: write it to a file of its own and name that with `password_file`";

pub(crate) static SITE_KEYS: &[&dyn Declared] = site::KEYS;
pub(crate) static UPSTREAM_KEYS: &[&dyn Declared] = upstream::KEYS;
pub(crate) use upstream::CERTIFICATE as UPSTREAM_CERTIFICATE;

/// The four keys of one certificate.
struct CertificateKeys {
    chain: &'static Key<File>,
    key: &'static Key<File>,
    pfx: &'static Key<File>,
    password_file: &'static Key<File>,
}

static SITE: CertificateKeys =
    CertificateKeys { chain: &site::CHAIN, key: &site::KEY, pfx: &site::PFX, password_file: &site::PASSWORD_FILE };
static UPSTREAM: CertificateKeys = CertificateKeys {
    chain: &upstream::CHAIN,
    key: &upstream::KEY,
    pfx: &upstream::PFX,
    password_file: &upstream::PASSWORD_FILE,
};

/// The certificates of a site.
pub(crate) fn read_site(table: &Table<'_>) -> Option<Vec<CertificateFiles>> {
    let rows = table.rows(&site::CERTIFICATES);
    let mut certificates = Vec::new();
    for row in &rows {
        let certificate = read_one(row, &SITE);
        if certificate.is_some() && certificates.contains(&certificate) {
            row.place.warn("stands in the list twice; take one out");
        }
        certificates.push(certificate);
    }
    certificates.into_iter().collect()
}

/// The certificate towards the servers of a pool; `None` also where there is none.
pub(crate) fn read_upstream(table: &Table<'_>) -> Option<CertificateFiles> {
    if !table.has(&UPSTREAM_CERTIFICATE) {
        return None;
    }
    read_one(&table.section(&UPSTREAM_CERTIFICATE), &UPSTREAM)
}

fn read_one(table: &Table<'_>, keys: &CertificateKeys) -> Option<CertificateFiles> {
    let file = |key: &'static Key<File>| -> Option<PathBuf> { table.read(key) };
    let (chain, key, pfx, password_file) = (file(keys.chain), file(keys.key), file(keys.pfx), file(keys.password_file));
    let has = |key: &'static Key<File>| table.has(key);
    match (has(keys.chain), has(keys.key), has(keys.pfx)) {
        (false, false, true) => Some(CertificateFiles::Pfx { pfx: pfx?, password_file }),
        (true, true, false) => {
            if has(keys.password_file) {
                table
                    .place_of(keys.password_file)
                    .error("belongs to a PFX: PEM keys are read unencrypted; take it out");
            }
            Some(CertificateFiles::Pem { chain: chain?, key: key? })
        }
        (true, false, false) => missing(table, keys.key, "the private key of `chain`"),
        (false, true, false) => missing(table, keys.chain, "the certificates that `key` belongs to"),
        (true, _, true) | (_, true, true) => {
            table.place.error("has a PEM pair and a PFX: make two entries of it, or keep one");
            None
        }
        (false, false, false) => {
            if !table.is_broken() {
                table.place.error("names no certificate: wants `chain` and `key`, or `pfx`");
            }
            None
        }
    }
}

fn missing(table: &Table<'_>, key: &'static Key<File>, what: &str) -> Option<CertificateFiles> {
    table.place_of(key).error(format!("`{}` is missing: wants the path of {what}", key.name()));
    None
}
