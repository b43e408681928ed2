//! Certificates that no honest client sends, to the OpenSSL engine of a running process: each ends its own handshake, before
//! OpenSSL has seen a byte of it, and nothing else. Null suites keep the handshake of TLS 1.2 in plain, so that a client
//! of bytes alone gets as far as its certificates.

use std::fs;
use std::path::Path;

use ravelin_lab::hello;
use ravelin_lab::pki::{CertificateSpec, Estate, GeneralName, Key, Name, der};
use ravelin_lab::server::ServerSpec;

use crate::support::openssl::{self, HEAD, OpenSsl};
use crate::support::{NAME, Process, Setup, raw};

/// A hostile list as it goes onto the wire: the body of a Certificate message.
#[derive(Clone)]
struct Hostile {
    what: String,
    body: Vec<u8>,
    /// How much of it a record holds.
    record_bytes: usize,
}

fn hostile(what: &str, certificates: &[Vec<u8>]) -> Hostile {
    Hostile { what: what.to_owned(), body: list(certificates), record_bytes: 1 << 14 }
}

/// Covers: docs/traps.md row 56 (certificates that OpenSSL would die of).
#[tokio::test(flavor = "multi_thread")]
async fn each_ends_its_own_handshake() {
    if !openssl::there("each_ends_its_own_handshake") {
        return;
    }
    let setup = Setup::new()
        .set("sites.main", "certificates", r#"[{ chain = "tls/face-rsa.pem", key = "tls/face-rsa.key" }]"#)
        .set("sites.main", "tls", r#"{ null_encryption = "fallback", legacy_suites = ["rsa-cbc"] }"#)
        .set("limits", "unauthenticated_per_source", "1000");
    let server = ServerSpec::tls(&setup.estate().server).start().await.unwrap();
    let all =
        [from_the_fuzzers(), long_lists(setup.estate()), broken_der(setup.estate()), cunning(setup.estate())].concat();
    let clients = setup.path("clients");
    let gate = Process::start(setup.servers(&[server.address()]));
    let address = gate.address();
    // The first round warms up what a handshake needs once.
    for round in 0..2 {
        let before = (gate.descriptors(), gate.resident_bytes());
        for Hostile { what, body, record_bytes } in &all {
            // Null, and a suite whose handshake is in plain as well up to there.
            for suite in [0x003b, 0x003c] {
                let words = raw::last_words(address, &flight(suite, body, *record_bytes)).await;
                let told = last_alert(&words);
                assert!(told.is_some(), "round {round}: {what}: no alert, but {} bytes", words.len());
            }
        }
        let (descriptors, resident) = (gate.descriptors(), gate.resident_bytes());
        if round == 1 {
            let growth = resident - before.1;
            println!("{} hostile lists, twice: {:+} KiB resident", all.len(), growth / 1024);
            assert!(growth < GROWTH_BYTES_MAX, "{growth} bytes more");
            assert!(descriptors <= before.0 + 2, "{descriptors} descriptors, {} before", before.0);
        }
    }
    assert_eq!(server.visit_count(), 0, "no server hears of any");
    let page = gate.page("/metrics");
    let ends: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("ravelin_sessions_total{") && !line.ends_with(" 0"))
        .filter_map(|line| line.split_once("end=\"")?.1.split('"').next())
        .collect();
    for end in &ends {
        let is_refusal = ravelin_policy::Reason::ALL.iter().any(|reason| reason.label() == *end);
        assert!(is_refusal || *end == "handshake_failed", "{ends:?}");
    }
    for expected in ["chain_too_long", "malformed_certificate", "unknown_issuer", "weak_key", "bad_signature"] {
        assert!(ends.contains(&expected), "{expected} is not among {ends:?}");
    }
    // The engine serves whoever is let in as before.
    let options = ["-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0"];
    let mut client = OpenSsl::client_with(address, &clients, "healthy", &options);
    client.send(HEAD);
    client.says("HTTP/1.1 200").await;
    assert_eq!(server.visit_count(), 1);
}

/// Less than a leak of one list a handshake would make.
const GROWTH_BYTES_MAX: i64 = 2 << 20;

/// Every certificate list that the fuzzers of the decision kept.
fn from_the_fuzzers() -> Vec<Hostile> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/decide");
    let mut all = Vec::new();
    for entry in fs::read_dir(&corpus).unwrap() {
        let path = entry.unwrap().path();
        let mut data = fs::read(&path).unwrap();
        let mut certificates = Vec::new();
        while data.len() >= 2 {
            let length = usize::from(u16::from_be_bytes([data[0], data[1]])).min(data.len() - 2);
            certificates.push(data[2..2 + length].to_vec());
            data.drain(..2 + length);
        }
        all.push(hostile(&format!("corpus {}", path.file_name().unwrap().display()), &certificates));
    }
    assert!(all.len() >= 8, "{}: {} inputs", corpus.display(), all.len());
    all
}

fn long_lists(estate: &Estate) -> Vec<Hostile> {
    let leaf = estate.clients.healthy.certificate_der.clone();
    let padded = |bytes: usize| {
        let spec = CertificateSpec::client("pc01.corp.example.test").extension("1.2.3", false, vec![0; bytes]);
        estate.issuing.issue(spec).certificate_der
    };
    let mut all = Vec::new();
    for count in [5, 11, 100, 2_000] {
        let strangers = vec![estate.partner_root.certificate_der().to_vec(); count];
        all.push(hostile(&format!("{count} behind the leaf"), &[vec![leaf.clone()], strangers].concat()));
        all.push(hostile(&format!("{count} empty ones"), &vec![Vec::new(); count]));
    }
    // A chain that goes up and up.
    let mut above = estate.issuing.clone();
    for depth in 0..40 {
        above = above.issue_authority(CertificateSpec::authority(Name::cn(&format!("Depth {depth}"))));
    }
    let deep = above.issue(CertificateSpec::client("pc01.corp.example.test"));
    all.push(hostile("forty authorities deep", &deep.chain()));
    for bytes in [9_000, 40_000, 70_000, 300_000] {
        all.push(hostile(&format!("a leaf of {bytes} bytes"), &[padded(bytes)]));
    }
    for record_bytes in [1, 7] {
        let body = list(&[estate.clients.forged.certificate_der.clone(), padded(3_000)]);
        all.push(Hostile { what: format!("in records of {record_bytes}"), body, record_bytes });
    }
    all
}

/// A good leaf with one thing wrong in its encoding, everywhere.
fn broken_der(estate: &Estate) -> Vec<Hostile> {
    let leaf = &estate.clients.healthy.certificate_der;
    let mut all = Vec::new();
    for at in (0..leaf.len()).step_by(5) {
        all.push(hostile(&format!("cut after {at} bytes"), &[leaf[..at].to_vec()]));
        for flip in [0x01, 0x80, 0xff] {
            let mut changed = leaf.clone();
            changed[at] ^= flip;
            all.push(hostile(&format!("byte {at} ^ {flip:#x}"), &[changed]));
        }
    }
    let deep = |open: [u8; 2]| [open].repeat(3_900).concat();
    for (what, bytes) in [
        ("indefinite lengths, nested", deep([0x30, 0x80])),
        ("constructed strings, nested", deep([0x24, 0x80])),
        ("contexts, nested", deep([0xa0, 0x80])),
        ("a length of eight bytes", [&[0x30, 0x88][..], &[0xff; 8], leaf].concat()),
        ("a long form for a short length", [&[0x30, 0x84, 0, 0, 0, 3][..], &[2, 1, 1]].concat()),
        ("noise", vec![0xff; 4_000]),
        ("zeros", vec![0; 4_000]),
        ("bytes behind it", [&leaf[..], &[0; 9]].concat()),
    ] {
        all.push(hostile(what, &[bytes]));
    }
    // The list itself lies.
    for (what, body) in [
        ("a list longer than its message", vec![0, 0xff, 0xff, 0, 0, 9]),
        ("a list shorter than its message", [&list(std::slice::from_ref(leaf))[..], &[1, 2, 3]].concat()),
        ("a certificate longer than its list", vec![0, 0, 4, 0, 0xff, 0xff, 1]),
        ("no list at all", Vec::new()),
    ] {
        all.push(Hostile { what: what.to_owned(), body, record_bytes: 1 << 14 });
    }
    all
}

/// Well formed, and made to hurt whoever reads it.
fn cunning(estate: &Estate) -> Vec<Hostile> {
    let spec = || CertificateSpec::client("pc01.corp.example.test");
    let mut all = Vec::new();
    for bits in [512, 1_024, 8_192, 16_384] {
        let leaf = estate.issuing.issue(spec().key(Key::public_rsa(bits)));
        all.push(hostile(&format!("RSA {bits}"), &leaf.chain()));
        let authority = CertificateSpec::authority(Name::cn("Large")).key(Key::public_rsa(bits));
        let large = estate.issuing.issue(authority).certificate_der;
        let sent = [estate.clients.forged.certificate_der.clone(), large];
        all.push(hostile(&format!("an authority with RSA {bits}"), &sent));
    }
    let rsa = |exponent: &[u8]| {
        let key = der::sequence(&[der::integer_unsigned(&[0xc5; 256]), der::integer_unsigned(exponent)]);
        let algorithm = der::sequence(&[der::oid("1.2.840.113549.1.1.1"), der::null()]);
        Key::public_only(der::sequence(&[algorithm, der::bit_string(&key)]))
    };
    let mut keys = vec![
        ("an RSA exponent of 256 bytes", rsa(&[0xfd; 256])),
        ("an RSA exponent of zero", rsa(&[0])),
        ("a DSA key", other_key("1.2.840.10040.4.1", &der::integer(5))),
        ("a GOST key", other_key("1.2.643.7.1.1.1.1", &der::octet_string(&[7; 64]))),
        ("a key of no known kind", other_key("1.2.3.4", &der::null())),
    ];
    // CVE-2022-0778: a curve by its parameters, over a modulus that is no prime.
    keys.push(("an explicit curve", explicit_curve()));
    for (what, key) in keys {
        all.push(hostile(what, &estate.issuing.issue(spec().key(key)).chain()));
    }
    // CVE-2022-3602 and 3786: punycode in mail addresses under name constraints.
    let mail = format!("xn--{}@{}", "a".repeat(600), "xn--".repeat(150));
    let constrained = CertificateSpec::authority(Name::cn("Mail")).name_constraints(&[GeneralName::email(&mail)], &[]);
    let smtp_utf8 = der::implicit_constructed(
        0,
        &[der::oid("1.3.6.1.5.5.7.8.9"), der::explicit(0, &der::tlv(12, mail.as_bytes()))].concat(),
    );
    let leaf = spec().extension("2.5.29.17", false, der::sequence(&[smtp_utf8]));
    all.push(hostile("punycode", &estate.issuing.issue_authority(constrained).issue(leaf).chain()));
    // Extensions that OpenSSL would read, with rubbish in them, signed by an authority in use.
    for oid in [
        "2.5.29.14",
        "2.5.29.15",
        "2.5.29.17",
        "2.5.29.19",
        "2.5.29.30",
        "2.5.29.31",
        "2.5.29.32",
        "2.5.29.35",
        "2.5.29.37",
        "1.3.6.1.5.5.7.1.1",
        "1.3.6.1.5.5.7.1.7",
        "1.3.6.1.5.5.7.1.8",
        "1.3.6.1.5.5.7.1.14",
    ] {
        for value in [vec![], vec![0x30, 0x80], vec![0xff; 200], [[0x30, 0x80]; 90].concat()] {
            let bare = CertificateSpec::bare("CN=pc01.corp.example.test").extension(oid, true, value);
            all.push(hostile(&format!("extension {oid}"), &estate.issuing.issue(bare).chain()));
        }
    }
    all
}

fn other_key(algorithm: &str, parameters: &[u8]) -> Key {
    let algorithm = der::sequence(&[der::oid(algorithm), parameters.to_vec()]);
    Key::public_only(der::sequence(&[algorithm, der::bit_string(&der::integer_unsigned(&[0xc5; 128]))]))
}

/// SpecifiedECDomain (SEC 1, C.2) with a composite modulus and a compressed generator, which a reader has to take a root for.
fn explicit_curve() -> Key {
    let field = der::sequence(&[der::oid("1.2.840.10045.1.1"), der::integer_unsigned(&[0x02, 0xb9])]);
    let curve = der::sequence(&[der::octet_string(&[0x02, 0x5a]), der::octet_string(&[0x00, 0x17])]);
    let domain =
        der::sequence(&[der::integer(1), field, curve, der::octet_string(&[0x02, 0x00, 0x7f]), der::integer(0x2a3)]);
    let algorithm = der::sequence(&[der::oid("1.2.840.10045.2.1"), domain]);
    Key::public_only(der::sequence(&[algorithm, der::bit_string(&[0x02, 0x00, 0x7f])]))
}

/// A hello that only the OpenSSL engine can serve, and a Certificate message.
fn flight(suite: u16, body: &[u8], record_bytes: usize) -> Vec<u8> {
    let name = NAME.as_bytes();
    let bytes = |count: usize| u16::try_from(count).unwrap().to_be_bytes();
    let server_name = [&bytes(name.len() + 3)[..], &[0], &bytes(name.len()), name].concat();
    let extensions = [(0, server_name.as_slice()), (10, &[0, 4, 0, 29, 0, 23]), (13, &[0, 8, 4, 1, 5, 1, 4, 3, 5, 3])];
    let mut bytes = raw::hello_of([3, 3], &[suite], &extensions);
    let [_, a, b, c] = u32::try_from(body.len()).unwrap().to_be_bytes();
    for piece in [&[11, a, b, c], body].concat().chunks(record_bytes) {
        bytes.extend(hello::record(22, [3, 3], piece));
    }
    bytes
}

fn list(certificates: &[Vec<u8>]) -> Vec<u8> {
    let prefixed = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[1..], bytes].concat();
    prefixed(&certificates.iter().flat_map(|each| prefixed(each)).collect::<Vec<u8>>())
}

/// The description in the last record, if that is an alert.
fn last_alert(mut words: &[u8]) -> Option<u8> {
    let mut alert = None;
    while let [kind, _, _, high, low, rest @ ..] = words {
        let (body, behind) = rest.split_at_checked(usize::from(u16::from_be_bytes([*high, *low])))?;
        alert = if *kind == 21 { body.get(1).copied() } else { None };
        words = behind;
    }
    alert
}
