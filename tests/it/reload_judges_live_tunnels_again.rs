//! A reload takes effect on live tunnels: exactly those that the new generation denies are cut, each with its reason; the
//! others do not notice. A broken configuration changes nothing.

use std::net::TcpListener;

use ravelin_lab::client::Client;
use ravelin_lab::end::End;
use ravelin_lab::pki::{CrlEntry, CrlSpec};
use ravelin_lab::server::ServerSpec;
use ravelin_ops::operator::Operator;

use crate::support::{Setup, replace, wait};

/// Covers: docs/traps.md row 64 (one revoked certificate closes everybody), row 65 (the same list again cuts nobody anew).
#[tokio::test]
async fn revoked_while_connected() {
    let setup = Setup::new();
    let server = ServerSpec::tls(&setup.estate().server).start().await.unwrap();
    let gate = setup.servers(&[server.address()]).start();
    let clients = gate.estate.clients.clone();
    let connect =
        |issued| Client::new(gate.address(), "da.corp.example.test").trust(&gate.estate.root).certificate(issued);
    let mut stays = connect(&clients.healthy).connect().await.unwrap();
    let mut falls = connect(&clients.healthy_no_subject).connect().await.unwrap();
    stays.solicit().await.unwrap();
    falls.solicit().await.unwrap();
    let list = |number: u64| {
        let entry = |issued: &ravelin_lab::pki::Issued| CrlEntry::new(&issued.serial);
        let spec =
            CrlSpec::new().number(number).entry(entry(&clients.revoked)).entry(entry(&clients.healthy_no_subject));
        gate.estate.issuing.crl(spec).pem()
    };
    // Noticed without being told.
    replace(&gate.path("crl/issuing.crl"), list(42).as_bytes());
    assert_eq!(falls.end().await, End::CloseNotify);
    let record = gate.records.ended("revoked").await;
    assert_eq!(record["identity"]["dns_names"][0], "pc03.corp.example.test");
    assert_eq!(record["generation"], 2, "the one that knew better");
    stays.ping().await.unwrap();
    assert_eq!(connect(&clients.healthy_no_subject).refused().await, End::Alert(44));
    // The same list, written again.
    wait("both records", || gate.records.count("revoked") == 2).await;
    replace(&gate.path("crl/issuing.crl"), list(42).as_bytes());
    let generation = gate.status().generation;
    gate.wait_for("the reload", |status| status.generation > generation).await;
    assert_eq!(gate.records.count("revoked"), 2);
    stays.ping().await.unwrap();
}

#[tokio::test]
async fn a_broken_configuration_keeps_the_old_one() {
    let setup = Setup::new();
    let server = ServerSpec::tls(&setup.estate().server).start().await.unwrap();
    let mut gate = setup.servers(&[server.address()]).start();
    gate.rewrite("policies.main", "trust_anchors", r#"["ca/nowhere.pem"]"#);
    let report = gate.running.operations().reload(false);
    assert!(!report.accepted && report.problems.iter().any(|line| line.contains("ca/nowhere.pem")), "{report:?}");
    assert!(gate.metrics().contains("ravelin_config_last_reload_successful 0"));
    let client = Client::new(gate.address(), "da.corp.example.test").trust(&gate.estate.root);
    client.certificate(&gate.estate.clients.healthy).connect().await.unwrap().close().await.unwrap();
    gate.rewrite("policies.main", "trust_anchors", r#"["ca/root.pem"]"#);
    let report = gate.running.operations().reload(false);
    assert!(report.accepted, "{report:?}");
    assert!(gate.metrics().contains("ravelin_config_last_reload_successful 1"));
}

#[tokio::test]
async fn the_file_that_a_refused_configuration_lacked_is_noticed() {
    let mut gate = Setup::new().dead_server().start();
    gate.rewrite("policies.main", "trust_anchors", r#"["ca/late.pem"]"#);
    gate.wait_for("the refusal", |status| status.last_reload.as_ref().is_some_and(|last| !last.accepted)).await;
    let root = std::fs::read(gate.path("ca/root.pem")).unwrap();
    replace(&gate.path("ca/late.pem"), &root);
    gate.wait_for("the reload", |status| status.generation == 2).await;
}

#[tokio::test]
async fn a_refused_reload_is_tried_again() {
    let mut gate = Setup::new().dead_server().start();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let bind = format!(r#"["127.0.0.1:0", "{}"]"#, taken.local_addr().unwrap());
    gate.rewrite("listeners.edge", "bind", &bind);
    gate.wait_for("the refusal", |status| status.last_reload.as_ref().is_some_and(|last| !last.accepted)).await;
    drop(taken);
    gate.wait_for("the reload", |status| status.generation == 2).await;
    assert_eq!(gate.status().last_reload.unwrap().trigger, "retry");
}
