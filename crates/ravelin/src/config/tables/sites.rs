//! `[sites.NAME]`.

use ravelin_tls::TlsVersion;

use super::certificates;
use crate::config::SiteConfig;
use crate::config::declare::{Presence, keys};
use crate::config::forms::{Flag, HostName, Items, ListOf, Named, OneOf, Refused, RequestPath, Section, Words};
use crate::config::reader::Table;
use crate::config::references::{POLICIES, POOLS, Reference};

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

    /// Oldest version. Windows 8 to 10 have nothing newer than 1.2.
    TLS_MIN: OneOf<TlsVersion> = "sites.NAME.tls.min",
        OneOf { known: VERSIONS, not_yet: &["1.0", "1.1"] }, Presence::Default("\"1.2\"");

    /// Newest version. `"1.2"` helps computers whose key is held by a TPM that cannot make the signatures (RSA-PSS) that
    /// TLS 1.3 asks for, and gives refused clients the exact alert before they think that they are connected.
    TLS_MAX: OneOf<TlsVersion> = "sites.NAME.tls.max",
        OneOf { known: VERSIONS, not_yet: &[] }, Presence::Default("\"1.3\"");

    /// Suites without encryption (`TLS_RSA_WITH_NULL_SHA256`, `TLS_RSA_WITH_NULL_SHA`), which Windows 8 and later may ask
    /// for, the tunnel's content being IPsec already.
    NULL_ENCRYPTION: OneOf<()> = "sites.NAME.tls.null_encryption",
        OneOf { known: &[("off", (), "never")], not_yet: &["fallback", "prefer"] }, Presence::Default("\"off\"");

    /// Suites for Windows 7, 8.1 and Server 2012 R2.
    LEGACY_SUITES: Refused = "sites.NAME.tls.legacy_suites",
        Refused { why: "not supported yet: there are no suites but those of TLS 1.3 and ECDHE with AES-GCM or ChaCha20; take the key out" },
        Presence::Optional;

    /// Name the policy's certificate authorities when asking for the client's certificate. With the names, a computer that
    /// has several certificates picks the right one. Without them (`false`, as Windows servers do since 2012), strangers
    /// do not learn the authorities' names, and a computer whose authority is cross-signed is not misled (error 0x90320).
    AUTHORITY_HINTS: Flag = "sites.NAME.tls.authority_hints", Flag, Presence::Default("true");

    /// What a client may ask of the server.
    GUARD: Section = "sites.NAME.guard", Section { words: Words::NONE }, Presence::Optional;

    /// Paths of the IP-HTTPS request, compared without case. The server is always asked for the first one. `/IPHTTPS` is
    /// what every known Windows version uses.
    PATHS: ListOf<RequestPath> = "sites.NAME.guard.paths",
        ListOf { of: RequestPath, min: 1, max: 16, twice_is_error: true, single: false }, Presence::Default("[\"/IPHTTPS\"]");

    /// A look at the IPv6 packets inside the tunnel.
    PACKETS: OneOf<()> = "sites.NAME.guard.packets",
        OneOf { known: &[("off", (), "bytes after the head are not looked at")], not_yet: &["count", "enforce"] },
        Presence::Default("\"off\"");
}

const VERSIONS: &[(&str, TlsVersion, &str)] =
    &[("1.2", TlsVersion::V1_2, "TLS 1.2"), ("1.3", TlsVersion::V1_3, "TLS 1.3")];

/// A version as the file writes it.
pub(crate) fn version_text(version: TlsVersion) -> &'static str {
    VERSIONS.iter().find(|(_, known, _)| *known == version).map_or("1.3", |(text, _, _)| text)
}

/// One site as far as it could be read.
pub(crate) struct Site {
    pub(crate) name: String,
    pub(crate) server_names: Option<Items<String>>,
    pub(crate) pool: Option<String>,
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
    let tls = table.section(&TLS);
    let versions = (tls.read(&TLS_MIN), tls.read(&TLS_MAX));
    if let (Some(min), Some(max)) = versions
        && min > max
    {
        tls.place_of(&TLS_MIN).error("`min` is above `max`: no version is left");
    }
    let null_encryption = tls.read(&NULL_ENCRYPTION);
    let authority_hints = tls.read(&AUTHORITY_HINTS);
    let guard = table.section(&GUARD);
    let paths = guard.read(&PATHS);
    if let Some(paths) = &paths {
        check_paths(&guard, paths);
    }
    guard.read(&PACKETS)?;
    null_encryption?;
    Some(SiteConfig {
        server_names: Vec::new(),
        certificates: certificates?,
        policy: policy?,
        pool: String::new(),
        tls_min: versions.0?,
        tls_max: versions.1?,
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
