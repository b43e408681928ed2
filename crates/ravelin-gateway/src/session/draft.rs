//! A session's record while the session lives: whatever happens to the session, it is written exactly once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use ravelin_policy::{DecisionReport, Identity, escape};
use ravelin_tls::Negotiated;
use ravelin_tls::hello::{ClientHello, ServerName};

use crate::gateway::Gateway;
use crate::pool::RenewedTunnel;
use crate::session::packed::PackedRecord;
use crate::trust::authorized::{Authorized, Unauthorized};
use ravelin_ops::process::clock;
use ravelin_ops::record::{Ending, SessionEnd, SessionRecord};

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
                account: None,
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

    /// Notes what was decided in the handshake.
    pub(crate) fn decided(&mut self, report: DecisionReport) {
        self.record.handshake = Some(self.accepted.elapsed());
        self.record.identity = report.identity;
        self.record.account = report.account;
        self.record.rules = report.rules;
        self.record.shadow_denial = report.shadow_denial;
    }

    /// Notes the authorization that the session goes on by, or the generation that denied it.
    ///
    /// # Errors
    /// The denial, as it came.
    pub(crate) fn authorized(&mut self, judged: Result<Authorized, Unauthorized>) -> Result<Authorized, Ending> {
        let authorized = judged.map_err(|denied| self.denied(denied))?;
        self.record.generation = authorized.generation().number;
        self.record.identity_key = Some(authorized.permit().identity_key().to_owned());
        Ok(authorized)
    }

    /// The same for the judgement after the server's answer.
    ///
    /// # Errors
    /// The denial, as it came.
    pub(crate) fn renewed(&mut self, judged: Result<RenewedTunnel, Unauthorized>) -> Result<RenewedTunnel, Ending> {
        let renewed = judged.map_err(|denied| self.denied(denied))?;
        self.record.generation = renewed.generation();
        Ok(renewed)
    }

    fn denied(&mut self, denied: Unauthorized) -> Ending {
        self.record.generation = denied.generation;
        denied.ending
    }

    /// The name a person would use for the client's machine.
    pub(crate) fn display_name(&self) -> String {
        self.record.identity.as_ref().map(Identity::display_name).unwrap_or_default()
    }

    /// The tunnel begins: what is known takes less room from here on.
    pub(crate) fn tunnel_begins(mut self) -> TunnelDraft {
        self.written = true;
        self.gateway.metrics.tunnel_begins(&self.record);
        TunnelDraft {
            record: PackedRecord::pack(&self.record),
            accepted: self.accepted,
            tunnel_since: Instant::now(),
            gateway: Arc::clone(&self.gateway),
            written: false,
        }
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

/// The record in the making while a tunnel stands. Dropped unfinished it writes itself, as a [`Draft`] does.
pub(crate) struct TunnelDraft {
    record: PackedRecord,
    accepted: Instant,
    tunnel_since: Instant,
    gateway: Arc<Gateway>,
    written: bool,
}

impl TunnelDraft {
    /// Ends the session: the one record is written, with the generation that judged it last and the bytes that went to the
    /// client and to the server.
    pub(crate) fn finish(mut self, ending: Ending, generation: u64, (to_client_bytes, to_server_bytes): (u64, u64)) {
        let mut draft = self.unpack();
        draft.record.generation = generation;
        (draft.record.to_client_bytes, draft.record.to_server_bytes) = (to_client_bytes, to_server_bytes);
        draft.finish(ending);
    }

    fn unpack(&mut self) -> Draft {
        self.written = true;
        Draft {
            record: self.record.unpack(),
            accepted: self.accepted,
            gateway: Arc::clone(&self.gateway),
            tunnel_since: Some(self.tunnel_since),
            written: false,
        }
    }
}

impl Drop for TunnelDraft {
    fn drop(&mut self) {
        if !self.written {
            drop(self.unpack());
        }
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

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::path::Path;
    use std::sync::{Mutex, PoisonError};

    use ravelin_lab::pki::Estate;
    use ravelin_policy::{Context, PresentedChain, Verdict};
    use ravelin_tls::{Engine, Negotiated};
    use rustls_pki_types::CertificateDer;

    use super::*;
    use crate::server::{self, Running};
    use crate::trust::live::{Applicant, LiveEntry};
    use ravelin_ops::metrics::Metrics;
    use ravelin_ops::record_sink::RecordSink;

    #[derive(Clone, Default)]
    struct Records(Arc<Mutex<Vec<(u64, SessionEnd, String)>>>);

    impl RecordSink for Records {
        fn record(&self, record: &SessionRecord) {
            self.0.lock().unwrap().push((record.session, record.end, record.detail.clone()));
        }
    }

    impl Records {
        fn all(&self) -> Vec<(u64, SessionEnd, String)> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }
    }

    fn start(folder: &Path, estate: &Estate) -> (Running, Records) {
        estate.write(folder).unwrap();
        let file = folder.join("ravelin.toml");
        let text = r#"
            admin = { listen = "off", control = "off" }
            listeners.edge = { bind = ["127.0.0.1:0"], sites = ["main"] }
            pools.main = { servers = [{ name = "da1", address = "127.0.0.1:9" }], upstream = { mode = "offload" } }
            limits = { sessions = 10, tunnels_per_identity = 1 }
            threads = { relay = 1, handshake = 1 }

            [sites.main]
            server_names = ["da.corp.example.test"]
            certificates = [{ chain = "tls/face-ecdsa.pem", key = "tls/face-ecdsa.key" }]
            policy = "main"
            pool = "main"

            [policies.main]
            trust_anchors = ["ca/root.pem"]
            names = { allow = ["*.corp.example.test"] }
            revocation = { crls = ["crl"] }
        "#;
        std::fs::write(&file, text).unwrap();
        let records = Records::default();
        let sinks: Vec<Box<dyn RecordSink>> = vec![Box::new(records.clone())];
        let loaded = ravelin_config::load(&file).unwrap_or_else(|problems| panic!("{problems:?}"));
        let running = server::start(loaded, Arc::new(Metrics::new()), sinks);
        (running.unwrap_or_else(|problems| panic!("{problems:?}")), records)
    }

    /// A session among the live ones, as one that came through its handshake is.
    fn enter(gateway: &Arc<Gateway>, estate: &Estate, draft: &Draft) -> LiveEntry {
        let chain = estate.clients.healthy.chain().into_iter().map(CertificateDer::from).collect();
        let chain = PresentedChain { certificates: chain };
        let generation = gateway.generation();
        let context = Context { now: clock::now(), generation: generation.number };
        let verdict = generation.policies["main"].decide(&chain, &context).verdict;
        let Verdict::Permit(permit) = verdict else { panic!("{verdict:?}") };
        let negotiated = Negotiated { version: "TLSv1.3", suite: "TLS_AES_256_GCM_SHA384", engine: Engine::Rustls };
        let applicant = Applicant {
            session: draft.record.session,
            site: "main".to_owned(),
            client: draft.record.client,
            identity: "pc01".to_owned(),
            negotiated,
            since: clock::utc(),
        };
        gateway.live.enter(applicant, &chain, &permit, 1).unwrap()
    }

    /// A bug of ours ends its own session and no other, gives back all that the session held, and is counted.
    #[tokio::test]
    async fn a_panic_ends_one_session() {
        let (folder, estate) = (tempfile::tempdir().unwrap(), Estate::standard(ravelin_lab::clock::now()));
        let (running, records) = start(folder.path(), &estate);
        let gateway = running.gateway();
        let client = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4711);
        let draft = || Draft::begin(gateway, "edge", client);

        // On either kind of thread, beside another session of the same thread.
        for (round, thread) in [gateway.handshake_thread(), gateway.relay_thread()].into_iter().enumerate() {
            let (other, goes_on) = (draft(), Arc::new(tokio::sync::Notify::new()));
            let waits = Arc::clone(&goes_on);
            let other = thread.spawn(async move {
                waits.notified().await;
                other.finish(Ending::new(SessionEnd::ClientClosed, ""));
            });
            let broken = draft();
            let number = broken.record.session;
            let held = (
                gateway.enter(client.ip(), number).unwrap(),
                gateway.metrics.handshake(),
                enter(gateway, &estate, &broken),
            );
            assert_eq!((gateway.sessions(), gateway.handshakes_in_flight(), gateway.live.len()), (2, 1, 1));
            let panicked = thread.spawn(async move {
                let _holds = (held, broken);
                tokio::task::yield_now().await;
                panic!("a bug, on purpose");
            });
            assert!(panicked.await.unwrap_err().is_panic());

            assert_eq!((gateway.sessions(), gateway.handshakes_in_flight(), gateway.live.len()), (1, 0, 0));
            let ended = records.all();
            assert_eq!(ended.len(), 2 * round + 1, "{ended:?}");
            let (session, end, detail) = ended.last().unwrap();
            assert_eq!((*session, *end), (number, SessionEnd::InternalError));
            assert!(detail.contains("a bug of ours"), "{detail}");
            // Its identity may come again at once.
            drop(enter(gateway, &estate, &draft()));
            // The record of the draft just dropped.
            records.0.lock().unwrap().pop();

            goes_on.notify_one();
            other.await.unwrap();
            assert_eq!(records.all().last().unwrap().1, SessionEnd::ClientClosed);
            assert_eq!(gateway.sessions(), 0);
        }
        let page = gateway.metrics_page();
        assert!(page.contains("\nravelin_session_panics_total 2\n"), "{page}");
        assert!(page.lines().any(|line| line.contains("end=\"internal_error\"") && line.ends_with(" 2")), "{page}");
    }
}
