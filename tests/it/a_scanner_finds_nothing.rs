//! The public scanner for IP-HTTPS finds the bare server (`ravelin-lab` tests that) and finds nothing through the gateway.

use std::process::Command;

use ravelin_lab::server::ServerSpec;

use crate::support::{Setup, run, skip};

#[tokio::test(flavor = "multi_thread")]
async fn ip_https_is_not_found() {
    let setup = Setup::new();
    let server = ServerSpec::tls(&setup.estate().server).start().await.unwrap();
    // The scanner speaks TLS only to ports that are known for it: the address, not the port, is what nobody else has.
    let [_, a, b, c] = std::process::id().to_be_bytes();
    let (gateway, bare) = (format!("127.{}.{b}.{c}", 64 | a), format!("127.{}.{b}.{c}", 32 | a));
    let seen =
        ServerSpec::tls(&setup.estate().server).bind(format!("{bare}:8443").parse().unwrap()).start().await.unwrap();
    let setup = setup.set("listeners.edge", "bind", &format!("[\"{gateway}:8443\"]"));
    let gate = setup.servers(&[server.address()]).start();
    let scan = |address: &str| {
        let mut nmap = Command::new("nmap");
        run(nmap.args(["-Pn", "-n", "--unprivileged", "-p", "8443", "--script", "ip-https-discover", address]))
    };
    let Some(output) = scan(&gateway) else {
        return skip("a_scanner_finds_nothing", "needs the command nmap");
    };
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("8443/tcp open"), "{output:?}");
    assert!(!said.to_lowercase().contains("ip-https is supported") && !said.contains("ip-https-discover:"), "{said}");
    crate::support::wait("a scan in the records", || gate.records.count("no_certificate") > 0).await;
    assert!(server.visits().is_empty(), "the scanner reached the server");
    // The same scan does find what nobody guards.
    let said = scan(&bare).unwrap();
    assert!(String::from_utf8_lossy(&said.stdout).contains("IP-HTTPS is supported"), "{said:?}");
    assert!(!seen.visits().is_empty());
}
