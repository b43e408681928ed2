//! A password and a private key appear nowhere: not in the log at its most talkative, not in a page, a record, an answer or
//! an error.

use std::path::Path;
use std::process::Command;

use base64::Engine;
use ravelin_lab::client::Client;
use ravelin_lab::server::{Body, ServerSpec};
use rustix::process::Signal;

use crate::support::{Process, Setup, ravelin, replace, run, skip};

const PASSWORD: &str = "Kiebitz-8931-Schachtelhalm";

/// Every way in which a secret might be printed: itself, in hex and in base64 at each alignment.
fn forms(name: &str, secret: &[u8]) -> Vec<(String, String)> {
    let hex = |separator: &str, upper: bool| {
        let pairs = secret.iter().map(|byte| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") });
        pairs.collect::<Vec<_>>().join(separator)
    };
    let decimal = secret.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let mut forms = vec![
        (format!("{name} in hex"), hex("", false)),
        (format!("{name} in upper hex"), hex("", true)),
        (format!("{name} in parted hex"), hex(":", false)),
        (format!("{name} as Rust's debug form"), decimal),
    ];
    if let Ok(text) = std::str::from_utf8(secret) {
        forms.push((name.to_owned(), text.to_owned()));
    }
    for skipped in 0..3 {
        let encoded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&secret[skipped..]);
        // The last characters depend on what follows.
        forms.push((format!("{name} in base64, {skipped} off"), encoded[..encoded.len() - 2].to_owned()));
    }
    forms
}

/// The middle of a key, where no two keys have the same: the PEM's text.
fn key_bytes(path: &Path) -> Vec<u8> {
    let pem = std::fs::read_to_string(path).unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(body).unwrap();
    // PKCS#8: P-256's scalar begins at byte 36; RSA's private exponent is in the middle.
    if der.len() < 200 { der[36..60].to_vec() } else { der[der.len() / 2..der.len() / 2 + 24].to_vec() }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_everything_that_is_printed() {
    let setup = Setup::new()
        .set("log", "level", "\"trace\"")
        .set("log", "audit", "\"audit.jsonl\"")
        .set(
            "sites.main",
            "certificates",
            r#"[{ pfx = "tls/face.pfx", password_file = "tls/pfx.pass" }, { chain = "tls/face-ecdsa.pem", key = "tls/face-ecdsa.key" }]"#,
        )
        .set(
            "pools.main",
            "upstream",
            r#"{ mode = "bridge", ca = "ca/root.pem", server_name = "da.corp.example.test", certificate = { chain = "tls/face-rsa.pem", key = "tls/face-rsa.key" } }"#,
        );
    let path = |name: &str| setup.path(name);
    std::fs::write(path("tls/pfx.pass"), format!("{PASSWORD}\n")).unwrap();
    let mut export = Command::new("openssl");
    export.args(["pkcs12", "-export", "-passout", &format!("pass:{PASSWORD}")]);
    export.arg("-in").arg(path("tls/face-rsa.pem")).arg("-inkey").arg(path("tls/face-rsa.key"));
    let Some(exported) = run(export.arg("-out").arg(path("tls/face.pfx"))) else {
        return skip("secrets_stay_secret", "needs the command openssl");
    };
    assert!(exported.status.success(), "{exported:?}");

    let server = ServerSpec::tls(&setup.estate().server).body(Body::Echo).start().await.unwrap();
    let mut process = Process::start(setup.servers(&[server.address()]));
    let path = |name: &str| process.setup.path(name);
    let estate = process.setup.estate();
    let client = Client::new(process.address(), "da.corp.example.test").trust(&estate.root);
    let mut tunnel = client.clone().certificate(&estate.clients.healthy).connect().await.unwrap();
    client.clone().certificate(&estate.clients.revoked).refused().await;
    let silent = client.silent().await.unwrap();
    silent.send(b"\x16\x03\x01 garbage").await.unwrap();

    let mut said = Vec::new();
    for asked in ["/metrics", "/", "/healthz", "/readyz"] {
        said.push((asked, process.page(asked)));
    }
    let outputs = |words: &[&str]| {
        let output = process.ask(words);
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    for words in [&["status"][..], &["sessions"], &["check"], &["reload", "--dry-run"]] {
        said.push((words[0], outputs(words)));
    }
    let mut explain = Command::new(ravelin());
    explain.args(["explain", "--json", "--site", "main", "--config"]).arg(process.config());
    let explained = explain.arg(path("clients/healthy.pem")).output().unwrap();
    said.push(("explain", String::from_utf8_lossy(&explained.stdout).into_owned()));

    // Errors about secrets speak of files, not of what is in them: a wrong password, a broken key, a key for a chain.
    let good = std::fs::read_to_string(process.config()).unwrap();
    let key = std::fs::read_to_string(path("tls/face-ecdsa.key")).unwrap();
    for (from, to, file, content) in [
        ("tls/pfx.pass", "tls/bad.pass", "tls/bad.pass", format!("{PASSWORD}x\n{PASSWORD}\n")),
        ("tls/face-ecdsa.key", "tls/bad.key", "tls/bad.key", key.replace("-----END PRIVATE KEY", "-----END")),
        ("tls/face-ecdsa.key", "tls/bad.key", "tls/bad.key", key.replacen("MIG", "MIH", 1)),
        ("tls/face-ecdsa.pem", "tls/bad.pem", "tls/bad.pem", key.clone()),
        ("ca/root.pem", "ca/bad.pem", "ca/bad.pem", key.clone()),
    ] {
        std::fs::write(path(file), content).unwrap();
        replace(&process.config(), good.replace(from, to).as_bytes());
        let refused = outputs(&["reload"]);
        assert!(refused.contains("REFUSED") && refused.contains(file), "{refused}");
        said.push(("reload refused", refused));
        said.push(("check refused", outputs(&["check"])));
    }
    replace(&process.config(), good.as_bytes());
    tunnel.send(b"still").await.unwrap();
    assert_eq!(tunnel.receive(5).await.unwrap(), b"still");
    tunnel.close().await.unwrap();
    process.signal(Signal::TERM);
    said.push(("log", process.end().1));
    said.push(("audit", std::fs::read_to_string(process.setup.path("audit.jsonl")).unwrap()));

    let log = &said[said.len() - 2].1;
    assert!(log.contains("level=info") && log.lines().count() > 10, "{log}");
    let mut secrets = forms("the password", PASSWORD.as_bytes());
    for name in ["tls/face-rsa.key", "tls/face-ecdsa.key"] {
        secrets.extend(forms(name, &key_bytes(&process.setup.path(name))));
    }
    // The search finds what it is meant to find.
    let pem = std::fs::read_to_string(process.setup.path("tls/face-ecdsa.key")).unwrap().replace('\n', "");
    assert!(secrets.iter().any(|(_, secret)| pem.contains(secret.as_str())));
    for (where_, text) in &said {
        let joined = text.replace('\n', "");
        for (what, secret) in &secrets {
            assert!(
                !text.contains(secret.as_str()) && !joined.contains(secret.as_str()),
                "{where_} tells {what}:\n{text}"
            );
        }
    }
}
