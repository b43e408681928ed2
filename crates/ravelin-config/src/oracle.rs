//! The oracle of the printed configuration: a checked one as a tree in the shape of the file, written by hand and by type.
//! What reading notes (`effective.rs`) must be the same.

use std::path::Path;

use ravelin_policy::{AccountMapping, NameRules, RevocationCheck};
use ravelin_tls::NullEncryption;
use serde_json::{Map, Value as Json, json};

use crate::checked::*;
use crate::forms::duration_text;
use crate::tables::tls::version_text;

/// The tree. What is absent in the configuration is absent in it.
pub(crate) fn tree(config: &Config) -> Json {
    let files = Files { folder: config.file.parent().unwrap_or(Path::new("")) };
    object([
        ("admin", admin(&config.admin, &files)),
        ("listeners", named(&config.listeners, listener)),
        ("sites", named(&config.sites, |site| self::site(site, &files))),
        ("policies", named(&config.policies, |policy| self::policy(policy, &files))),
        ("pools", named(&config.pools, |pool| self::pool(pool, &files))),
        ("limits", limits(&config.limits)),
        ("threads", threads(&config.threads)),
        ("log", log(&config.log, &files)),
        ("sync", optional(config.sync.as_ref(), |sync| self::sync(sync, &files))),
    ])
}

fn threads(config: &ThreadsConfig) -> Json {
    let linger = format!("{}us", config.linger.as_micros());
    json!({ "relay": config.relay, "handshake": config.handshake, "linger": linger })
}

/// Paths as the file writes them: without the folder that reading puts before them.
struct Files<'a> {
    folder: &'a Path,
}

impl Files<'_> {
    fn one(&self, path: &Path) -> Json {
        let path = path.strip_prefix(self.folder).ok().filter(|rest| !rest.as_os_str().is_empty()).unwrap_or(path);
        Json::from(path.to_string_lossy())
    }

    fn list(&self, paths: &[std::path::PathBuf]) -> Json {
        paths.iter().map(|path| self.one(path)).collect()
    }
}

fn admin(admin: &AdminConfig, files: &Files<'_>) -> Json {
    json!({
        "listen": admin.listen.map_or_else(|| "off".to_owned(), |address| address.to_string()),
        "control": admin.control.as_deref().map_or_else(|| json!("off"), |path| files.one(path)),
    })
}

fn listener(listener: &ListenerConfig) -> Json {
    json!({ "bind": texts(&listener.bind), "sites": listener.sites })
}

fn site(site: &SiteConfig, files: &Files<'_>) -> Json {
    json!({
        "server_names": site.server_names,
        "certificates": site.certificates.iter().map(|pair| certificate(pair, files)).collect::<Vec<_>>(),
        "policy": site.policy,
        "pool": site.pool,
        "tls": tls(&site.tls, Some(site.authority_hints)),
        "guard": { "paths": site.paths, "packets": "off" },
    })
}

fn tls(tls: &TlsConfig, authority_hints: Option<bool>) -> Json {
    object([
        ("min", json!(version_text(tls.min))),
        ("max", json!(version_text(tls.max))),
        ("null_encryption", json!(null_text(tls.legacy.null_encryption))),
        ("legacy_suites", tls.legacy.suites.iter().map(|suite| suite.label()).collect()),
        ("authority_hints", json!(authority_hints)),
    ])
}

fn certificate(certificate: &CertificateFiles, files: &Files<'_>) -> Json {
    match certificate {
        CertificateFiles::Pem { chain, key } => json!({ "chain": files.one(chain), "key": files.one(key) }),
        CertificateFiles::Pfx { pfx, password_file } => object([
            ("pfx", files.one(pfx)),
            ("password_file", optional(password_file.as_deref(), |path| files.one(path))),
        ]),
    }
}

fn policy(policy: &PolicyConfig, files: &Files<'_>) -> Json {
    let serial =
        |(issuer, serial): &(std::path::PathBuf, String)| json!({ "issuer": files.one(issuer), "serial": serial });
    object([
        ("trust_anchors", files.list(&policy.trust_anchors)),
        ("intermediates", files.list(&policy.intermediates)),
        ("issued_by", optional(policy.issued_by.as_deref(), |paths| files.list(paths))),
        ("purposes", purposes(&policy.purposes)),
        ("purpose_absent", json!(allow_or_deny(policy.purpose_absent_allowed))),
        ("names", names(&policy.names)),
        (
            "deny",
            json!({
                "serials": policy.deny_serials.iter().map(serial).collect::<Vec<_>>(),
                "spki_sha256": policy.deny_spki_sha256,
            }),
        ),
        (
            "revocation",
            json!({
                "crls": files.list(&policy.revocation.crls),
                "check": check_text(policy.revocation.check),
                "unknown": allow_or_deny(policy.revocation.unknown_allowed),
                "stale_grace": duration_text(policy.revocation.stale_grace),
            }),
        ),
        ("directory", optional(policy.directory.as_ref(), |directory| self::directory(directory, files))),
        ("shadow", optional(policy.shadow.as_ref(), |shadow| self::shadow(shadow, files))),
    ])
}

fn directory(directory: &DirectoryConfig, files: &Files<'_>) -> Json {
    object([
        ("snapshot", files.one(&directory.snapshot)),
        ("public_key", optional(directory.public_key.as_deref(), |path| files.one(path))),
        ("mapping", json!(mapping_text(directory.mapping))),
        ("explicit_issuers", optional(directory.explicit_issuers.as_deref(), |paths| files.list(paths))),
        ("allow_groups", json!(directory.allow_groups)),
        ("deny_groups", json!(directory.deny_groups)),
        ("max_age", json!(duration_text(directory.max_age))),
        ("stale_after", json!(duration_text(directory.stale_after))),
        ("max_shrink", json!(directory.max_shrink)),
    ])
}

fn shadow(shadow: &ShadowConfig, files: &Files<'_>) -> Json {
    object([
        ("names", optional(shadow.names.as_ref(), names)),
        ("issued_by", optional(shadow.issued_by.as_deref(), |paths| files.list(paths))),
        ("purposes", optional(shadow.purposes.as_deref(), purposes)),
        ("directory", optional(shadow.directory.as_ref(), |directory| self::directory(directory, files))),
    ])
}

fn names(names: &NameRules) -> Json {
    match names {
        NameRules::Any => json!("any"),
        NameRules::Listed { allow, deny } => json!({ "allow": allow, "deny": deny }),
    }
}

fn purposes(purposes: &[String]) -> Json {
    purposes.iter().map(|oid| purpose_text(oid)).collect()
}

fn pool(pool: &PoolConfig, files: &Files<'_>) -> Json {
    let server = |server: &ServerConfig| json!({ "name": server.name, "address": server.address.to_string(), "weight": server.weight });
    json!({
        "servers": pool.servers.iter().map(server).collect::<Vec<_>>(),
        "upstream": upstream(&pool.upstream, files),
        "balance": balance_text(pool.balance),
        "health": match pool.health {
            HealthConfig::Off => json!({ "kind": "off" }),
            HealthConfig::Tcp { every } => json!({ "kind": "tcp", "every": duration_text(every) }),
        },
        "connect_deadline": duration_text(pool.connect_deadline),
    })
}

fn upstream(upstream: &UpstreamConfig, files: &Files<'_>) -> Json {
    match upstream {
        UpstreamConfig::Bridge { ca, server_name, certificate, tls } => object([
            ("mode", json!("bridge")),
            ("ca", files.list(ca)),
            ("server_name", json!(server_name)),
            ("certificate", optional(certificate.as_ref(), |pair| self::certificate(pair, files))),
            ("tls", self::tls(tls, None)),
        ]),
        UpstreamConfig::Offload { server_name } => {
            object([("mode", json!("offload")), ("server_name", optional(server_name.as_ref(), |name| json!(name)))])
        }
    }
}

fn limits(limits: &LimitsConfig) -> Json {
    let rate = limits.unauthenticated_rate_per_source.map_or_else(|| "off".to_owned(), |rate| format!("{rate}/s"));
    json!({
        "handshake_deadline": duration_text(limits.handshake_deadline),
        "request_deadline": duration_text(limits.request_deadline),
        "sessions": limits.sessions,
        "handshakes_in_flight": limits.handshakes_in_flight,
        "unauthenticated_per_source": limits.unauthenticated_per_source,
        "unauthenticated_rate_per_source": rate,
        "tunnels_per_identity": limits.tunnels_per_identity,
        "idle": duration_text(limits.idle),
        "half_closed_idle": duration_text(limits.half_closed_idle),
        "lifetime": limits.lifetime.map_or_else(|| "off".to_owned(), duration_text),
        "drain_deadline": duration_text(limits.drain_deadline),
    })
}

fn log(log: &LogConfig, files: &Files<'_>) -> Json {
    object([
        ("level", json!(log.level)),
        ("format", json!(if log.json { "json" } else { "text" })),
        ("audit", optional(log.audit.as_deref(), |path| files.one(path))),
    ])
}

fn sync(sync: &SyncConfig, files: &Files<'_>) -> Json {
    object([
        ("snapshot", files.one(&sync.snapshot)),
        ("signing_key", optional(sync.signing_key.as_deref(), |path| files.one(path))),
        ("max_shrink", json!(sync.max_shrink)),
        ("poll", json!(duration_text(sync.poll))),
        ("resync", json!(duration_text(sync.resync))),
        ("refresh", json!(duration_text(sync.refresh))),
        ("deadline", json!(duration_text(sync.deadline))),
        ("listen", json!(sync.listen.map_or_else(|| "off".to_owned(), |address| address.to_string()))),
        ("domains", sync.domains.iter().map(|domain| sync_domain(domain, files)).collect()),
    ])
}

fn sync_domain(domain: &SyncDomainConfig, files: &Files<'_>) -> Json {
    let controller = |one: &ControllerConfig| {
        let url = url_text(&one.host, one.port, !domain.start_tls);
        object([("url", json!(url)), ("address", optional(one.address, |address| json!(address.to_string())))])
    };
    let (bind, file, credential, certificate) = match &domain.login {
        SyncLogin::Password { name, password: PasswordSource::File(path) } => {
            (json!(name), files.one(path), Json::Null, Json::Null)
        }
        SyncLogin::Password { name, password: PasswordSource::Credential(credential) } => {
            (json!(name), Json::Null, json!(credential), Json::Null)
        }
        SyncLogin::Certificate { chain, key } => {
            let pair = json!({ "chain": files.one(chain), "key": files.one(key) });
            (Json::Null, Json::Null, Json::Null, pair)
        }
    };
    object([
        ("domain", json!(domain.domain)),
        ("controllers", domain.controllers.iter().map(controller).collect()),
        ("ca", files.list(&domain.ca)),
        ("start_tls", json!(domain.start_tls)),
        ("bind", bind),
        ("password_file", file),
        ("password_credential", credential),
        ("certificate", certificate),
    ])
}

fn allow_or_deny(allowed: bool) -> &'static str {
    if allowed { "allow" } else { "deny" }
}

fn texts<T: ToString>(values: &[T]) -> Json {
    values.iter().map(ToString::to_string).collect()
}

fn optional<T>(value: Option<T>, to: impl FnOnce(T) -> Json) -> Json {
    value.map_or(Json::Null, to)
}

/// An object without its nulls.
fn object<const N: usize>(entries: [(&str, Json); N]) -> Json {
    let present = entries.into_iter().filter(|(_, value)| !value.is_null());
    Json::Object(present.map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>())
}

fn named<T>(tables: &std::collections::BTreeMap<String, T>, to: impl Fn(&T) -> Json) -> Json {
    Json::Object(tables.iter().map(|(name, table)| (name.clone(), to(table))).collect())
}

fn purpose_text(oid: &str) -> &str {
    match oid {
        "1.3.6.1.5.5.7.3.2" => "client-auth",
        "1.3.6.1.5.5.7.3.1" => "server-auth",
        other => other,
    }
}

fn url_text(host: &str, port: u16, tls: bool) -> String {
    let (scheme, usual) = if tls { ("ldaps", 636) } else { ("ldap", 389) };
    if port == usual { format!("{scheme}://{host}") } else { format!("{scheme}://{host}:{port}") }
}

fn mapping_text(mapping: AccountMapping) -> &'static str {
    match mapping {
        AccountMapping::Strong => "strong",
        AccountMapping::Compatible => "compatible",
        AccountMapping::Names => "names",
    }
}

fn balance_text(balance: Balance) -> &'static str {
    match balance {
        Balance::Identity => "identity",
        Balance::RoundRobin => "round-robin",
    }
}

fn check_text(check: RevocationCheck) -> &'static str {
    match check {
        RevocationCheck::Chain => "chain",
        RevocationCheck::Leaf => "leaf",
        RevocationCheck::Off => "off",
    }
}

fn null_text(null: NullEncryption) -> &'static str {
    match null {
        NullEncryption::Off => "off",
        NullEncryption::Fallback => "fallback",
        NullEncryption::Prefer => "prefer",
    }
}
