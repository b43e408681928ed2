//! The tables of the file: what each declares, and how it is read into its checked type.

pub(crate) mod admin;
pub(crate) mod certificates;
pub(crate) mod deny;
pub(crate) mod directory;
pub(crate) mod limits;
pub(crate) mod listeners;
pub(crate) mod log;
pub(crate) mod names;
pub(crate) mod policies;
pub(crate) mod pools;
pub(crate) mod revocation;
pub(crate) mod shadow;
pub(crate) mod sites;
pub(crate) mod sync;
pub(crate) mod threads;
pub(crate) mod tls;
pub(crate) mod upstream;

use crate::declare::Keys;

/// Every key by table, in the order of the reference page.
pub(crate) static KEYS: Keys = &[
    admin::KEYS,
    listeners::KEYS,
    sites::KEYS,
    certificates::SITE_KEYS,
    policies::KEYS,
    names::KEYS,
    deny::KEYS,
    revocation::KEYS,
    directory::KEYS,
    shadow::KEYS,
    names::SHADOW_KEYS,
    directory::SHADOW_KEYS,
    pools::KEYS,
    upstream::KEYS,
    certificates::UPSTREAM_KEYS,
    limits::KEYS,
    threads::KEYS,
    log::KEYS,
    sync::KEYS,
];
