//! What an operator may see and ask of a running gateway: one interface for the control socket, the admin pages and tests.

use serde::{Deserialize, Serialize};

/// Implemented by the gateway; called by the admin interface and the control socket, from their own thread.
pub trait Operator: Send + Sync {
    /// `ravelin status`.
    fn status(&self) -> GatewayStatus;
    /// `ravelin sessions`: live tunnels, oldest first.
    fn sessions(&self) -> Vec<SessionView>;
    /// `ravelin kill`: ends matching tunnels as `operator`; how many.
    fn kill(&self, selector: &KillSelector) -> usize;
    /// `ravelin drain`: as SIGTERM.
    fn drain(&self);
    /// `ravelin reload`; `dry_run` tells who would be cut and changes nothing. May take seconds.
    fn reload(&self, dry_run: bool) -> ReloadReport;
    /// `/readyz`: empty when ready, else every reason why not.
    fn unready(&self) -> Vec<String>;
    /// `ravelin override`: until then, facts about accounts that are past `max_age` count; `None` ends it. Judges every tunnel
    /// again.
    fn override_age(&self, order: Option<AgeOverride>) -> ReloadReport;
    /// The directory that each policy judges accounts by, and how old its facts are now.
    fn directories(&self) -> Vec<DirectoryView>;
}

/// Which tunnels to end.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KillSelector {
    /// One session by number.
    Session(u64),
    /// Every tunnel of an identity (display name or key, without regard to case).
    Identity(String),
    /// Every tunnel of a site.
    Site(String),
    /// All.
    All,
}

/// `ravelin status --json`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "field names are the documentation of this JSON; the manual shows an example")]
pub struct GatewayStatus {
    pub version: String,
    pub pid: u32,
    pub started_at: String,
    pub config_file: String,
    pub generation: u64,
    pub generation_since: String,
    pub draining: bool,
    pub last_reload: Option<ReloadReport>,
    pub listeners: Vec<ListenerView>,
    pub admin_listen: Option<String>,
    pub sites: Vec<SiteView>,
    pub pools: Vec<PoolView>,
    /// `lists` in JSON, which is interface.
    #[serde(rename = "lists")]
    pub crls: Vec<CrlView>,
    pub directories: Vec<DirectoryView>,
    pub age_override: Option<OverrideView>,
    pub tunnels: usize,
    pub handshakes_in_flight: usize,
    pub unready: Vec<String>,
    pub warnings: Vec<String>,
}

/// One listener.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "as for GatewayStatus")]
pub struct ListenerView {
    pub name: String,
    /// As bound: port 0 resolved.
    pub addresses: Vec<String>,
    pub sites: Vec<String>,
}

/// One site.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "as for GatewayStatus")]
pub struct SiteView {
    pub name: String,
    pub server_names: Vec<String>,
    pub policy: String,
    pub pool: String,
    pub tunnels: usize,
    pub certificates: Vec<CertificateView>,
}

/// One certificate of a site.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "as for GatewayStatus")]
pub struct CertificateView {
    pub subject: String,
    pub not_after: String,
    pub not_after_unix: i64,
}

/// One pool.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "as for GatewayStatus")]
pub struct PoolView {
    pub name: String,
    pub servers: Vec<ServerView>,
}

/// One server.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "as for GatewayStatus")]
pub struct ServerView {
    pub name: String,
    pub address: String,
    pub up: bool,
    pub tunnels: usize,
}

/// One CRL.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "as for GatewayStatus")]
pub struct CrlView {
    pub policy: String,
    pub origin: String,
    pub issuer: String,
    pub number: Option<String>,
    pub this_update: String,
    pub next_update: String,
    pub next_update_unix: i64,
    pub entries: usize,
}

/// An operator's word that facts past `max_age` count for a while.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AgeOverride {
    /// Unix seconds; it ends by itself.
    pub until_unix: i64,
    /// For the log and `status`.
    pub reason: String,
}

/// The directory of one policy.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "as for GatewayStatus")]
pub struct DirectoryView {
    pub policy: String,
    pub file: String,
    pub serial: u64,
    pub created: String,
    pub domains: Vec<DirectoryDomainView>,
    /// Why the file that is there now is not in use.
    pub refused: Option<String>,
}

/// An override in force.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "as for GatewayStatus")]
pub struct OverrideView {
    pub until: String,
    pub reason: String,
}

/// One domain of a directory.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "as for GatewayStatus")]
pub struct DirectoryDomainView {
    pub domain: String,
    pub accounts: usize,
    pub as_of: String,
    pub age_seconds: i64,
    /// `fresh`, `stale` (past `stale_after`: everybody passes as before), `expired` (past `max_age`: nobody passes),
    /// `overridden` (past `max_age`, and counting by an operator's word).
    pub state: String,
}

impl DirectoryView {
    /// Domains that an operator should look after, in words; those that are `expired` or not.
    pub fn alarms(&self, expired: bool) -> Vec<String> {
        let states: &[&str] = if expired { &["expired"] } else { &["stale", "overridden"] };
        let of_state = self.domains.iter().filter(|domain| states.contains(&domain.state.as_str()));
        of_state
            .map(|domain| {
                let DirectoryDomainView { domain, as_of, age_seconds, state, .. } = domain;
                let consequence = match (expired, state.as_str()) {
                    (true, _) => "nobody of it passes",
                    (false, "overridden") => "it goes on being used, past max_age, by an operator's override",
                    (false, _) => "it goes on being used",
                };
                format!(
                    "policy {}: what is known of {domain} is {age_seconds} s old ({as_of}): {consequence}",
                    self.policy
                )
            })
            .collect()
    }
}

/// One live tunnel.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "as for GatewayStatus")]
pub struct SessionView {
    pub session: u64,
    pub site: String,
    pub server: String,
    pub client: String,
    pub identity: String,
    pub identity_key: String,
    pub policy: String,
    pub generation: u64,
    pub since: String,
    pub valid_until: String,
    pub version: String,
    pub suite: String,
    pub to_server_bytes: u64,
    pub to_client_bytes: u64,
}

/// What a reload did, or would do.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "as for GatewayStatus")]
pub struct ReloadReport {
    pub dry_run: bool,
    pub accepted: bool,
    /// What asked for it: `signal`, `control`, `file`.
    pub trigger: String,
    pub at: String,
    pub generation: u64,
    /// In full words, as `check` prints them.
    pub problems: Vec<String>,
    pub warnings: Vec<String>,
    /// Tunnels whose permit the new generation withdraws.
    pub withdrawn: Vec<Withdrawal>,
}

/// One tunnel that the new generation refuses.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "as for GatewayStatus")]
pub struct Withdrawal {
    pub session: u64,
    pub identity: String,
    pub site: String,
    pub reason: String,
    pub detail: String,
}
