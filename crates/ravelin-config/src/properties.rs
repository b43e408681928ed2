//! What holds for every file and every configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use ravelin_policy::{AccountMapping, NameRules, RevocationCheck};
use ravelin_tls::{LegacySuite, LegacyTls, NullEncryption, TlsVersion};
use toml::de::{DeTable, DeValue};

use super::declare::{self, Kind};
use super::oracle;
use super::samples::FULL;
use super::*;

const FILE: &str = "/etc/ravelin/ravelin.toml";

/// Every value of a file with its key as declared (`pools.NAME.servers[].address`) and as it stands there.
fn values(text: &str) -> Vec<(String, String, std::ops::Range<usize>)> {
    let tree = DeTable::parse(text).unwrap();
    let mut found = Vec::new();
    walk(&DeValue::Table(tree.into_inner()), 0..0, (String::new(), String::new()), &mut found);
    found
}

fn walk(
    value: &DeValue<'_>,
    span: std::ops::Range<usize>,
    (pattern, key): (String, String),
    found: &mut Vec<(String, String, std::ops::Range<usize>)>,
) {
    found.push((pattern.clone(), key.clone(), span));
    let join = |table: &str, name: &str| if table.is_empty() { name.to_owned() } else { format!("{table}.{name}") };
    let chosen = ["listeners", "sites", "policies", "pools"].contains(&pattern.as_str());
    for (name, value) in value.as_table().into_iter().flat_map(|table| table.iter()) {
        let (name, part) = (name.get_ref(), if chosen { "NAME" } else { name.get_ref().as_ref() });
        walk(value.get_ref(), value.span(), (join(&pattern, part), join(&key, name)), found);
    }
    for (index, item) in value.as_array().into_iter().flat_map(|items| items.iter()).enumerate() {
        walk(item.get_ref(), item.span(), (format!("{pattern}[]"), format!("{key}[{index}]")), found);
    }
}

/// A date can stand nowhere: put in the place of each value, it must be refused there. A key that is declared and never
/// read, or read and never checked, would let it pass.
#[test]
fn every_key_refuses_what_it_is_not() {
    let values = values(FULL);
    for key in
        declare::all(crate::tables::KEYS).filter(|key| !matches!(key.shape().kind(), Kind::Refused(_) | Kind::Named))
    {
        let of_key: Vec<_> = values.iter().filter(|(pattern, ..)| pattern == key.path()).collect();
        assert!(!of_key.is_empty(), "the sample has no {}", key.path());
        for (_, place, span) in of_key {
            if FULL[span.clone()].starts_with(&format!("[{place}")) {
                continue; // A table under a header of its own is not replaced in place.
            }
            let text = format!("{}1979-05-27{}", &FULL[..span.start], &FULL[span.end..]);
            let problems = parse(Path::new(FILE), &text).expect_err(place);
            let position = Some(place::Lines::of(FULL).position(FULL, span.start));
            let told = problems.iter().any(|problem| {
                problem.key == *place && problem.position == position && problem.severity == Severity::Error
            });
            assert!(told, "{place}: {problems:#?}");
        }
    }
}

/// A key that nobody declared is an error in every table.
#[test]
fn every_table_refuses_an_unknown_key() {
    let values = values(FULL);
    let tables = values.iter().filter(|(_, key, span)| {
        let text = &FULL[span.clone()];
        !key.is_empty() && (text.starts_with('{') || text.starts_with(&format!("[{key}")))
    });
    let mut checked = 0;
    for (_, key, span) in tables {
        let inline = FULL[span.clone()].starts_with('{');
        let at = if inline { span.start + 1 } else { span.end };
        let (before, after) = FULL.split_at(at);
        let (new, column) = if inline { (" zzz = 1,", 1) } else { ("\nzzz = 1", 1) };
        let text = format!("{before}{new}{after}");
        let problems = parse(Path::new(FILE), &text).expect_err(key);
        let position = Some(place::Lines::of(&text).position(&text, at + column));
        let told = |problem: &Problem| {
            problem.key == format!("{key}.zzz") && problem.position == position && problem.text.contains("unknown key")
        };
        assert!(problems.iter().any(told), "{key}: {problems:#?}");
        checked += 1;
    }
    assert!(checked > 25, "{checked} tables");
}

/// Pieces that a file is damaged with.
const PIECES: &[&str] = &[
    "",
    "[",
    "]",
    "[[",
    "{",
    "}",
    "\"",
    "'",
    "\"\"\"",
    "=",
    ".",
    ",",
    "\n",
    "\r",
    "#",
    "\\",
    "\\u0000",
    "0",
    "-1",
    "1e9",
    "nan",
    "true",
    "false",
    "1979-05-27",
    "*",
    "*.",
    "off",
    "any",
    "é",
    "\u{0}",
    "\u{202e}",
    "99999999999999999999",
    "0x_",
    "[limits]",
    "[sites.europe]",
    "[a.b.c]",
    "[[pools.europe.servers]]",
    "names = \"any\"",
    "bind",
    "{}",
    "[]",
    "\"\"",
    "ms",
    ":",
    "/",
];

proptest! {
    /// Damage of any kind gives a configuration or problems with places in the file, never a panic; and a
    /// configuration is still one that prints and reads back.
    #[test]
    fn a_damaged_file_is_reported(cuts in vec((any::<Index>(), 0usize..40, select(PIECES)), 1..6)) {
        let mut text = FULL.to_owned();
        for (at, length, piece) in cuts {
            let mut start = at.index(text.len() + 1);
            while !text.is_char_boundary(start) {
                start -= 1;
            }
            let mut end = (start + length).min(text.len());
            while !text.is_char_boundary(end) {
                end += 1;
            }
            text.replace_range(start..end, piece);
        }
        let lines = text.lines().count() + 1;
        match parse(Path::new(FILE), &text) {
            Ok((config, warnings)) => {
                prop_assert!(warnings.iter().all(|problem| problem.severity == Severity::Warning));
                let printed = render(&config);
                let again = parse(Path::new(FILE), &printed);
                prop_assert_eq!(again.map(|(config, _)| config), Ok(config), "{}", printed);
            }
            Err(problems) => {
                prop_assert!(problems.iter().any(|problem| problem.severity == Severity::Error));
                for problem in problems {
                    let (line, column) = problem.position.unwrap_or((1, 1));
                    prop_assert!((1..=lines).contains(&line) && column >= 1, "{}", problem);
                    prop_assert!(!problem.to_string().contains(char::is_control), "{:?}", problem.to_string());
                }
            }
        }
    }

    /// What is printed reads back as the same, for whatever can be configured.
    #[test]
    fn a_printed_configuration_reads_back(config in config()) {
        let printed = render(&config);
        match parse(Path::new(FILE), &printed) {
            Ok((again, _)) => prop_assert_eq!(again, config, "{}", printed),
            Err(problems) => prop_assert!(false, "{:#?}\n{}", problems, printed),
        }
    }
}

fn path() -> impl Strategy<Value = PathBuf> {
    // A path below the file's folder is printed relative to it, any other one as it is.
    let part = "[A-Za-z0-9_. \"\\\\'{}#é-]{1,12}";
    (select(&["/etc/ravelin/", "/", "/var/lib/"]), vec(part, 1..4))
        .prop_map(|(root, parts)| PathBuf::from(format!("{root}x{}", parts.join("/"))))
}

fn paths(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<PathBuf>> {
    vec(path(), count).prop_map(|paths| distinct(paths, PathBuf::clone))
}

fn distinct<T, K: Ord>(values: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    values.into_iter().map(|value| (key(&value), value)).collect::<BTreeMap<_, _>>().into_values().collect()
}

fn milliseconds(min: u64, max: u64) -> impl Strategy<Value = Duration> {
    prop_oneof![min..=max, (min.div_ceil(1_000)..=max / 1_000).prop_map(|seconds| seconds * 1_000)]
        .prop_map(Duration::from_millis)
}

fn certificate() -> impl Strategy<Value = CertificateFiles> {
    prop_oneof![
        (path(), path()).prop_map(|(chain, key)| CertificateFiles::Pem { chain, key }),
        (path(), option::of(path())).prop_map(|(pfx, password_file)| CertificateFiles::Pfx { pfx, password_file }),
    ]
}

fn names() -> impl Strategy<Value = NameRules> {
    let list = || vec("(\\*\\.)?[a-z][a-z0-9]{0,8}\\.[a-z]{2,5}", 0..4);
    prop_oneof![Just(NameRules::Any), (list(), list()).prop_map(|(allow, deny)| NameRules::Listed { allow, deny })]
}

fn purposes() -> impl Strategy<Value = Vec<String>> {
    vec(select(&["1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1", "2.5.29.37.0"]).prop_map(str::to_owned), 1..3)
}

fn policy() -> impl Strategy<Value = PolicyConfig> {
    let lists = (paths(1..3), paths(0..3), option::of(paths(1..3)), purposes());
    let deny = (vec((path(), "[1-9a-f][0-9a-f]{0,39}"), 0..3), vec("[0-9a-f]{64}", 0..3));
    let check = select(&[RevocationCheck::Chain, RevocationCheck::Leaf, RevocationCheck::Off]);
    let revocation = (paths(0..3), check, any::<bool>(), milliseconds(0, 90 * 86_400_000)).prop_map(
        |(crls, check, unknown_allowed, stale_grace)| RevocationConfig { crls, check, unknown_allowed, stale_grace },
    );
    let shadow = (option::of(names()), option::of(paths(1..3)), option::of(purposes()), option::of(directory()))
        .prop_map(|(names, issued_by, purposes, directory)| ShadowConfig { names, issued_by, purposes, directory });
    (lists, any::<bool>(), names(), deny, revocation, option::of(directory()), option::of(shadow)).prop_map(
        |(lists, purpose_absent_allowed, names, deny, revocation, directory, shadow)| PolicyConfig {
            trust_anchors: lists.0,
            intermediates: lists.1,
            issued_by: lists.2,
            purposes: lists.3,
            purpose_absent_allowed,
            names,
            deny_serials: deny.0,
            deny_spki_sha256: deny.1,
            revocation,
            directory,
            shadow,
        },
    )
}

fn directory() -> impl Strategy<Value = DirectoryConfig> {
    let mapping = select(&[AccountMapping::Strong, AccountMapping::Compatible, AccountMapping::Names]);
    let groups = || vec("[A-Za-z][A-Za-z0-9 ()*-]{0,20}[a-z]|CORP\\\\[a-z]{1,9}|S-1-5-21(-[1-9][0-9]{0,8}){1,4}", 0..3);
    let files = (path(), option::of(path()), option::of(paths(1..3)));
    let ages = (milliseconds(60_000, 90 * 86_400_000), milliseconds(1_000, 90 * 86_400_000), 0u8..=100);
    (files, mapping, groups(), groups(), ages).prop_map(|(files, mapping, allow_groups, deny_groups, ages)| {
        DirectoryConfig {
            snapshot: files.0,
            public_key: files.1,
            mapping,
            explicit_issuers: files.2,
            allow_groups,
            deny_groups,
            max_age: ages.0,
            stale_after: ages.1,
            max_shrink: ages.2,
        }
    })
}

/// What this build accepts: without the second engine nothing but what rustls speaks.
fn tls() -> impl Strategy<Value = TlsConfig> {
    let built_in = cfg!(feature = "legacy-tls");
    let versions = select(&[
        (TlsVersion::V1_2, TlsVersion::V1_2),
        (TlsVersion::V1_2, TlsVersion::V1_3),
        (TlsVersion::V1_3, TlsVersion::V1_3),
        (TlsVersion::V1_0, TlsVersion::V1_2),
        (TlsVersion::V1_1, TlsVersion::V1_3),
    ])
    .prop_filter("built in", move |(min, _)| built_in || *min >= TlsVersion::V1_2);
    let null = select(&[NullEncryption::Off, NullEncryption::Fallback, NullEncryption::Prefer]);
    let suites = proptest::sample::subsequence(LegacySuite::ALL, 0..=LegacySuite::ALL.len()).prop_shuffle();
    (versions, null, suites).prop_map(move |((min, max), null_encryption, suites)| {
        let legacy = if built_in { LegacyTls { null_encryption, suites } } else { LegacyTls::default() };
        TlsConfig { min, max, legacy }
    })
}

fn pool() -> impl Strategy<Value = PoolConfig> {
    let server = ("[A-Za-z0-9._-]{1,20}", 1u8..=223, 1u16.., 1u32..=256)
        .prop_map(|(name, host, port, weight)| ServerConfig { name, address: ([10, 9, 8, host], port).into(), weight });
    let servers = vec(server, 1..4).prop_map(|servers| distinct(servers, |server| server.name.to_ascii_lowercase()));
    let host = || "[a-z]{1,9}\\.example";
    let upstream = prop_oneof![
        (paths(1..3), host(), option::of(certificate()), tls()).prop_map(|(ca, server_name, certificate, tls)| {
            UpstreamConfig::Bridge { ca, server_name, certificate, tls }
        }),
        option::of(host()).prop_map(|server_name| UpstreamConfig::Offload { server_name }),
    ];
    let health = prop_oneof![
        Just(HealthConfig::Off),
        milliseconds(100, 3_600_000).prop_map(|every| HealthConfig::Tcp { every })
    ];
    let balance = select(&[Balance::Identity, Balance::RoundRobin]);
    (servers, upstream, balance, health, milliseconds(100, 60_000)).prop_map(
        |(servers, upstream, balance, health, connect_deadline)| PoolConfig {
            servers,
            upstream,
            balance,
            health,
            connect_deadline,
        },
    )
}

fn limits() -> impl Strategy<Value = LimitsConfig> {
    let counts = (1usize..=524_160, 1usize..=65_536, 1usize..=65_535, option::of(1u32..=100_000), 1usize..=1_000);
    let times =
        (milliseconds(100, 120_000), milliseconds(1_000, 86_400_000), option::of(milliseconds(1_000, 86_400_000)));
    (counts, times, milliseconds(100, 86_400_000), milliseconds(0, 86_400_000)).prop_map(
        |(counts, times, half_closed_idle, drain_deadline)| LimitsConfig {
            handshake_deadline: times.0,
            request_deadline: times.0,
            sessions: counts.0,
            handshakes_in_flight: counts.1,
            unauthenticated_per_source: counts.2,
            unauthenticated_rate_per_source: counts.3,
            tunnels_per_identity: counts.4,
            idle: times.1,
            half_closed_idle,
            lifetime: times.2,
            drain_deadline,
        },
    )
}

fn sync() -> impl Strategy<Value = SyncConfig> {
    let controller = ("dc[0-9]\\.[a-z]{1,9}\\.example", 1u16.., option::of((1u8..=223, 1u16..))).prop_map(
        |(host, port, address)| {
            let address = address.map(|(last, port)| ([10, 9, 8, last], port).into());
            ControllerConfig { host, port, address }
        },
    );
    let password = prop_oneof![
        path().prop_map(PasswordSource::File),
        "[A-Za-z0-9_-][A-Za-z0-9._-]{0,20}".prop_map(PasswordSource::Credential),
    ];
    let login = prop_oneof![
        ("[a-z]{1,9}@[a-z]{1,9}\\.example", password)
            .prop_map(|(name, password)| (SyncLogin::Password { name, password }, true)),
        (path(), path()).prop_map(|(chain, key)| (SyncLogin::Certificate { chain, key }, false)),
    ];
    let domain = ("[a-z]{1,9}\\.example", vec(controller, 1..3), paths(1..3), any::<bool>(), login).prop_map(
        |(domain, controllers, ca, start_tls, (login, may))| SyncDomainConfig {
            domain,
            controllers,
            ca,
            start_tls: start_tls && may,
            login,
        },
    );
    let domains = vec(domain, 1..3).prop_map(|domains| distinct(domains, |domain| domain.domain.clone()));
    let times = (milliseconds(1_000, 86_400_000), milliseconds(10_000, 86_400_000), milliseconds(5_000, 3_600_000));
    let rest = (path(), option::of(path()), 0u8..=100, option::of(1u16..));
    (times, rest, domains).prop_map(|((poll, resync, deadline), (snapshot, signing_key, max_shrink, port), domains)| {
        SyncConfig {
            snapshot,
            signing_key,
            max_shrink,
            poll,
            resync,
            refresh: poll,
            deadline,
            listen: port.map(|port| ([127, 0, 0, 1], port).into()),
            domains,
        }
    })
}

fn config() -> impl Strategy<Value = Config> {
    let name = "[A-Za-z0-9_-]{1,12}";
    let tables = (btree_map(name, policy(), 1..3), btree_map(name, pool(), 1..3));
    let site = (vec(certificate(), 1..3), any::<(Index, Index, bool)>(), tls(), "/[A-Za-z0-9%/._-]{0,12}");
    let rest = (limits(), 1usize..1_024, option::of(path()), any::<bool>(), select(&["error", "info", "trace"]));
    let admin = (option::of(1u16..), option::of(path()));
    let strategy = (tables, vec((site, name), 1..4), rest, admin, option::of(sync()));
    strategy.prop_map(|((policies, pools), sites, rest, admin, sync)| {
        let pick = |keys: Vec<&String>, index: Index| keys[index.index(keys.len())].clone();
        let sites: BTreeMap<String, SiteConfig> = sites
            .into_iter()
            .enumerate()
            .map(|(number, ((certificates, (policy, pool, authority_hints), tls, request), name))| {
                let site = SiteConfig {
                    server_names: vec![format!("s{number}.example"), format!("t{number}.example")],
                    certificates,
                    policy: pick(policies.keys().collect(), policy),
                    pool: pick(pools.keys().collect(), pool),
                    tls,
                    authority_hints,
                    paths: vec![request],
                };
                (name, site)
            })
            .collect();
        let listener =
            ListenerConfig { bind: vec!["[::]:443".parse().unwrap()], sites: sites.keys().cloned().collect() };
        let config = Config {
            file: FILE.into(),
            admin: AdminConfig { listen: admin.0.map(|port| ([127, 0, 0, 1], port).into()), control: admin.1 },
            listeners: [("edge".to_owned(), listener)].into(),
            sites,
            policies,
            pools,
            limits: rest.0,
            threads: ThreadsConfig {
                relay: rest.1,
                handshake: rest.1,
                linger: Duration::from_micros(rest.1 as u64 % 101),
            },
            log: LogConfig { level: rest.4.to_owned(), json: rest.3, audit: rest.2 },
            sync,
            rehearsal: Rehearsal::default(),
            effective: serde_json::Value::Null,
        };
        Config { effective: oracle::tree(&config), ..config }
    })
}
