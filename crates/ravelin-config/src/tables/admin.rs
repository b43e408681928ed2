//! `[admin]`.

use crate::checked::AdminConfig;
use crate::declare::{Presence, keys};
use crate::forms::{Listen, OrOff, Section, Socket, Words};
use crate::table::Table;

keys! {
    /// Where the running gateway can be watched and steered.
    ADMIN: Section = "admin", Section { words: Words::NONE }, Presence::Optional;

    /// Address of the read-only HTTP interface: `/metrics`, `/healthz`, `/readyz`, the status page and `/api/…`. It asks
    /// for no password, so the default is a loopback address; another one is a warning. Port 0 lets the system choose:
    /// the address is then in the log and in `ravelin status`.
    LISTEN: OrOff<Listen> = "admin.listen", OrOff(Listen), Presence::Default("\"127.0.0.1:9180\"");

    /// The socket by which `ravelin status`, `sessions`, `kill`, `drain` and `reload` control the gateway. Whoever may
    /// open it may do all of that; the permissions of its folder decide who. The whole path has at most 107 bytes (the
    /// system's limit).
    CONTROL: OrOff<Socket> = "admin.control", OrOff(Socket), Presence::Default("\"/run/ravelin/control.sock\"");
}

pub(crate) fn read(root: &Table<'_>) -> Option<AdminConfig> {
    let table = root.section(&ADMIN);
    let (listen, control) = (table.read(&LISTEN), table.read(&CONTROL));
    Some(AdminConfig { listen: listen?, control: control? })
}
