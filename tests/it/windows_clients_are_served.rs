//! Clients that rustls cannot serve have tunnels by the second engine where the site allows it, judged by the same policy; and
//! servers that rustls cannot meet are met. The clients and servers are OpenSSL's.

use std::net::SocketAddr;

use ravelin_lab::client::Client;
use ravelin_lab::pki::{CertificateSpec, Key, KeyType};
use ravelin_lab::server::{Body, Server, ServerSpec};

use crate::support::openssl::{self, HEAD, OpenSsl};
use crate::support::{Gate, Process, Setup, wait};

/// The face with an RSA key alone, as most estates have it.
const RSA_FACE: &str = r#"[{ chain = "tls/face-rsa.pem", key = "tls/face-rsa.key" }]"#;

async fn gate(tls: &str) -> (Gate, Server) {
    let setup = Setup::new().set("sites.main", "certificates", RSA_FACE).set("sites.main", "tls", tls);
    let server = ServerSpec::tls(&setup.estate().server).body(Body::Echo).start().await.unwrap();
    (setup.servers(&[server.address()]).start(), server)
}

#[tokio::test]
async fn each_has_a_tunnel_by_the_engine_that_can() {
    if !openssl::there("each_has_a_tunnel_by_the_engine_that_can") {
        return;
    }
    let fallback = r#"{ null_encryption = "fallback" }"#;
    let prefer = r#"{ null_encryption = "prefer" }"#;
    let old = r#"{ min = "1.0", legacy_suites = ["dhe-rsa-gcm", "ecdhe-rsa-cbc", "rsa-gcm", "rsa-cbc"] }"#;
    let null = "TLS_RSA_WITH_NULL_SHA256";
    let gcm = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
    let both = "NULL-SHA256:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0";
    for (tls, cases) in [
        (
            fallback,
            &[
                ("-tls1_2", "NULL-SHA256:@SECLEVEL=0", "openssl", "TLSv1.2", null),
                ("-tls1_2", "NULL-SHA:@SECLEVEL=0", "openssl", "TLSv1.2", "TLS_RSA_WITH_NULL_SHA"),
                ("-tls1_2", both, "rustls", "TLSv1.2", gcm),
            ][..],
        ),
        (prefer, &[("-tls1_2", both, "openssl", "TLSv1.2", null)]),
        (
            old,
            &[
                (
                    "-tls1_2",
                    "ECDHE-RSA-AES256-SHA384:@SECLEVEL=0",
                    "openssl",
                    "TLSv1.2",
                    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
                ),
                (
                    "-tls1_2",
                    "DHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0",
                    "openssl",
                    "TLSv1.2",
                    "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
                ),
                ("-tls1_2", "AES128-GCM-SHA256:@SECLEVEL=0", "openssl", "TLSv1.2", "TLS_RSA_WITH_AES_128_GCM_SHA256"),
                (
                    "-tls1",
                    "ECDHE-RSA-AES128-SHA:@SECLEVEL=0",
                    "openssl",
                    "TLSv1.0",
                    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
                ),
                ("-tls1", "AES256-SHA:@SECLEVEL=0", "openssl", "TLSv1.0", "TLS_RSA_WITH_AES_256_CBC_SHA"),
            ],
        ),
    ] {
        let (gate, server) = gate(tls).await;
        let clients = gate.path("clients");
        for (version, cipher, engine, agreed, suite) in cases {
            // Either kind of key on the client's side.
            for who in ["healthy", "healthy-renewed"] {
                let before = gate.records.all().len();
                let mut client = OpenSsl::client_with(gate.address(), &clients, who, &[*version, "-cipher", *cipher]);
                client.send(HEAD);
                client.says("HTTP/1.1 200").await;
                client.send("as it was sent");
                client.says("as it was sent").await;
                drop(client);
                wait("the record", || gate.records.all().len() > before).await;
                let record = gate.records.all().pop().unwrap();
                let told = ["engine", "version", "suite"].map(|key| record[key].as_str().unwrap_or_default());
                assert_eq!(told, [*engine, *agreed, *suite], "{who} {cipher}: {record:#}");
                assert!(record["to_server_bytes"].as_u64() >= Some(14), "{record:#}");
            }
        }
        assert!(server.visits().iter().all(|visit| visit.accepted));
        assert!(gate.metrics().contains("engine=\"openssl\""), "{}", gate.metrics());
    }
}

/// The gateway with a pool whose one server speaks nothing but what is asked of `s_server` here.
async fn bridged(tls: &str, options: &[&str], said: &str) {
    let setup = Setup::new();
    let name = CertificateSpec::server(&["da.corp.example.test"]).key(Key::shared(KeyType::Rsa2048, 0));
    let issued = setup.estate().issuing.issue(name);
    let [pem, key] = ["old.pem", "old.key"].map(|file| setup.path(file).display().to_string());
    std::fs::write(&pem, issued.chain_pem()).unwrap();
    std::fs::write(&key, issued.key_pem()).unwrap();
    let (mut server, address) =
        OpenSsl::server(&[&["-cert", &pem, "-cert_chain", &pem, "-key", &key], options].concat());
    listening(address).await;
    let upstream = format!(r#"{{ ca = "ca/root.pem", server_name = "da.corp.example.test", tls = {tls} }}"#);
    let gate = setup.set("pools.main", "upstream", &upstream).servers(&[address]).start();
    let client = Client::new(gate.address(), "da.corp.example.test").trust(&gate.estate.root);
    let client = client.certificate(&gate.estate.clients.healthy);
    let served = async {
        server.says("POST /IPHTTPS HTTP/1.1").await;
        server.send("HTTP/1.1 200 OK\r\nServer: Microsoft-HTTPAPI/2.0\r\nDate: Tue, 24 Nov 2026 20:00:00 GMT\r\n\r\n");
    };
    let (tunnel, ()) = tokio::join!(client.connect(), served);
    let mut tunnel = tunnel.unwrap_or_else(|end| panic!("{end:?}: {:#?}\n{}", gate.records.all(), server.said()));
    tunnel.send(b"towards the server").await.unwrap();
    server.says("towards the server").await;
    server.send("towards the client");
    assert_eq!(tunnel.receive(18).await.unwrap(), b"towards the client", "{said}");
}

/// Waits until somebody listens there, without connecting: the server serves one connection at a time.
async fn listening(address: SocketAddr) {
    let line = format!("0100007F:{:04X} 00000000:0000 0A", address.port());
    wait("the server to listen", || std::fs::read_to_string("/proc/net/tcp").unwrap().contains(&line)).await;
}

#[tokio::test]
async fn old_servers_are_connected() {
    if !openssl::there("old_servers_are_connected") {
        return;
    }
    for (tls, options, said) in [
        (
            r#"{ legacy_suites = ["rsa-cbc"] }"#,
            &["-tls1_2", "-cipher", "AES128-SHA256:@SECLEVEL=0"][..],
            "2012, RSA and CBC",
        ),
        (
            r#"{ legacy_suites = ["rsa-gcm"] }"#,
            &["-tls1_2", "-cipher", "AES256-GCM-SHA384:@SECLEVEL=0"],
            "2012 R2, hardened",
        ),
        (
            r#"{ legacy_suites = ["ecdhe-rsa-cbc"] }"#,
            &["-tls1_2", "-cipher", "ECDHE-RSA-AES256-SHA384:@SECLEVEL=0"],
            "2012, ECDHE and CBC",
        ),
        (r#"{ null_encryption = "prefer" }"#, &["-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0"], "null alone"),
        (
            r#"{ null_encryption = "fallback" }"#,
            &["-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0"],
            "null alone, offered last",
        ),
        (
            r#"{ min = "1.0", legacy_suites = ["rsa-cbc"] }"#,
            &["-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0"],
            "2008 R2, TLS 1.0",
        ),
    ] {
        bridged(tls, options, said).await;
    }
}

#[test]
fn a_switch_that_no_certificate_serves_stops_a_start() {
    let setup = Setup::new()
        .set("sites.main", "certificates", r#"[{ chain = "tls/face-ecdsa.pem", key = "tls/face-ecdsa.key" }]"#)
        .set("sites.main", "tls", r#"{ null_encryption = "fallback", legacy_suites = ["ecdhe-ecdsa-cbc", "rsa-gcm"] }"#)
        .servers(&["127.0.0.1:9".parse().unwrap()]);
    let output = std::process::Command::new(crate::support::ravelin())
        .args(["check", "--config"])
        .arg(setup.write())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    for told in [
        "sites.main.tls: null suites are bound to an RSA certificate",
        "sites.main.tls: rsa-gcm needs an RSA certificate",
    ] {
        assert!(text.contains(told), "{told:?} is not in:\n{text}");
    }
    assert!(!text.contains("ecdhe-ecdsa-cbc needs"), "{text}");
}

/// OpenSSL reads no file of its own: one that leaves it without any algorithm changes nothing for the gateway, though
/// it does for others.
#[tokio::test]
async fn no_configuration_of_openssls_own_has_a_say() {
    if !openssl::there("no_configuration_of_openssls_own_has_a_say") {
        return;
    }
    let setup = Setup::new().set("sites.main", "certificates", RSA_FACE).set(
        "sites.main",
        "tls",
        r#"{ min = "1.0", null_encryption = "fallback", legacy_suites = ["rsa-cbc"] }"#,
    );
    let server = ServerSpec::tls(&setup.estate().server).start().await.unwrap();
    let file = setup.path("openssl.cnf");
    std::fs::write(
        &file,
        "openssl_conf = all\n[all]\nproviders = providers\nssl_conf = tls\n[providers]\nnull = null\n[null]\nactivate = 1\n\
         [tls]\nsystem_default = system\n[system]\nMinProtocol = TLSv1.2\nCipherString = AES256-GCM-SHA384:@SECLEVEL=5\n",
    )
    .unwrap();
    let mut digest = std::process::Command::new("openssl");
    digest.args(["dgst", "-sha256", "/dev/null"]).env("OPENSSL_CONF", &file);
    assert!(!digest.output().unwrap().status.success(), "the file does nothing");
    let setup = setup.servers(&[server.address()]);
    let clients = setup.path("clients");
    let gate = Process::spawn(setup, &[], |command| command.env("OPENSSL_CONF", &file));
    assert_eq!(gate.notification(), "READY=1\n", "{}", gate.log());
    for options in [["-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0"], ["-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0"]] {
        let mut client = OpenSsl::client_with(gate.address(), &clients, "healthy", &options);
        client.send(HEAD);
        client.says("HTTP/1.1 200").await;
    }
}
