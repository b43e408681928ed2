//! A value that can be read.

use std::path::Path;

use serde_json::Value as Json;
use toml::de::DeValue;

use crate::declare::Shape;
use crate::place::Place;

/// A value that can be read.
pub(crate) trait Form: Shape {
    /// What it is read as.
    type Value;
    /// Reads it; `None` when a problem was reported.
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<Self::Value>;
    /// How it is printed: what would be read as the same value, from a file in the same folder.
    fn show(&self, value: &Self::Value, folder: &Path) -> Json;
}

/// A form of text: what it is called, and how it is understood.
pub(crate) fn read_text<T>(
    shape: &impl Shape,
    place: &Place<'_>,
    value: &DeValue<'_>,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let Some(text) = value.as_str() else {
        place.wrong_type(&shape.words(), value);
        return None;
    };
    parse(text).map_err(|problem| place.error(problem)).ok()
}
