//! Everything a decision needs, and the live sessions that were decided by it.

pub mod authorized;
pub mod build_policy;
pub mod build_site;
pub mod directory;
pub mod generation;
pub(crate) mod judge_again;
pub(crate) mod live;
pub(crate) mod named_files;
pub mod site;
