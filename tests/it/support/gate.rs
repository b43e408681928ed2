//! A gateway in this process, in front of stand-ins, on an estate of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ravelin_config::Rehearsal;
use ravelin_gateway::server::{self, Running};
use ravelin_lab::client::{Client, Tunnel};
use ravelin_lab::end::End;
use ravelin_lab::pki::Estate;
use ravelin_ops::log::session_json;
use ravelin_ops::metrics::Metrics;
use ravelin_ops::operator::{GatewayStatus, Operator};
use ravelin_ops::record::SessionRecord;
use ravelin_ops::record_sink::RecordSink;
use serde_json::Value;

/// The server name of site `main`.
pub const NAME: &str = "da.corp.example.test";

/// What a gateway is made from: begins as a good configuration for the standard estate; a test changes one thing.
pub struct Setup {
    sections: BTreeMap<String, BTreeMap<String, String>>,
    folder: tempfile::TempDir,
    estate: Estate,
}

/// A running gateway. Stops when dropped.
pub struct Gate {
    /// The gateway.
    pub running: Running,
    /// What the estate's certificates are.
    pub estate: Estate,
    /// Every record so far.
    pub records: Records,
    folder: tempfile::TempDir,
    sections: BTreeMap<String, BTreeMap<String, String>>,
}

impl Setup {
    /// A good configuration: site `main` for `da.corp.example.test` with both faces, policy `main` with every rule on,
    /// pool `main` with no servers yet.
    pub fn new() -> Setup {
        let folder = tempfile::tempdir().unwrap();
        let estate = Estate::standard(super::unix_now());
        estate.write(folder.path()).unwrap();
        let mut setup = Setup { sections: BTreeMap::new(), folder, estate };
        for (section, key, value) in [
            ("admin", "listen", r#""127.0.0.1:0""#),
            ("admin", "control", r#""control.sock""#),
            ("listeners.edge", "bind", r#"["127.0.0.1:0"]"#),
            ("listeners.edge", "sites", r#"["main"]"#),
            ("sites.main", "server_names", r#"["da.corp.example.test"]"#),
            (
                "sites.main",
                "certificates",
                r#"[{ chain = "tls/face-rsa.pem", key = "tls/face-rsa.key" }, { chain = "tls/face-ecdsa.pem", key = "tls/face-ecdsa.key" }]"#,
            ),
            ("sites.main", "policy", r#""main""#),
            ("sites.main", "pool", r#""main""#),
            ("policies.main", "trust_anchors", r#"["ca/root.pem"]"#),
            ("policies.main", "intermediates", r#"["ca/issuing.pem", "ca/issuing-renewed.pem"]"#),
            ("policies.main", "names", r#"{ allow = ["*.corp.example.test"], deny = ["pc-lost.corp.example.test"] }"#),
            ("policies.main", "revocation", r#"{ crls = ["crl"], check = "chain" }"#),
            (
                "pools.main",
                "upstream",
                r#"{ mode = "bridge", ca = "ca/root.pem", server_name = "da.corp.example.test" }"#,
            ),
            ("limits", "sessions", "500"),
            ("limits", "drain_deadline", r#""2s""#),
            ("threads", "relay", "1"),
            ("threads", "handshake", "1"),
        ] {
            setup.put(section, key, value);
        }
        setup
    }

    /// Sets one key; the value is TOML.
    pub fn set(mut self, section: &str, key: &str, value: &str) -> Setup {
        self.put(section, key, value);
        self
    }

    /// Takes one key away.
    pub fn unset(mut self, section: &str, key: &str) -> Setup {
        self.sections.entry(section.to_owned()).or_default().remove(key);
        self
    }

    /// The servers of pool `main`, named `da1`, `da2`, ….
    pub fn servers(self, addresses: &[SocketAddr]) -> Setup {
        let list: Vec<String> = addresses
            .iter()
            .enumerate()
            .map(|(index, address)| format!(r#"{{ name = "da{}", address = "{address}" }}"#, index + 1))
            .collect();
        self.set("pools.main", "servers", &format!("[{}]", list.join(", ")))
    }

    /// A server that refuses every connection, for a test in which nobody is let in.
    pub fn dead_server(self) -> Setup {
        self.servers(&[SocketAddr::from(([127, 0, 0, 1], 9))])
    }

    /// The estate, for a test that writes files of its own.
    pub fn estate(&self) -> &Estate {
        &self.estate
    }

    /// Where the files are.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the configuration and gives its path, for the command line.
    pub fn write(&self) -> PathBuf {
        let file = self.path("ravelin.toml");
        std::fs::write(&file, render(&self.sections)).unwrap();
        file
    }

    /// Every problem that keeps a gateway from starting, in words; empty: it started, and was stopped.
    pub fn problems(&self) -> Vec<String> {
        let started = ravelin_config::load(&self.write()).and_then(|loaded| {
            let sinks: Vec<Box<dyn RecordSink>> = Vec::new();
            server::start(loaded, Arc::new(Metrics::new()), sinks)
        });
        started.map_or_else(|problems| problems.iter().map(ToString::to_string).collect(), |_| Vec::new())
    }

    /// Starts the gateway.
    pub fn start(self) -> Gate {
        self.start_rehearsed(Rehearsal::default())
    }

    /// Starts the gateway with what no file can ask for.
    pub fn start_rehearsed(self, rehearsal: Rehearsal) -> Gate {
        let file = self.write();
        let mut loaded = ravelin_config::load(&file).unwrap_or_else(|problems| panic!("{}", words(&problems)));
        loaded.0.rehearsal = rehearsal;
        let records = Records::default();
        let sinks: Vec<Box<dyn RecordSink>> = vec![Box::new(records.clone())];
        let running = server::start(loaded, Arc::new(Metrics::new()), sinks)
            .unwrap_or_else(|problems| panic!("{}", words(&problems)));
        Gate { running, estate: self.estate, records, folder: self.folder, sections: self.sections }
    }

    fn put(&mut self, section: &str, key: &str, value: &str) {
        self.sections.entry(section.to_owned()).or_default().insert(key.to_owned(), value.to_owned());
    }
}

impl Gate {
    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.running.addresses("edge")[0]
    }

    /// Where the files are.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `status`.
    pub fn status(&self) -> GatewayStatus {
        self.running.operations().status()
    }

    /// Changes one key in the configuration file; the gateway notices by itself, or is reported to reload.
    pub fn rewrite(&mut self, section: &str, key: &str, value: &str) {
        self.sections.entry(section.to_owned()).or_default().insert(key.to_owned(), value.to_owned());
        replace(&self.path("ravelin.toml"), render(&self.sections).as_bytes());
    }

    /// Waits for a state of the gateway.
    pub async fn wait_for(&self, what: &str, condition: impl Fn(&GatewayStatus) -> bool) {
        wait(what, || condition(&self.status())).await;
    }

    /// The gateway by itself, for a test that stops it; files live as long as the second part.
    pub fn into_running(self) -> (Running, tempfile::TempDir) {
        (self.running, self.folder)
    }

    /// A client without a certificate for site `main`.
    pub fn client(&self) -> Client {
        Client::new(self.address(), NAME).trust(&self.estate.root)
    }

    /// A client that is let in, as cheap as they come.
    pub fn good_client(&self) -> Client {
        self.client().certificate(&self.estate.clients.healthy_renewed)
    }

    /// A good client comes, has a tunnel, and goes; its record is waited for.
    pub async fn serves(&self, after: &str) {
        let seen = self.records.len();
        let mut tunnel = self
            .good_client()
            .connect()
            .await
            .unwrap_or_else(|end| panic!("{after}: a good client got {end}; {:#?}", self.records.all().last()));
        both(&mut tunnel).await.unwrap_or_else(|end| panic!("{after}: no ping: {end}"));
        tunnel.close().await.unwrap();
        tunnel.end().await;
        assert_eq!(self.records.next(seen).await["end"], "client_closed", "{after}");
    }

    /// The metrics page.
    pub fn metrics(&self) -> String {
        self.running.gateway().metrics_page()
    }
}

/// Replaces a file as careful administrators do: a new one renamed over it.
pub fn replace(path: &Path, content: &[u8]) {
    let new = path.with_extension("new.tmp");
    std::fs::write(&new, content).unwrap();
    std::fs::rename(&new, path).unwrap();
}

/// Waits, at most 20 s, until a condition holds.
pub async fn wait(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Every session record of a gateway, as JSON.
#[derive(Clone, Default)]
pub struct Records(Arc<Mutex<Vec<Value>>>);

impl RecordSink for Records {
    fn record(&self, record: &SessionRecord) {
        self.0.lock().unwrap().push(session_json(record));
    }
}

impl Records {
    /// All so far.
    pub fn all(&self) -> Vec<Value> {
        self.0.lock().unwrap().clone()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// The record after the first so many, waited for.
    pub async fn next(&self, seen: usize) -> Value {
        wait("one more record", || self.len() > seen).await;
        self.0.lock().unwrap()[seen].clone()
    }

    /// How many ended so.
    pub fn count(&self, end: &str) -> usize {
        self.all().iter().filter(|record| record["end"] == end).count()
    }

    /// Waits until one ended so, and gives the newest such record. When there is another end instead, says which.
    pub async fn ended(&self, end: &str) -> Value {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(record) = self.all().into_iter().rev().find(|record| record["end"] == end) {
                return record;
            }
            assert!(Instant::now() < deadline, "no session ended as {end}; these did: {:#?}", self.all());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn both(tunnel: &mut Tunnel) -> Result<(), End> {
    tunnel.solicit().await?;
    tunnel.ping().await
}

fn render(sections: &BTreeMap<String, BTreeMap<String, String>>) -> String {
    let mut text = String::new();
    for (section, keys) in sections {
        writeln!(text, "[{section}]").unwrap();
        for (key, value) in keys {
            writeln!(text, "{key} = {value}").unwrap();
        }
        text.push('\n');
    }
    text
}

fn words(problems: &[ravelin_config::Problem]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}
