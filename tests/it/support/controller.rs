//! A real domain controller (`tests/ad`), and what an administrator does with it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ravelin_lab::client::Client;
use ravelin_lab::pki::Key;
use ravelin_lab::server::{Server, ServerSpec};
use rustix::process::{Pid, Signal, kill_process};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use super::{Gate, NAME, Setup, ravelin, skip};

/// What a decision needs, and nothing else.
const ATTRIBUTES: [&str; 17] = [
    "objectClass",
    "objectCategory",
    "objectGUID",
    "objectSid",
    "sAMAccountName",
    "dNSHostName",
    "servicePrincipalName",
    "userAccountControl",
    "accountExpires",
    "altSecurityIdentities",
    "primaryGroupID",
    "memberOf",
    "groupType",
    "nCName",
    "nETBIOSName",
    "cACertificate",
    "distinguishedName",
];

/// A running domain controller. Stopped when dropped.
pub struct Controller {
    folder: tempfile::TempDir,
    environment: BTreeMap<String, String>,
}

fn bed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ad")
}

impl Controller {
    /// Starts one on a loopback address of its own; `None`, loudly, where that is not possible.
    pub fn start(test: &str, address: &str) -> Option<Controller> {
        let there = |command: &str| {
            let folders = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&folders).any(|folder| folder.join(command).is_file())
        };
        let all = ["samba", "samba-tool", "ldapsearch", "ldapmodify", "openssl"].into_iter().all(there);
        if !rustix::process::geteuid().is_root() || !all {
            skip(test, "needs root, and the packages of tests/ad/install.sh");
            return None;
        }
        // Short: Unix sockets lie in it.
        let folder = tempfile::Builder::new().prefix("rv-ad").tempdir_in("/tmp").unwrap();
        // Not a pipe: the controller, which stays, would hold it open.
        let log = folder.path().join("up.log");
        let (said, errors) = (File::create(&log).unwrap(), File::options().append(true).open(&log).unwrap());
        let mut up = Command::new("bash");
        up.arg(bed().join("up.sh")).arg(folder.path()).arg(address).stdin(Stdio::null()).stdout(said).stderr(errors);
        assert!(up.status().unwrap().success(), "{}", fs::read_to_string(&log).unwrap());
        let environment = fs::read_to_string(folder.path().join("ad.env")).unwrap();
        let environment = environment
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned()))
            .collect();
        Some(Controller { folder, environment })
    }

    /// A file in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What `ad.env` says.
    pub fn of(&self, variable: &str) -> &str {
        &self.environment[variable]
    }

    /// An LDAP tool, bound as one of the accounts.
    pub fn tool(&self, name: &str, account: &str) -> Command {
        let mut command = Command::new(name);
        command.env("LDAPTLS_CACERT", self.of("AD_CA_FILE")).args(["-x", "-H", self.of("AD_LDAPS_URL")]);
        command.args(["-D", self.of(&format!("{account}_DN")), "-w", self.of(&format!("{account}_PASSWORD"))]);
        command
    }

    /// What an administrator exports as a plain domain user, made into a snapshot.
    pub fn import(&self) -> PathBuf {
        let base = self.of("AD_BASE_DN");
        let computers = "(|(objectClass=domainDNS)(objectClass=group)(objectCategory=computer))";
        let forest = "(|(objectClass=crossRef)(cn=NTAuthCertificates))";
        let mut export = File::create(self.path("export.ldif")).unwrap();
        for (base, filter) in [(base.to_owned(), computers), (format!("CN=Configuration,{base}"), forest)] {
            let mut search = self.tool("ldapsearch", "AD_BIND");
            search.args(["-LLL", "-E", "pr=500/noprompt", "-b", &base, filter]).args(ATTRIBUTES);
            let output = search.output().unwrap();
            assert!(output.status.success(), "{output:?}");
            export.write_all(&output.stdout).unwrap();
            export.write_all(b"\n").unwrap();
        }
        drop(export);
        let snapshot = self.path("imported.snapshot");
        let mut import = Command::new(ravelin());
        import.args(["directory", "import", "--ldif"]).arg(self.path("export.ldif")).arg("--snapshot").arg(&snapshot);
        let output = import.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        snapshot
    }

    /// A configuration of `ravelin sync` that reads this controller as `account` (`AD_BIND`, `AD_SYNC_BIND`), with more keys
    /// of the table.
    pub fn sync_config(&self, account: &str, more: &str) -> PathBuf {
        self.sync_config_as(self.of(&format!("{account}_DN")), self.of(&format!("{account}_PASSWORD")), more)
    }

    /// The same as whoever this is.
    pub fn sync_config_as(&self, name: &str, password: &str, more: &str) -> PathBuf {
        fs::write(self.path("reader.pass"), password).unwrap();
        fs::set_permissions(self.path("reader.pass"), fs::Permissions::from_mode(0o600)).unwrap();
        let text = format!(
            "[sync]\nsnapshot = {:?}\nlisten = \"127.0.0.1:0\"\n{more}\n[[sync.domains]]\ndomain = {:?}\n\
             controllers = [{{ url = \"ldaps://{}\", address = \"{}:636\" }}]\nca = {:?}\nbind = {name:?}\n\
             password_file = {:?}\n",
            self.path("directory.snapshot"),
            self.of("AD_DNS_DOMAIN"),
            self.of("AD_HOST"),
            self.of("AD_IP"),
            self.of("AD_CA_FILE"),
            self.path("reader.pass"),
        );
        fs::write(self.path("sync.toml"), text).unwrap();
        self.path("sync.toml")
    }

    /// `ravelin sync --once` as a plain domain user: the snapshot.
    pub fn synced(&self) -> PathBuf {
        let mut sync = Command::new(ravelin());
        let output = sync.args(["sync", "--once", "--config"]).arg(self.sync_config("AD_BIND", "")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.path("directory.snapshot")
    }

    /// The value of one attribute of an account, as an administrator sees it.
    pub fn attribute(&self, sam: &str, attribute: &str) -> String {
        let filter = format!("(sAMAccountName={sam})");
        let mut search = self.tool("ldapsearch", "AD_ADMIN_BIND");
        let output = search.args(["-LLL", "-b", self.of("AD_BASE_DN"), &filter, attribute]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{attribute}: ")).map(str::to_owned));
        line.unwrap_or_default()
    }

    /// Stops it in its tracks, or lets it go on.
    pub fn signal(&self, signal: Signal) {
        let pid = fs::read_to_string(self.of("AD_PID_FILE")).unwrap().trim().parse().unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Changes entries, in LDIF.
    pub fn change(&self, ldif: &str) {
        let mut modify = self.tool("ldapmodify", "AD_ADMIN_BIND");
        let mut modify = modify.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        modify.stdin.take().unwrap().write_all(ldif.as_bytes()).unwrap();
        assert!(modify.wait().unwrap().success(), "{ldif}");
    }

    /// A gateway that judges by this controller's snapshot, and the server behind it.
    pub async fn gate(&self, snapshot: &Path, mapping: &str) -> (Gate, Server) {
        let lists = ["issuing", "root", "partner-root"].map(|name| format!("{}/{name}.crl", self.of("AD_CRL_DIR")));
        let directory = format!(
            r#"{{ snapshot = {snapshot:?}, mapping = "{mapping}", allow_groups = ['CORP\DirectAccess Clients'], deny_groups = ["DirectAccess Blocked"] }}"#
        );
        let setup = Setup::new()
            .set("policies.main", "trust_anchors", &format!("[{:?}]", self.of("AD_CLIENT_ROOTS")))
            .unset("policies.main", "intermediates")
            .unset("policies.main", "names")
            .set("policies.main", "revocation", &format!(r#"{{ crls = {lists:?}, unknown = "allow" }}"#))
            .set("policies.main", "directory", &directory)
            .set("limits", "tunnels_per_identity", "100");
        let server = ServerSpec::tls(&setup.estate().server).start().await.unwrap();
        (setup.servers(&[server.address()]).start(), server)
    }

    /// The client with one of the test bed's certificates.
    pub fn client(&self, gate: &Gate, name: &str) -> Client {
        let file = |kind: &str| format!("{}/{name}.{kind}", self.of("AD_CERT_DIR"));
        let chain = CertificateDer::pem_file_iter(file("chain.pem")).unwrap();
        let chain = chain.map(|certificate| certificate.unwrap().to_vec()).collect();
        let key = PrivatePkcs8KeyDer::from_pem_file(file("key")).unwrap();
        let key = Key::from_pkcs8(key.secret_pkcs8_der()).unwrap_or_else(|| panic!("the key of {name}"));
        Client::new(gate.address(), NAME).trust(&gate.estate.root).chain(chain, &key)
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        // It may have ended; what is left in its folder goes with that.
        let _ = Command::new("bash").arg(bed().join("down.sh")).arg(self.folder.path()).stdout(Stdio::null()).status();
    }
}
