//! A real domain controller (`tests/ad`), exported, imported, and judged by: every certificate of its test bed has the
//! verdict that is written beside it, under either mapping, at a running gateway; and what changes there is in force with
//! the next export.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use ravelin_lab::client::{Client, Tunnel};
use ravelin_lab::end::End;
use ravelin_lab::pki::Key;
use ravelin_lab::server::{Server, ServerSpec};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use crate::support::{Gate, NAME, Setup, ravelin, skip, wait};

const ADDRESS: &str = "127.77.0.11";
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
struct Controller {
    folder: tempfile::TempDir,
    environment: BTreeMap<String, String>,
}

fn bed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ad")
}

impl Controller {
    /// Starts one; `None`, loudly, where that is not possible.
    fn start(test: &str) -> Option<Controller> {
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
        up.arg(bed().join("up.sh")).arg(folder.path()).arg(ADDRESS).stdin(Stdio::null()).stdout(said).stderr(errors);
        assert!(up.status().unwrap().success(), "{}", fs::read_to_string(&log).unwrap());
        let environment = fs::read_to_string(folder.path().join("ad.env")).unwrap();
        let environment = environment
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned()))
            .collect();
        Some(Controller { folder, environment })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn of(&self, variable: &str) -> &str {
        &self.environment[variable]
    }

    /// An LDAP tool, bound as one of the accounts.
    fn tool(&self, name: &str, account: &str) -> Command {
        let mut command = Command::new(name);
        command.env("LDAPTLS_CACERT", self.of("AD_CA_FILE")).args(["-x", "-H", self.of("AD_LDAPS_URL")]);
        command.args(["-D", self.of(&format!("{account}_DN")), "-w", self.of(&format!("{account}_PASSWORD"))]);
        command
    }

    /// What an administrator exports as a plain domain user, made into a snapshot.
    fn snapshot(&self) -> PathBuf {
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
        let snapshot = self.path("directory.snapshot");
        let mut import = Command::new(ravelin());
        import.args(["directory", "import", "--ldif"]).arg(self.path("export.ldif")).arg("--snapshot").arg(&snapshot);
        let output = import.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        snapshot
    }

    /// Changes entries, in LDIF.
    fn change(&self, ldif: &str) {
        let mut modify = self.tool("ldapmodify", "AD_ADMIN_BIND");
        let mut modify = modify.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        modify.stdin.take().unwrap().write_all(ldif.as_bytes()).unwrap();
        assert!(modify.wait().unwrap().success(), "{ldif}");
    }

    /// A gateway that judges by this controller's snapshot, and the server behind it.
    async fn gate(&self, snapshot: &Path, mapping: &str) -> (Gate, Server) {
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
    fn client(&self, gate: &Gate, name: &str) -> Client {
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

/// Covers: traps rows 47, 48, 49, 50, 51, 67 (each end to end).
#[tokio::test(flavor = "multi_thread")]
async fn every_certificate_has_its_verdict_and_changes_count() {
    let Some(controller) = Controller::start("every_certificate_has_its_verdict_and_changes_count") else { return };
    let snapshot = controller.snapshot();
    let cases = fs::read_to_string(controller.of("AD_CASES")).unwrap();
    let cases: Vec<Vec<&str>> =
        cases.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect()).collect();
    let (mut verdicts, mut wrong) = (0, Vec::new());
    for (mapping, column) in [("strong", 2), ("compatible", 3)] {
        let (gate, _server) = controller.gate(&snapshot, mapping).await;
        for case in &cases {
            let (name, expected, why) = (case[0], case[column], case[4]);
            let seen = gate.records.len();
            let met = controller.client(&gate, name).connect().await;
            let got = if met.is_ok() { "ALLOW" } else { "DENY" };
            let told = match met {
                Ok(tunnel) => {
                    tunnel.close().await.unwrap();
                    "a tunnel".to_owned()
                }
                Err(end) => format!("{end}: {}", gate.records.next(seen).await["end"]),
            };
            verdicts += 1;
            if got != expected {
                wrong.push(format!("{name}, {mapping}: {got}, not {expected} ({why}); it got {told}"));
            }
            wait("its record", || gate.records.len() > seen).await;
        }
        // Refused by rule, and never for want of something.
        for record in gate.records.all() {
            let end = record["end"].as_str().unwrap();
            assert!(!["handshake_failed", "directory_unavailable", "directory_stale"].contains(&end), "{record:#}");
        }
    }
    println!("{verdicts} verdicts, {} not as expected", wrong.len());
    assert!(wrong.is_empty() && verdicts == 136, "{verdicts} verdicts, of them wrong:\n{}", wrong.join("\n"));
    changes(&controller).await;
}

/// Disabled, taken out of a nested group, renamed, deleted, enabled again.
async fn changes(controller: &Controller) {
    let snapshot = controller.snapshot();
    let (gate, _server) = controller.gate(&snapshot, "strong").await;
    let (computers, groups) =
        (controller.of("AD_COMPUTER_OU"), format!("OU=DA Groups,{}", controller.of("AD_BASE_DN")));
    let replace = |name: &str, attribute: &str, value: &str| {
        format!("dn: CN={name},{computers}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n\n")
    };
    let renamed = [
        replace("PC-PRIMARY", "sAMAccountName", "PC-OTHER$"),
        replace("PC-PRIMARY", "dNSHostName", "pc-other.corp.example.test"),
        replace("PC-PRIMARY", "servicePrincipalName", "HOST/pc-other.corp.example.test"),
    ];
    for (what, client, change, label) in [
        ("disabled", "pc-ok", replace("PC-OK", "userAccountControl", "4098"), "account_disabled"),
        (
            "out of a nested group",
            "pc-nested",
            format!("dn: CN=DA Europe,{groups}\nchangetype: modify\ndelete: member\nmember: CN=DA Berlin,{groups}\n\n"),
            "group_missing",
        ),
        ("renamed", "pc-primary", renamed.concat(), "account_not_found"),
        ("deleted", "pc-loop", format!("dn: CN=PC-LOOP,{computers}\nchangetype: delete\n\n"), "account_not_found"),
    ] {
        let mut tunnel: Tunnel = controller.client(&gate, client).connect().await.unwrap();
        controller.change(&change);
        let (began, seen) = (Instant::now(), gate.records.len());
        controller.snapshot();
        assert_eq!(tunnel.end().await, End::CloseNotify, "{what}");
        println!("{what}: its tunnel is cut {:.1} s after the export began", began.elapsed().as_secs_f64());
        let record = gate.records.next(seen).await;
        assert_eq!(record["end"], label, "{what}: {record:#}");
        assert!(controller.client(&gate, client).connect().await.is_err(), "{what}");
    }
    controller.change(&replace("PC-OK", "userAccountControl", "4096"));
    let (began, before) = (Instant::now(), gate.status().generation);
    controller.snapshot();
    gate.wait_for("the new snapshot", |status| status.generation > before).await;
    controller.client(&gate, "pc-ok").connect().await.unwrap();
    println!("enabled again: let in {:.1} s after the export began", began.elapsed().as_secs_f64());
}
