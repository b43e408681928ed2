//! `policies.NAME.directory`.

use std::time::Duration;

use ravelin_policy::AccountMapping;

use crate::checked::DirectoryConfig;
use crate::declare::{Key, Presence, keys};
use crate::forms::{FILES_NEEDED, File, GroupName, ListOf, Number, OneOf, Section, Span, Words};
use crate::table::Table;

keys! {
    /// The computer account in Active Directory that the certificate must belong to: live, and in the right group.
    DIRECTORY: Section = "policies.NAME.directory", Section { words: Words::NONE }, Presence::Optional;

    /// The snapshot of the directory: one file, written by `ravelin sync`, or by `ravelin directory import` from an
    /// export. It is read again when it changes, whole or not at all: a snapshot that is damaged, older, not complete
    /// or much smaller is refused, and the one in use stays in force.
    SNAPSHOT: File = "policies.NAME.directory.snapshot", File, Presence::Required;

    /// A public key (Ed25519, PEM) that must verify the snapshot's signature. Without it, unsigned snapshots are
    /// accepted: then whoever may write the file decides who passes.
    PUBLIC_KEY: File = "policies.NAME.directory.public_key", File, Presence::Optional;

    /// Which ways lead from a certificate to an account; see the manual's page on accounts.
    MAPPING: OneOf<AccountMapping> = "policies.NAME.directory.mapping",
        OneOf { known: MAPPINGS, not_yet: &[] }, Presence::Default("\"strong\"");

    /// Files (PEM or DER) of the CAs whose certificates an explicit mapping (altSecurityIdentities) may name. Without
    /// this key, every CA of the policy. `<SKI>` does not bind the issuer: if a CA lets requesters choose it, name only
    /// the others here.
    EXPLICIT_ISSUERS: ListOf<File> = "policies.NAME.directory.explicit_issuers", FILES_NEEDED, Presence::Optional;

    /// Groups of which the account must be in one, directly, through nested groups or as its primary group.
    ALLOW_GROUPS: ListOf<GroupName> = "policies.NAME.directory.allow_groups", GROUPS, Presence::Required;

    /// Groups of which the account must be in none.
    DENY_GROUPS: ListOf<GroupName> = "policies.NAME.directory.deny_groups", GROUPS, Presence::Default("[]");

    /// How old the facts of a domain may be. When they are older, no client of the domain passes (`directory_stale`),
    /// and tunnels are cut.
    MAX_AGE: Span = "policies.NAME.directory.max_age", AGE, Presence::Default("\"24h\"");

    /// From this age on the facts are reported as stale by `status`, `/readyz` and a metric. Clients pass as before.
    STALE_AFTER: Span = "policies.NAME.directory.stale_after", STALE, Presence::Default("\"15m\"");

    /// The share of a domain's accounts, in percent, that a new snapshot may lack. A lost permission must not empty the
    /// table.
    MAX_SHRINK: Number = "policies.NAME.directory.max_shrink", PERCENT, Presence::Default("20");
}

mod trial {
    use super::*;
    keys! {
        /// Accounts under trial: what the rule would have refused is logged and counted, and passes. A snapshot is read for it as for
        /// `directory`; its age alarms nobody.
        SHADOW_DIRECTORY: Section = "policies.NAME.shadow.directory", Section { words: Words::NONE }, Presence::Optional;

        /// As `policies.NAME.directory.snapshot`.
        SNAPSHOT: File = "policies.NAME.shadow.directory.snapshot", File, Presence::Required;

        /// As `policies.NAME.directory.public_key`.
        PUBLIC_KEY: File = "policies.NAME.shadow.directory.public_key", File, Presence::Optional;

        /// As `policies.NAME.directory.mapping`.
        MAPPING: OneOf<AccountMapping> = "policies.NAME.shadow.directory.mapping",
            OneOf { known: MAPPINGS, not_yet: &[] }, Presence::Default("\"strong\"");

        /// As `policies.NAME.directory.explicit_issuers`.
        EXPLICIT_ISSUERS: ListOf<File> = "policies.NAME.shadow.directory.explicit_issuers", FILES_NEEDED, Presence::Optional;

        /// As `policies.NAME.directory.allow_groups`.
        ALLOW_GROUPS: ListOf<GroupName> = "policies.NAME.shadow.directory.allow_groups", GROUPS, Presence::Required;

        /// As `policies.NAME.directory.deny_groups`.
        DENY_GROUPS: ListOf<GroupName> = "policies.NAME.shadow.directory.deny_groups", GROUPS, Presence::Default("[]");

        /// As `policies.NAME.directory.max_age`.
        MAX_AGE: Span = "policies.NAME.shadow.directory.max_age", AGE, Presence::Default("\"24h\"");

        /// As `policies.NAME.directory.stale_after`; of no effect under trial.
        STALE_AFTER: Span = "policies.NAME.shadow.directory.stale_after", STALE, Presence::Default("\"15m\"");

        /// As `policies.NAME.directory.max_shrink`.
        MAX_SHRINK: Number = "policies.NAME.shadow.directory.max_shrink", PERCENT, Presence::Default("20");
    }
}
pub(crate) use trial::{KEYS as SHADOW_KEYS, SHADOW_DIRECTORY};

/// The keys of one account rule.
pub(crate) struct DirectoryKeys {
    directory: &'static Key<Section>,
    snapshot: &'static Key<File>,
    public_key: &'static Key<File>,
    mapping: &'static Key<OneOf<AccountMapping>>,
    explicit_issuers: &'static Key<ListOf<File>>,
    allow_groups: &'static Key<ListOf<GroupName>>,
    deny_groups: &'static Key<ListOf<GroupName>>,
    max_age: &'static Key<Span>,
    stale_after: &'static Key<Span>,
    max_shrink: &'static Key<Number>,
}

pub(crate) static POLICY: DirectoryKeys = DirectoryKeys {
    directory: &DIRECTORY,
    snapshot: &SNAPSHOT,
    public_key: &PUBLIC_KEY,
    mapping: &MAPPING,
    explicit_issuers: &EXPLICIT_ISSUERS,
    allow_groups: &ALLOW_GROUPS,
    deny_groups: &DENY_GROUPS,
    max_age: &MAX_AGE,
    stale_after: &STALE_AFTER,
    max_shrink: &MAX_SHRINK,
};
pub(crate) static SHADOW: DirectoryKeys = DirectoryKeys {
    directory: &SHADOW_DIRECTORY,
    snapshot: &trial::SNAPSHOT,
    public_key: &trial::PUBLIC_KEY,
    mapping: &trial::MAPPING,
    explicit_issuers: &trial::EXPLICIT_ISSUERS,
    allow_groups: &trial::ALLOW_GROUPS,
    deny_groups: &trial::DENY_GROUPS,
    max_age: &trial::MAX_AGE,
    stale_after: &trial::STALE_AFTER,
    max_shrink: &trial::MAX_SHRINK,
};

const PERCENT: Number = Number { min: 0, max: 100, why: "percent" };
const AGE: Span =
    Span { min: Duration::from_secs(60), max: days(90), why: "what was known a quarter ago says nothing about today" };
const STALE: Span = Span { min: Duration::from_secs(1), max: days(90), why: "as `max_age`" };

const GROUPS: ListOf<GroupName> = ListOf { of: GroupName, min: 0, max: 256, twice_is_error: false, single: true };

const MAPPINGS: &[(&str, AccountMapping, &str)] = &[
    (
        "strong",
        AccountMapping::Strong,
        "the security identifier beside the name, or a strong explicit mapping, as Windows demands",
    ),
    ("compatible", AccountMapping::Compatible, "a name that is one account's, too; each such client is logged"),
    ("names", AccountMapping::Names, "names alone: no identifier is demanded, and explicit mappings do not count"),
];

const fn days(days: u64) -> Duration {
    Duration::from_secs(days * 86_400)
}

/// `None` where there is no table, or something in it is wrong.
pub(crate) fn read(table: &Table<'_>, keys: &DirectoryKeys) -> Option<DirectoryConfig> {
    if !table.has(keys.directory) {
        return None;
    }
    let table = table.section(keys.directory);
    let snapshot = table.read(keys.snapshot);
    let public_key = table.read(keys.public_key);
    let mapping = table.read(keys.mapping);
    let explicit_issuers = table.read(keys.explicit_issuers).map(|files| files.values());
    let (allow_groups, deny_groups) = (table.read(keys.allow_groups), table.read(keys.deny_groups));
    let (max_age, stale_after) = (table.read(keys.max_age), table.read(keys.stale_after));
    let max_shrink = table.read(keys.max_shrink).and_then(|percent| u8::try_from(percent).ok());
    if let (Some(max_age), Some(stale_after)) = (max_age, stale_after)
        && stale_after > max_age
        && table.has(keys.stale_after)
    {
        table
            .place_of(keys.stale_after)
            .warn("is beyond `max_age`: the first that is heard of stale facts is that nobody passes");
    }
    if mapping == Some(AccountMapping::Names) {
        table.place_of(keys.mapping).warn(
            "a name is no proof of an account: whoever may join a machine to the domain may choose it (CVE-2022-26923)",
        );
    }
    Some(DirectoryConfig {
        snapshot: snapshot?,
        public_key,
        mapping: mapping?,
        explicit_issuers,
        allow_groups: allow_groups?.values(),
        deny_groups: deny_groups?.values(),
        max_age: max_age?,
        stale_after: stale_after?,
        max_shrink: max_shrink?,
    })
}
