//! The file that `ravelin init` writes.

use super::init_args::{DEFAULT_CRLS, InitArgs};
use ravelin_config::quote;

/// The commented configuration.
pub(super) fn text(args: &InitArgs) -> String {
    let or = |list: &[String], default: &[&str]| match list {
        [] => texts(default),
        said => texts(said),
    };
    let upstream_ca = args.upstream_ca.as_ref().or(args.authorities.first());
    let upstream = match (args.offload, upstream_ca) {
        (true, _) => {
            "{ mode = \"offload\" }   # plain HTTP: let nobody but this gateway reach the servers there".to_owned()
        }
        (false, ca) => format!(
            "{{ mode = \"bridge\", ca = {} }}   # TLS; the authority that the servers' certificates come from",
            quoted(ca.map_or("", String::as_str))
        ),
    };
    TEMPLATE
        .replace("@BIND@", &or(&args.bind, &["0.0.0.0:443", "[::]:443"]))
        .replace("@SERVER_NAMES@", &texts(&args.server_names))
        .replace("@CERTIFICATE@", &certificate(args))
        .replace("@TRUST_ANCHORS@", &texts(&args.authorities))
        .replace("@INTERMEDIATES@", &texts(&args.intermediates))
        .replace("@ALLOW@", &texts(&args.allow))
        .replace("@CRLS@", &or(&args.lists, &[DEFAULT_CRLS]))
        .replace("@SERVERS@", &servers(&args.servers))
        .replace("@UPSTREAM@", &upstream)
}

const TEMPLATE: &str = r#"# Configuration of ravelin, the gateway in front of DirectAccess servers.
#
# Written by `ravelin init`. Paths are relative to this file's folder, durations are "10s", "5m", "1h".
# After every change:  ravelin check --config FILE    (every problem, and all defaults)
# then:                ravelin reload --config FILE   (what is refused changes nothing)

[admin]
listen = "127.0.0.1:9180"                 # metrics, health and status page; it asks for no password
control = "/run/ravelin/control.sock"     # whoever may open it may reload, kill and drain

# Where clients connect. The first site serves clients that ask for no name.
[listeners.edge]
bind = @BIND@
sites = ["directaccess"]

# What is offered there.
[sites.directaccess]
# The host of the clients' IP-HTTPS URL.
server_names = @SERVER_NAMES@
# An ECDSA certificate beside an RSA one serves Windows 8 and 8.1 too.
certificates = [@CERTIFICATE@]
policy = "computers"
pool = "directaccess"

# Who may pass.
[policies.computers]
# Authorities that a computer's certificate must lead to, and those in between: computers often send their own alone.
trust_anchors = @TRUST_ANCHORS@
intermediates = @INTERMEDIATES@
# Must be stated in the certificate.
purposes = ["client-auth"]
# "*" is one label; add deny = ["pc-lost.corp.example.com"] at need.
names = { allow = @ALLOW@ }
# Lists of revoked certificates, one of every authority above. Where a list is missing, its computers stay out.
revocation = { crls = @CRLS@, check = "chain", unknown = "deny", stale_grace = "0s" }

# Where admitted clients go.
[pools.directaccess]
servers = @SERVERS@
upstream = @UPSTREAM@
balance = "identity"                      # a computer that comes back gets the same server
health = "tcp"                            # or "off"

[limits]
sessions = 20000                          # each needs two file descriptors
tunnels_per_identity = 4                  # a reconnecting computer overlaps with its dead tunnel
idle = "1h"

[log]
level = "info"
# audit = "/var/log/ravelin/audit.jsonl"  # one record per session
"#;

fn certificate(args: &InitArgs) -> String {
    let pair = |name: &str, file: &Option<String>| file.as_ref().map(|file| format!("{name} = {}", quoted(file)));
    let entries: Vec<String> = [
        pair("chain", &args.chain),
        pair("key", &args.key),
        pair("pfx", &args.pfx),
        pair("password_file", &args.password_file),
    ]
    .into_iter()
    .flatten()
    .collect();
    format!("{{ {} }}", entries.join(", "))
}

/// `one=10.0.0.1:443`, or an address alone, which is named by its place.
fn servers(servers: &[String]) -> String {
    let server = |(index, server): (usize, &String)| {
        let default = format!("da{}", index + 1);
        let (name, address) = server.split_once('=').unwrap_or((&default, server));
        format!("{{ name = {}, address = {} }}", quoted(name), quoted(address))
    };
    format!("[{}]", servers.iter().enumerate().map(server).collect::<Vec<_>>().join(", "))
}

fn texts<T: AsRef<str>>(list: &[T]) -> String {
    format!("[{}]", list.iter().map(|text| quoted(text.as_ref())).collect::<Vec<_>>().join(", "))
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    quote(&mut out, text);
    out
}
