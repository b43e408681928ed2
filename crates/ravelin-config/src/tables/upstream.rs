//! `pools.NAME.upstream`.

use serde_json::Value as Json;

use ravelin_tls::{NullEncryption, TlsVersion};

use super::certificates::{self, UPSTREAM_CERTIFICATE};
use super::tls::{self, NEWEST_VERSIONS, Suites, TlsKeys, VERSIONS};
use crate::checked::UpstreamConfig;
use crate::declare::{Presence, keys};
use crate::forms::{FILES_NEEDED, File, HostName, ListOf, OneOf, Section, Words};
use crate::problems::shown;
use crate::table::Table;

keys! {
    /// How the gateway connects to the servers of the pool.
    UPSTREAM: Section = "pools.NAME.upstream", Section { words: Words::NONE }, Presence::Optional;

    /// The protocol towards a server.
    MODE: OneOf<Mode> = "pools.NAME.upstream.mode", OneOf { known: MODES, not_yet: &[] }, Presence::Default("\"bridge\"");

    /// Files (PEM or DER) of the CAs that a server's certificate must lead to. Needed with `"bridge"`; the CAs of the
    /// operating system are never used.
    CA: ListOf<File> = "pools.NAME.upstream.ca", ListOf { single: true, ..FILES_NEEDED }, Presence::Optional;

    /// The name that a server's certificate must have, also sent to it as server name (SNI) and `Host`. Without this
    /// key it is the first name of the site that uses the pool.
    HOST: HostName = "pools.NAME.upstream.server_name", HostName, Presence::Optional;

    /// TLS towards the servers, with `"bridge"`.
    TLS: Section = "pools.NAME.upstream.tls", Section { words: Words::NONE }, Presence::Optional;

    /// Oldest version. Server 2012 and later have 1.2.
    TLS_MIN: OneOf<TlsVersion> = "pools.NAME.upstream.tls.min",
        OneOf { known: VERSIONS, not_yet: &[] }, Presence::Default("\"1.2\"");

    /// Newest version. Where `null_encryption` or `legacy_suites` allow anything, TLS 1.3 is not offered.
    TLS_MAX: OneOf<TlsVersion> = "pools.NAME.upstream.tls.max",
        OneOf { known: NEWEST_VERSIONS, not_yet: &[] }, Presence::Default("\"1.3\"");

    /// Suites without encryption. DirectAccess servers since 2012 have them, unless the server also does VPN (SSTP) or asks for
    /// client certificates itself. With ADCs this is the "offload" of a DirectAccess server: encrypted outside, null inside.
    NULL_ENCRYPTION: OneOf<NullEncryption> = "pools.NAME.upstream.tls.null_encryption",
        OneOf {
            known: &[
                ("off", NullEncryption::Off, "never"),
                ("fallback", NullEncryption::Fallback, "offered last"),
                ("prefer", NullEncryption::Prefer, "offered first, and besides only what `legacy_suites` lists"),
            ],
            not_yet: &[],
        },
        Presence::Default("\"off\"");

    /// Families of older suites, offered besides the newer ones. Server 2012 and 2012 R2 with an RSA certificate need one of
    /// `"dhe-rsa-gcm"`, `"ecdhe-rsa-cbc"`, `"rsa-gcm"`, `"rsa-cbc"`.
    LEGACY_SUITES: Suites = "pools.NAME.upstream.tls.legacy_suites", tls::SUITES, Presence::Default("[]");
}

const TLS_KEYS: TlsKeys =
    TlsKeys { min: &TLS_MIN, max: &TLS_MAX, null_encryption: &NULL_ENCRYPTION, legacy_suites: &LEGACY_SUITES };

/// `upstream.mode`.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Mode {
    Bridge,
    Offload,
}

const MODES: &[(&str, Mode, &str)] = &[
    ("bridge", Mode::Bridge, "TLS, with the server's certificate verified"),
    (
        "offload",
        Mode::Offload,
        "plain HTTP: the server trusts whoever reaches it, so the network between must be isolated (MS-IPHTTPS §5.1)",
    ),
];

/// `hosts`: the first server names of the sites that use the pool; `None` where that cannot be said.
pub(crate) fn read(pool: &Table<'_>, hosts: Option<&[String]>) -> Option<UpstreamConfig> {
    let table = pool.section(&UPSTREAM);
    let mode = table.read(&MODE);
    let ca = table.read(&CA).map(|files| files.values());
    let server_name = table.read(&HOST);
    let certificate = certificates::read_upstream(&table);
    let tls = tls::read(&table.section(&TLS), &TLS_KEYS, "between gateway and servers");
    match mode? {
        Mode::Bridge => {
            if !table.has(&CA) && !table.is_broken() {
                table.place_of(&CA).error(
                    "`ca` is missing: wants the file of the authority that the servers' certificates come from \
                     (or mode = \"offload\" for plain HTTP)",
                );
            }
            let server_name = if table.has(&HOST) { server_name } else { first_host(&table, hosts?) };
            table.place_of(&HOST).note(server_name.clone().into());
            Some(UpstreamConfig::Bridge { ca: ca?, server_name: server_name?, certificate, tls: tls? })
        }
        Mode::Offload => {
            refuse_in_offload(&table);
            table.place_of(&TLS).note(Json::Null);
            Some(UpstreamConfig::Offload { server_name })
        }
    }
}

/// A key that promises TLS must not be passed over in silence.
fn refuse_in_offload(table: &Table<'_>) {
    let text = "means nothing with mode = \"offload\", which is plain HTTP; take it out or use \"bridge\"";
    if table.has(&CA) {
        table.place_of(&CA).error(text);
    }
    if table.has(&TLS) {
        table.place_of(&TLS).error(text);
    }
    if table.has(&UPSTREAM_CERTIFICATE) {
        table.place_of(&UPSTREAM_CERTIFICATE).error(text);
    }
    table.place_of(&MODE).warn(
        "plain HTTP to the servers: whoever else reaches them there has a tunnel without a certificate; \
         let nobody but this gateway (MS-IPHTTPS §5.1)",
    );
}

/// The name to verify where none is given: that of the one site.
fn first_host(table: &Table<'_>, hosts: &[String]) -> Option<String> {
    match hosts {
        [host] => Some(host.clone()),
        [] => {
            table.missing(&HOST);
            None
        }
        several => {
            let names: Vec<String> = several.iter().map(|host| shown(host)).collect();
            table.place_of(&HOST).error(format!(
                "`server_name` is missing, and the sites that use this pool have different names ({}): say which one the servers' certificates bear",
                names.join(", ")
            ));
            None
        }
    }
}
