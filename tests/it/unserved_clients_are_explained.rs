//! A client that shares nothing with its site is reported apart from a broken one, and an administrator learns what it offers:
//! from its record, from a metric, and from `ravelin hello`.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use ravelin_lab::server::ServerSpec;
use serde_json::Value;

use crate::support::openssl::{self, OpenSsl};
use crate::support::{Setup, ravelin};

#[tokio::test]
async fn null_suites_alone_are_counted_and_named() {
    if !openssl::there("null_suites_alone_are_counted_and_named") {
        return;
    }
    let setup = Setup::new();
    let server = ServerSpec::tls(&setup.estate().server).start().await.unwrap();
    let gate = setup.servers(&[server.address()]).start();
    let counted = |count: u32| format!("ravelin_null_only_hellos_total{{site=\"main\"}} {count}\n");
    assert!(gate.metrics().contains(&counted(0)), "{}", gate.metrics());
    let clients = gate.path("clients");
    for (cipher, null_only, offered) in [
        ("NULL-SHA256:NULL-SHA:@SECLEVEL=0", true, "TLS_RSA_WITH_NULL_SHA256,TLS_RSA_WITH_NULL_SHA"),
        ("NULL-SHA256:AES128-SHA:@SECLEVEL=0", false, "TLS_RSA_WITH_NULL_SHA256,TLS_RSA_WITH_AES_128_CBC_SHA"),
    ] {
        let before = gate.records.all().len();
        let options = ["-tls1_2", "-cipher", cipher];
        let client = OpenSsl::client_with(gate.address(), &clients, "healthy", &options);
        crate::support::wait("the record", || gate.records.all().len() > before).await;
        let record = gate.records.all().pop().unwrap();
        assert_eq!(record["end"], "no_common_suite", "{record:#}\n{}", client.said());
        assert_eq!((&record["null_only_hello"], &record["alert_sent"]), (&Value::from(null_only), &Value::from(40)));
        assert!(record["client_shows"].as_str().unwrap().starts_with("0x80090326"), "{record:#}");
        let names: Vec<&str> = record["offered_suites"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(names.join(",").starts_with(offered), "{names:?}");
        client.says("handshake failure").await;
    }
    assert!(gate.metrics().contains(&counted(1)), "{}", gate.metrics());
    assert_eq!(server.visit_count(), 0);
}

/// `ravelin hello`, listening, and its first line.
struct Hello {
    child: std::process::Child,
    address: SocketAddr,
}

impl Hello {
    fn start(arguments: &[&str]) -> Hello {
        let mut child = Command::new(ravelin())
            .args(["hello", "--listen", "127.0.0.1:0", "--once"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = lines.find(|line| !line.as_ref().unwrap().starts_with("warning")).unwrap().unwrap();
        let address = line
            .strip_prefix("listening on ")
            .and_then(|rest| rest.split(';').next())
            .unwrap_or_else(|| panic!("{line}"));
        std::thread::spawn(move || lines.count());
        Hello { address: address.parse().unwrap(), child }
    }

    fn ends(mut self) -> String {
        let mut text = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        assert!(self.child.wait().unwrap().success());
        text
    }
}

#[tokio::test]
async fn a_hello_is_shown() {
    if !openssl::there("a_hello_is_shown") {
        return;
    }
    let setup = Setup::new().servers(&["127.0.0.1:9".parse().unwrap()]);
    let file = setup.write().display().to_string();
    for (asked, cipher, engine) in [
        (&["--config", &file, "--site", "main"][..], "ECDHE-RSA-AES128-GCM-SHA256", Value::from("rustls")),
        (&["--config", &file, "--site", "main"], "NULL-SHA256:@SECLEVEL=0", Value::Null),
        (&[], "NULL-SHA256:@SECLEVEL=0", Value::Null),
    ] {
        let hello = Hello::start(&[asked, &["--json"]].concat());
        let client = OpenSsl::client(hello.address, &["-tls1_2", "-cipher", cipher]);
        client.says("handshake failure").await;
        let text = hello.ends();
        let said: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(said["server_name"], "da.corp.example.test", "{said:#}");
        assert_eq!(said["versions"][0]["name"], "TLSv1.2");
        assert_eq!(said["null_only"], cipher.starts_with("NULL"));
        let engines = said["engines"].as_array().unwrap();
        assert_eq!(engines.len(), if asked.is_empty() { 2 } else { 1 });
        assert!(engines.iter().all(|said| said["engine"] == engine), "{said:#}");
        assert!(engines.iter().all(|said| said["why"].is_null() != said["engine"].is_null()), "{said:#}");
    }
    let hello = Hello::start(&[]);
    let client = OpenSsl::client(hello.address, &["-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0"]);
    client.says("handshake failure").await;
    let text = hello.ends();
    for words in ["server name  da.corp.example.test", "TLS_RSA_WITH_NULL_SHA256", "null only", "not taken"] {
        assert!(text.contains(words), "{words:?} is not in:\n{text}");
    }
}

#[test]
fn a_site_that_is_not_there_is_named() {
    let setup = Setup::new().servers(&["127.0.0.1:9".parse().unwrap()]);
    let output = Command::new(ravelin())
        .args(["hello", "--listen", "127.0.0.1:0", "--site", "other", "--config"])
        .arg(setup.write())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("has no site \"other\"; it has: main"), "{text}");
}
