//! Tables of the companion that fetches feeds.

use crate::config::declare::{Presence, keys};
use crate::config::forms::Refused;

keys! {
    /// The companion that keeps feeds fresh.
    SYNC: Refused = "sync",
        Refused { why: "not supported yet: nothing is fetched; take the table out and bring revocation lists with a scheduled copy" },
        Presence::Optional;
}
