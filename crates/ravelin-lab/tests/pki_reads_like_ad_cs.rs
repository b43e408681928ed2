//! Certificates and lists hold against another implementation: OpenSSL reads, shows and verifies them.
#![expect(clippy::expect_used, reason = "test code")]

use std::path::Path;
use std::process::Command;

use ravelin_lab::clock::{self, DAY};
use ravelin_lab::pki::{
    Authority, CertificateSpec, Crl, CrlEntry, CrlSpec, DistributionScope, Estate, GeneralName, Issued, Key, KeyId,
    KeyType, Name, SignatureAlgorithm, StringType, Template, key_usage, purpose, reason,
};

fn openssl(arguments: &[&str]) -> (bool, String) {
    let output = Command::new("openssl").args(arguments).output().expect("openssl is installed");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("a temporary file");
    path.to_str().expect("a plain path").to_owned()
}

/// What `openssl x509 -text` shows.
fn shown(issued: &Issued) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = file(folder.path(), "leaf.pem", &issued.certificate_pem());
    let (success, text) = openssl(&["x509", "-in", &path, "-noout", "-text", "-nameopt", "RFC2253,show_type"]);
    assert!(success, "{text}");
    text
}

fn shown_list(list: &Crl) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = file(folder.path(), "list.pem", &list.pem());
    let (success, text) = openssl(&["crl", "-in", &path, "-noout", "-text"]);
    assert!(success, "{text}");
    text
}

/// `openssl verify` of the chain below its root; `"OK"` or what it says. `lists` are checked when there are any.
fn verified(root: &Authority, issued: &Issued, lists: &[&Crl]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let leaf = file(folder.path(), "leaf.pem", &issued.certificate_pem());
    let chain = file(folder.path(), "chain.pem", &issued.chain_pem());
    let anchors = root.pem() + &lists.iter().map(|list| list.pem()).collect::<String>();
    let anchors = file(folder.path(), "anchors.pem", &anchors);
    let mut arguments = vec![
        "verify",
        "-auth_level",
        "0",
        "-purpose",
        "sslclient",
        "-x509_strict",
        "-CAfile",
        &anchors,
        "-untrusted",
        &chain,
    ];
    if !lists.is_empty() {
        arguments.push("-crl_check_all");
    }
    arguments.push(&leaf);
    let (success, text) = openssl(&arguments);
    if success { "OK".to_owned() } else { text }
}

#[test]
fn every_part_is_shown_by_openssl() {
    let now = clock::now();
    let issuing = Authority::root("Corp Root CA", now)
        .issue_authority(CertificateSpec::authority("DC=test,DC=example,DC=corp,CN=Corp Issuing CA 1"));
    let client = || CertificateSpec::client("pc17.corp.example.test");
    let all_names = client()
        .and_name(GeneralName::Upn("PC17$@CORP.EXAMPLE.TEST".to_owned()))
        .and_name(GeneralName::uri("urn:pc17"))
        .and_name(GeneralName::email("pc17@corp.example.test"))
        .and_name(GeneralName::Ip([10, 0, 0, 17].into()))
        .and_name(GeneralName::Directory(Name::cn("pc17")))
        .and_name(GeneralName::RegisteredId("1.2.3".to_owned()));
    let mut critical_purposes = client();
    critical_purposes.purposes_critical = true;
    for (case, spec, expected) in [
        ("issuer in AD's order", client(), "Issuer: CN=PRINTABLESTRING:Corp Issuing CA 1,DC=IA5STRING:corp"),
        ("SAN", client(), "DNS:pc17.corp.example.test"),
        ("purpose", client(), "TLS Web Client Authentication"),
        ("template of version 2", client(), "1.3.6.1.4.1.311.21.7"),
        ("template of version 1", client().template(Some(Template::machine())), "...M.a.c.h.i.n.e"),
        ("CRL distribution point", client(), "URI:http://pki.corp.example.test/Corp_Issuing_CA_1.crl"),
        (
            "authority information access",
            client(),
            "CA Issuers - URI:http://pki.corp.example.test/Corp_Issuing_CA_1.crt",
        ),
        ("OCSP", client().ocsp(&["http://ocsp.test/"]), "OCSP - URI:http://ocsp.test/"),
        ("key usage", client(), "Digital Signature, Key Encipherment"),
        ("last key usage", client().key_usage(key_usage::CRL_SIGN), "CRL Sign"),
        ("UPN", all_names.clone(), "UPN"),
        ("all other names", all_names, "URI:urn:pc17, email:pc17@corp.example.test, IP Address:10.0.0.17, DirName:"),
        ("SAN critical", client().names_critical(), "X509v3 Subject Alternative Name: critical"),
        ("purpose critical", critical_purposes, "X509v3 Extended Key Usage: critical"),
        ("SID", client().sid("S-1-5-21-1-2-3-1117"), "S-1-5-21-1-2-3-1117"),
        ("path length", client().basic_constraints(true, Some(2)), "CA:TRUE, pathlen:2"),
        ("not an authority", client().basic_constraints(false, None), "CA:FALSE"),
        ("name constraints", client().name_constraints(&[GeneralName::dns("a.test")], &[]), "DNS:a.test"),
        ("excluded names", client().name_constraints(&[], &[GeneralName::dns("b.test")]), "Excluded"),
        ("key identifiers", client().subject_key_id(KeyId::These(vec![0xab; 4])), "AB:AB:AB:AB"),
        ("version 1", client().version_1(), "Version: 1 (0x0)"),
        ("serial number", client().serial(&[0x12, 0x34]), "Serial Number: 4660 (0x1234)"),
        ("empty subject", client().subject(""), "Subject: \n"),
        ("string type", client().subject(Name::cn("pc").string_type(StringType::Bmp)), "CN=BMPSTRING:pc"),
        ("several values", client().subject("CN=a+OU=b"), "OU=PRINTABLESTRING:b+CN=PRINTABLESTRING:a"),
        ("end in 2060", client().not_after(2_840_140_800), "Not After : Jan  1 00:00:00 2060 GMT"),
        ("critical and unknown", client().extension("1.2.3.4", true, vec![5, 0]), "1.2.3.4: critical"),
        ("16,384 bits", client().key(Key::public_rsa(16_384)), "Public-Key: (16384 bit)"),
    ] {
        let text = shown(&issuing.issue(spec));
        assert!(text.contains(expected), "{case}: {text}");
    }
}

#[test]
fn every_key_and_algorithm_is_verified_by_openssl() {
    use SignatureAlgorithm::*;
    let now = clock::now();
    for (key_type, algorithms) in [
        (KeyType::Ed25519, vec![Ed25519]),
        (KeyType::P256, vec![EcdsaSha1, EcdsaSha256, EcdsaSha384, EcdsaSha512]),
        (KeyType::P384, vec![EcdsaSha1, EcdsaSha256, EcdsaSha384, EcdsaSha512]),
        (KeyType::P521, vec![EcdsaSha1, EcdsaSha256, EcdsaSha384, EcdsaSha512]),
        (KeyType::Rsa2048, vec![RsaSha1, RsaSha256, RsaSha384, RsaSha512, RsaPssSha256, RsaPssSha384, RsaPssSha512]),
    ] {
        let key = Key::shared(key_type, 0);
        let root = Authority::root_from(CertificateSpec::authority("CN=Root").key(key), now);
        for algorithm in algorithms {
            let spec = || CertificateSpec::client("pc17.corp.example.test").signature(algorithm);
            let list = root.crl(CrlSpec::new().signature(algorithm));
            assert_eq!(verified(&root, &root.issue(spec()), &[&list]), "OK", "{key_type:?} {algorithm:?}");
            let tampered = verified(&root, &root.issue(spec().tampered()), &[]);
            assert!(tampered.contains("signature failure"), "{key_type:?} {algorithm:?}: {tampered}");
            let tampered = verified(&root, &root.issue(spec()), &[&root.crl(CrlSpec::new().tampered())]);
            assert!(tampered.contains("CRL signature failure"), "{key_type:?} {algorithm:?}: {tampered}");
        }
    }
}

#[test]
fn lists_are_shown_by_openssl() {
    let now = clock::now();
    let root = Authority::root("Corp Root CA", now);
    let scope = DistributionScope {
        names: vec![GeneralName::uri("http://pki.test/a.crl")],
        only_user: true,
        only_some_reasons: Some(0x4000),
        indirect: true,
        ..DistributionScope::default()
    };
    let entry = CrlEntry::new(&[0x12, 0x34]).reason(reason::KEY_COMPROMISE).date(1_000_000_000);
    for (case, spec, expected) in [
        ("number", CrlSpec::new().number(4711), "4711"),
        ("no next update", CrlSpec::new().without_next_update(), "Next Update: NONE"),
        ("entry", CrlSpec::new().entry(entry.clone()), "Serial Number: 1234"),
        ("date", CrlSpec::new().entry(entry.clone()), "Revocation Date: Sep  9 01:46:40 2001 GMT"),
        ("reason", CrlSpec::new().entry(entry.clone()), "Key Compromise"),
        (
            "certificate issuer",
            CrlSpec::new().entry(entry.certificate_issuer("CN=Other")),
            "Certificate Issuer: critical",
        ),
        ("scope", CrlSpec::new().scope(scope.clone()), "URI:http://pki.test/a.crl"),
        ("users only", CrlSpec::new().scope(scope.clone()), "Only User Certificates"),
        ("indirect", CrlSpec::new().scope(scope.clone()), "Indirect CRL"),
        ("some reasons", CrlSpec::new().scope(scope), "Key Compromise"),
        ("delta", CrlSpec::new().delta(40), "Delta CRL Indicator: critical"),
        ("other issuer", CrlSpec::new().issuer("CN=Other"), "Issuer: CN = Other"),
        ("version 1", CrlSpec::new().version_1(), "Version 1 (0x0)"),
    ] {
        let text = shown_list(&root.crl(spec));
        assert!(text.contains(expected), "{case}: {text}");
    }
}

#[test]
fn the_estate_tells_its_stories() {
    let now = clock::now();
    let estate = Estate::standard(now);
    let lists = [&estate.root_crl, &estate.issuing_crl];
    for (client, expected) in [
        (&estate.clients.healthy, "OK"),
        (&estate.clients.healthy_no_subject, "OK"),
        (&estate.clients.expired, "certificate has expired"),
        (&estate.clients.not_yet_valid, "certificate is not yet valid"),
        (&estate.clients.revoked, "certificate revoked"),
        (&estate.clients.server_purpose, "unsuitable certificate purpose"),
        (&estate.clients.partner, "unable to get local issuer certificate"),
        (&estate.clients.forged, "certificate"),
        (&estate.clients.self_signed, "self-signed certificate"),
        (&estate.clients.tampered, "certificate signature failure"),
    ] {
        let said = verified(&estate.root, client, &lists);
        assert!(said.contains(expected), "{:?}: {said}", client.subject.common_name());
        assert_eq!(said == "OK", expected == "OK", "{:?}: {said}", client.subject.common_name());
    }
    let renewed =
        verified(&estate.root, &estate.clients.healthy_renewed, &[&estate.root_crl, &estate.issuing_renewed_crl]);
    assert_eq!(renewed, "OK");
    assert!(shown(&estate.clients.weak_key).contains("Public-Key: (1024 bit)"));
}

#[test]
fn the_estate_is_written_as_files() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let estate = Estate::standard(clock::now() - 3 * DAY);
    estate.write(folder.path()).expect("written");
    let path = |name: &str| folder.path().join(name).to_str().expect("a plain path").to_owned();
    for name in ["ca/root.pem", "crl/issuing-renewed.crl", "tls/server.key", "clients/weak-key.pem"] {
        assert!(Path::new(&path(name)).is_file(), "{name}");
    }
    assert!(!Path::new(&path("clients/weak-key.key")).exists());
    // The key belongs to the certificate.
    let (_, of_key) = openssl(&["pkey", "-in", &path("clients/healthy.key"), "-pubout"]);
    let (_, of_certificate) = openssl(&["x509", "-in", &path("clients/healthy.pem"), "-noout", "-pubkey"]);
    assert!(of_key.contains("BEGIN PUBLIC KEY"), "{of_key}");
    assert_eq!(of_key, of_certificate);
    let purposes = shown(&estate.issuing.issue(CertificateSpec::client("a.test").purposes(&[purpose::ANY])));
    assert!(purposes.contains("Any Extended Key Usage"), "{purposes}");
}
