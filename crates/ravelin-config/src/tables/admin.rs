//! `[admin]`.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::declare::Presence;
use crate::forms::{Listen, OrOff, Socket};
use crate::one_declaration::table;
use crate::table::Table;

table! {
    /// Where the running gateway can be watched and steered.
    pub struct AdminConfig, keys AdminKeys;
    at ADMIN, KEYS = "admin", Presence::Optional;
    fields {
        /// Address of the read-only HTTP interface: `/metrics`, `/healthz`, `/readyz`, the status page and `/api/…`. It asks
        /// for no password, so the default is a loopback address; another one is a warning. Port 0 lets the system choose:
        /// the address is then in the log and in `ravelin status`.
        listen: Option<SocketAddr> = OrOff<Listen> => OrOff(Listen), default("\"127.0.0.1:9180\"");

        /// The socket by which `ravelin status`, `sessions`, `kill`, `drain` and `reload` control the gateway. Whoever may
        /// open it may do all of that; the permissions of its folder decide who. The whole path has at most 107 bytes (the
        /// system's limit).
        control: Option<PathBuf> = OrOff<Socket> => OrOff(Socket), default("\"/run/ravelin/control.sock\"");
    }
}

pub(crate) fn read(root: &Table<'_>) -> Option<AdminConfig> {
    AdminConfig::read_keys(&root.section(&ADMIN.table), &ADMIN)
}
