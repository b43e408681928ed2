//! Name rules, of a policy and under trial.

use std::collections::BTreeSet;

use ravelin_policy::NameRules;

use crate::declare::{Key, Presence, keys};
use crate::forms::{ListOf, Pattern, Section, Words};
use crate::table::{SectionOrWord, Table};

keys! {
    /// Which machines pass, by the DNS names in their certificate. `"any"` demands no name; `check` warns of it if
    /// there is no `directory`. A policy needs `names` or `directory`; with `directory` alone no name is demanded.
    NAMES: Section = "policies.NAME.names", Section { words: ANY }, Presence::Optional;

    /// Patterns of which the certificate's name must match one: a whole name, or `*.` and a domain, where the star
    /// matches exactly one label (`*.corp.example.com` matches `pc1.corp.example.com`, not `a.b.corp.example.com`).
    /// Compared without case. An empty list admits nobody.
    ALLOW: ListOf<Pattern> = "policies.NAME.names.allow", PATTERNS, Presence::Required;

    /// Patterns that never pass; they outweigh `allow`.
    DENY: ListOf<Pattern> = "policies.NAME.names.deny", PATTERNS, Presence::Default("[]");
}

mod trial {
    use super::*;
    keys! {
        /// Name rules under trial.
        SHADOW_NAMES: Section = "policies.NAME.shadow.names", Section { words: ANY }, Presence::Optional;

        /// As `policies.NAME.names.allow`.
        SHADOW_ALLOW: ListOf<Pattern> = "policies.NAME.shadow.names.allow", PATTERNS, Presence::Required;

        /// As `policies.NAME.names.deny`.
        SHADOW_DENY: ListOf<Pattern> = "policies.NAME.shadow.names.deny", PATTERNS, Presence::Default("[]");
    }
}
pub(crate) use trial::{KEYS as SHADOW_KEYS, SHADOW_NAMES};
use trial::{SHADOW_ALLOW, SHADOW_DENY};

const ANY: Words = Words { known: &[("any", "no name is asked for")], not_yet: &[] };
/// Patterns are for rules; naming machines by the thousand is what a directory is for.
const PATTERNS_MAX: usize = 10_000;
const PATTERNS: ListOf<Pattern> =
    ListOf { of: Pattern, min: 0, max: PATTERNS_MAX, twice_is_error: false, single: false };

/// The keys of one set of name rules.
pub(crate) struct NamesKeys {
    names: &'static Key<Section>,
    allow: &'static Key<ListOf<Pattern>>,
    deny: &'static Key<ListOf<Pattern>>,
}

pub(crate) static POLICY: NamesKeys = NamesKeys { names: &NAMES, allow: &ALLOW, deny: &DENY };
pub(crate) static SHADOW: NamesKeys = NamesKeys { names: &SHADOW_NAMES, allow: &SHADOW_ALLOW, deny: &SHADOW_DENY };

/// Reads name rules; `None` also where there are none.
pub(crate) fn read(table: &Table<'_>, keys: &NamesKeys) -> Option<NameRules> {
    let section = match table.section_or_word(keys.names) {
        SectionOrWord::Absent => return None,
        SectionOrWord::Word(word) => {
            table.place_of(keys.names).note(word.into());
            return Some(NameRules::Any);
        }
        SectionOrWord::Section(section) => section,
    };
    let (allow, deny) = (section.read(keys.allow), section.read(keys.deny));
    let (allow, deny) = (allow?, deny?);
    let empty = allow.is_empty();
    if empty {
        section.place_of(keys.allow).warn("the list is empty: it admits nobody");
    }
    let allowed: BTreeSet<&String> = allow.indexed().map(|(_, pattern)| pattern).collect();
    for (index, denied) in deny.indexed() {
        if allowed.contains(denied) {
            let key = format!("{}[{index}]", section.place_of(keys.deny).key());
            table.place.reader.warn(&key, "is allowed as well; `deny` outweighs, so take the other one out");
        }
    }
    Some(NameRules::Listed { allow: allow.values(), deny: deny.values() })
}
