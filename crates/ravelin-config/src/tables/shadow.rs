//! `policies.NAME.shadow`.

use super::{directory, names};
use crate::checked::ShadowConfig;
use crate::declare::{Presence, keys};
use crate::forms::{FILES_NEEDED, File, ListOf, PURPOSES_SHAPE, Purpose, Section, Words};
use crate::table::Table;

keys! {
    /// Rules under trial: what they would have refused is logged and counted (`ravelin_shadow_denials_total`), and passes.
    SHADOW: Section = "policies.NAME.shadow", Section { words: Words::NONE }, Presence::Optional;

    /// Issuers under trial, as `policies.NAME.issued_by`.
    SHADOW_ISSUED_BY: ListOf<File> = "policies.NAME.shadow.issued_by", FILES_NEEDED, Presence::Optional;

    /// Purposes under trial, as `policies.NAME.purposes`.
    SHADOW_PURPOSES: ListOf<Purpose> = "policies.NAME.shadow.purposes", PURPOSES_SHAPE, Presence::Optional;
}

/// `None` where there is no table, or something in it is wrong.
pub(crate) fn read(policy: &Table<'_>) -> Option<ShadowConfig> {
    if !policy.has(&SHADOW) {
        return None;
    }
    let table = policy.section(&SHADOW);
    let shadow = ShadowConfig {
        names: names::read(&table, &names::SHADOW),
        issued_by: table.read(&SHADOW_ISSUED_BY).map(|files| files.values()),
        purposes: table.read(&SHADOW_PURPOSES).map(|purposes| purposes.values()),
        directory: directory::read(&table, &directory::SHADOW),
    };
    let absent = !table.has(&names::SHADOW_NAMES)
        && !table.has(&SHADOW_ISSUED_BY)
        && !table.has(&SHADOW_PURPOSES)
        && !table.has(&directory::SHADOW.table);
    if absent && !table.is_broken() {
        table.place.warn(
            "holds no rule: nothing is tried; take it out or add `names`, `issued_by`, `purposes` or `directory`",
        );
    }
    Some(shadow)
}
