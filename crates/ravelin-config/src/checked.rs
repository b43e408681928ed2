//! The configuration as the gateway uses it: holding one of these means it was checked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value as Json;

pub use crate::tables::admin::AdminConfig;
pub use crate::tables::directory::DirectoryConfig;
pub use crate::tables::limits::LimitsConfig;
pub use crate::tables::log::LogConfig;
pub use crate::tables::revocation::RevocationConfig;

use ravelin_policy::NameRules;
use ravelin_tls::{LegacyTls, TlsVersion};

/// One whole configuration. Paths are absolute or relative to the working directory (the file's own folder was joined).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// The file it came from.
    pub file: PathBuf,
    /// `[admin]`.
    pub admin: AdminConfig,
    /// `[listeners.NAME]`.
    pub listeners: BTreeMap<String, ListenerConfig>,
    /// `[sites.NAME]`.
    pub sites: BTreeMap<String, SiteConfig>,
    /// `[policies.NAME]`.
    pub policies: BTreeMap<String, PolicyConfig>,
    /// `[pools.NAME]`.
    pub pools: BTreeMap<String, PoolConfig>,
    /// `[limits]`.
    pub limits: LimitsConfig,
    /// `[threads]`, zeros resolved.
    pub threads: ThreadsConfig,
    /// `[log]`.
    pub log: LogConfig,
    /// `[sync]`.
    pub sync: Option<SyncConfig>,
    /// What no key of the file sets.
    pub rehearsal: Rehearsal,
    /// All of the above as the file would have it, defaults filled in.
    pub(crate) effective: Json,
}

/// What meets at once in a test what a gateway meets after hours. No file can ask for it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Rehearsal {
    /// See [`ravelin_tls::SiteTls::rehearse_key_limit`].
    pub key_records: Option<u64>,
}

/// `[listeners.NAME]`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListenerConfig {
    /// Addresses, at least one.
    pub bind: Vec<SocketAddr>,
    /// Names of sites, at least one; the first serves clients without SNI.
    pub sites: Vec<String>,
}

/// `[sites.NAME]`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SiteConfig {
    /// Lower case, no trailing dot, at least one.
    pub server_names: Vec<String>,
    /// At least one.
    pub certificates: Vec<CertificateFiles>,
    /// Name of a policy.
    pub policy: String,
    /// Name of a pool.
    pub pool: String,
    /// Versions and suites towards clients.
    pub tls: TlsConfig,
    /// `tls.authority_hints`: name the authorities in CertificateRequest.
    pub authority_hints: bool,
    /// `guard.paths`, at least one, each beginning with `/`.
    pub paths: Vec<String>,
}

/// Versions and suites of one side: `sites.NAME.tls`, `pools.NAME.upstream.tls`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TlsConfig {
    /// Oldest version.
    pub min: TlsVersion,
    /// Newest version.
    pub max: TlsVersion,
    /// What is allowed beyond TLS 1.2 and 1.3 with AEAD and forward secrecy.
    pub legacy: LegacyTls,
}

/// Where a server identity lies.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CertificateFiles {
    /// PEM pair.
    Pem {
        /// Leaf first.
        chain: PathBuf,
        /// Private key.
        key: PathBuf,
    },
    /// PKCS#12.
    Pfx {
        /// The file.
        pfx: PathBuf,
        /// One line; trailing line end ignored. `None`: an empty password.
        password_file: Option<PathBuf>,
    },
}

/// `[policies.NAME]`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicyConfig {
    /// PEM or DER files.
    pub trust_anchors: Vec<PathBuf>,
    /// PEM or DER files.
    pub intermediates: Vec<PathBuf>,
    /// PEM or DER files.
    pub issued_by: Option<Vec<PathBuf>>,
    /// Dotted decimal (names resolved).
    pub purposes: Vec<String>,
    /// `purpose_absent = "allow"`.
    pub purpose_absent_allowed: bool,
    /// `names`.
    pub names: NameRules,
    /// `deny.serials`: issuer certificate file and serial in hex.
    pub deny_serials: Vec<(PathBuf, String)>,
    /// `deny.spki_sha256`: lower-case hex.
    pub deny_spki_sha256: Vec<String>,
    /// `revocation`.
    pub revocation: RevocationConfig,
    /// `directory`.
    pub directory: Option<DirectoryConfig>,
    /// `shadow`.
    pub shadow: Option<ShadowConfig>,
}

/// `policies.NAME.shadow`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ShadowConfig {
    /// Name rules under trial.
    pub names: Option<NameRules>,
    /// Issuers under trial.
    pub issued_by: Option<Vec<PathBuf>>,
    /// Purposes under trial, dotted decimal.
    pub purposes: Option<Vec<String>>,
    /// Accounts under trial.
    pub directory: Option<DirectoryConfig>,
}

/// `[pools.NAME]`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PoolConfig {
    /// At least one.
    pub servers: Vec<ServerConfig>,
    /// How servers are met.
    pub upstream: UpstreamConfig,
    /// How one is picked.
    pub balance: Balance,
    /// How their health is known.
    pub health: HealthConfig,
    /// One TCP connect and TLS handshake to one server.
    pub connect_deadline: Duration,
}

/// One server of a pool.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerConfig {
    /// Unique in its pool.
    pub name: String,
    /// IP and port.
    pub address: SocketAddr,
    /// Share, 1 to 256; default 1.
    pub weight: u32,
}

/// `pools.NAME.upstream`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum UpstreamConfig {
    /// TLS to the server.
    Bridge {
        /// Authorities, PEM or DER files, at least one.
        ca: Vec<PathBuf>,
        /// Verified, sent as SNI and as Host.
        server_name: String,
        /// Certificate of our own.
        certificate: Option<CertificateFiles>,
        /// Versions and suites.
        tls: TlsConfig,
    },
    /// Plain HTTP.
    Offload {
        /// Sent as Host; `None`: the site's first name.
        server_name: Option<String>,
    },
}

/// How a server is picked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Balance {
    /// Weighted rendezvous hashing of the identity.
    Identity,
    /// Weighted turns.
    RoundRobin,
}

/// How a server's health is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HealthConfig {
    /// Not probed.
    Off,
    /// A TCP connect.
    Tcp {
        /// Time between probes.
        every: Duration,
    },
}

/// `[threads]`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ThreadsConfig {
    /// Relay threads, at least one.
    pub relay: usize,
    /// Handshake threads, at least one.
    pub handshake: usize,
    /// What a busy relay thread waits between two wake-ups.
    pub linger: Duration,
}

/// `[sync]`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SyncConfig {
    /// The snapshot to write.
    pub snapshot: PathBuf,
    /// What signs it, PEM.
    pub signing_key: Option<PathBuf>,
    /// Percent of a domain's accounts.
    pub max_shrink: u8,
    /// Between two looks for changes.
    pub poll: Duration,
    /// Between two fetches of everything.
    pub resync: Duration,
    /// Between two snapshots while nothing changes.
    pub refresh: Duration,
    /// Of one fetch.
    pub deadline: Duration,
    /// HTTP address; `None` where it is `"off"`.
    pub listen: Option<SocketAddr>,
    /// At least one, each domain once.
    pub domains: Vec<SyncDomainConfig>,
}

/// `sync.domains[]`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SyncDomainConfig {
    /// DNS name, lower case.
    pub domain: String,
    /// At least one, the preferred first.
    pub controllers: Vec<ControllerConfig>,
    /// PEM or DER files.
    pub ca: Vec<PathBuf>,
    /// TLS within LDAP.
    pub start_tls: bool,
    /// Who reads.
    pub login: SyncLogin,
}

/// `sync.domains[].controllers[]`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ControllerConfig {
    /// Verified.
    pub host: String,
    /// Where the name is looked up.
    pub port: u16,
    /// Where it is not.
    pub address: Option<SocketAddr>,
}

/// Who reads a domain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SyncLogin {
    /// A simple bind.
    Password {
        /// The account.
        name: String,
        /// Where its password is.
        password: PasswordSource,
    },
    /// A client certificate.
    Certificate {
        /// PEM, leaf first.
        chain: PathBuf,
        /// PEM.
        key: PathBuf,
    },
}

/// Where a password is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PasswordSource {
    /// The first line of a file.
    File(PathBuf),
    /// The first line of a systemd credential of this name.
    Credential(String),
}
