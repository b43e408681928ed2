//! A session's record while the session lives: whatever happens to the session, it is written exactly once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use ravelin_policy::{Decision, Denial, Permit, Verdict, escape};
use ravelin_tls::Negotiated;
use ravelin_tls::hello::{ClientHello, ServerName};

use crate::clock;
use crate::gateway::Gateway;
use crate::record::{SessionEnd, SessionRecord};

/// How a session ended and the facts.
#[derive(Debug)]
pub(crate) struct Ending {
    /// The label.
    pub(crate) end: SessionEnd,
    /// The facts.
    pub(crate) detail: String,
}

impl Ending {
    /// An ending with its facts.
    pub(crate) fn new(end: SessionEnd, detail: impl Into<String>) -> Ending {
        Ending { end, detail: detail.into() }
    }

    /// A denial as an ending.
    pub(crate) fn denied(denial: Denial) -> Ending {
        Ending { end: SessionEnd::Denied(denial.reason), detail: denial.detail }
    }
}

/// The record in the making. Dropped unfinished (a panic, a runtime that stops) it writes itself.
pub(crate) struct Draft {
    /// What is known so far; `end` and `detail` are set when it is finished.
    pub(crate) record: SessionRecord,
    /// Accept.
    pub(crate) accepted: Instant,
    gateway: Arc<Gateway>,
    tunnel_since: Option<Instant>,
    written: bool,
}

impl Draft {
    /// Begins a session: counts it among the gateway's sessions until the record is written.
    pub(crate) fn begin(gateway: &Arc<Gateway>, listener: &str, client: SocketAddr) -> Draft {
        let session = gateway.count_session_in();
        Draft {
            record: SessionRecord {
                session,
                accepted_at: clock::utc(),
                duration: Default::default(),
                listener: listener.to_owned(),
                client,
                site: None,
                generation: gateway.generation().number,
                server_name: None,
                negotiated: None,
                offered_suites: Vec::new(),
                null_only_hello: false,
                handshake: None,
                identity: None,
                identity_key: None,
                rules: Vec::new(),
                shadow_denial: None,
                alert_sent: None,
                extra_headers: 0,
                server: None,
                to_server_bytes: 0,
                to_client_bytes: 0,
                tunnel: None,
                end: SessionEnd::InternalError,
                detail: String::new(),
            },
            accepted: Instant::now(),
            gateway: Arc::clone(gateway),
            tunnel_since: None,
            written: false,
        }
    }

    /// Notes what the ClientHello said.
    pub(crate) fn hello(&mut self, hello: &ClientHello) {
        self.record.server_name = match &hello.server_name {
            ServerName::Absent => None,
            ServerName::Dns(name) => Some(name.clone()),
            ServerName::Unusable(name) => Some(escape(name)),
        };
        self.record.offered_suites.clone_from(&hello.suites);
        self.record.null_only_hello = hello.null_only();
    }

    /// Notes what TLS agreed; the offered suites are then of no more interest.
    pub(crate) fn negotiated(&mut self, negotiated: Negotiated) {
        self.record.negotiated = Some(negotiated);
        self.record.offered_suites = Vec::new();
    }

    /// Notes a decision and gives back its verdict.
    pub(crate) fn decision(&mut self, decision: Decision) -> Verdict {
        self.record.handshake = Some(self.accepted.elapsed());
        self.record.identity = decision.identity;
        self.record.rules = decision.rules;
        self.record.shadow_denial = decision.shadow_denial;
        decision.verdict
    }

    /// Notes the permit that the session goes on by.
    pub(crate) fn permitted(&mut self, permit: &Permit) {
        self.record.generation = permit.generation();
        self.record.identity_key = Some(permit.identity_key().to_owned());
    }

    /// The name a person would use for the client's machine.
    pub(crate) fn display_name(&self) -> String {
        self.record.identity.as_ref().map(|identity| escape(identity.display_name())).unwrap_or_default()
    }

    /// The tunnel begins: what only a handshake needs to remember is let go, since a tunnel lives for days.
    pub(crate) fn tunnel_begins(&mut self) {
        self.tunnel_since = Some(Instant::now());
    }

    /// Ends the session: the one record is written.
    pub(crate) fn finish(mut self, ending: Ending) {
        self.write(ending);
    }

    fn write(&mut self, ending: Ending) {
        if std::mem::replace(&mut self.written, true) {
            return;
        }
        self.record.duration = self.accepted.elapsed();
        self.record.tunnel = self.tunnel_since.map(|since| since.elapsed());
        self.record.end = ending.end;
        self.record.detail = ending.detail;
        self.gateway.write_record(&self.record);
        self.gateway.count_session_out();
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let ending = if std::thread::panicking() {
            Ending::new(SessionEnd::InternalError, "a bug of ours ended the session; the log says where")
        } else {
            Ending::new(SessionEnd::Shutdown, "the gateway stopped")
        };
        self.write(ending);
    }
}
