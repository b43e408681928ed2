//! Names that one table gives and another refers to.

use std::path::Path;

use serde_json::{Value as Json, json};
use toml::de::DeValue;

use crate::declare::Shape;
use crate::forms::{Form, read_text};
use crate::place::Place;
use crate::suggest;

/// The name of a table under this key of the top.
pub(crate) struct Reference(pub &'static str);

pub(crate) const POLICIES: &str = "policies";
pub(crate) const POOLS: &str = "pools";
pub(crate) const SITES: &str = "sites";

impl Shape for Reference {
    fn words(&self) -> String {
        format!("name of one of `[{}.…]`", self.0)
    }
    fn schema(&self) -> Json {
        json!({ "type": "string" })
    }
}

impl Form for Reference {
    type Value = String;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<String> {
        let table = self.0;
        if value.as_str().is_none() {
            place.reader.use_unknown(table);
        }
        read_text(self, place, value, |text| {
            let known: Vec<&str> = place.reader.names(table).collect();
            if !known.contains(&text) {
                place.reader.use_unknown(table);
                return Err(suggest::unknown_name(table, text, known.iter().copied()));
            }
            place.reader.use_name(table, text);
            Ok(text.to_owned())
        })
    }
    fn show(&self, value: &Self::Value, _: &Path) -> Json {
        json!(value)
    }
}
