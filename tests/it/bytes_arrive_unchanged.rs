//! What goes in comes out: both directions at once, both TLS versions, both kinds of upstream, hashes compared.

use ravelin_lab::bulk::Pattern;
use ravelin_lab::client::{Client, Versions};
use ravelin_lab::server::{Body, ServerSpec};

use crate::support::Setup;

/// Enough for thousands of records and many full buffers each way.
const BYTES: u64 = 48 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_at_once() {
    for plain in [false, true] {
        for versions in [Versions::Tls12, Versions::Tls13] {
            let setup = Setup::new();
            let spec = if plain { ServerSpec::plain() } else { ServerSpec::tls(&setup.estate().server) };
            let server = spec.body(Body::Bulk { send: BYTES }).start().await.unwrap();
            let setup = if plain { setup.set("pools.main", "upstream", r#"{ mode = "offload" }"#) } else { setup };
            let gate = setup.servers(&[server.address()]).start();
            let client = Client::new(gate.address(), "da.corp.example.test").trust(&gate.estate.root);
            let client = client.certificate(&gate.estate.clients.healthy).versions(versions);
            let mut tunnel = client.connect().await.unwrap();
            let report = tunnel.bulk(7, BYTES, BYTES).await.unwrap();
            tunnel.close().await.unwrap();
            let visits = server.wait_until("all bytes", |visits| visits[0].received_sha256.is_some()).await;
            assert_eq!(visits[0].received, BYTES);
            assert_eq!(visits[0].received_sha256.as_deref(), Some(report.sent_sha256.as_str()), "to the server");
            assert_eq!(visits[0].sent_sha256.as_deref(), Some(report.received_sha256.as_str()), "to the client");
            assert_eq!(report.sent_sha256, Pattern::sha256_of(7, BYTES));
            let record = gate.records.ended("client_closed").await;
            assert_eq!((&record["to_server_bytes"], &record["to_client_bytes"]), (&BYTES.into(), &BYTES.into()));
        }
    }
}
