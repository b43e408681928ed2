//! CRLs and certificates that another implementation made.

use std::path::Path;
use std::process::Command;

use super::certificate::Certificate;
use super::*;
use crate::Origin;

/// 2015-12-13, between the dates that the CRLs below are made with.
const MIDDLE: i64 = 1_450_000_000;

/// Every kind of key and signature as OpenSSL writes it. Without `openssl` it fails.
#[test]
fn crls_made_by_openssl() {
    let folder = std::env::temp_dir().join(format!("ravelin-revocation-{}", std::process::id()));
    for (case, key, digest, options, words) in [
        ("rsa", "rsa:2048", "-sha256", &[][..], None),
        ("rsa-sha512", "rsa:3072", "-sha512", &[], None),
        ("pss-sha256", "rsa:2048", "-sha256", &["rsa_padding_mode:pss", "rsa_pss_saltlen:digest"], None),
        ("pss-sha384", "rsa:2048", "-sha384", &["rsa_padding_mode:pss", "rsa_pss_saltlen:digest"], None),
        ("p256", "ec:P-256", "-sha256", &[], None),
        ("p384", "ec:P-384", "-sha384", &[], None),
        ("p521", "ec:P-521", "-sha512", &[], None),
        ("ed25519", "ed25519", "-sha256", &[], None),
        ("sha1", "rsa:2048", "-sha1", &[], Some("RSA with SHA-1")),
        ("pss-sha1", "rsa:2048", "-sha1", &["rsa_padding_mode:pss"], Some("RSASSA-PSS with other parameters")),
        ("1024", "rsa:1024", "-sha256", &[], Some("2048 to 4096 bits")),
    ] {
        let here = folder.join(case);
        std::fs::create_dir_all(&here).unwrap();
        let (certificate, crl) = authority_and_crl(&here, key, digest, options);
        let authority = Certificate::read(case, &certificate);
        let source = [Source { origin: Origin::file(case), der: crl }];
        let (crls, notices) = Crls::load(&source, &[authority.authority()], at(MIDDLE));
        let answer = |serial: &'static [u8]| {
            let certificate = CertificateToCheck { serial, ..authority.to_check() };
            short(&crls.status(&certificate, &authority.authority(), at(MIDDLE), Duration::ZERO))
        };
        match words {
            None => {
                assert_eq!(notices, [], "{case}");
                assert_eq!(
                    (answer(&[0x01]), answer(&[0x10, 0x01])),
                    (format!("good {case}"), "revoked keyCompromise".to_owned())
                );
            }
            Some(words) => {
                assert!(notice_of(&notices, case).contains(words), "{case}: {notices:?}");
                assert_eq!((answer(&[0x01]), answer(&[0x10, 0x01])), ("unknown".to_owned(), "unknown".to_owned()));
            }
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// A self-signed authority and a CRL that has the serial number 1001 (hex).
fn authority_and_crl(here: &Path, key: &str, digest: &str, options: &[&str]) -> (Vec<u8>, Vec<u8>) {
    std::fs::write(here.join("openssl.cnf"), CONFIGURATION).unwrap();
    std::fs::write(here.join("number"), "0A\n").unwrap();
    std::fs::write(here.join("database"), "R\t351231000000Z\t150101000000Z,keyCompromise\t1001\tunknown\t/CN=pc17\n")
        .unwrap();
    let (kind, parameter) = key.split_once(':').unwrap_or((key, ""));
    let bits = format!("rsa_keygen_bits:{parameter}");
    let curve = format!("ec_paramgen_curve:{parameter}");
    let generation: &[&str] = match kind {
        "rsa" => &["-pkeyopt", &bits],
        "ec" => &["-pkeyopt", &curve],
        _ => &[],
    };
    openssl(here, &[&["genpkey", "-algorithm", kind, "-out", "key.pem"], generation].concat());
    openssl(
        here,
        &["req", "-x509", "-new", "-config", "openssl.cnf", "-key", "key.pem", "-days", "36500", "-out", "ca.pem"],
    );
    openssl(here, &["x509", "-in", "ca.pem", "-outform", "DER", "-out", "ca.der"]);
    let signing = options.iter().flat_map(|option| ["-sigopt", option]);
    let crl = ["ca", "-gencrl", "-config", "openssl.cnf", "-md", &digest[1..], "-out", "CRL.pem"].into_iter();
    let dates = ["-crl_lastupdate", "20151201000000Z", "-crl_nextupdate", "20161215000000Z"];
    openssl(here, &crl.chain(dates).chain(signing).collect::<Vec<_>>());
    openssl(here, &["crl", "-in", "CRL.pem", "-outform", "DER", "-out", "CRL.der"]);
    (std::fs::read(here.join("ca.der")).unwrap(), std::fs::read(here.join("CRL.der")).unwrap())
}

fn openssl(here: &Path, arguments: &[&str]) {
    let output = Command::new("openssl").current_dir(here).args(arguments).output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

const CONFIGURATION: &str = "
[ca]
default_ca = here
[here]
database = database
crlnumber = number
certificate = ca.pem
private_key = key.pem
crl_extensions = CRL
[CRL]
authorityKeyIdentifier = keyid
[req]
prompt = no
distinguished_name = name
x509_extensions = authority
[name]
CN = CORP-CA
[authority]
subjectKeyIdentifier = hash
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
";
