//! `[sync]`: the companion that fetches computer accounts from domain controllers.

use std::time::Duration;

use crate::checked::{ControllerConfig, PasswordSource, SyncConfig, SyncDomainConfig, SyncLogin};
use crate::declare::{Presence, keys};
use crate::forms::{
    BindName, ControllerAddress, ControllerUrl, CredentialName, File, Flag, HostName, ListOf, Listen, Number, OrOff,
    Refused, Rows, Section, Span, Words,
};
use crate::place::Place;
use crate::table::Table;

keys! {
    /// The companion, `ravelin sync`: it fetches computer accounts and groups from domain controllers and writes the snapshot
    /// that a policy's `directory` reads. It may run on another machine than the gateway; a file with nothing but this table
    /// is then enough. `ravelin run` uses nothing of it.
    SYNC: Section = "sync", Section { words: Words::NONE }, Presence::Optional;

    /// The snapshot to write. It is replaced whole, once every domain is known.
    SNAPSHOT: File = "sync.snapshot", File, Presence::Required;

    /// The key (Ed25519, PEM) to sign it with; `policies.NAME.directory.public_key` is its other half.
    SIGNING_KEY: File = "sync.signing_key", File, Presence::Optional;

    /// The share of a domain's accounts, in percent, that may be gone at once. A lost permission must not empty the
    /// table: a snapshot that shrinks more is not written.
    MAX_SHRINK: Number = "sync.max_shrink", Number { min: 0, max: 100, why: "percent" }, Presence::Default("20");

    /// Time between two fetches of what has changed.
    POLL: Span = "sync.poll", Span { min: Duration::from_secs(1), max: DAY, why: "a change should be heard of the same day" },
        Presence::Default("\"30s\"");

    /// Time between two fetches of everything. An account that may not see deleted objects notices a deleted account
    /// only by these.
    RESYNC: Span = "sync.resync", Span { min: Duration::from_secs(10), max: DAY, why: "as `poll`" }, Presence::Default("\"15m\"");

    /// While nothing changes, the snapshot is written again this often, so that its age shows that the facts were
    /// checked. Keep it below the policies' `stale_after`.
    REFRESH: Span = "sync.refresh", Span { min: Duration::from_secs(1), max: DAY, why: "as `poll`" }, Presence::Default("\"5m\"");

    /// The most that one fetch may take. Half a million accounts take a minute.
    DEADLINE: Span = "sync.deadline",
        Span { min: Duration::from_secs(5), max: Duration::from_secs(3_600), why: "a controller that takes longer is worse than the next" },
        Presence::Default("\"10m\"");

    /// Address of its own read-only HTTP interface: `/metrics`, `/healthz` and `/readyz`.
    LISTEN: OrOff<Listen> = "sync.listen", OrOff(Listen), Presence::Default("\"127.0.0.1:9181\"");

    /// The domains, each with its own controllers and its own reading account.
    DOMAINS: Rows = "sync.domains", Rows { min: 1, max: 64, why: "each is fetched by itself, and forests with more are not known" },
        Presence::Required;

    /// The domain's DNS name.
    DOMAIN: HostName = "sync.domains[].domain", HostName, Presence::Required;

    /// Its controllers, the preferred one first. If one does not answer, the next is asked. If one refuses name or
    /// password, no other is asked.
    CONTROLLERS: Rows = "sync.domains[].controllers", Rows { min: 1, max: 16, why: "two or three are enough" }, Presence::Required;

    /// `ldaps://dc1.corp.example.com`, with `:PORT` if it is not 636. The controller's certificate must have that name.
    /// `ldap://` only with `start_tls`.
    URL: ControllerUrl = "sync.domains[].controllers[].url", ControllerUrl, Presence::Required;

    /// Its address. Without this key its name is looked up.
    ADDRESS: ControllerAddress = "sync.domains[].controllers[].address", ControllerAddress, Presence::Optional;

    /// Files (PEM or DER) of the CAs that the controllers' certificates must lead to. There is no default: the CAs of
    /// the operating system are never used.
    CA: ListOf<File> = "sync.domains[].ca", AUTHORITIES, Presence::Required;

    /// TLS begins within LDAP, on port 389. An attacker on the path can then send bytes before either side is
    /// authenticated, so use LDAPS if the controllers have it.
    START_TLS: Flag = "sync.domains[].start_tls", Flag, Presence::Default("false");

    /// Name of the account that reads: `reader@corp.example.com` or a distinguished name. Any user of the domain will
    /// do; do not use one that may do more.
    BIND: BindName = "sync.domains[].bind", BindName, Presence::Optional;

    /// File whose one line is the password of that account.
    PASSWORD_FILE: File = "sync.domains[].password_file", File, Presence::Optional;

    /// The name of a systemd credential (`LoadCredential=` in the unit) whose one line is the password of that account.
    PASSWORD_CREDENTIAL: CredentialName = "sync.domains[].password_credential", CredentialName, Presence::Optional;

    /// The password itself.
    PASSWORD: Refused = "sync.domains[].password",
        Refused { why: "a password does not belong in this file: write it to a file of its own and name that with `password_file`" },
        Presence::Optional;

    /// A client certificate instead of name and password, which Active Directory maps to an account. Over LDAPS only.
    CERTIFICATE: Section = "sync.domains[].certificate", Section { words: Words::NONE }, Presence::Optional;

    /// PEM file: the reading account's certificate first, then those of its CAs.
    CHAIN: File = "sync.domains[].certificate.chain", File, Presence::Required;

    /// PEM file: its private key, not encrypted.
    KEY: File = "sync.domains[].certificate.key", File, Presence::Required;
}

/// A change should be heard of the same day.
const DAY: Duration = Duration::from_secs(86_400);
const AUTHORITIES: ListOf<File> = ListOf { of: File, min: 1, max: 256, twice_is_error: false, single: true };

/// `None` where there is no table, or something in it is wrong.
pub(crate) fn read(root: &Table<'_>) -> Option<SyncConfig> {
    if !root.has(&SYNC) {
        return None;
    }
    let table = root.section(&SYNC);
    let (snapshot, signing_key) = (table.read(&SNAPSHOT), table.read(&SIGNING_KEY));
    let max_shrink = table.read(&MAX_SHRINK).and_then(|percent| u8::try_from(percent).ok());
    let (poll, resync) = (table.read(&POLL), table.read(&RESYNC));
    let (refresh, deadline) = (table.read(&REFRESH), table.read(&DEADLINE));
    let listen = table.read(&LISTEN);
    let mut domains: Vec<SyncDomainConfig> = Vec::new();
    let mut whole = true;
    for row in table.rows(&DOMAINS) {
        match read_domain(&row) {
            Some(domain) if domains.iter().any(|other| other.domain == domain.domain) => {
                row.place_of(&DOMAIN).error("is fetched already by a table above: give its controllers there");
            }
            Some(domain) => domains.push(domain),
            None => whole = false,
        }
    }
    Some(SyncConfig {
        snapshot: snapshot?,
        signing_key,
        max_shrink: max_shrink?,
        poll: poll?,
        resync: resync?,
        refresh: refresh?,
        deadline: deadline?,
        listen: listen?,
        domains: Some(domains).filter(|_| whole)?,
    })
}

fn read_domain(table: &Table<'_>) -> Option<SyncDomainConfig> {
    let domain = table.read(&DOMAIN);
    let start_tls = table.read(&START_TLS);
    let mut controllers = Vec::new();
    let mut whole = true;
    for row in table.rows(&CONTROLLERS) {
        let (url, address) = (row.read(&URL), row.read(&ADDRESS));
        if let (Some(url), Some(start_tls)) = (&url, start_tls) {
            check_scheme(&row.place_of(&URL), url.tls, start_tls);
        }
        match url {
            Some(url) => controllers.push(ControllerConfig { host: url.host, port: url.port, address }),
            None => whole = false,
        }
    }
    let ca = table.read(&CA).map(|files| files.values());
    let login = read_login(table, start_tls.unwrap_or_default());
    Some(SyncDomainConfig {
        domain: domain?,
        controllers: Some(controllers).filter(|_| whole)?,
        ca: ca?,
        start_tls: start_tls?,
        login: login?,
    })
}

/// A password never crosses a network that is not under TLS.
fn check_scheme(place: &Place<'_>, tls: bool, start_tls: bool) {
    match (tls, start_tls) {
        (false, false) => place.error(
            "is LDAP without TLS, which is not spoken: write ldaps:// (port 636), or set `start_tls = true` where the controllers \
             have no LDAPS",
        ),
        (true, true) => place.error("is LDAPS, and `start_tls` asks for TLS within LDAP: take one of the two out"),
        (true, false) | (false, true) => {}
    }
}

fn read_login(table: &Table<'_>, start_tls: bool) -> Option<SyncLogin> {
    let bind = table.read(&BIND);
    let (file, credential) = (table.read(&PASSWORD_FILE), table.read(&PASSWORD_CREDENTIAL));
    if table.has(&CERTIFICATE) {
        let section = table.section(&CERTIFICATE);
        let (chain, key) = (section.read(&CHAIN), section.read(&KEY));
        for (is_there, place) in [
            (table.has(&BIND), table.place_of(&BIND)),
            (table.has(&PASSWORD_FILE), table.place_of(&PASSWORD_FILE)),
            (table.has(&PASSWORD_CREDENTIAL), table.place_of(&PASSWORD_CREDENTIAL)),
        ] {
            if is_there {
                place.error("stands beside `certificate`, which says who asks: take one of the two out");
            }
        }
        if start_tls {
            let place = table.place_of(&CERTIFICATE);
            place.error("counts as a bind over LDAPS alone: take `start_tls` out, or give `bind` and a password");
        }
        return Some(SyncLogin::Certificate { chain: chain?, key: key? });
    }
    if !table.has(&BIND) {
        let place = table.place_of(&BIND);
        place.error("`bind` is missing: wants the reader's name, \"reader@corp.example.com\" (or a client certificate, `certificate`)");
        return None;
    }
    let password = match (table.has(&PASSWORD_FILE), table.has(&PASSWORD_CREDENTIAL)) {
        (true, false) => file.map(PasswordSource::File),
        (false, true) => credential.map(PasswordSource::Credential),
        (true, true) => {
            table.place_of(&PASSWORD_CREDENTIAL).error("stands beside `password_file`: take one of the two out");
            None
        }
        (false, false) => {
            table
                .place_of(&PASSWORD_FILE)
                .error("`password_file` is missing: wants the path of a file with the reader's password");
            None
        }
    };
    Some(SyncLogin::Password { name: bind?, password: password? })
}
