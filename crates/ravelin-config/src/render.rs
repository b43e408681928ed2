//! The whole configuration as TOML, in the order in which its keys are declared.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json};

use crate::checked::Config;
use crate::declare::{self, Kind};
use crate::tables::KEYS;

/// The whole configuration with defaults filled in, as TOML. Read again from the same folder, it gives the same
/// configuration.
pub fn render(config: &Config) -> String {
    let mut out = String::new();
    for key in declare::children(KEYS, "") {
        let Some(Json::Object(table)) = config.effective.get(key.path()) else { continue };
        match key.shape().kind() {
            Kind::Named => {
                for (name, table) in table {
                    if let Json::Object(table) = table {
                        block(&mut out, &format!("{}.{name}", key.path()), &format!("{}.NAME", key.path()), table);
                    }
                }
            }
            Kind::Section => block(&mut out, key.path(), key.path(), table),
            Kind::Refused(_) | Kind::Rows | Kind::Value => {}
        }
    }
    out
}

/// The configuration as JSON, in the shape of the file.
pub fn to_json(config: &Config) -> Json {
    config.effective.clone()
}

/// `[header]` and a line for each key.
fn block(out: &mut String, header: &str, pattern: &str, table: &Map<String, Json>) {
    if !out.is_empty() {
        out.push('\n');
    }
    _ = writeln!(out, "[{header}]");
    for (name, value, path) in in_order(pattern, table) {
        _ = write!(out, "{name} = ");
        // Lists of tables have a line for each.
        match value.as_array().filter(|rows| rows.iter().any(Json::is_object)) {
            Some(rows) => {
                out.push_str("[\n");
                for row in rows {
                    out.push_str("  ");
                    inline(out, row, &format!("{path}[]"));
                    out.push_str(",\n");
                }
                out.push(']');
            }
            None => inline(out, value, path),
        }
        out.push('\n');
    }
}

/// The keys of a table that are there, as declared.
fn in_order<'t>(
    pattern: &str,
    table: &'t Map<String, Json>,
) -> impl Iterator<Item = (&'static str, &'t Json, &'static str)> {
    declare::children(KEYS, pattern).filter_map(|key| {
        let name = declare::last_part(key.path());
        table.get(name).map(|value| (name, value, key.path()))
    })
}

fn inline(out: &mut String, value: &Json, path: &str) {
    match value {
        Json::String(text) => quote(out, text),
        Json::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                inline(out, item, &format!("{path}[]"));
            }
            out.push(']');
        }
        Json::Object(table) => {
            let mut separator = "{ ";
            for (name, value, path) in in_order(path, table) {
                _ = write!(out, "{separator}{name} = ");
                separator = ", ";
                inline(out, value, path);
            }
            out.push_str(if separator == "{ " { "{}" } else { " }" });
        }
        Json::Bool(_) | Json::Null | Json::Number(_) => _ = write!(out, "{value}"),
    }
}

/// A basic string, TOML 1.0 "String".
pub fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => _ = write!(out, "\\u{:04X}", u32::from(c)),
            c => out.push(c),
        }
    }
    out.push('"');
}
