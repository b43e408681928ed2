//! Reloads while clients come and go: nobody is refused, no tunnel notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ravelin_lab::client::Client;
use ravelin_lab::server::ServerSpec;
use ravelin_ops::operator::Operator;

use crate::support::Setup;

#[tokio::test(flavor = "multi_thread")]
async fn clients_come_while_generations_go() {
    let setup = Setup::new().set("limits", "unauthenticated_per_source", "400");
    let server = ServerSpec::tls(&setup.estate().server).start().await.unwrap();
    let gate = setup.servers(&[server.address()]).start();
    let client = Client::new(gate.address(), "da.corp.example.test").trust(&gate.estate.root);
    let client = client.certificate(&gate.estate.clients.healthy_renewed);
    let mut stays = client.connect().await.unwrap();
    let (done, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let coming = {
        let (client, done, served) = (client.clone(), Arc::clone(&done), Arc::clone(&served));
        tokio::spawn(async move {
            while !done.load(Ordering::Relaxed) {
                let mut tunnel = client.connect().await.expect("a client was lost");
                tunnel.ping().await.unwrap();
                tunnel.close().await.unwrap();
                tunnel.end().await;
                served.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    for round in 0..20 {
        let operations = gate.running.operations().clone();
        let report = tokio::task::spawn_blocking(move || operations.reload(false)).await.unwrap();
        assert!(report.accepted && report.withdrawn.is_empty(), "round {round}: {report:?}");
        stays.ping().await.unwrap();
    }
    crate::support::wait("clients during the reloads", || served.load(Ordering::Relaxed) > 10).await;
    done.store(true, Ordering::Relaxed);
    coming.await.unwrap();
    assert_eq!(gate.status().generation, 21);
    let others: Vec<_> = gate.records.all().into_iter().filter(|record| record["end"] != "client_closed").collect();
    assert!(others.is_empty(), "{others:#?}");
}

/// Listeners are opened and closed by a reload; an address that cannot be had changes nothing.
#[tokio::test]
async fn listeners_come_and_go() {
    let setup = Setup::new();
    let server = ServerSpec::tls(&setup.estate().server).start().await.unwrap();
    let mut gate = setup.servers(&[server.address()]).start();
    let connects = |address| std::net::TcpStream::connect_timeout(&address, std::time::Duration::from_secs(2)).is_ok();
    let old = gate.address();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    gate.rewrite("listeners.edge", "bind", &format!(r#"["{}"]"#, taken.local_addr().unwrap()));
    let report = gate.running.operations().reload(false);
    assert!(!report.accepted && report.problems[0].contains("cannot listen"), "{report:?}");
    assert!(connects(old));
    let free = taken.local_addr().unwrap();
    drop(taken);
    let report = gate.running.operations().reload(false);
    assert!(report.accepted, "{report:?}");
    assert!(connects(free));
    crate::support::wait("the old address to close", || !connects(old)).await;
}

/// A dry run tells who would be cut and changes nothing.
#[tokio::test]
async fn dry_run() {
    let setup = Setup::new();
    let server = ServerSpec::tls(&setup.estate().server).start().await.unwrap();
    let mut gate = setup.servers(&[server.address()]).start();
    let client = Client::new(gate.address(), "da.corp.example.test").trust(&gate.estate.root);
    let mut tunnel = client.certificate(&gate.estate.clients.healthy).connect().await.unwrap();
    gate.rewrite("policies.main", "names", r#"{ allow = ["*.elsewhere.example.test"] }"#);
    let report = gate.running.operations().reload(true);
    assert!(report.dry_run && report.accepted, "{report:?}");
    assert_eq!(report.withdrawn.len(), 1);
    assert_eq!(report.withdrawn[0].identity, "pc01.corp.example.test");
    assert_eq!(report.withdrawn[0].reason, "name_not_allowed");
    assert_eq!(gate.status().generation, 1);
    tunnel.ping().await.unwrap();
}
