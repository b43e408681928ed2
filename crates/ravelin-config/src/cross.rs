//! What is right in each table and wrong between them.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::checked::{PolicyConfig, SyncConfig};
use crate::forms::Items;
use crate::place::{FileReader, key_of};
use crate::problems::shown;
use crate::references::{POLICIES, POOLS, SITES};
use crate::tables::listeners::{LISTENERS, Listener};
use crate::tables::sites::Site;
use crate::tables::sync::SYNC;

/// What a file is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Demand {
    /// A gateway: listeners, and all they lead to.
    Gateway,
    /// Policies alone will do.
    Policies,
    /// The companion that fetches.
    Sync,
    /// The companion where there is nothing of a gateway, else a gateway.
    Either,
}

/// Checks what only several tables together show.
pub(crate) fn check(
    reader: &FileReader<'_>,
    demand: Demand,
    listeners: &[Listener],
    sites: &[Site],
    admin: Option<SocketAddr>,
) {
    let has = |table: &str| reader.names(table).next().is_some();
    let demand = match demand {
        Demand::Either if has(SYNC.path) && ![LISTENERS.path, SITES, POOLS].into_iter().any(has) => Demand::Sync,
        Demand::Either => Demand::Gateway,
        Demand::Gateway | Demand::Policies | Demand::Sync => demand,
    };
    match demand {
        Demand::Gateway if reader.names(LISTENERS.path).next().is_none() => {
            reader.error(LISTENERS.path, "there is no listener: write a table [listeners.NAME] with `bind` and `sites`")
        }
        Demand::Policies if reader.names(POLICIES).next().is_none() => {
            reader.error(POLICIES, "there is no policy: write a table [policies.NAME]");
        }
        Demand::Sync if !has(SYNC.path) => {
            reader.error(SYNC.path, "there is nothing to fetch: write a table [sync] with `snapshot` and `domains`");
        }
        Demand::Either | Demand::Gateway | Demand::Policies | Demand::Sync => {}
    }
    addresses(reader, listeners, admin);
    for listener in listeners {
        server_names(reader, listener, sites);
    }
    if demand == Demand::Gateway {
        unused(reader);
    }
}

/// The companion writes what a policy of the same file reads: what one demands and the other does not do.
pub(crate) fn companion(
    reader: &FileReader<'_>,
    policies: &[Option<(String, PolicyConfig)>],
    sync: Option<&SyncConfig>,
) {
    let Some(sync) = sync else { return };
    for (name, policy) in policies.iter().flatten() {
        let Some(directory) = policy.directory.as_ref().filter(|directory| directory.snapshot == sync.snapshot) else {
            continue;
        };
        let table = format!("{}.directory", key_of(POLICIES, name));
        if directory.public_key.is_some() && sync.signing_key.is_none() {
            reader.error(
                &format!("{table}.public_key"),
                "demands a signature, and `sync`, which writes this snapshot, has no `signing_key`",
            );
        }
        if directory.stale_after <= sync.refresh {
            reader.warn(
                "sync.refresh",
                &format!("is not below `{table}.stale_after`: facts are called stale though all is well"),
            );
        }
    }
}

/// No two sockets on one address, and no server that is the gateway itself.
fn addresses(reader: &FileReader<'_>, listeners: &[Listener], admin: Option<SocketAddr>) {
    let mut taken: Vec<(String, SocketAddr)> = Vec::new();
    for listener in listeners {
        for (index, address) in listener.bind.iter().flat_map(Items::indexed) {
            let same_list = format!("{}.bind[", key_of("listeners", &listener.name));
            let key = format!("{same_list}{index}]");
            // A repetition within one list was reported when the list was read.
            let clash = taken.iter().find(|(other, taken)| {
                overlap(*address, *taken) && !(other.starts_with(&same_list) && address == taken)
            });
            if let Some((other, _)) = clash {
                reader.error(&key, &format!("{address} is taken by `{other}` already"));
            }
            taken.push((key, *address));
        }
    }
    let clash = admin.and_then(|admin| taken.iter().find(|(_, taken)| overlap(admin, *taken)));
    if let Some((other, _)) = clash {
        reader.error("admin.listen", &format!("is the address of `{other}`: clients would meet the admin interface"));
    }
    for (key, server) in reader.servers() {
        if let Some((other, _)) = taken.iter().find(|(_, taken)| *taken == server) {
            reader.error(&key, &format!("is the address of `{other}`: the gateway would relay to itself"));
        }
    }
}

/// Whether the second of two sockets could not be opened, or would take the first one's clients.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let all = |ip: IpAddr| ip.is_unspecified();
    a.port() != 0 && a.port() == b.port() && a.is_ipv4() == b.is_ipv4() && (a == b || all(a.ip()) || all(b.ip()))
}

/// The sites of one listener share no server name.
fn server_names(reader: &FileReader<'_>, listener: &Listener, sites: &[Site]) {
    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    for (_, site_name) in listener.sites.iter().flat_map(Items::indexed) {
        let Some(site) = sites.iter().find(|site| site.name == *site_name) else { continue };
        for (index, server_name) in site.server_names.iter().flat_map(Items::indexed) {
            let other = *taken.entry(server_name).or_insert(site_name);
            if other != site_name {
                reader.error(
                    &format!("{}.server_names[{index}]", key_of("sites", site_name)),
                    &format!(
                        "{} is a name of site `{other}` too, and listener `{}` offers both: one name leads to one site",
                        shown(server_name),
                        listener.name
                    ),
                );
            }
        }
    }
}

/// What nothing refers to is a mistake more often than a stock.
fn unused(reader: &FileReader<'_>) {
    for (table, user) in [(SITES, "listener"), (POLICIES, "site"), (POOLS, "site")] {
        let unused: Vec<&str> = reader.names(table).filter(|name| !reader.is_used(table, name)).collect();
        for name in unused {
            reader.warn(&key_of(table, name), &format!("no {user} uses it"));
        }
    }
}
