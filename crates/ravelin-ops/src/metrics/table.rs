//! Every metric by name: the registry, the manual's table and the tests of `deploy/` are made from this list.

/// One metric: what it is called, what it is split by and what it means.
#[derive(Debug)]
pub struct Definition {
    /// Full name, prefix and unit included.
    pub name: &'static str,
    /// Counter, gauge or histogram.
    pub kind: Kind,
    /// Label names; every value comes from a closed set (configuration or an enumeration), never from a client.
    pub labels: &'static [&'static str],
    /// One sentence for the manual and the `# HELP` line.
    pub help: &'static str,
}

/// What a metric does over time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only grows, until the process ends.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts values by size, with these upper bounds.
    Histogram(&'static [f64]),
}

impl Kind {
    /// The word of the exposition format.
    pub fn label(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        }
    }
}

/// Seconds. A full handshake costs about a millisecond of CPU and three round trips; the default deadline is 10 s.
const HANDSHAKE_SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;

/// Seconds. From a tunnel that fell at once to one that stood for a month.
const TUNNEL_SECONDS: &[f64] =
    &[1.0, 10.0, 60.0, 300.0, 900.0, HOUR, 4.0 * HOUR, 8.0 * HOUR, DAY, 3.0 * DAY, 7.0 * DAY, 30.0 * DAY];

/// Seconds. Autoenrolment renews in the last six weeks of a year's certificate; what is below that is overdue.
const REMAINING_SECONDS: &[f64] = &[
    0.0,
    DAY,
    3.0 * DAY,
    7.0 * DAY,
    14.0 * DAY,
    30.0 * DAY,
    42.0 * DAY,
    90.0 * DAY,
    180.0 * DAY,
    365.0 * DAY,
    730.0 * DAY,
];

macro_rules! definitions {
    ($(#[$doc:meta])+ $list:ident: $($constant:ident $kind:expr, $name:literal, [$($label:literal),*], $help:literal;)+) => {
        $(pub(super) const $constant: Definition =
            Definition { name: $name, kind: $kind, labels: &[$($label),*], help: $help };)+

        $(#[$doc])+
        pub const $list: &[Definition] = &[$($constant,)+];
    };
}

definitions! {
    /// Every metric of a gateway, in the order of the manual.
    DEFINITIONS:
    SESSIONS Kind::Counter, "ravelin_sessions_total", ["site", "end"],
        "Sessions that have ended, by ending. `site` is `none` if no site was known yet.";
    TUNNELS_ACTIVE Kind::Gauge, "ravelin_tunnels_active", ["site", "server"],
        "Tunnels that are up.";
    TUNNEL_DURATION Kind::Histogram(TUNNEL_SECONDS), "ravelin_tunnel_duration_seconds", [],
        "How long tunnels that have ended were up.";
    RELAY_BYTES Kind::Counter, "ravelin_relay_bytes_total", ["direction"],
        "Plaintext bytes relayed, those of live tunnels included. `direction` is `to_client` or `to_server`.";
    TUNNELS_WITHDRAWN Kind::Counter, "ravelin_tunnels_withdrawn_total", ["reason"],
        "Tunnels closed because policy no longer permits them.";
    REEVALUATIONS Kind::Counter, "ravelin_reevaluations_total", ["trigger"],
        "Times that all live tunnels were judged again. `trigger` is what asked for it.";

    HANDSHAKES Kind::Counter, "ravelin_handshakes_total", ["site", "result", "version", "suite", "engine"],
        "TLS handshakes that have ended. `result` is `completed`, `denied`, `failed`, `timeout`, `no_common_suite` or \
         `unknown_server_name`; labels that were not agreed yet are `none`.";
    NULL_ONLY_HELLOS Kind::Counter, "ravelin_null_only_hellos_total", ["site"],
        "Clients that offered suites without encryption and nothing else. They need `null_encryption`; `site` is `none` where \
         no site was known.";
    HANDSHAKE_SECONDS_TAKEN Kind::Histogram(HANDSHAKE_SECONDS), "ravelin_handshake_seconds", [],
        "Time from accept to permit or refusal.";
    HANDSHAKES_IN_FLIGHT Kind::Gauge, "ravelin_handshakes_in_flight", [],
        "Connections accepted and not yet permitted or refused.";
    ACCEPT_PAUSED Kind::Counter, "ravelin_accept_paused_total", [],
        "Times that accepting paused because descriptors or memory ran out.";
    SESSION_PANICS Kind::Counter, "ravelin_session_panics_total", [],
        "Sessions ended by a bug in the gateway. Report anything but 0.";

    DENIALS Kind::Counter, "ravelin_denials_total", ["site", "reason"],
        "Clients that policy refused before a tunnel, by reason.";
    SHADOW_DENIALS Kind::Counter, "ravelin_shadow_denials_total", ["site", "reason"],
        "Permitted clients that a rule under trial would have refused, by reason.";
    CLIENT_CERTIFICATE_REMAINING Kind::Histogram(REMAINING_SECONDS),
        "ravelin_client_certificate_remaining_seconds", [],
        "Validity left in a client's certificate when it connected; one value for each tunnel.";

    SERVER_UP Kind::Gauge, "ravelin_server_up", ["pool", "server"],
        "1 while the server is up, else 0, by its health checks and by failed connections to it.";
    SERVER_CHECKS Kind::Counter, "ravelin_server_checks_total", ["pool", "server", "result"],
        "Health checks made of a server. `result` is `ok` or `failed`.";

    POLICY_GENERATION Kind::Gauge, "ravelin_policy_generation", [],
        "Number of the generation that judges new sessions.";
    RELOAD_SUCCESSFUL Kind::Gauge, "ravelin_config_last_reload_successful", [],
        "1 if the last start or reload was accepted, 0 if it was refused and an older generation stays in force.";
    RELOAD_SUCCESS_TIME Kind::Gauge, "ravelin_config_last_reload_success_timestamp_seconds", [],
        "When a configuration was last accepted, Unix seconds.";
    CRL_NEXT_UPDATE Kind::Gauge, "ravelin_crl_next_update_timestamp_seconds", ["issuer"],
        "When the issuer's CRL expires (next update), Unix seconds; the earliest if there are several.";
    CRL_ENTRIES Kind::Gauge, "ravelin_crl_entries", ["issuer"],
        "Revoked certificates on the issuer's CRLs.";
    DIRECTORY_AGE Kind::Gauge, "ravelin_directory_age_seconds", [],
        "Age of the facts about computer accounts, of the oldest domain that a policy uses. Absent if no policy uses one.";
    DIRECTORY_ACCOUNTS Kind::Gauge, "ravelin_directory_accounts", [],
        "Computer accounts in the snapshots in use, each snapshot once.";
    DIRECTORY_REFUSED Kind::Gauge, "ravelin_directory_snapshot_refused", [],
        "1 while a snapshot's file is not in use because it was refused, else 0; the log and `status` say why.";
    WEAK_MAPPINGS Kind::Counter, "ravelin_weak_mappings_total", ["site"],
        "Tunnels that were permitted by a mapping that `mapping = \"strong\"` would refuse.";
    CERTIFICATE_NOT_AFTER Kind::Gauge, "ravelin_certificate_not_after_timestamp_seconds", ["site", "subject"],
        "When a site's own certificate expires, Unix seconds; the earliest if one subject has several.";

    READY Kind::Gauge, "ravelin_ready", [],
        "1 while `/readyz` answers 200, else 0.";
    LOG_RECORDS_DROPPED Kind::Counter, "ravelin_log_records_dropped_total", [],
        "Log records dropped because the reader of standard error is too slow.";
    LOG_RECORDS_SUPPRESSED Kind::Counter, "ravelin_log_records_suppressed_total", [],
        "Log records left out because their cause came too often; the log says how many.";
    AUDIT_RECORDS_DROPPED Kind::Counter, "ravelin_audit_records_dropped_total", [],
        "Audit records dropped because the file could not be written, or not fast enough, or because too many sessions without a tunnel had one ending.";
    BUILD_INFO Kind::Gauge, "ravelin_build_info", ["version"],
        "Always 1; the version is in the label.";

    PROCESS_CPU Kind::Counter, "process_cpu_seconds_total", [],
        "User and system time of the process.";
    PROCESS_OPEN_FDS Kind::Gauge, "process_open_fds", [],
        "Descriptors in use; a tunnel has two.";
    PROCESS_MAX_FDS Kind::Gauge, "process_max_fds", [],
        "Descriptors that the process may have.";
    PROCESS_RESIDENT Kind::Gauge, "process_resident_memory_bytes", [],
        "Memory of the process that is in RAM.";
    PROCESS_THREADS Kind::Gauge, "process_threads", [],
        "Threads of the process.";
}

definitions! {
    /// Every metric of `ravelin sync` that a gateway has not, in the order of the manual.
    SYNC_DEFINITIONS:
    SYNC_FETCHES Kind::Counter, "ravelin_sync_fetches_total", ["domain", "controller", "result"],
        "Fetches from a controller that have ended. `result` is `ok`, or what went wrong.";
    SYNC_AGE Kind::Gauge, "ravelin_sync_age_seconds", ["domain"],
        "Age of the facts about a domain. Absent while nothing is known.";
    SYNC_ACCOUNTS Kind::Gauge, "ravelin_sync_accounts", ["domain"],
        "Computer accounts of a domain at its last fetch.";
    SYNC_BIND_REFUSED Kind::Gauge, "ravelin_sync_bind_refused", ["domain"],
        "1 while a domain is not asked because name or password was refused, else 0.";
    SYNC_SERIAL Kind::Gauge, "ravelin_sync_snapshot_serial", [],
        "Serial number of the snapshot that was last written; 0 if none was.";
    SYNC_WRITTEN Kind::Gauge, "ravelin_sync_snapshot_written_timestamp_seconds", [],
        "When a snapshot was last written, Unix seconds; 0 if none was.";
    SYNC_REFUSED Kind::Gauge, "ravelin_sync_snapshot_refused", [],
        "1 while the snapshot cannot be written, or would be refused, else 0; the log and `/readyz` say why.";
}
