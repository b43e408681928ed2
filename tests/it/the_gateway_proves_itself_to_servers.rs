//! A server that demands a certificate gets the gateway's own, from PEM and from PFX; without one, or with one it does not
//! trust, it takes nothing. The client's certificate never travels on.

use std::process::Command;

use ravelin_lab::client::Client;
use ravelin_lab::end::End;
use ravelin_lab::server::{Server, ServerSpec};

use crate::support::{Gate, Setup};

async fn demanding(setup: &Setup) -> Server {
    let estate = setup.estate();
    ServerSpec::tls(&estate.server).demand_certificate(&estate.root).start().await.unwrap()
}

fn upstream(certificate: &str) -> String {
    format!(r#"{{ mode = "bridge", ca = "ca/root.pem", server_name = "da.corp.example.test"{certificate} }}"#)
}

fn client(gate: &Gate) -> Client {
    let client = Client::new(gate.address(), "da.corp.example.test").trust(&gate.estate.root);
    client.certificate(&gate.estate.clients.healthy)
}

#[tokio::test]
async fn with_a_certificate_of_its_own() {
    let pfx = Setup::new();
    let made = Command::new("openssl")
        .args(["pkcs12", "-export", "-passout", "pass:gate", "-in"])
        .arg(pfx.path("clients/healthy-renewed.pem"))
        .arg("-inkey")
        .arg(pfx.path("clients/healthy-renewed.key"))
        .arg("-out")
        .arg(pfx.path("gateway.pfx"))
        .status();
    let mut cases = vec![(
        Setup::new(),
        r#", certificate = { chain = "clients/healthy-renewed.pem", key = "clients/healthy-renewed.key" }"#,
    )];
    match made {
        Ok(status) => {
            assert!(status.success());
            std::fs::write(pfx.path("gateway.pass"), "gate\n").unwrap();
            cases.push((pfx, r#", certificate = { pfx = "gateway.pfx", password_file = "gateway.pass" }"#));
        }
        Err(error) => eprintln!("skip gateway certificate from PFX: openssl: {error}"),
    }
    for (setup, certificate) in cases {
        let server = demanding(&setup).await;
        let own = setup.estate().clients.healthy_renewed.clone();
        let gate = setup.set("pools.main", "upstream", &upstream(certificate)).servers(&[server.address()]).start();
        client(&gate).connect().await.unwrap().ping().await.unwrap();
        let visits = server.wait_until("the tunnel", |visits| visits.iter().any(|visit| visit.accepted)).await;
        assert_eq!(visits[0].client_chain.first(), own.chain().first(), "{certificate}");
    }
}

#[tokio::test]
async fn without_a_certificate_or_with_an_unknown_one() {
    for certificate in ["", r#", certificate = { chain = "clients/partner.pem", key = "clients/partner.key" }"#] {
        let setup = Setup::new();
        let server = demanding(&setup).await;
        let gate = setup.set("pools.main", "upstream", &upstream(certificate)).servers(&[server.address()]).start();
        // Under TLS 1.3 a client learns of the refusal with its first read: then it is the server that failed.
        assert_eq!(client(&gate).refused().await, End::Reset, "{certificate}");
        crate::support::wait("the record", || !gate.records.all().is_empty()).await;
        let record = gate.records.all().pop().unwrap();
        assert!(["no_server", "server_failed"].contains(&record["end"].as_str().unwrap()), "{record:#}");
        assert!(server.visits().iter().all(|visit| !visit.accepted));
    }
}
