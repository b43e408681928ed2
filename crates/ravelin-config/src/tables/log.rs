//! `[log]`.

use std::path::PathBuf;

use crate::declare::Presence;
use crate::forms::{File, OneOf};
use crate::one_declaration::table;
use crate::table::Table;

table! {
    /// What is logged.
    pub struct LogConfig, keys LogKeys;
    at LOG, KEYS = "log", Presence::Optional;
    fields {
        /// How much is logged.
        level: String = OneOf<&'static str> => OneOf { known: LEVELS, not_yet: &[] }, default("\"info\"");

        /// The format of the lines on standard error.
        json as "format": bool = OneOf<bool> => OneOf { known: &[("text", false, "for people"), ("json", true, "one object a line")], not_yet: &[] }, default("\"text\"");

        /// File to which one JSON record is appended for each session. While it cannot be written, sessions continue, lost
        /// records are counted and `/readyz` reports it.
        audit: PathBuf = File => File, optional;
    }
}

const LEVELS: &[(&str, &str, &str)] = &[
    ("error", "error", "what stops a part of the gateway"),
    ("warn", "warn", "and what an administrator should look at"),
    ("info", "info", "and every session's end"),
    ("debug", "debug", "and what led to it"),
    ("trace", "trace", "and everything else"),
];

pub(crate) fn read(root: &Table<'_>) -> Option<LogConfig> {
    LogConfig::read_keys(&root.section(&LOG.table), &LOG)
}
