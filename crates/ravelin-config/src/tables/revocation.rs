//! `policies.NAME.revocation`.

use std::time::Duration;

use ravelin_policy::RevocationCheck;

use crate::checked::RevocationConfig;
use crate::declare::{Presence, keys};
use crate::forms::{File, ListOf, OneOf, Section, Span, Words};
use crate::table::Table;

keys! {
    /// Which certificates are revoked, and what happens while that is unknown.
    REVOCATION: Section = "policies.NAME.revocation", Section { words: Words::NONE }, Presence::Optional;

    /// Files and folders with CRLs: PEM (one CRL or several in a file) or DER. They are read again when a file changes.
    /// A CRL of a CA that is not in use is ignored, and `check` names it.
    CRLS: ListOf<File> = "policies.NAME.revocation.crls",
        ListOf { of: File, min: 0, max: 256, twice_is_error: false, single: false }, Presence::Default("[]");

    /// What must not be revoked.
    CHECK: OneOf<RevocationCheck> = "policies.NAME.revocation.check",
        OneOf { known: CHECKS, not_yet: &[] }, Presence::Default("\"chain\"");

    /// What happens to a certificate whose CA has no usable CRL.
    UNKNOWN: OneOf<bool> = "policies.NAME.revocation.unknown",
        OneOf { known: &[("deny", false, "it is refused as `revocation_unknown`"), ("allow", true, "it passes this rule")], not_yet: &[] },
        Presence::Default("\"deny\"");

    /// How long a CRL counts after its next update was due, with an alarm. With the default, none, every client is
    /// refused when a CA publishes too late (`crl_expired`). AD CS publishes weekly CRLs with an overlap of some hours.
    STALE_GRACE: Span = "policies.NAME.revocation.stale_grace",
        Span { min: Duration::ZERO, max: days(90), why: "a list older than a quarter says nothing about today" },
        Presence::Default("\"0s\"");
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
    let table = policy.section(&REVOCATION);
    let crls = table.read(&CRLS);
    let check = table.read(&CHECK);
    let unknown_allowed = table.read(&UNKNOWN);
    let stale_grace = table.read(&STALE_GRACE);
    let crls = crls?;
    let none_named = crls.is_empty();
    let config = RevocationConfig {
        crls: crls.values(),
        check: check?,
        unknown_allowed: unknown_allowed?,
        stale_grace: stale_grace?,
    };
    warn(&table, &config, none_named);
    Some(config)
}

fn warn(table: &Table<'_>, config: &RevocationConfig, none_named: bool) {
    match (config.check, none_named, config.unknown_allowed) {
        (RevocationCheck::Off, true, _) => {
            table.place_of(&CHECK).warn("revoked certificates pass: nothing is checked");
        }
        (RevocationCheck::Off, false, _) => {
            table.place_of(&CHECK).warn("revoked certificates pass: `crls` is not looked at; \"chain\" would use it");
        }
        (RevocationCheck::Chain | RevocationCheck::Leaf, true, false) => {
            table.place_of(&CRLS).warn(
                "no list is named and `unknown` is \"deny\": this policy admits nobody; name the lists of the authorities",
            );
        }
        (RevocationCheck::Chain | RevocationCheck::Leaf, _, true) => {
            table.place_of(&UNKNOWN).warn("a revoked certificate passes while its authority has no usable list");
        }
        (RevocationCheck::Chain | RevocationCheck::Leaf, false, false) => {}
    }
}
