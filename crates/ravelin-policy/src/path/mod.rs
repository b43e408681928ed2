//! Finds a path from the leaf to a trust anchor that every rule accepts.
//!
//! Our own search, and not the one of rustls-webpki, which serves for signatures only. Its search compares names
//! byte by byte (RFC 5280 §7.1 does not), reduces an anchor to a name and a key, does not look at keyCertSign, at
//! policies or at half of the name forms that constraints can have, and reports the first failure where an
//! administrator needs the nearest one. Each of these would have to be undone around it; this is shorter
//! (docs/decisions/0005-path-search.md).
//!
//! - **Names first, signatures later.** Candidates are strung together by name alone, up to an anchor. Only a string that
//!   ends at an anchor is verified, from the anchor down: the first key that is used is always one the administrator
//!   configured, so that keys and sizes of a stranger's choosing are never used at all.
//! - **Bounded.** Steps of the search and signatures verified have a budget per decision, see `STEPS_MAX` and
//!   `SIGNATURES_MAX` in `search.rs`. The shape check keeps lists far below both.
//! - **Every path gets its chance.** A path that fails any rule (an expired or a revoked intermediate, a constraint) leads on to the
//!   next one. Where none holds, the failure of the path that got furthest is reported.

mod certification_path;
mod constraints;
mod policies;
mod rules;
mod search;
mod verified;

pub(crate) use certification_path::Path;
pub(crate) use rules::check_rules;
pub(crate) use search::{Failure, Found, Search, SearchCost, Stage};
pub(crate) use verified::VerifiedSignatures;
