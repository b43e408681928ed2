//! The reference page and the JSON Schema, made from the declarations.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

use crate::declare::{self, Declared, Kind, Presence};
use crate::place::NAME_LENGTH_MAX;
use crate::tables::KEYS;

/// The reference page of the manual, Markdown: every key with its shape, its default and what it means.
pub fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    for key in declare::all(KEYS) {
        entry(&mut page, key);
    }
    page
}

/// The JSON Schema (draft 7, which editors of TOML read) of the file.
pub fn schema() -> String {
    let mut schema = object("");
    if let Json::Object(entries) = &mut schema {
        entries.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
        entries.insert("title".to_owned(), json!("Configuration of ravelin"));
    }
    format!("{schema:#}\n")
}

const INTRODUCTION: &str = "\
# Configuration reference

<!-- Made from the declarations in crates/ravelin-config/src/tables. RAVELIN_BLESS=1 cargo test -p ravelin manual writes it anew. -->

One TOML file holds everything. `ravelin check --config FILE` reads it as a start would, prints every problem with line,
column and cure, and then the whole configuration with its defaults filled in. An editor that knows JSON Schema can use
[`ravelin.schema.json`](ravelin.schema.json).

- An unknown key is an error. So is a key or word that is known and not supported yet: nothing is silently ignored.
- Paths are relative to the folder of the file.
- Durations are a whole number and a unit in quotes: `\"500ms\"`, `\"10s\"`, `\"5m\"`, `\"1h\"`, `\"7d\"`.
- `NAME` stands for a name of your choice: letters, digits, `-` and `_`. `[]` stands for a place in a list.
- Nested tables may be written in any way that TOML has: `tls = { min = \"1.2\" }`, `tls.min = \"1.2\"` or
  `[sites.NAME.tls]`.
- A file needs a listener, a site, a policy and a pool. `ravelin explain` needs only policies.
";

/// The heading, the shape and the text of one key.
fn entry(page: &mut String, key: &dyn Declared) {
    let (path, shape) = (key.path(), key.shape());
    let top = declare::parent(path).is_empty();
    let level = if top { "##" } else { "###" };
    let title = match shape.kind() {
        Kind::Named => format!("[{path}.NAME]"),
        Kind::Section if top => format!("[{path}]"),
        Kind::Refused(_) | Kind::Rows | Kind::Section | Kind::Value => path.to_owned(),
    };
    _ = write!(page, "\n{level} `{title}`\n\n");
    match (shape.kind(), key.presence()) {
        (Kind::Refused(why), _) => _ = writeln!(page, "*Refused:* {why}."),
        (_, Presence::Default(default)) => _ = writeln!(page, "*{}; default `{default}`*", shape.words()),
        (_, Presence::Optional) => _ = writeln!(page, "*{}; optional*", shape.words()),
        (_, Presence::Required) => _ = writeln!(page, "*{}; required*", shape.words()),
    }
    _ = write!(page, "\n{}", paragraphs(key.doc()));
    let options = shape.options();
    if !options.is_empty() {
        page.push('\n');
    }
    for (word, meaning) in options {
        _ = writeln!(page, "- `\"{word}\"`: {meaning}");
    }
    for word in shape.not_yet() {
        _ = writeln!(page, "- `\"{word}\"`: not supported yet");
    }
}

/// A doc comment as it was written, without the space after the slashes.
fn paragraphs(doc: &str) -> String {
    doc.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)).fold(String::new(), |text, line| text + line + "\n")
}

/// The schema of the table with this pattern.
fn object(pattern: &str) -> Json {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for key in declare::children(KEYS, pattern) {
        let Some(mut schema) = property(key) else { continue };
        schema.insert("description".to_owned(), json!(paragraphs(key.doc()).replace('\n', " ").trim_end()));
        properties.insert(declare::last_part(key.path()).to_owned(), Json::Object(schema));
        if key.presence() == Presence::Required {
            required.push(declare::last_part(key.path()));
        }
    }
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// The schema of one key; `None` for one that is never accepted.
fn property(key: &dyn Declared) -> Option<Map<String, Json>> {
    let (path, own) = (key.path(), key.shape().schema());
    let schema = match key.shape().kind() {
        Kind::Refused(_) => return None,
        Kind::Named => json!({
            "type": "object",
            "patternProperties": { format!("^[A-Za-z0-9_-]{{1,{NAME_LENGTH_MAX}}}$"): object(&format!("{path}.NAME")) },
            "additionalProperties": false,
        }),
        Kind::Rows => {
            let mut list = json!({ "type": "array", "items": object(&format!("{path}[]")) });
            if let (Json::Object(list), Json::Object(own)) = (&mut list, own) {
                list.extend(own);
            }
            list
        }
        Kind::Section if own.is_null() => object(path),
        Kind::Section => json!({ "anyOf": [own, object(path)] }),
        Kind::Value => own,
    };
    let Json::Object(mut schema) = schema else { return None };
    if let Presence::Default(default) = key.presence() {
        // A default is a text, a number, a word or a list of texts: the same in TOML and in JSON.
        schema.insert("default".to_owned(), serde_json::from_str(default).unwrap_or(Json::Null));
    }
    Some(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_says_what_it_means() {
        let mut paths: Vec<&str> = Vec::new();
        for key in declare::all(KEYS) {
            assert!(key.doc().trim().len() > 10, "{}", key.path());
            assert!(!paths.contains(&key.path()), "{} is declared twice", key.path());
            paths.push(key.path());
            let parent = declare::parent(key.path()).trim_end_matches(".NAME").trim_end_matches("[]");
            assert!(parent.is_empty() || paths.contains(&parent), "{} comes before its table", key.path());
        }
    }

    #[test]
    fn every_default_is_json_too() {
        for key in declare::all(KEYS) {
            if let Presence::Default(default) = key.presence() {
                assert!(serde_json::from_str::<Json>(default).is_ok(), "{}: {default}", key.path());
            }
        }
    }
}
