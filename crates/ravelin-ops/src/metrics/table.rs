//! Every metric by name. The registry, the manual's table and the tests of `deploy/` are made from these declarations.

use prometheus::{Counter, Gauge, GaugeVec, Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry};

use super::declare::{Definition, MetricKind, metrics, register};

/// Every metric of a gateway, in the order of the manual.
pub fn gateway_definitions() -> impl Iterator<Item = &'static Definition> {
    [GatewayMetrics::DEFINITIONS, SharedMetrics::DEFINITIONS, AuditMetrics::DEFINITIONS, ProcessMetrics::DEFINITIONS]
        .into_iter()
        .flatten()
}

/// Every metric of `ravelin sync` that a gateway has not, in the order of the manual.
pub fn companion_definitions() -> impl Iterator<Item = &'static Definition> {
    CompanionMetrics::DEFINITIONS.iter()
}

metrics! {
    /// What a gateway counts of its sessions, servers and files.
    GatewayMetrics {
        sessions: IntCounterVec, "ravelin_sessions_total", ["site", "end"],
            "Sessions that have ended, by ending. `site` is `none` if no site was known yet.";
        tunnels_active: IntGaugeVec, "ravelin_tunnels_active", ["site", "server"],
            "Tunnels that are up.";
        tunnel_duration: Histogram(TUNNEL_SECONDS), "ravelin_tunnel_duration_seconds", [],
            "How long tunnels that have ended were up.";
        relay_bytes: IntCounterVec, "ravelin_relay_bytes_total", ["direction"],
            "Plaintext bytes relayed, those of live tunnels included. `direction` is `to_client` or `to_server`.";
        tunnels_withdrawn: IntCounterVec, "ravelin_tunnels_withdrawn_total", ["reason"],
            "Tunnels closed because policy no longer permits them.";
        reevaluations: IntCounterVec, "ravelin_reevaluations_total", ["trigger"],
            "Times that all live tunnels were judged again. `trigger` is what asked for it.";

        handshakes: IntCounterVec, "ravelin_handshakes_total", ["site", "result", "version", "suite", "engine"],
            "TLS handshakes that have ended. `result` is `completed`, `denied`, `failed`, `timeout`, `no_common_suite` or \
             `unknown_server_name`; labels that were not agreed yet are `none`.";
        null_only_hellos: IntCounterVec, "ravelin_null_only_hellos_total", ["site"],
            "Clients that offered suites without encryption and nothing else. They need `null_encryption`; `site` is `none` where \
             no site was known.";
        handshake_seconds: Histogram(HANDSHAKE_SECONDS), "ravelin_handshake_seconds", [],
            "Time from accept to permit or refusal.";
        handshakes_in_flight: IntGauge, "ravelin_handshakes_in_flight", [],
            "Connections accepted and not yet permitted or refused.";
        accept_paused: IntCounter, "ravelin_accept_paused_total", [],
            "Times that accepting paused because descriptors or memory ran out.";
        session_panics: IntCounter, "ravelin_session_panics_total", [],
            "Sessions ended by a bug in the gateway. Report anything but 0.";

        denials: IntCounterVec, "ravelin_denials_total", ["site", "reason"],
            "Clients that policy refused before a tunnel, by reason.";
        shadow_denials: IntCounterVec, "ravelin_shadow_denials_total", ["site", "reason"],
            "Permitted clients that a rule under trial would have refused, by reason.";
        client_certificate_remaining: Histogram(REMAINING_SECONDS), "ravelin_client_certificate_remaining_seconds", [],
            "Validity left in a client's certificate when it connected; one value for each tunnel.";

        server_up: IntGaugeVec, "ravelin_server_up", ["pool", "server"],
            "1 while the server is up, else 0, by its health checks and by failed connections to it.";
        server_checks: IntCounterVec, "ravelin_server_checks_total", ["pool", "server", "result"],
            "Health checks made of a server. `result` is `ok` or `failed`.";

        policy_generation: IntGauge, "ravelin_policy_generation", [],
            "Number of the generation that judges new sessions.";
        reload_successful: IntGauge, "ravelin_config_last_reload_successful", [],
            "1 if the last start or reload was accepted, 0 if it was refused and an older generation stays in force.";
        reload_success_time: Gauge, "ravelin_config_last_reload_success_timestamp_seconds", [],
            "When a configuration was last accepted, Unix seconds.";
        crl_next_update: GaugeVec, "ravelin_crl_next_update_timestamp_seconds", ["issuer"],
            "When the issuer's CRL expires (next update), Unix seconds; the earliest if there are several.";
        crl_entries: IntGaugeVec, "ravelin_crl_entries", ["issuer"],
            "Revoked certificates on the issuer's CRLs.";
        directory_age: IntGaugeVec, "ravelin_directory_age_seconds", [],
            "Age of the facts about computer accounts, of the oldest domain that a policy uses. Absent if no policy uses one.";
        directory_accounts: IntGaugeVec, "ravelin_directory_accounts", [],
            "Computer accounts in the snapshots in use, each snapshot once.";
        directory_refused: IntGaugeVec, "ravelin_directory_snapshot_refused", [],
            "1 while a snapshot's file is not in use because it was refused, else 0; the log and `status` say why.";
        weak_mappings: IntCounterVec, "ravelin_weak_mappings_total", ["site"],
            "Tunnels that were permitted by a mapping that `mapping = \"strong\"` would refuse.";
        certificate_not_after: GaugeVec, "ravelin_certificate_not_after_timestamp_seconds", ["site", "subject"],
            "When a site's own certificate expires, Unix seconds; the earliest if one subject has several.";
    }
}

metrics! {
    /// What gateway and companion have in common.
    SharedMetrics {
        ready: IntGauge, "ravelin_ready", [],
            "1 while `/readyz` answers 200, else 0.";
        log_records_dropped: IntCounter, "ravelin_log_records_dropped_total", [],
            "Log records dropped because the reader of standard error is too slow.";
        log_records_suppressed: IntCounter, "ravelin_log_records_suppressed_total", [],
            "Log records left out because their cause came too often; the log says how many.";
    }
}

metrics! {
    /// What the audit file lost.
    AuditMetrics {
        audit_records_dropped: IntCounter, "ravelin_audit_records_dropped_total", [],
            "Audit records dropped because the file could not be written, or not fast enough, or because too many sessions without a tunnel had one ending.";
    }
}

metrics! {
    /// The process, under the names that every dashboard knows, and its version.
    ProcessMetrics {
        build_info: IntGaugeVec, "ravelin_build_info", ["version"],
            "Always 1; the version is in the label.";
        cpu_seconds: Counter, "process_cpu_seconds_total", [],
            "User and system time of the process.";
        open_fds: IntGauge, "process_open_fds", [],
            "Descriptors in use; a tunnel has two.";
        max_fds: IntGauge, "process_max_fds", [],
            "Descriptors that the process may have.";
        resident_bytes: IntGauge, "process_resident_memory_bytes", [],
            "Memory of the process that is in RAM.";
        threads: IntGauge, "process_threads", [],
            "Threads of the process.";
    }
}

metrics! {
    /// What the companion counts.
    CompanionMetrics {
        fetches: IntCounterVec, "ravelin_sync_fetches_total", ["domain", "controller", "result"],
            "Fetches from a controller that have ended. `result` is `ok`, or what went wrong.";
        age: IntGaugeVec, "ravelin_sync_age_seconds", ["domain"],
            "Age of the facts about a domain. Absent while nothing is known.";
        accounts: IntGaugeVec, "ravelin_sync_accounts", ["domain"],
            "Computer accounts of a domain at its last fetch.";
        bind_refused: IntGaugeVec, "ravelin_sync_bind_refused", ["domain"],
            "1 while a domain is not asked because name or password was refused, else 0.";
        serial: IntGauge, "ravelin_sync_snapshot_serial", [],
            "Serial number of the snapshot that was last written; 0 if none was.";
        written: IntGauge, "ravelin_sync_snapshot_written_timestamp_seconds", [],
            "When a snapshot was last written, Unix seconds; 0 if none was.";
        refused: IntGauge, "ravelin_sync_snapshot_refused", [],
            "1 while the snapshot cannot be written, or would be refused, else 0; the log and `/readyz` say why.";
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
