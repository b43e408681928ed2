//! `[policies.NAME]`.

use ravelin_policy::NameRules;

use super::{deny, directory, names, revocation, shadow};
use crate::checked::PolicyConfig;
use crate::declare::{Presence, keys};
use crate::forms::{
    CLIENT_AUTH, FILES_MAX, FILES_NEEDED, File, ListOf, Named, OneOf, PURPOSES_SHAPE, Purpose, Refused,
};
use crate::table::Table;

keys! {
    /// Who may pass. A client passes if every rule of its site's policy passes it.
    POLICIES: Named = "policies", Named, Presence::Optional;

    /// Files (PEM or DER) of the CA certificates that a client's certificate must lead to. There is no default: the CAs
    /// of the operating system are never used. Every certificate in a file counts.
    TRUST_ANCHORS: ListOf<File> = "policies.NAME.trust_anchors", FILES_NEEDED, Presence::Required;

    /// Files (PEM or DER) of CA certificates between anchor and client. Windows computers often send their own
    /// certificate alone; the path is then found through these.
    INTERMEDIATES: ListOf<File> = "policies.NAME.intermediates", FILES, Presence::Default("[]");

    /// Files (PEM or DER) of the CA certificates of which one must have issued the client's certificate itself. Without
    /// this key, any CA below an anchor may have issued it.
    ISSUED_BY: ListOf<File> = "policies.NAME.issued_by", FILES_NEEDED, Presence::Optional;

    /// Purposes (extended key usage) that the client's certificate must state, all of them. Other purposes than the two
    /// with names are written as object identifiers.
    PURPOSES: ListOf<Purpose> = "policies.NAME.purposes", PURPOSES_SHAPE, Presence::Default("[\"client-auth\"]");

    /// What happens to a certificate that states no purpose at all. RFC 5280 lets it mean any purpose.
    PURPOSE_ABSENT: OneOf<bool> = "policies.NAME.purpose_absent",
        OneOf { known: &[("deny", false, "it is refused as `wrong_purpose`"), ("allow", true, "it passes this rule")], not_yet: &[] },
        Presence::Default("\"deny\"");

    /// Online status requests.
    OCSP: Refused = "policies.NAME.ocsp", Refused { why: "not supported: a handshake asks nobody; use `revocation.crls`" },
        Presence::Optional;
}

pub(crate) const FILES: ListOf<File> =
    ListOf { of: File, min: 0, max: FILES_MAX, twice_is_error: false, single: false };

/// Every policy as far as it could be read.
pub(crate) fn read(root: &Table<'_>) -> Vec<Option<(String, PolicyConfig)>> {
    root.named(&POLICIES).into_iter().map(|(name, table)| Some((name, read_one(&table)?))).collect()
}

fn read_one(table: &Table<'_>) -> Option<PolicyConfig> {
    let trust_anchors = table.read(&TRUST_ANCHORS);
    let intermediates = table.read(&INTERMEDIATES);
    let issued_by = table.read(&ISSUED_BY);
    let purposes = table.read(&PURPOSES).map(|purposes| purposes.values());
    if purposes.as_ref().is_some_and(|list| !list.is_empty() && !list.iter().any(|oid| oid == CLIENT_AUTH)) {
        table.place_of(&PURPOSES).warn("does not ask for \"client-auth\": certificates made for other ends may pass");
    }
    let purpose_absent = table.read(&PURPOSE_ABSENT);
    if purpose_absent == Some(true) {
        let place = table.place_of(&PURPOSE_ABSENT);
        place.warn("certificates that state no purpose pass; \"deny\" is what Windows templates need");
    }
    let names = read_names(table);
    let (deny_serials, deny_spki_sha256) = deny::read(table);
    let revocation = revocation::read(table);
    let directory = directory::read(table, &directory::POLICY);
    let shadow = shadow::read(table);
    Some(PolicyConfig {
        trust_anchors: trust_anchors?.values(),
        intermediates: intermediates?.values(),
        issued_by: issued_by.map(|files| files.values()),
        purposes: purposes?,
        purpose_absent_allowed: purpose_absent?,
        names: names?,
        deny_serials,
        deny_spki_sha256: deny_spki_sha256?,
        revocation: revocation?,
        directory,
        shadow,
    })
}

/// Names must be ruled on: nothing else says which machines pass.
fn read_names(table: &Table<'_>) -> Option<NameRules> {
    if !table.has(&names::NAMES) && table.has(&directory::POLICY.table) {
        // The account says which machine it is.
        table.place_of(&names::NAMES).note("any".into());
        return Some(NameRules::Any);
    }
    if !table.has(&names::NAMES) {
        table.place_of(&names::NAMES).error(
            "`names` is missing, and so is `directory`: nothing says which machines may pass; \
             write names = { allow = [\"*.corp.example.com\"] }, or name a directory",
        );
        return None;
    }
    let rules = names::read(table, &names::POLICY)?;
    if rules == NameRules::Any && !table.has(&directory::POLICY.table) {
        table
            .place_of(&names::NAMES)
            .warn("no name is asked for: every machine with a certificate of these authorities passes");
    }
    Some(rules)
}
