//! The configuration in force, as a tree in the shape of the file.

use serde_json::{Map, Value as Json};

/// Sets the value at a dotted key (`pools.europe.servers[0].weight`); null takes it out. What stood in the way gives way.
pub(crate) fn set(tree: &mut Json, key: &str, value: Json) {
    // There is always a way: what is no table or list where one is needed becomes one.
    let _ = try_set(tree, key, value);
}

fn try_set(tree: &mut Json, key: &str, value: Json) -> Option<()> {
    let (way, last) = key.rsplit_once('.').unwrap_or(("", key));
    let mut at = tree;
    for part in way.split('.').filter(|part| !part.is_empty()) {
        let (name, index) = match part.split_once('[') {
            Some((name, index)) => (name, Some(index.trim_end_matches(']').parse::<usize>().ok()?)),
            None => (part, None),
        };
        at = as_table(at)?.entry(name).or_insert(Json::Null);
        if let Some(index) = index {
            at = row(at, index)?;
        }
    }
    let table = as_table(at)?;
    if value.is_null() {
        table.remove(last);
    } else {
        table.insert(last.to_owned(), value);
    }
    Some(())
}

fn as_table(value: &mut Json) -> Option<&mut Map<String, Json>> {
    if !value.is_object() {
        *value = Json::Object(Map::new());
    }
    value.as_object_mut()
}

fn row(value: &mut Json, index: usize) -> Option<&mut Json> {
    if !value.is_array() {
        *value = Json::Array(Vec::new());
    }
    let rows = value.as_array_mut()?;
    if rows.len() <= index {
        rows.resize(index + 1, Json::Null);
    }
    rows.get_mut(index)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_stand_at_their_keys() {
        let mut tree = json!({});
        for (key, value) in [
            ("limits.idle", json!("1h")),
            ("pools.europe.servers", json!([])),
            ("pools.europe.servers[1].name", json!("da2")),
            ("pools.europe.servers[0].name", json!("da1")),
            ("pools.europe.health", json!("tcp")),
            ("pools.europe.health.kind", json!("tcp")),
            ("limits.lifetime", json!("off")),
            ("limits.lifetime", Json::Null),
        ] {
            set(&mut tree, key, value);
        }
        let expected = json!({
            "limits": { "idle": "1h" },
            "pools": { "europe": { "servers": [{ "name": "da1" }, { "name": "da2" }], "health": { "kind": "tcp" } } },
        });
        assert_eq!(tree, expected);
    }
}
