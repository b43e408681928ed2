//! `[sites.NAME]`.

use ravelin_tls::{NullEncryption, TlsVersion};

use super::certificates;
use super::tls::{self, NEWEST_VERSIONS, Suites, TlsKeys, VERSIONS};
use crate::checked::SiteConfig;
use crate::declare::{Presence, keys};
use crate::forms::{Flag, HostName, Items, ListOf, Named, OneOf, RequestPath, Section, Words};
use crate::references::{POLICIES, POOLS, Reference};
use crate::table::Table;

keys! {
    /// What a listener offers under a server name: certificates, a policy and a pool. An ADC calls it a virtual server.
    SITES: Named = "sites", Named, Presence::Optional;

    /// The names clients ask for: those of the IP-HTTPS URL. Compared without case and trailing dot; no patterns and no
    /// addresses. The sites of one listener share none. `Host` of a client's request must be one of them.
    SERVER_NAMES: ListOf<HostName> = "sites.NAME.server_names",
        ListOf { of: HostName, min: 1, max: 100, twice_is_error: true, single: false }, Presence::Required;

    /// Name of the policy that says who may pass.
    POLICY: Reference = "sites.NAME.policy", Reference(POLICIES), Presence::Required;

    /// Name of the pool that admitted clients are relayed to.
    POOL: Reference = "sites.NAME.pool", Reference(POOLS), Presence::Required;

    /// TLS towards clients. There is no session resumption and no switch for it.
    TLS: Section = "sites.NAME.tls", Section { words: Words::NONE }, Presence::Optional;

    /// Oldest version. Windows 8 to 10 have nothing newer than 1.2, and Windows 7 nothing newer than 1.0 until 1.2 is
    /// switched on there. Below 1.2 the second engine (OpenSSL) takes the client, and only with suites of
    /// `legacy_suites` or `null_encryption`. See [Which clients need what](clients.md).
    TLS_MIN: OneOf<TlsVersion> = "sites.NAME.tls.min",
        OneOf { known: VERSIONS, not_yet: &[] }, Presence::Default("\"1.2\"");

    /// Newest version. `"1.2"` helps computers whose key is held by a TPM that cannot make the signatures (RSA-PSS) that
    /// TLS 1.3 asks for, and gives refused clients the exact alert before they think that they are connected.
    TLS_MAX: OneOf<TlsVersion> = "sites.NAME.tls.max",
        OneOf { known: NEWEST_VERSIONS, not_yet: &[] }, Presence::Default("\"1.3\"");

    /// Suites without encryption (`TLS_RSA_WITH_NULL_SHA256`, `TLS_RSA_WITH_NULL_SHA`), which Windows 8 and later may
    /// ask for, because IPsec encrypts the tunnel's content already. They need an RSA certificate. Whatever is not
    /// IPsec can then be read on the wire, and the suites cost the gateway more CPU than AES-GCM does.
    NULL_ENCRYPTION: OneOf<NullEncryption> = "sites.NAME.tls.null_encryption",
        OneOf {
            known: &[
                ("off", NullEncryption::Off, "never"),
                ("fallback", NullEncryption::Fallback, "with a client that shares nothing else with the site"),
                ("prefer", NullEncryption::Prefer, "with every client that offers it"),
            ],
            not_yet: &[],
        },
        Presence::Default("\"off\"");

    /// Families of older suites, for clients that have no newer one in common with the site: `"dhe-rsa-gcm"`,
    /// `"ecdhe-ecdsa-cbc"`, `"ecdhe-rsa-cbc"`, `"rsa-gcm"`, `"rsa-cbc"`. Windows 7 to 8.1 need one of them with an RSA
    /// certificate. A client that supports a suite with AEAD and forward secrecy always gets that one.
    LEGACY_SUITES: Suites = "sites.NAME.tls.legacy_suites", tls::SUITES, Presence::Default("[]");

    /// Name the policy's certificate authorities (CAs) when asking for the client's certificate. With the names, a
    /// computer that has several certificates picks the right one. Without them (`false`, as Windows servers do since
    /// 2012), unauthenticated clients do not learn the CAs' names, and a computer whose CA is cross-signed is not
    /// misled (error 0x90320).
    AUTHORITY_HINTS: Flag = "sites.NAME.tls.authority_hints", Flag, Presence::Default("true");

    /// What a client may ask of the server.
    GUARD: Section = "sites.NAME.guard", Section { words: Words::NONE }, Presence::Optional;

    /// Paths of the IP-HTTPS request, compared without case. The server is always asked for the first one. `/IPHTTPS` is
    /// what every known Windows version uses.
    PATHS: ListOf<RequestPath> = "sites.NAME.guard.paths",
        ListOf { of: RequestPath, min: 1, max: 16, twice_is_error: true, single: false }, Presence::Default("[\"/IPHTTPS\"]");

    /// Checks of the IPv6 packets inside the tunnel.
    PACKETS: OneOf<()> = "sites.NAME.guard.packets",
        OneOf { known: &[("off", (), "bytes after the head are not looked at")], not_yet: &["count", "enforce"] },
        Presence::Default("\"off\"");
}

const TLS_KEYS: TlsKeys =
    TlsKeys { min: &TLS_MIN, max: &TLS_MAX, null_encryption: &NULL_ENCRYPTION, legacy_suites: &LEGACY_SUITES };

/// One site as far as it could be read.
pub(crate) struct Site {
    pub name: String,
    pub server_names: Option<Items<String>>,
    pub pool: Option<String>,
    /// `None` where something of it is wrong. Its `server_names` and `pool` are empty until [`Site::finish`].
    rest: Option<SiteConfig>,
}

impl Site {
    pub(crate) fn finish(self) -> Option<(String, SiteConfig)> {
        let (server_names, pool, rest) = (self.server_names?.values(), self.pool?, self.rest?);
        Some((self.name, SiteConfig { server_names, pool, ..rest }))
    }
}

pub(crate) fn read(root: &Table<'_>) -> Vec<Site> {
    root.named(&SITES)
        .into_iter()
        .map(|(name, table)| Site {
            name,
            server_names: table.read(&SERVER_NAMES),
            pool: table.read(&POOL),
            rest: read_rest(&table),
        })
        .collect()
}

fn read_rest(table: &Table<'_>) -> Option<SiteConfig> {
    let certificates = certificates::read_site(table);
    let policy = table.read(&POLICY);
    let section = table.section(&TLS);
    let tls = tls::read(&section, &TLS_KEYS, "between clients and gateway");
    let authority_hints = section.read(&AUTHORITY_HINTS);
    let guard = table.section(&GUARD);
    let paths = guard.read(&PATHS);
    if let Some(paths) = &paths {
        check_paths(&guard, paths);
    }
    guard.read(&PACKETS)?;
    Some(SiteConfig {
        server_names: Vec::new(),
        certificates: certificates?,
        policy: policy?,
        pool: String::new(),
        tls: tls?,
        authority_hints: authority_hints?,
        paths: paths?.values(),
    })
}

/// Paths that differ in case alone are one path.
fn check_paths(guard: &Table<'_>, paths: &Items<String>) {
    let reader = guard.place.reader;
    for (index, path) in paths.indexed() {
        let same =
            |(earlier, other): (usize, &String)| earlier < index && other != path && other.eq_ignore_ascii_case(path);
        if paths.indexed().any(same) {
            let key = format!("{}[{index}]", guard.place_of(&PATHS).key());
            reader.error(&key, "differs from an earlier path in case alone, which makes no difference; take one out");
        }
    }
}
