//! A stranger cannot make the gateway ask anybody anything: addresses in a certificate are not followed, whoever issued it.

use std::net::SocketAddr;

use ravelin_lab::pki::CertificateSpec;
use tokio::net::TcpListener;

use crate::support::{Setup, gate_and_server};

/// Covers: docs/traps.md rows 34, 35, 36, 37, 38, 39. Neither CRLs, nor OCSP responders, nor issuers' certificates are
/// fetched, in the handshake or after: not for an untrusted certificate (SSRF), and not for a good one.
#[tokio::test]
async fn addresses_in_certificates() {
    let (gate, _server) = gate_and_server(Setup::new()).await;
    let lure = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = lure.local_addr().unwrap();
    let [list, responder] = ["list.crl", "ocsp"].map(|path| format!("http://{address}/{path}"));
    let file = "file:///etc/passwd";
    let spec = |name: &str| {
        CertificateSpec::client(&format!("{name}.corp.example.test"))
            .crl_urls(&[&list, file, "ldap://127.0.0.1/CN=x?certificateRevocationList"])
            .ocsp(&[&responder])
    };
    let estate = &gate.estate;
    let good = estate.issuing_renewed.issue(spec("pc70"));
    for issued in [estate.partner_root.issue(spec("pc71")), estate.forger.issue(spec("pc72"))] {
        gate.client().certificate(&issued).refused().await;
    }
    let mut tunnel = gate.client().certificate(&good).connect().await.unwrap();
    tunnel.solicit().await.unwrap();
    assert!(gate.running.gateway().generation().number >= 1);
    // Whatever would have been asked for, it would have been before the tunnel; a connection waits in the backlog.
    tokio::select! {
        biased;
        visit = lure.accept() => panic!("{visit:?} came to ask"),
        () = tokio::task::yield_now() => {}
    }
}
