//! Files as administrators have them, good and bad.

use std::path::Path;
use std::process::Command;

use ravelin_lab::clock;
use ravelin_lab::pki::{Authority, CertificateSpec, Issued, Key, KeyType};

use super::*;

fn issuing() -> Authority {
    Authority::root("Face Root", clock::now()).issue_authority(CertificateSpec::authority("CN=Face Issuing"))
}

fn face(key: KeyType) -> Issued {
    issuing().issue(CertificateSpec::server(&["DA.example.test", "*.example.test"]).key(Key::shared(key, 0)))
}

/// As one reads a problem.
fn text(result: Result<ServerIdentity, IdentityProblem>) -> String {
    result.err().map_or_else(|| "accepted".to_owned(), |problem| problem.to_string())
}

fn from_pem(chain: &[u8], key: &[u8]) -> Result<ServerIdentity, IdentityProblem> {
    ServerIdentity::from_pem("face.pem", chain, "face.key", key)
}

#[test]
fn pairs_of_every_kind_are_read() {
    for kind in [KeyType::P256, KeyType::P384, KeyType::P521, KeyType::Rsa2048, KeyType::Rsa4096] {
        let face = face(kind);
        let identity = from_pem(face.chain_pem().as_bytes(), face.key_pem().as_bytes()).unwrap();
        assert_eq!(identity.dns_names(), ["da.example.test", "*.example.test"]);
        assert_eq!(identity.subject(), "CN=DA.example.test");
        assert!(identity.validity().0 < clock::now() && identity.validity().1 > clock::now());
        assert_eq!(identity.certified().cert.len(), 2);
        assert!(!format!("{identity:?}").contains("key"), "{identity:?}");
    }
}

#[test]
fn one_file_may_hold_both_and_a_byte_order_mark() {
    let face = face(KeyType::P256);
    let both = format!("\u{feff}{}{}", face.key_pem(), face.chain_pem());
    from_pem(both.as_bytes(), both.as_bytes()).unwrap();
}

#[test]
fn keys_in_older_formats_are_read() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, arguments) in
        [(KeyType::Rsa2048, &["rsa", "-traditional"][..]), (KeyType::P256, &["ec"]), (KeyType::P384, &["ec"])]
    {
        let face = face(kind);
        let old = openssl(folder.path(), arguments, &[("face.key", &face.key_pem())], &["-in", "face.key"]);
        assert!(old.contains("BEGIN RSA PRIVATE KEY") || old.contains("BEGIN EC PRIVATE KEY"), "{old}");
        from_pem(face.chain_pem().as_bytes(), old.as_bytes()).unwrap();
    }
}

#[test]
fn unusable_pem_files_are_reported_with_their_cure() {
    let (face, other) = (face(KeyType::P256), issuing().issue(CertificateSpec::server(&["other.example.test"])));
    let (chain, key) = (face.chain_pem(), face.key_pem());
    let reversed: String = {
        let mut sections: Vec<&str> = chain.split_inclusive("-----END CERTIFICATE-----\n").collect();
        sections.reverse();
        sections.concat()
    };
    let folder = tempfile::tempdir().unwrap();
    let encrypted =
        openssl(folder.path(), &["pkey", "-aes256", "-passout", "pass:x"], &[("face.key", &key)], &["-in", "face.key"]);
    let old_encrypted =
        openssl(folder.path(), &["ec", "-aes256", "-passout", "pass:x"], &[("face.key", &key)], &["-in", "face.key"]);
    let utf16: Vec<u8> = chain.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16 = [&[0xff, 0xfe][..], &utf16].concat();
    let broken = chain.replacen("MII", "M!I", 1);
    let weak = issuing().issue(CertificateSpec::server(&["da.example.test"]).key(Key::public_rsa(1024)));
    for (case, chain, key, expected) in [
        ("no key", chain.as_bytes(), chain.as_bytes(), "face.key: holds no private key"),
        ("no certificate", key.as_bytes(), key.as_bytes(), "face.pem: holds no CERTIFICATE"),
        ("empty", b"", key.as_bytes(), "face.pem: is empty"),
        ("other key", chain.as_bytes(), other.key_pem().as_bytes(), "face.key: the key does not belong to"),
        (
            "wrong order",
            reversed.as_bytes(),
            key.as_bytes(),
            "belongs to certificate 2 of the file: put that one first",
        ),
        ("encrypted", chain.as_bytes(), encrypted.as_bytes(), "face.key: the private key is encrypted"),
        ("encrypted, old", chain.as_bytes(), old_encrypted.as_bytes(), "face.key: the private key is encrypted"),
        ("two keys", chain.as_bytes(), key.repeat(2).as_bytes(), "more than one private key"),
        ("UTF-16", &utf16, key.as_bytes(), "face.pem: is UTF-16"),
        ("DER", face.certificate_der.as_slice(), key.as_bytes(), "face.pem: is DER or PFX, not PEM"),
        ("not base64", broken.as_bytes(), key.as_bytes(), "face.pem: is not proper PEM"),
        ("RSA 1024", weak.certificate_pem().as_bytes(), key.as_bytes(), "does not belong"),
    ] {
        let problem = text(from_pem(chain, key));
        assert!(problem.contains(expected), "{case}: {problem}");
    }
}

#[test]
fn rsa_below_2048_bits_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let made = openssl(
        folder.path(),
        &["req", "-x509", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=weak", "-keyout", "/dev/stdout"],
        &[],
        &[],
    );
    let problem = text(from_pem(made.as_bytes(), made.as_bytes()));
    assert!(problem.contains("2048"), "{problem}");
}

#[test]
fn pfx_files_of_every_tool_are_read() {
    let (rsa, ecdsa) = (face(KeyType::Rsa2048), face(KeyType::P256));
    for (case, arguments, password) in [
        ("AES-256 and SHA-256, as Windows Server 2019 and OpenSSL 3", &[][..], "geheim"),
        ("RC2-40 and 3DES, as Windows before", &["-legacy"], "geheim"),
        ("3DES for both", &["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"], "geheim"),
        ("no password", &[], ""),
        ("no password, legacy", &["-legacy"], ""),
        ("beyond ASCII", &[], "Schlüßel€"),
        ("beyond ASCII, legacy", &["-legacy"], "Schlüßel€"),
        ("blanks", &[], " a b "),
    ] {
        for face in [&rsa, &ecdsa] {
            let pfx = make_pfx(face, arguments, password);
            let identity = match ServerIdentity::from_pfx("face.pfx", &pfx, password) {
                Ok(identity) => identity,
                Err(problem) => panic!("{case}: {problem}"),
            };
            assert_eq!(identity.dns_names(), ["da.example.test", "*.example.test"], "{case}");
            assert_eq!(identity.certified().cert.len(), 2, "{case}");
            let wrong = text(ServerIdentity::from_pfx("face.pfx", &pfx, "falsch"));
            assert!(wrong.contains("the password is wrong"), "{case}: {wrong}");
        }
    }
}

#[test]
fn unusable_pfx_files_are_reported_with_their_cure() {
    let face = face(KeyType::P256);
    let good = make_pfx(&face, &[], "geheim");
    let odd = make_pfx(&face, &["-macalg", "sha512"], "geheim");
    let keyless = make_pfx(&face, &["-nokeys"], "geheim");
    for (case, pfx, password, expected) in [
        ("no password given", good.as_slice(), "", "none is given"),
        ("another MAC", &odd, "geheim", "export it again"),
        ("no key", &keyless, "geheim", "holds no private key"),
        ("PEM", face.chain_pem().as_bytes(), "", "is no PFX"),
        ("cut", &good[..good.len() - 20], "geheim", "cannot be read as PFX"),
        ("empty", b"", "", "is empty"),
    ] {
        let problem = text(ServerIdentity::from_pfx("face.pfx", pfx, password));
        assert!(problem.contains(expected), "{case}: {problem}");
    }
}

fn make_pfx(face: &Issued, arguments: &[&str], password: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let password = format!("pass:{password}");
    let files = [("face.pem", face.chain_pem()), ("face.key", face.key_pem())];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    let fixed = ["-export", "-in", "face.pem", "-inkey", "face.key", "-passout", &password, "-out", "face.pfx"];
    openssl(folder.path(), &["pkcs12"], &files, &[&fixed[..], arguments].concat());
    std::fs::read(folder.path().join("face.pfx")).unwrap()
}

fn openssl(folder: &Path, command: &[&str], files: &[(&str, &str)], arguments: &[&str]) -> String {
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let output = Command::new("openssl").current_dir(folder).args(command).args(arguments).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
