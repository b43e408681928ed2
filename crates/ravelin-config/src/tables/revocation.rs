//! `policies.NAME.revocation`.

use std::path::PathBuf;
use std::time::Duration;

use ravelin_policy::RevocationCheck;

use crate::declare::Presence;
use crate::forms::{File, ListOf, OneOf, Span};
use crate::one_declaration::table;
use crate::table::Table;

table! {
    /// Which certificates are revoked, and what happens while that is unknown.
    pub struct RevocationConfig, keys RevocationKeys;
    at REVOCATION, KEYS = "policies.NAME.revocation", Presence::Optional;
    fields {
        /// Files and folders with CRLs: PEM (one CRL or several in a file) or DER. They are read again when a file changes.
        /// A CRL of a CA that is not in use is ignored, and `check` names it.
        crls: Vec<PathBuf> = ListOf<File> => ListOf { of: File, min: 0, max: 256, twice_is_error: false, single: false }, default("[]");

        /// What must not be revoked.
        check: RevocationCheck = OneOf<RevocationCheck> => OneOf { known: CHECKS, not_yet: &[] }, default("\"chain\"");

        /// What happens to a certificate whose CA has no usable CRL.
        unknown_allowed as "unknown": bool = OneOf<bool> => OneOf { known: &[("deny", false, "it is refused as `revocation_unknown`"), ("allow", true, "it passes this rule")], not_yet: &[] }, default("\"deny\"");

        /// How long a CRL counts after its next update was due, with an alarm. With the default, none, every client is
        /// refused when a CA publishes too late (`crl_expired`). AD CS publishes weekly CRLs with an overlap of some hours.
        stale_grace: Duration = Span => Span { min: Duration::ZERO, max: days(90), why: "a list older than a quarter says nothing about today" }, default("\"0s\"");
    }
}

const CHECKS: &[(&str, RevocationCheck, &str)] = &[
    ("chain", RevocationCheck::Chain, "every certificate below the anchor"),
    ("leaf", RevocationCheck::Leaf, "the client's own certificate alone"),
    ("off", RevocationCheck::Off, "nothing: revoked certificates pass"),
];

const fn days(days: u64) -> Duration {
    Duration::from_secs(days * 86_400)
}

pub(crate) fn read(policy: &Table<'_>) -> Option<RevocationConfig> {
    let table = policy.section(&REVOCATION.table);
    let config = RevocationConfig::read_keys(&table, &REVOCATION)?;
    warn(&table, &config, table.names_none(&REVOCATION.crls));
    Some(config)
}

fn warn(table: &Table<'_>, config: &RevocationConfig, none_named: bool) {
    match (config.check, none_named, config.unknown_allowed) {
        (RevocationCheck::Off, true, _) => {
            table.place_of(&REVOCATION.check).warn("revoked certificates pass: nothing is checked");
        }
        (RevocationCheck::Off, false, _) => {
            table
                .place_of(&REVOCATION.check)
                .warn("revoked certificates pass: `crls` is not looked at; \"chain\" would use it");
        }
        (RevocationCheck::Chain | RevocationCheck::Leaf, true, false) => {
            table.place_of(&REVOCATION.crls).warn(
                "no list is named and `unknown` is \"deny\": this policy admits nobody; name the lists of the authorities",
            );
        }
        (RevocationCheck::Chain | RevocationCheck::Leaf, _, true) => {
            table
                .place_of(&REVOCATION.unknown_allowed)
                .warn("a revoked certificate passes while its authority has no usable list");
        }
        (RevocationCheck::Chain | RevocationCheck::Leaf, false, false) => {}
    }
}
