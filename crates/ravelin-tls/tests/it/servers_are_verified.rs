//! The gateway as a client: it connects to a server only under the configured authority and name.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use ravelin_tls::{LegacyTls, TlsVersion, UpstreamTls, UpstreamTlsSpec, connect};
use tokio::net::TcpStream;

use crate::support::*;

fn upstream(authority: &[u8], name: &str, with_identity: bool) -> UpstreamTls {
    let spec = UpstreamTlsSpec {
        authorities: vec![("ca/root.pem".to_owned(), authority.to_vec())],
        server_name: name.to_owned(),
        client_identity: with_identity.then(|| identity(&estate().clients.healthy)),
        legacy: LegacyTls::default(),
        min: TlsVersion::V1_2,
        max: TlsVersion::V1_3,
    };
    UpstreamTls::build(spec).unwrap()
}

/// `openssl s_server` as a DirectAccess server stand-in that echoes lines backwards; killed when dropped.
pub(crate) struct Server(Child, pub(crate) SocketAddr);

impl Server {
    pub(crate) async fn start(arguments: &[&str]) -> Server {
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let file = |name: &str| path("tls").join(name).display().to_string();
        let child = Command::new("openssl")
            .args(["s_server", "-accept", &address.to_string(), "-rev", "-quiet"])
            .args(["-cert", &file("server.pem"), "-key", &file("server.key"), "-cert_chain", &file("server.pem")])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Server(child, address);
        for _ in 0..500 {
            if TcpStream::connect(address).await.is_ok() {
                return server;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("s_server does not listen");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_trusted_server_is_accepted_in_both_versions() {
    for version in ["-tls1_2", "-tls1_3"] {
        let server = Server::start(&[version]).await;
        let tls = upstream(estate().root.certificate_der(), "da1.corp.example.test", false);
        let mut stream = connect(TcpStream::connect(server.1).await.unwrap(), &tls).await.unwrap();
        stream.write_all(b"stressed\n").await.unwrap();
        let mut answer = Vec::new();
        while answer.len() < 9 {
            let mut buffer = [0; 64];
            let read = stream.read(&mut buffer).await.unwrap();
            assert_ne!(read, 0);
            answer.extend_from_slice(&buffer[..read]);
        }
        assert_eq!(answer, b"desserts\n", "{version}; session tickets on the way are swallowed");
        stream.close().await;
    }
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_gets_ours() {
    let root = path("ca/root.pem").display().to_string();
    let server = Server::start(&["-Verify", "3", "-verify_return_error", "-CAfile", &root]).await;
    let tls = upstream(estate().root.certificate_der(), "da1.corp.example.test", true);
    let mut stream = connect(TcpStream::connect(server.1).await.unwrap(), &tls).await.unwrap();
    stream.write_all(b"ab\n").await.unwrap();
    let mut buffer = [0; 8];
    assert_eq!(stream.read(&mut buffer).await.unwrap(), 3);
    // s_server serves one client at a time.
    stream.close().await;
    // Without one it is refused; in TLS 1.3 that shows at the first read.
    let tls = upstream(estate().root.certificate_der(), "da1.corp.example.test", false);
    let error = match connect(TcpStream::connect(server.1).await.unwrap(), &tls).await {
        Err(error) => error,
        Ok(mut stream) => stream.read(&mut buffer).await.unwrap_err(),
    };
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{error}");
}

#[tokio::test]
async fn any_other_server_is_refused_with_the_cause() {
    let server = Server::start(&[]).await;
    for (case, authority, name, words) in [
        ("another authority", estate().partner_root.certificate_der(), "da1.corp.example.test", "UnknownIssuer"),
        ("an authority of the same name", estate().forger.certificate_der(), "da1.corp.example.test", "Signature"),
        ("another name", estate().root.certificate_der(), "da9.corp.example.test", "not valid for name"),
    ] {
        let tls = upstream(authority, name, false);
        let error = connect(TcpStream::connect(server.1).await.unwrap(), &tls).await.err().unwrap();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{case}");
        assert!(error.to_string().contains("does not verify"), "{case}: {error}");
        assert!(error.to_string().contains(words), "{case}: {error}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_no_server() {
    let (ours, mut theirs) = tcp_pair().await;
    tokio::io::AsyncWriteExt::write_all(&mut theirs, b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    let tls = upstream(estate().root.certificate_der(), "da1.corp.example.test", false);
    let error = connect(ours, &tls).await.err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{error}");
}

#[test]
fn upstream_settings_that_verify_nobody_are_refused_at_the_start() {
    for (case, authorities, name, count) in [
        ("no authority", Vec::new(), "da.corp.example.test", 1),
        ("no certificate", vec![("ca.pem".to_owned(), b"no DER".to_vec())], "da.corp.example.test", 1),
        ("an address, and no authority", Vec::new(), "192.0.2.1", 2),
    ] {
        let spec = UpstreamTlsSpec {
            authorities,
            server_name: name.to_owned(),
            client_identity: None,
            legacy: LegacyTls::default(),
            min: TlsVersion::V1_2,
            max: TlsVersion::V1_3,
        };
        assert_eq!(UpstreamTls::build(spec).err().unwrap().len(), count, "{case}");
    }
}
