//! Values for tests: a good session, what an operator would see, and an operator who answers with it.

#![expect(clippy::unwrap_used, reason = "for tests; what is wrong here fails them")]

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use ravelin_policy::{AccountReport, Identity, Outcome, Reason, RuleReport};
use ravelin_tls::{Engine, Negotiated};

use crate::operator::{
    AgeOverride, CertificateView, CrlView, DirectoryDomainView, DirectoryView, GatewayStatus, KillSelector,
    ListenerView, Operator, PoolView, ReloadReport, ServerView, SessionView, SiteView, Withdrawal,
};
use crate::record::{SessionEnd, SessionRecord};

/// 2026-01-02T03:04:05Z.
pub const ACCEPTED_AT: i64 = 1_767_323_045;

/// A tunnel that stood for an hour.
pub fn record() -> SessionRecord {
    SessionRecord {
        session: 7,
        accepted_at: time::OffsetDateTime::from_unix_timestamp(ACCEPTED_AT).unwrap(),
        duration: Duration::from_millis(3_600_250),
        listener: "edge".to_owned(),
        client: "192.0.2.17:50123".parse().unwrap(),
        site: Some("europe".to_owned()),
        generation: 3,
        server_name: Some("da-eu.example.com".to_owned()),
        negotiated: Some(Negotiated { version: "TLSv1.3", suite: "TLS_AES_256_GCM_SHA384", engine: Engine::Rustls }),
        offered_suites: Vec::new(),
        null_only_hello: false,
        handshake: Some(Duration::from_millis(12)),
        identity: Some(Identity {
            dns_names: vec!["pc17.corp.example.com".to_owned()],
            subject: "CN=pc17.corp.example.com".to_owned(),
            issuer: "CN=Issuing CA,DC=corp,DC=example,DC=com".to_owned(),
            serial: "1a2b".to_owned(),
            spki_sha256: "00".repeat(32),
            not_after: ACCEPTED_AT + 40 * 86_400,
        }),
        identity_key: Some("pc17.corp.example.com".to_owned()),
        account: Some(AccountReport {
            name: "PC17".to_owned(),
            domain: "corp.example.com".to_owned(),
            sid: "S-1-5-21-1004336348-1177238915-682003330-1104".to_owned(),
            guid: "3f2504e0-4f89-11d3-9a0c-0305e82c3301".to_owned(),
            mapping: "SID",
            is_weak: false,
            groups: vec!["DirectAccess Clients".to_owned()],
            as_of: ACCEPTED_AT - 40,
            is_overridden: false,
        }),
        rules: vec![
            RuleReport { rule: "path", outcome: Outcome::Passed, detail: "2 certificates".to_owned() },
            RuleReport { rule: "account", outcome: Outcome::NotAsked, detail: String::new() },
        ],
        shadow_denial: None,
        alert_sent: None,
        extra_headers: 1,
        server: Some("da1".to_owned()),
        to_server_bytes: 1_000,
        to_client_bytes: 2_000,
        tunnel: Some(Duration::from_secs(3600)),
        end: SessionEnd::ClientClosed,
        detail: String::new(),
    }
}

/// A client that policy refused in the handshake.
pub fn denied(reason: Reason) -> SessionRecord {
    SessionRecord {
        end: SessionEnd::Denied(reason),
        identity_key: None,
        account: None,
        negotiated: None,
        alert_sent: Some(48),
        duration: Duration::from_millis(40),
        extra_headers: 0,
        server: None,
        tunnel: None,
        to_server_bytes: 0,
        to_client_bytes: 0,
        rules: vec![RuleReport { rule: "path", outcome: Outcome::Denied(reason), detail: "no path".to_owned() }],
        detail: "no path to an anchor".to_owned(),
        ..record()
    }
}

/// A connection that ended before anything was known about it.
pub fn stranger(end: SessionEnd) -> SessionRecord {
    SessionRecord {
        site: None,
        server_name: None,
        handshake: None,
        identity: None,
        alert_sent: None,
        detail: String::new(),
        end,
        ..denied(Reason::UnknownIssuer)
    }
}

/// What an operator sees of a gateway with one site and two servers.
pub fn status() -> GatewayStatus {
    GatewayStatus {
        version: "0.1.0".to_owned(),
        pid: 4242,
        started_at: "2026-01-02T03:04:05.000Z".to_owned(),
        config_file: "/etc/ravelin/ravelin.toml".to_owned(),
        generation: 3,
        generation_since: "2026-01-03T00:00:00.000Z".to_owned(),
        draining: false,
        last_reload: Some(report(false)),
        listeners: vec![ListenerView {
            name: "edge".to_owned(),
            addresses: vec!["0.0.0.0:443".to_owned(), "[::]:443".to_owned()],
            sites: vec!["europe".to_owned()],
        }],
        admin_listen: Some("127.0.0.1:9180".to_owned()),
        sites: vec![SiteView {
            name: "europe".to_owned(),
            server_names: vec!["da-eu.example.com".to_owned()],
            policy: "domain-computers".to_owned(),
            pool: "europe".to_owned(),
            tunnels: 1,
            certificates: vec![CertificateView {
                subject: "CN=da-eu.example.com".to_owned(),
                not_after: "2026-12-31T00:00:00.000Z".to_owned(),
                not_after_unix: 1_798_675_200,
            }],
        }],
        pools: vec![PoolView {
            name: "europe".to_owned(),
            servers: vec![server("da1", true, 1), server("da2", false, 0)],
        }],
        crls: vec![CrlView {
            policy: "domain-computers".to_owned(),
            origin: "/var/lib/ravelin/crl/issuing.crl".to_owned(),
            issuer: "CN=Issuing CA".to_owned(),
            number: Some("17".to_owned()),
            this_update: "2026-01-01T00:00:00.000Z".to_owned(),
            next_update: "2026-01-08T00:00:00.000Z".to_owned(),
            next_update_unix: 1_767_830_400,
            entries: 12,
        }],
        age_override: None,
        directories: vec![DirectoryView {
            policy: "domain-computers".to_owned(),
            file: "/var/lib/ravelin/directory.snapshot".to_owned(),
            serial: 42,
            created: "2026-01-03T00:00:00.000Z".to_owned(),
            domains: vec![DirectoryDomainView {
                domain: "corp.example.com".to_owned(),
                accounts: 3023,
                as_of: "2026-01-02T23:59:30.000Z".to_owned(),
                age_seconds: 45,
                state: "fresh".to_owned(),
            }],
            refused: None,
        }],
        tunnels: 1,
        handshakes_in_flight: 2,
        unready: Vec::new(),
        warnings: vec!["sites.europe.certificates[0]: ends in 30 days".to_owned()],
    }
}

fn server(name: &str, up: bool, tunnels: usize) -> ServerView {
    ServerView { name: name.to_owned(), address: "10.0.0.11:443".to_owned(), up, tunnels }
}

/// One live tunnel.
pub fn session_view() -> SessionView {
    SessionView {
        session: 7,
        site: "europe".to_owned(),
        server: "da1".to_owned(),
        client: "192.0.2.17:50123".to_owned(),
        identity: "pc17.corp.example.com".to_owned(),
        identity_key: "pc17.corp.example.com".to_owned(),
        policy: "domain-computers".to_owned(),
        generation: 3,
        since: "2026-01-02T03:04:05.000Z".to_owned(),
        valid_until: "2026-02-11T03:04:05.000Z".to_owned(),
        version: "TLSv1.3".to_owned(),
        suite: "TLS_AES_256_GCM_SHA384".to_owned(),
        to_server_bytes: 1_000,
        to_client_bytes: 2_000_000,
    }
}

/// A reload that withdraws one permit.
pub fn report(dry_run: bool) -> ReloadReport {
    ReloadReport {
        dry_run,
        accepted: true,
        trigger: "control".to_owned(),
        at: "2026-01-03T00:00:00.000Z".to_owned(),
        generation: 4,
        problems: Vec::new(),
        warnings: vec!["warning: a.toml: names: any".to_owned()],
        withdrawn: vec![Withdrawal {
            session: 7,
            identity: "pc17.corp.example.com".to_owned(),
            site: "europe".to_owned(),
            reason: "revoked".to_owned(),
            detail: "serial 1a2b, list 18 of CN=Issuing CA".to_owned(),
        }],
    }
}

/// For tests: an operator who remembers what was asked, and hangs on a dry run while told to.
#[derive(Default)]
pub struct FakeOperator {
    calls: Mutex<Vec<String>>,
    /// What it is not ready for.
    pub unready: Mutex<Vec<String>>,
    hang: Mutex<bool>,
    woken: Condvar,
}

impl FakeOperator {
    /// What was asked, in order.
    pub fn calls(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.calls.lock().unwrap()
    }

    fn called(&self, call: String) {
        self.calls.lock().unwrap().push(call);
    }

    /// Whether a dry run and a drain hang from now on.
    pub fn hang(&self, hang: bool) {
        *self.hang.lock().unwrap() = hang;
        self.woken.notify_all();
    }
}

impl Operator for FakeOperator {
    fn status(&self) -> GatewayStatus {
        status()
    }
    fn sessions(&self) -> Vec<SessionView> {
        vec![session_view()]
    }
    fn kill(&self, selector: &KillSelector) -> usize {
        self.called(format!("kill {selector:?}"));
        assert_ne!(*selector, KillSelector::Site("panic".to_owned()), "a defect in the gateway");
        3
    }
    fn drain(&self) {
        self.called("drain".to_owned());
        drop(self.woken.wait_while(self.hang.lock().unwrap(), |hang| *hang).unwrap());
    }
    fn reload(&self, dry_run: bool) -> ReloadReport {
        self.called(format!("reload {dry_run}"));
        drop(self.woken.wait_while(self.hang.lock().unwrap(), |hang| *hang).unwrap());
        report(dry_run)
    }
    fn override_age(&self, order: Option<AgeOverride>) -> ReloadReport {
        self.called(format!("override {order:?}"));
        report(false)
    }
    fn unready(&self) -> Vec<String> {
        self.unready.lock().unwrap().clone()
    }
    fn directories(&self) -> Vec<DirectoryView> {
        status().directories
    }
}
