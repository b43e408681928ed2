//! Clients shaped like Windows' against sites and settings: who is served, by which engine, with which suite. What the
//! choice says and what the engines then do are held against each other; the result is a page of the manual.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::sync::Arc;

use ravelin_lab::pki::Issued;
use ravelin_tls::hello::{HelloParser, HelloProgress};
use ravelin_tls::{EngineChoice, LegacySuite, LegacyTls, NullEncryption, SiteTls, SiteTlsSpec, TlsVersion};

use crate::support::*;

/// A client of Windows': label, newest version, suites, groups, signature schemes (schannel's lists).
struct Shape(&'static str, u16, &'static str, &'static [u16], &'static [u16]);

const SHAPES: &[Shape] = &[
    Shape(
        "7 (TLS 1.0)",
        0x0301,
        "c014 c013 0035 002f c00a c009 0038 0032 000a 0013 0005 0004",
        &[0x17, 0x18, 0x19],
        &[],
    ),
    Shape(
        "7 (TLS 1.2)",
        0x0303,
        "c028 c027 c014 c013 009f 009e 009d 009c 003d 003c 0035 002f c02c c02b c024 c023 c00a c009 006a 0040 0038 0032 000a 0013",
        OLD_GROUPS,
        &[0x0601, 0x0603, 0x0401, 0x0501, 0x0201, 0x0403, 0x0503, 0x0203, 0x0202],
    ),
    Shape(
        "8.1",
        0x0303,
        "c028 c027 c014 c013 009f 009e 0039 0033 009d 009c 003d 003c 0035 002f c02c c02b c024 c023 c00a c009 006a 0040 0038 0032 000a 0013",
        OLD_GROUPS,
        &[0x0401, 0x0501, 0x0601, 0x0201, 0x0403, 0x0503, 0x0603, 0x0203, 0x0202],
    ),
    Shape(
        "10 1507",
        0x0303,
        "c02c c02b c030 c02f 009f 009e c024 c023 c028 c027 c00a c009 c014 c013 0039 0033 009d 009c 003d 003c 0035 002f 000a 006a 0040 0038 0032 0013",
        OLD_GROUPS,
        OLD_SCHEMES,
    ),
    Shape(
        "10 1703 to 1809",
        0x0303,
        "c02c c02b c030 c02f c024 c023 c028 c027 c00a c009 c014 c013 009d 009c 003d 003c 0035 002f 000a",
        GROUPS,
        OLD_SCHEMES,
    ),
    Shape(
        "10 22H2; 11 (TLS 1.2)",
        0x0303,
        "c02c c02b c030 c02f c024 c023 c028 c027 c00a c009 c014 c013 009d 009c 003d 003c 0035 002f",
        GROUPS,
        SCHEMES,
    ),
    Shape(
        "11 (TLS 1.3)",
        0x0304,
        "1302 1301 c02c c02b c030 c02f c024 c023 c028 c027 c00a c009 c014 c013 009d 009c 003d 003c 0035 002f",
        GROUPS,
        SCHEMES,
    ),
];
const OLD_GROUPS: &[u16] = &[0x17, 0x18];
const GROUPS: &[u16] = &[0x1d, 0x17, 0x18];
const OLD_SCHEMES: &[u16] = &[0x0401, 0x0501, 0x0201, 0x0403, 0x0503, 0x0203, 0x0202, 0x0601, 0x0603];
const SCHEMES: &[u16] =
    &[0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0201, 0x0403, 0x0503, 0x0203, 0x0202, 0x0601, 0x0603];
const NULLS: [u16; 2] = [0x003b, 0x0002];

/// The record of a ClientHello.
fn hello(shape: &Shape, suites: &[u16]) -> Vec<u8> {
    let list = |list: &[u16]| list.iter().flat_map(|each| each.to_be_bytes()).collect::<Vec<u8>>();
    let prefixed = |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat();
    let extension = |kind: u16, body: &[u8]| [&kind.to_be_bytes()[..], &prefixed(body)].concat();
    let mut extensions = vec![
        extension(0, &prefixed(&[&[0][..], &prefixed(NAME.as_bytes())].concat())),
        extension(11, &[1, 0]),
        extension(23, &[]),
        extension(0xff01, &[0]),
    ];
    if !shape.3.is_empty() {
        extensions.push(extension(10, &prefixed(&list(shape.3))));
    }
    if !shape.4.is_empty() {
        extensions.push(extension(13, &prefixed(&list(shape.4))));
    }
    if shape.1 == 0x0304 {
        extensions.push(extension(43, &[4, 3, 4, 3, 3]));
        extensions.push(extension(45, &[1, 1]));
        // Without a share of a group in common the server asks for one.
        let share = [&[0, 0x1d][..], &prefixed(&[9; 32])].concat();
        let shares = if shape.3.contains(&0x1d) { share } else { Vec::new() };
        extensions.push(extension(51, &prefixed(&shares)));
    }
    let version = shape.1.min(0x0303).to_be_bytes();
    let head = [&version[..], &[7; 32], &[0], &prefixed(&list(suites)), &[1, 0]].concat();
    let body = [head, prefixed(&extensions.concat())].concat();
    let message = [&[1][..], &u32::try_from(body.len()).unwrap().to_be_bytes()[1..], &body].concat();
    [&[22, 3, 1][..], &prefixed(&message)].concat()
}

fn suites(shape: &Shape) -> Vec<u16> {
    shape.2.split(' ').map(|each| u16::from_str_radix(each, 16).unwrap()).collect()
}

/// What a server answered: the suite of its ServerHello, or the number of its alert.
fn answer(address: std::net::SocketAddr, hello: &[u8]) -> Result<u16, u8> {
    let mut socket = dial(address);
    socket.write_all(hello).unwrap();
    let mut head = [0; 5];
    socket.read_exact(&mut head).unwrap();
    let mut body = vec![0; u16::from_be_bytes([head[3], head[4]]).into()];
    socket.read_exact(&mut body).unwrap();
    match (head[0], body[0]) {
        (21, _) => Err(body[1]),
        (22, 2) => {
            let session = 4 + 2 + 32;
            let at = session + 1 + usize::from(body[session]);
            Ok(u16::from_be_bytes([body[at], body[at + 1]]))
        }
        other => panic!("{other:?}"),
    }
}

/// A column: its heading, oldest version, null encryption, and whether the suites of old Windows are listed.
const SETTINGS: &[(&str, TlsVersion, NullEncryption, bool)] = &[
    ("nothing", TlsVersion::V1_2, NullEncryption::Off, false),
    ("`null_encryption = \"fallback\"`", TlsVersion::V1_2, NullEncryption::Fallback, false),
    ("`null_encryption = \"prefer\"`", TlsVersion::V1_2, NullEncryption::Prefer, false),
    ("old suites", TlsVersion::V1_2, NullEncryption::Off, true),
    ("old suites, `min = \"1.0\"`", TlsVersion::V1_0, NullEncryption::Off, true),
];

fn site(faces: &[&Issued], listed: &[LegacySuite], setting: usize) -> Option<Arc<SiteTls>> {
    let (_, min, null_encryption, old) = SETTINGS[setting];
    let suites = if old { listed.to_vec() } else { Vec::new() };
    let identities = faces.iter().map(|face| identity(face)).collect();
    let legacy = LegacyTls { null_encryption, suites };
    let spec = SiteTlsSpec { identities, min, max: TlsVersion::V1_3, authority_hints: Vec::new(), legacy };
    SiteTls::build(spec).ok().map(Arc::new)
}

/// One cell: the choice, held against what comes of it.
async fn cell(site: &Arc<SiteTls>, hello: Vec<u8>) -> String {
    let Ok(HelloProgress::Complete(parsed)) = HelloParser::default().push(&hello) else { panic!("no hello") };
    let choice = site.choose(&parsed);
    let (address, task) = serve(site.clone(), estatewide()).await;
    let answered = beside(move || answer(address, &hello)).await;
    let detail = failed(task).await.detail;
    match (choice, answered) {
        (EngineChoice::Rustls, Ok(suite)) => format!("rustls, `{suite:04x}`"),
        (EngineChoice::OpenSsl, Ok(suite)) => format!("OpenSSL, `{suite:04x}`"),
        (EngineChoice::None { .. }, Err(40 | 70)) => "no".to_owned(),
        other => panic!("the choice and the engine differ: {other:?} for {parsed:x?}: {detail}"),
    }
}

#[tokio::test]
async fn the_table_of_the_manual_is_what_happens() {
    let (rsa, ecdsa) = (&estate().face_rsa, &estate().face_ecdsa);
    let of_rsa = [LegacySuite::DheRsaGcm, LegacySuite::EcdheRsaCbc];
    let of_both = [LegacySuite::DheRsaGcm, LegacySuite::EcdheRsaCbc, LegacySuite::EcdheEcdsaCbc];
    let sites: [(&str, &[&Issued], &[LegacySuite]); 3] =
        [("RSA", &[rsa], &of_rsa), ("ECDSA", &[ecdsa], &of_both[2..]), ("RSA and ECDSA", &[rsa, ecdsa], &of_both)];
    let mut text = String::from(
        "<!-- Written by a test: RAVELIN_BLESS=1 cargo test -p ravelin-tls. -->\n\n# Which engine serves which client\n\nEach cell: the engine that serves the \
         client, and the code point of the suite they agree on; *no* is `no_common_suite`; a dash is a setting that the \
         certificates cannot serve, which `check` refuses. The clients are constructed from Microsoft's published lists, \
         not captured.\n",
    );
    for (heading, faces, listed) in sites {
        let labels: Vec<String> = listed.iter().map(|each| format!("`{}`", each.label())).collect();
        let _ = write!(
            text,
            "\n### Certificate: {heading}\n\nOld suites are {}.\n\n| Windows | null suites |",
            labels.join(", ")
        );
        SETTINGS.iter().for_each(|(heading, ..)| text.push_str(&format!(" {heading} |")));
        let _ = write!(text, "\n| --- | --- |{}\n", " --- |".repeat(SETTINGS.len()));
        for shape in SHAPES {
            let encrypting = suites(shape);
            let too = [&NULLS[..], &encrypting].concat();
            for (nulls, offered) in [("none", encrypting), ("too", too), ("only", NULLS.to_vec())] {
                let _ = write!(text, "| {} | {nulls} |", shape.0);
                for setting in 0..SETTINGS.len() {
                    let cell = match site(faces, listed, setting) {
                        Some(site) => cell(&site, hello(shape, &offered)).await,
                        None => "-".to_owned(),
                    };
                    let _ = write!(text, " {cell} |");
                }
                text.push('\n');
            }
        }
    }
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/client-table.md");
    if std::env::var_os("RAVELIN_BLESS").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    let lines = written.lines().zip(text.lines()).zip(1..).find(|((is, wanted), _)| is != wanted);
    assert!(
        written == text,
        "docs/src/client-table.md is not what happens; the first line that differs: {lines:?}. Mend it with: \
         RAVELIN_BLESS=1 cargo test -p ravelin-tls"
    );
}

/// Some of these, in an order of their own.
fn some_of(all: &[u16], count: usize, seed: &mut u32) -> Vec<u16> {
    let mut next = || {
        *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        usize::try_from(*seed >> 8).unwrap()
    };
    let mut left = all.to_vec();
    (0..count.min(all.len())).map(|_| left.swap_remove(next() % left.len())).collect()
}

#[tokio::test]
async fn the_choice_is_what_the_engines_do_for_any_hello() {
    let both = [&estate().face_rsa, &estate().face_ecdsa];
    let of_both = [LegacySuite::DheRsaGcm, LegacySuite::EcdheRsaCbc, LegacySuite::EcdheEcdsaCbc];
    let all: Vec<u16> = [0x1301, 0x1303, 0xcca8, 0xcca9, 0x00ff]
        .into_iter()
        .chain(NULLS)
        .chain(suites(&SHAPES[6]))
        .chain(suites(&SHAPES[2]))
        .collect();
    let schemes = [SCHEMES, &[0x0807, 0x0905]].concat();
    let (mut seed, mut served) = (11, 0);
    for round in 0..420 {
        let faces = &[&both[..], &both[..1], &both[1..]][round % 3];
        let listed = [&of_both[..], &of_both[..2], &of_both[2..]][round % 3];
        let Some(site) = site(faces, listed, round / 3 % SETTINGS.len()) else { continue };
        let offered = some_of(&all, 1 + round % 13, &mut seed);
        let version = some_of(&[0x0301, 0x0302, 0x0303, 0x0303, 0x0304], 1, &mut seed)[0];
        let groups = some_of(&[0x1d, 0x17, 0x18, 0x19, 0x1e, 0x0100], round % 5, &mut seed);
        let chosen = some_of(&schemes, round % 9, &mut seed);
        let shape = Shape("any", version, "", groups.leak(), chosen.leak());
        served += usize::from(cell(&site, hello(&shape, &offered)).await != "no");
    }
    assert!((60..380).contains(&served), "{served} served: the hellos show nothing");
}
