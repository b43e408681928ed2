//! `curl`, the browser-shaped client: a good certificate does not make its requests IP-HTTPS, and without one it does not
//! come past the handshake.

use std::process::Command;

use ravelin_lab::server::{Body, ServerSpec};

use crate::support::{Setup, run, skip};

#[tokio::test(flavor = "multi_thread")]
async fn each_request_has_its_label() {
    const LEGAL: &[&str] = &["-X", "POST", "-H", "Content-Length: 18446744073709551615"];
    for (what, client, arguments, label, visits) in [
        ("a page", Some("healthy"), &[][..], "bad_request", 0),
        ("a page with TLS 1.2", Some("healthy"), &["--tls-max", "1.2"], "bad_request", 0),
        ("a form", Some("healthy"), &["-d", "a=b"], "bad_request", 0),
        ("chunks", Some("healthy"), &["-X", "POST", "-H", "Transfer-Encoding: chunked", "-d", "a"], "bad_request", 0),
        ("another path", Some("healthy"), &["--request-target", "/", "-X", "POST", "-H", LEGAL[3]], "bad_request", 0),
        ("IP-HTTPS without a certificate", None, LEGAL, "no_certificate", 0),
        ("a page without a certificate", None, &[], "no_certificate", 0),
        ("the same with TLS 1.2", None, &["--tls-max", "1.2"], "no_certificate", 0),
        ("IP-HTTPS of a revoked machine", Some("revoked"), LEGAL, "revoked", 0),
        // Told apart by what it says, not by what it is; that it then makes nothing of the tunnel is its own affair.
        ("IP-HTTPS", Some("healthy"), LEGAL, "", 1),
    ] {
        let setup = Setup::new();
        let server = ServerSpec::tls(&setup.estate().server).body(Body::Echo).start().await.unwrap();
        let gate = setup.servers(&[server.address()]).start();
        let (name, port) = ("da.corp.example.test", gate.address().port());
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "5", "--noproxy", "*", "--resolve"]);
        curl.arg(format!("{name}:{port}:127.0.0.1")).arg("--cacert").arg(gate.path("ca/root.pem")).args(arguments);
        if let Some(client) = client {
            curl.arg("--cert").arg(gate.path(&format!("clients/{client}.pem")));
            curl.arg("--key").arg(gate.path(&format!("clients/{client}.key")));
        }
        let Some(output) = run(curl.arg(format!("https://{name}:{port}/IPHTTPS"))) else {
            return skip("curl_gets_the_right_answer", "needs the command curl");
        };
        assert!(!output.status.success() && output.stdout.is_empty(), "{what}: {output:?}");
        assert_eq!(server.visits().len(), visits, "{what}: {output:?}");
        if !label.is_empty() {
            gate.records.ended(label).await;
        }
        crate::support::wait("one record", || gate.records.all().len() == 1).await;
    }
}
