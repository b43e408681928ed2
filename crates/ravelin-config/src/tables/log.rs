//! `[log]`.

use crate::checked::LogConfig;
use crate::declare::{Presence, keys};
use crate::forms::{File, OneOf, Section, Words};
use crate::table::Table;

keys! {
    /// What is logged.
    LOG: Section = "log", Section { words: Words::NONE }, Presence::Optional;

    /// How much is logged.
    LEVEL: OneOf<&'static str> = "log.level", OneOf { known: LEVELS, not_yet: &[] }, Presence::Default("\"info\"");

    /// The format of the lines on standard error.
    FORMAT: OneOf<bool> = "log.format",
        OneOf { known: &[("text", false, "for people"), ("json", true, "one object a line")], not_yet: &[] },
        Presence::Default("\"text\"");

    /// File to which one JSON record is appended for each session. While it cannot be written, sessions continue, lost
    /// records are counted and `/readyz` reports it.
    AUDIT: File = "log.audit", File, Presence::Optional;
}

const LEVELS: &[(&str, &str, &str)] = &[
    ("error", "error", "what stops a part of the gateway"),
    ("warn", "warn", "and what an administrator should look at"),
    ("info", "info", "and every session's end"),
    ("debug", "debug", "and what led to it"),
    ("trace", "trace", "and everything else"),
];

pub(crate) fn read(root: &Table<'_>) -> Option<LogConfig> {
    let table = root.section(&LOG);
    let (level, json, audit) = (table.read(&LEVEL), table.read(&FORMAT), table.read(&AUDIT));
    Some(LogConfig { level: level?.to_owned(), json: json?, audit })
}
