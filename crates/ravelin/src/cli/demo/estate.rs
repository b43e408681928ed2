//! The demo's estate: certificates, two stand-ins, a configuration file, all in a folder that goes with it.

use std::io;
use std::path::PathBuf;

use ravelin_lab::pki::Estate;
use ravelin_lab::server::{Server, ServerSpec};
use tempfile::TempDir;

use super::directory;

/// Everything the demo needs besides the gateway.
pub(super) struct DemoEstate {
    /// The certificates.
    pub(super) pki: Estate,
    servers: Vec<Server>,
    folder: TempDir,
}

impl DemoEstate {
    /// Makes the certificates, starts two stand-ins, writes the configuration.
    pub(super) async fn build() -> io::Result<DemoEstate> {
        let now = ravelin_lab::clock::now();
        let pki = Estate::standard(now);
        let folder = tempfile::Builder::new().prefix("ravelin-demo-").tempdir()?;
        pki.write(folder.path())?;
        let servers = vec![ServerSpec::tls(&pki.server).start().await?, ServerSpec::tls(&pki.server).start().await?];
        let estate = DemoEstate { pki, servers, folder };
        std::fs::write(estate.config_file(), estate.config_text())?;
        let snapshot = directory::snapshot(&estate.pki, now).map_err(io::Error::other)?;
        std::fs::write(estate.folder.path().join("directory.snapshot"), snapshot)?;
        Ok(estate)
    }

    /// The configuration.
    pub(super) fn config_file(&self) -> PathBuf {
        self.folder.path().join("ravelin.toml")
    }

    /// Where `ravelin status --control` finds the gateway.
    pub(super) fn control_socket(&self) -> PathBuf {
        self.folder.path().join("control.sock")
    }

    /// Connections that the stand-ins have seen.
    pub(super) fn visits(&self) -> usize {
        self.servers.iter().map(|server| server.visits().len()).sum()
    }

    fn config_text(&self) -> String {
        let servers: Vec<String> = self
            .servers
            .iter()
            .enumerate()
            .map(|(index, server)| format!("{{ name = \"da{}\", address = \"{}\" }}", index + 1, server.address()))
            .collect();
        format!(
            r#"[admin]
listen = "127.0.0.1:0"
control = "control.sock"

[listeners.edge]
bind = ["127.0.0.1:0"]
sites = ["demo"]

[sites.demo]
server_names = ["da.corp.example.test"]
certificates = [
  {{ chain = "tls/face-rsa.pem", key = "tls/face-rsa.key" }},
  {{ chain = "tls/face-ecdsa.pem", key = "tls/face-ecdsa.key" }},
]
policy = "domain-computers"
pool = "demo"

[policies.domain-computers]
trust_anchors = ["ca/root.pem"]
intermediates = ["ca/issuing.pem", "ca/issuing-renewed.pem"]
names = {{ allow = ["*.corp.example.test"], deny = ["pc-lost.corp.example.test"] }}
revocation = {{ crls = ["crl"], check = "chain" }}
directory = {{ snapshot = "directory.snapshot", allow_groups = ['CORP\DirectAccess Clients'] }}

[pools.demo]
servers = [{}]
upstream = {{ mode = "bridge", ca = "ca/root.pem", server_name = "da.corp.example.test" }}

[limits]
sessions = 100
drain_deadline = "1s"
"#,
            servers.join(", ")
        )
    }
}
