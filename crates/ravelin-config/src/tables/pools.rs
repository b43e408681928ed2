//! `[pools.NAME]`.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::upstream;
use crate::checked::{Balance, HealthConfig, PoolConfig, ServerConfig};
use crate::declare::{Presence, keys};
use crate::forms::{Label, Named, Number, OneOf, Rows, Section, ServerAddress, Span, Words};
use crate::table::{SectionOrWord, Table};

keys! {
    /// DirectAccess servers that can replace one another, and how the gateway connects to them.
    POOLS: Named = "pools", Named, Presence::Optional;

    /// The servers. At most three are tried for one client. After five failed connections in a row within 10 s a server
    /// comes after the others for 10 s, after two failed health checks until one succeeds. No server is left out
    /// altogether.
    SERVERS: Rows = "pools.NAME.servers",
        Rows { min: 1, max: 32, why: "a DirectAccess cluster behind an external balancer has at most 32 servers" }, Presence::Required;

    /// Name in metrics, records and commands; unique in the pool.
    SERVER_NAME: Label = "pools.NAME.servers[].name", Label, Presence::Required;

    /// Where it accepts IP-HTTPS. A host name is refused: nothing is looked up at run time, so that nobody can redirect
    /// tunnels by DNS.
    ADDRESS: ServerAddress = "pools.NAME.servers[].address", ServerAddress, Presence::Required;

    /// Its share: a server of weight 2 gets twice the clients of one of weight 1.
    WEIGHT: Number = "pools.NAME.servers[].weight",
        Number { min: 1, max: 256, why: "as in other balancers; a server that should get nothing is taken out" }, Presence::Default("1");

    /// How a client's server is picked.
    BALANCE: OneOf<Balance> = "pools.NAME.balance",
        OneOf { known: BALANCES, not_yet: &["least-sessions"] }, Presence::Default("\"identity\"");

    /// How the gateway learns whether a server can be reached. The kind alone is short for a table with that `kind`.
    HEALTH: Section = "pools.NAME.health", Section { words: HEALTH_WORDS }, Presence::Optional;

    /// What a health check does.
    HEALTH_KIND: OneOf<HealthKind> = "pools.NAME.health.kind",
        OneOf { known: HEALTH_KINDS, not_yet: HEALTH_NOT_YET }, Presence::Default("\"off\"");

    /// Time between two health checks of one server. Ten seconds is what load balancers use.
    HEALTH_EVERY: Span = "pools.NAME.health.every",
        Span {
            min: Duration::from_millis(100),
            max: Duration::from_secs(3_600),
            why: "more often is load, more seldom is no news",
        },
        Presence::Default("\"10s\"");

    /// How long a TCP connection and a TLS handshake with one server may take before the next server is tried. A server on
    /// the same site answers within milliseconds; five seconds let a lost packet be sent twice again (1 s, then 2 s more).
    CONNECT_DEADLINE: Span = "pools.NAME.connect_deadline",
        Span {
            min: Duration::from_millis(100),
            max: Duration::from_secs(60),
            why: "the client waits meanwhile, and gives up after a minute at the latest",
        },
        Presence::Default("\"5s\"");
}

/// `health.kind`.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum HealthKind {
    Off,
    Tcp,
}

const BALANCES: &[(&str, Balance, &str)] = &[
    ("identity", Balance::Identity, "by the client's identity: it comes back to its server, and keeps its IPv6 prefix"),
    ("round-robin", Balance::RoundRobin, "in turns"),
];
const HEALTH_KINDS: &[(&str, HealthKind, &str)] =
    &[("off", HealthKind::Off, "nothing"), ("tcp", HealthKind::Tcp, "a TCP connection")];
const HEALTH_NOT_YET: &[&str] = &["ip-https", "tls"];
const HEALTH_WORDS: Words =
    Words { known: &[("off", "nothing"), ("tcp", "a TCP connection")], not_yet: HEALTH_NOT_YET };

/// Every pool as far as it could be read. `hosts` gives the first server names of the sites that use a pool,
/// or `None` where that cannot be said.
pub(crate) fn read(root: &Table<'_>, hosts: impl Fn(&str) -> Option<Vec<String>>) -> Vec<Option<(String, PoolConfig)>> {
    root.named(&POOLS)
        .into_iter()
        .map(|(name, table)| {
            let pool = read_one(&table, hosts(&name).as_deref())?;
            Some((name, pool))
        })
        .collect()
}

fn read_one(table: &Table<'_>, hosts: Option<&[String]>) -> Option<PoolConfig> {
    let servers = read_servers(table);
    let upstream = upstream::read(table, hosts);
    let balance = table.read(&BALANCE);
    let health = read_health(table);
    let connect_deadline = table.read(&CONNECT_DEADLINE);
    Some(PoolConfig {
        servers: servers?,
        upstream: upstream?,
        balance: balance?,
        health: health?,
        connect_deadline: connect_deadline?,
    })
}

fn read_servers(table: &Table<'_>) -> Option<Vec<ServerConfig>> {
    let mut names: Vec<String> = Vec::new();
    let mut addresses = Vec::new();
    let mut servers = Vec::new();
    for row in table.rows(&SERVERS) {
        let (name, address, weight) = (row.read(&SERVER_NAME), row.read(&ADDRESS), row.read(&WEIGHT));
        if let Some(name) = &name {
            if names.iter().any(|other| other.eq_ignore_ascii_case(name)) {
                row.place_of(&SERVER_NAME).error("another server of this pool has the same name");
            }
            names.push(name.clone());
        }
        if let Some(address) = address {
            if addresses.contains(&address) {
                row.place_of(&ADDRESS)
                    .warn("another server of this pool has the same address; use `weight` for a larger share");
            }
            addresses.push(address);
            table.place.reader.note_server(row.place_of(&ADDRESS).key(), address);
        }
        let weight = weight.and_then(|weight| u32::try_from(weight).ok());
        servers.push((|| Some(ServerConfig { name: name?, address: address?, weight: weight? }))());
    }
    servers.into_iter().collect()
}

fn read_health(table: &Table<'_>) -> Option<HealthConfig> {
    let section = match table.section_or_word(&HEALTH) {
        SectionOrWord::Absent | SectionOrWord::Word("off") => {
            table.place_of(&HEALTH).note(json!({ "kind": "off" }));
            return Some(HealthConfig::Off);
        }
        SectionOrWord::Word(_) => {
            // The word leaves the interval at its default.
            let section = table.absent(&HEALTH);
            let every = section.read(&HEALTH_EVERY)?;
            section.place_of(&HEALTH_KIND).note("tcp".into());
            return Some(HealthConfig::Tcp { every });
        }
        SectionOrWord::Section(section) => section,
    };
    let (kind, every) = (section.read(&HEALTH_KIND), section.read(&HEALTH_EVERY));
    match (kind?, every?) {
        (HealthKind::Off, _) => {
            if section.has(&HEALTH_EVERY) {
                section.place_of(&HEALTH_EVERY).warn("says nothing while `kind` is \"off\"");
            }
            section.place_of(&HEALTH_EVERY).note(Json::Null);
            Some(HealthConfig::Off)
        }
        (HealthKind::Tcp, every) => Some(HealthConfig::Tcp { every }),
    }
}
