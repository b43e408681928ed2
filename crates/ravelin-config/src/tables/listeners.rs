//! `[listeners.NAME]`.

use std::net::SocketAddr;

use crate::checked::ListenerConfig;
use crate::declare::{Presence, keys};
use crate::forms::{Bind, Items, ListOf, Named};
use crate::references::{Reference, SITES};
use crate::table::Table;

keys! {
    /// Addresses that accept clients, and the sites offered there. A gateway has at least one.
    LISTENERS: Named = "listeners", Named, Presence::Optional;

    /// Addresses to accept TCP on. `[::]` takes IPv6 alone: name both for both. No two listeners may share an address.
    BIND: ListOf<Bind> = "listeners.NAME.bind",
        ListOf { of: Bind, min: 1, max: ADDRESSES_MAX, twice_is_error: true, single: false }, Presence::Required;

    /// Names of the sites offered here, picked by the server name (SNI) that the client asks for. The first one serves
    /// clients that send none; a name that no site has is refused as `unknown_server_name`.
    LISTENER_SITES: ListOf<Reference> = "listeners.NAME.sites",
        ListOf { of: Reference(SITES), min: 1, max: SITES_MAX, twice_is_error: true, single: false }, Presence::Required;
}

/// Every address is a socket and an accept loop; a machine with more of them has several gateways.
const ADDRESSES_MAX: usize = 64;
/// An entry point of a multisite estate is a site; the largest documented estates have a few dozen.
const SITES_MAX: usize = 1_000;

/// One listener as far as it could be read.
pub(crate) struct Listener {
    pub name: String,
    pub bind: Option<Items<SocketAddr>>,
    pub sites: Option<Items<String>>,
}

impl Listener {
    pub(crate) fn finish(self) -> Option<(String, ListenerConfig)> {
        Some((self.name, ListenerConfig { bind: self.bind?.values(), sites: self.sites?.values() }))
    }
}

pub(crate) fn read(root: &Table<'_>) -> Vec<Listener> {
    let tables = root.named(&LISTENERS).into_iter();
    tables.map(|(name, table)| Listener { name, bind: table.read(&BIND), sites: table.read(&LISTENER_SITES) }).collect()
}
