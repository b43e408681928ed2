//! Who a controller must prove to be, and who asks: certificates, names, StartTLS, a client certificate instead of a password.

use std::process::{Command, Output};

use ravelin_lab::pki::{Authority, CertificateSpec};

use crate::support::fake_controller::{DOMAIN, FakeController, FakeEstate, read_snapshot};
use crate::support::{ravelin, unix_now};

fn once(estate: &FakeEstate, controller: &FakeController, keys: &str) -> Output {
    let config = estate.config_of(&[(DOMAIN, &[controller], keys)], "");
    let mut sync = Command::new(ravelin());
    sync.args(["sync", "--once", "--config"]).arg(config).output().unwrap()
}

fn fails_by_tls(output: &Output, words: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("error: corp.example.test: tls: ") && said.contains(words), "{said}");
}

#[test]
fn an_unverified_controller_gets_no_password() {
    let estate = FakeEstate::new();
    let of_another_name = estate.root.issue(CertificateSpec::server(&["dc9.corp.example.test"]));
    let stranger = Authority::root("Strangers", unix_now()).issue(CertificateSpec::server(&["dc1.corp.example.test"]));
    let past = CertificateSpec::server(&["dc1.corp.example.test"]).not_after(unix_now() - 3_600);
    let past = estate.root.issue(past.not_before(unix_now() - 86_400));
    for (certificate, words) in
        [(of_another_name, "not valid for name"), (stranger, "UnknownIssuer"), (past, "expired")]
    {
        let controller = FakeController::showing(&estate, &certificate, DOMAIN, 1, false);
        fails_by_tls(&once(&estate, &controller, ""), words);
        assert_eq!(controller.binds(), 0, "{words}");
    }
}

#[test]
fn start_tls_where_it_is_asked_for() {
    let estate = FakeEstate::new();
    let controller = FakeController::of(&estate, DOMAIN, "dc1", 3, true);
    let output = once(&estate, &controller, "start_tls = true");
    assert!(output.status.success(), "{output:?}");
    assert_eq!((read_snapshot(&estate.snapshot()).data.accounts.len(), controller.binds()), (3, 1));
    let of_another_name = estate.root.issue(CertificateSpec::server(&["dc9.corp.example.test"]));
    let controller = FakeController::showing(&estate, &of_another_name, DOMAIN, 1, true);
    fails_by_tls(&once(&estate, &controller, "start_tls = true"), "not valid for name");
    assert_eq!(controller.binds(), 0);
}

#[test]
fn a_certificate_instead_of_a_password() {
    let estate = FakeEstate::new();
    let controller = FakeController::start(&estate, 3);
    let reader = estate.root.issue(CertificateSpec::client("reader.corp.example.test"));
    std::fs::write(estate.path("reader.pem"), reader.chain_pem()).unwrap();
    std::fs::write(estate.path("reader.key"), reader.key_pem()).unwrap();
    let output = once(&estate, &controller, "certificate = { chain = \"reader.pem\", key = \"reader.key\" }");
    assert!(output.status.success(), "{output:?}");
    assert_eq!((controller.binds(), controller.certified()), (0, 1));
    assert_eq!(read_snapshot(&estate.snapshot()).data.accounts.len(), 3);
}

#[test]
fn a_credential_of_systemd_and_a_signed_snapshot() {
    let estate = FakeEstate::new();
    let controller = FakeController::start(&estate, 3);
    std::fs::create_dir(estate.path("credentials")).unwrap();
    std::fs::write(estate.path("credentials/reader"), "Secret").unwrap();
    let key = ["openssl", "genpkey", "-algorithm", "ed25519", "-out"];
    let Some(output) = crate::support::run(Command::new(key[0]).args(&key[1..]).arg(estate.path("sync.key"))) else {
        return crate::support::skip("a_credential_of_systemd_and_a_signed_snapshot", "needs openssl");
    };
    assert!(output.status.success());
    let config = estate.config(&[&controller], "signing_key = \"sync.key\"");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("password_file = \"reader.pass\"", "password_credential = \"reader\""))
        .unwrap();
    let sync = |credentials: bool| {
        let mut command = Command::new(ravelin());
        command.args(["sync", "--once", "--config"]).arg(&config).env_remove("CREDENTIALS_DIRECTORY");
        if credentials {
            command.env("CREDENTIALS_DIRECTORY", estate.path("credentials"));
        }
        command.output().unwrap()
    };
    let output = sync(false);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("LoadCredential="), "{said}");
    let output = sync(true);
    assert!(output.status.success(), "{output:?}");
    let snapshot = std::fs::read(estate.snapshot()).unwrap();
    assert!(!String::from_utf8_lossy(&snapshot[..600]).contains("signature: none"));
}

/// A file with nothing but `[sync]` is enough for `sync` and `check`, and is none for a gateway; the other way, too.
#[test]
fn a_file_of_the_companions_own() {
    let estate = FakeEstate::new();
    let controller = FakeController::start(&estate, 3);
    let config = estate.config(&[&controller], "");
    let run = |arguments: &[&str], config: &std::path::Path| {
        let output = Command::new(ravelin()).args(arguments).arg("--config").arg(config).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said, String::from_utf8(output.stdout).unwrap())
    };
    let (code, said, printed) = run(&["check"], &config);
    assert_eq!(code, Some(0), "{said}");
    assert!(printed.contains("poll = \"30s\"") && printed.contains("resync = \"15m\""), "{printed}");
    assert!(!printed.contains("Secret") && !said.contains("Secret"));
    let (code, said, _) = run(&["run"], &config);
    assert!(code == Some(2) && said.contains("there is no listener"), "{said}");
    std::fs::write(estate.path("gateway.toml"), "[log]\nlevel = \"info\"\n").unwrap();
    let (code, said, _) = run(&["sync", "--once"], &estate.path("gateway.toml"));
    assert!(code == Some(2) && said.contains("there is nothing to fetch: write a table [sync]"), "{said}");
    std::fs::remove_file(estate.path("root.pem")).unwrap();
    let (code, said, _) = run(&["check"], &config);
    assert!(code == Some(2) && said.contains("root.pem: sync.domains[0].ca: cannot be read"), "{said}");
    assert_eq!(controller.connections(), 0, "a check asks nobody");
}
