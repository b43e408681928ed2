//! Configurations that tests start from: a good one, of which one thing is changed.

/// Nothing but what has no default.
pub const LEAST: &str = r#"
[listeners.edge]
bind = ["127.0.0.1:8443"]
sites = ["europe"]

[sites.europe]
server_names = ["da-eu.example.com"]
certificates = [{ chain = "tls/da.pem", key = "tls/da.key" }]
policy = "computers"
pool = "europe"

[policies.computers]
trust_anchors = ["ca/root.pem"]
names = { allow = ["*.corp.example.com"] }

[pools.europe]
servers = [{ name = "da1", address = "10.0.0.11:443" }]
upstream = { ca = "ca/root.pem" }
"#;

#[cfg(feature = "legacy-tls")]
macro_rules! site_tls {
    () => {
        r#"{ min = "1.0", max = "1.2", null_encryption = "prefer", legacy_suites = ["ecdhe-rsa-cbc", "rsa-gcm"], authority_hints = false }"#
    };
}
#[cfg(feature = "legacy-tls")]
macro_rules! upstream_tls {
    () => {
        r#"{ min = "1.1", max = "1.2", null_encryption = "fallback", legacy_suites = ["rsa-cbc"] }"#
    };
}
/// Without the second engine its keys accept nothing but their defaults.
#[cfg(not(feature = "legacy-tls"))]
macro_rules! site_tls {
    () => {
        r#"{ min = "1.2", max = "1.2", null_encryption = "off", legacy_suites = [], authority_hints = false }"#
    };
}
#[cfg(not(feature = "legacy-tls"))]
macro_rules! upstream_tls {
    () => {
        r#"{ min = "1.2", max = "1.2", null_encryption = "off", legacy_suites = [] }"#
    };
}

/// Every key that is accepted, none at its default.
pub const FULL: &str = concat!(
    r#"
[admin]
listen = "[::1]:9181"
control = "/run/other/control.sock"

[listeners.edge]
bind = ["0.0.0.0:443", "[::]:443"]
sites = ["europe", "asia"]

[listeners.inner]
bind = ["192.0.2.1:8443"]
sites = ["asia"]

[sites.europe]
server_names = ["DA-EU.example.com.", "da-eu2.example.com"]
certificates = [
  { chain = "tls/rsa.pem", key = "tls/rsa.key" },
  { pfx = "tls/ecdsa.pfx", password_file = "tls/pfx.pass" },
]
policy = "computers"
pool = "europe"
tls = "#,
    site_tls!(),
    r#"
guard = { paths = ["/IPHTTPS", "/IPTLS"], packets = "off" }

[sites.asia]
server_names = ["da-as.example.com"]
certificates = [{ pfx = "/etc/ravelin/asia.pfx" }]
policy = "anybody"
pool = "asia"

[policies.computers]
trust_anchors = ["ca/root.pem", "../shared/root2.der"]
intermediates = ["ca/issuing.pem"]
issued_by = ["ca/issuing.pem"]
purposes = ["client-auth", "1.3.6.1.5.2.3.4"]
purpose_absent = "allow"
names = { allow = ["*.corp.example.com", "PC1.lab.example.com"], deny = ["pc-lost.corp.example.com"] }
deny = { serials = [{ issuer = "ca/issuing.pem", serial = "00:5B:2D" }], spki_sha256 = ["00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"] }
revocation = { crls = ["/var/lib/ravelin/crl/", "ca/extra.crl"], check = "leaf", unknown = "allow", stale_grace = "36h" }
directory = { snapshot = "/var/lib/ravelin/directory.snapshot", public_key = "ca/sync.pub", mapping = "compatible", explicit_issuers = ["ca/partner.pem"], allow_groups = ["DirectAccess Clients", 'CORP\Pilot'], deny_groups = ["S-1-5-21-1-2-3-1104"], max_age = "12h", stale_after = "5m", max_shrink = 10 }
shadow = { names = { allow = ["*.eu.corp.example.com"], deny = ["x.eu.corp.example.com"] }, issued_by = ["ca/new.pem"], purposes = ["client-auth"], directory = { snapshot = "trial.snapshot", public_key = "ca/trial.pub", mapping = "compatible", explicit_issuers = ["ca/partner.pem"], allow_groups = ["Pilot"], deny_groups = ["Lost"], max_age = "6h", stale_after = "4m", max_shrink = 11 } }

[policies.anybody]
trust_anchors = ["ca/root.pem"]
names = "any"
revocation = { check = "off" }
shadow = { names = "any" }

[pools.europe]
servers = [
  { name = "da1", address = "10.0.0.11:443", weight = 2 },
  { name = "da2.corp", address = "[2001:db8::2]:443" },
]
upstream = { mode = "bridge", ca = ["ca/root.pem", "ca/root2.pem"], server_name = "inner.example.com", certificate = { chain = "tls/gw.pem", key = "tls/gw.key" }, tls = "#,
    upstream_tls!(),
    r#" }
balance = "round-robin"
health = { kind = "tcp", every = "2500ms" }
connect_deadline = "3s"

[pools.asia]
servers = [{ name = "da3", address = "10.1.0.11:80" }]
upstream = { mode = "offload", server_name = "da-as.example.com" }

[pools.spare]
servers = [{ name = "da4", address = "10.2.0.11:443" }]
upstream = { ca = "ca/root.pem", server_name = "spare.example.com", certificate = { pfx = "tls/gw.pfx", password_file = "tls/gw.pass" } }

[limits]
handshake_deadline = "9s"
request_deadline = "8s"
sessions = 1_000
handshakes_in_flight = 0x200
unauthenticated_per_source = 32
unauthenticated_rate_per_source = "20/s"
tunnels_per_identity = 3
idle = "90m"
half_closed_idle = "30s"
lifetime = "1d"
drain_deadline = "0s"

[threads]
relay = 3
handshake = 2
linger = "50us"

[log]
level = "debug"
format = "json"
audit = "/var/log/ravelin/audit.jsonl"

[sync]
snapshot = "/var/lib/ravelin-sync/directory.snapshot"
signing_key = "tls/sync.key"
max_shrink = 10
poll = "10s"
resync = "5m"
refresh = "1m"
deadline = "2m"
listen = "[::1]:9182"
domains = [
  { domain = "Corp.example.com", controllers = [{ url = "ldaps://dc1.corp.example.com", address = "10.0.1.5:636" }, { url = "ldaps://dc2.corp.example.com:6360" }], ca = ["ca/root.pem"], bind = "reader@corp.example.com", password_file = "reader.pass" },
  { domain = "lab.example.com", controllers = [{ url = "ldap://dc3.lab.example.com" }], ca = ["ca/root.pem", "ca/root2.pem"], start_tls = true, bind = "CN=reader,DC=lab,DC=example,DC=com", password_credential = "lab" },
  { domain = "branch.example.com", controllers = [{ url = "ldaps://dc4.branch.example.com" }], ca = "ca/root.pem", certificate = { chain = "tls/reader.pem", key = "tls/reader.key" } },
]
"#
);
