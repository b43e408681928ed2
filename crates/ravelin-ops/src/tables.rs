//! The tables of the status page and of `ravelin status`: each column is named and filled here, once.

use crate::operator::{GatewayStatus, SessionView};

/// A table for people.
#[derive(Clone, Debug)]
pub struct ViewTable {
    /// Above it.
    pub title: &'static str,
    /// Of its columns.
    pub heads: &'static [&'static str],
    /// As many cells each.
    pub rows: Vec<Vec<String>>,
}

/// Every table of a status, in order.
pub fn of_status(status: &GatewayStatus) -> Vec<ViewTable> {
    vec![listeners(status), sites(status), certificates(status), servers(status), crls(status), directories(status)]
}

fn listeners(status: &GatewayStatus) -> ViewTable {
    let row = |l: &crate::operator::ListenerView| vec![l.name.clone(), l.addresses.join(", "), l.sites.join(", ")];
    ViewTable {
        title: "Listeners",
        heads: &["listener", "addresses", "sites"],
        rows: status.listeners.iter().map(row).collect(),
    }
}

fn sites(status: &GatewayStatus) -> ViewTable {
    ViewTable {
        title: "Sites",
        heads: &["site", "names", "policy", "pool", "tunnels"],
        rows: status
            .sites
            .iter()
            .map(|site| {
                vec![
                    site.name.clone(),
                    site.server_names.join(", "),
                    site.policy.clone(),
                    site.pool.clone(),
                    site.tunnels.to_string(),
                ]
            })
            .collect(),
    }
}

fn certificates(status: &GatewayStatus) -> ViewTable {
    ViewTable {
        title: "Certificates",
        heads: &["site", "certificate", "until"],
        rows: status
            .sites
            .iter()
            .flat_map(|site| {
                site.certificates.iter().map(|c| vec![site.name.clone(), c.subject.clone(), c.not_after.clone()])
            })
            .collect(),
    }
}

fn servers(status: &GatewayStatus) -> ViewTable {
    ViewTable {
        title: "Servers",
        heads: &["pool", "server", "address", "state", "tunnels"],
        rows: status
            .pools
            .iter()
            .flat_map(|pool| {
                pool.servers.iter().map(|server| {
                    vec![
                        pool.name.clone(),
                        server.name.clone(),
                        server.address.clone(),
                        if server.up { "up" } else { "down" }.to_owned(),
                        server.tunnels.to_string(),
                    ]
                })
            })
            .collect(),
    }
}

fn crls(status: &GatewayStatus) -> ViewTable {
    ViewTable {
        title: "CRLs",
        heads: &["policy", "CRL of", "number", "from", "until", "entries", "file"],
        rows: status
            .crls
            .iter()
            .map(|crl| {
                vec![
                    crl.policy.clone(),
                    crl.issuer.clone(),
                    crl.number.clone().unwrap_or_else(|| "-".to_owned()),
                    crl.this_update.clone(),
                    crl.next_update.clone(),
                    crl.entries.to_string(),
                    crl.origin.clone(),
                ]
            })
            .collect(),
    }
}

fn directories(status: &GatewayStatus) -> ViewTable {
    ViewTable {
        title: "Directories",
        heads: &["policy", "domain", "accounts", "known as of", "age", "state", "snapshot", "file"],
        rows: status
            .directories
            .iter()
            .flat_map(|directory| {
                directory.domains.iter().map(|domain| {
                    vec![
                        directory.policy.clone(),
                        domain.domain.clone(),
                        domain.accounts.to_string(),
                        domain.as_of.clone(),
                        format!("{} s", domain.age_seconds),
                        domain.state.clone(),
                        directory.serial.to_string(),
                        directory.file.clone(),
                    ]
                })
            })
            .collect(),
    }
}

/// Live tunnels, for the status page.
pub fn of_sessions<'a>(sessions: impl Iterator<Item = &'a SessionView>) -> ViewTable {
    ViewTable {
        title: "Tunnels",
        heads: &["session", "identity", "client", "site", "server", "since", "permit until", "to server", "to client"],
        rows: sessions
            .map(|session| {
                vec![
                    session.session.to_string(),
                    session.identity.clone(),
                    session.client.clone(),
                    session.site.clone(),
                    session.server.clone(),
                    session.since.clone(),
                    session.valid_until.clone(),
                    session.to_server_bytes.to_string(),
                    session.to_client_bytes.to_string(),
                ]
            })
            .collect(),
    }
}
