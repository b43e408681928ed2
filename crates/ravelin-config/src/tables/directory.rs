//! `policies.NAME.directory`.

use std::path::PathBuf;
use std::time::Duration;

use ravelin_policy::AccountMapping;

use crate::declare::Presence;
use crate::forms::{FILES_NEEDED, File, GroupName, ListOf, Number, OneOf, Span};
use crate::one_declaration::table;
use crate::table::Table;

table! {
    /// The computer account in Active Directory that the certificate must belong to: live, and in the right group.
    pub struct DirectoryConfig, keys DirectoryKeys;
    at POLICY, KEYS = "policies.NAME.directory", Presence::Optional;
    again SHADOW, SHADOW_KEYS = "policies.NAME.shadow.directory",
        " Accounts under trial: what the rule would have refused is logged and counted, and passes. A snapshot is read for it as for\n `directory`; its age alarms nobody.",
        as "policies.NAME.directory";
    fields {
        /// The snapshot of the directory: one file, written by `ravelin sync`, or by `ravelin directory import` from an
        /// export. It is read again when it changes, whole or not at all: a snapshot that is damaged, older, not complete
        /// or much smaller is refused, and the one in use stays in force.
        snapshot: PathBuf = File => File, required;

        /// A public key (Ed25519, PEM) that must verify the snapshot's signature. Without it, unsigned snapshots are
        /// accepted: then whoever may write the file decides who passes.
        public_key: PathBuf = File => File, optional;

        /// Which ways lead from a certificate to an account; see the manual's page on accounts.
        mapping: AccountMapping = OneOf<AccountMapping> => OneOf { known: MAPPINGS, not_yet: &[] }, default("\"strong\"");

        /// Files (PEM or DER) of the CAs whose certificates an explicit mapping (altSecurityIdentities) may name. Without
        /// this key, every CA of the policy. `<SKI>` does not bind the issuer: if a CA lets requesters choose it, name only
        /// the others here.
        explicit_issuers: Vec<PathBuf> = ListOf<File> => FILES_NEEDED, optional;

        /// Groups of which the account must be in one, directly, through nested groups or as its primary group.
        allow_groups: Vec<String> = ListOf<GroupName> => GROUPS, required;

        /// Groups of which the account must be in none.
        deny_groups: Vec<String> = ListOf<GroupName> => GROUPS, default("[]");

        /// How old the facts of a domain may be. When they are older, no client of the domain passes (`directory_stale`),
        /// and tunnels are cut.
        max_age: Duration = Span => AGE, default("\"24h\"");

        /// From this age on the facts are reported as stale by `status`, `/readyz` and a metric. Clients pass as before.
        stale_after: Duration = Span => STALE, default("\"15m\"");

        /// The share of a domain's accounts, in percent, that a new snapshot may lack. A lost permission must not empty the
        /// table.
        max_shrink: u8 = Number => PERCENT, default("20");
    }
}

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
pub(crate) fn read(around: &Table<'_>, keys: &'static DirectoryKeys) -> Option<DirectoryConfig> {
    if !around.has(&keys.table) {
        return None;
    }
    let table = around.section(&keys.table);
    let config = DirectoryConfig::read_keys(&table, keys)?;
    if config.stale_after > config.max_age && table.has(&keys.stale_after) {
        let place = table.place_of(&keys.stale_after);
        place.warn("is beyond `max_age`: the first that is heard of stale facts is that nobody passes");
    }
    if config.mapping == AccountMapping::Names {
        table.place_of(&keys.mapping).warn(
            "a name is no proof of an account: whoever may join a machine to the domain may choose it (CVE-2022-26923)",
        );
    }
    Some(config)
}
