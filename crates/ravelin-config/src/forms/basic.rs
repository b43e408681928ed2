//! Tables, words, numbers and lists.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value as Json, json};
use toml::de::{DeInteger, DeValue};

use super::form::Form;
use crate::declare::{Kind, Shape};
use crate::place::Place;
use crate::problems::{SHOWN_MAX, shown};
use crate::suggest;

/// A table.
pub(crate) struct Section {
    /// Words that stand for one.
    pub words: Words,
}

/// Tables under names.
pub(crate) struct Named;

/// A list of tables.
pub(crate) struct Rows {
    pub min: usize,
    pub max: usize,
    /// Where `max` comes from.
    pub why: &'static str,
}

/// A key that is known and never accepted.
pub(crate) struct Refused {
    /// Why, and what to do.
    pub why: &'static str,
}

/// Words that are known, with what they mean, and words that will be.
pub(crate) struct Words {
    pub known: &'static [(&'static str, &'static str)],
    pub not_yet: &'static [&'static str],
}

/// One of several words, each with its value and what it means.
pub(crate) struct OneOf<V: 'static> {
    pub known: &'static [(&'static str, V, &'static str)],
    /// Words of the design that are not built.
    pub not_yet: &'static [&'static str],
}

/// `true` or `false`.
pub(crate) struct Flag;

/// A whole number.
pub(crate) struct Number {
    pub min: u64,
    pub max: u64,
    /// Where the bounds come from.
    pub why: &'static str,
}

/// Something, or the word `off`.
pub(crate) struct OrOff<F>(pub F);

/// A list. Every list of this file is a set in an order: what stands in it twice is a mistake.
pub(crate) struct ListOf<F> {
    pub of: F,
    pub min: usize,
    pub max: usize,
    /// Whether a value that stands there twice stops a start, or is only told.
    pub twice_is_error: bool,
    /// One value may stand there without brackets.
    pub single: bool,
}

/// What was read of a list: `None` where an element was wrong.
pub(crate) struct Items<T>(Vec<Option<T>>);

impl<T> From<Items<T>> for Vec<T> {
    fn from(items: Items<T>) -> Vec<T> {
        items.values()
    }
}

impl<T> Items<T> {
    /// The good ones.
    pub(crate) fn values(self) -> Vec<T> {
        self.0.into_iter().flatten().collect()
    }

    /// Whether nothing in it was wrong.
    pub(crate) fn is_whole(&self) -> bool {
        self.0.iter().all(Option::is_some)
    }

    /// Whether nothing stood there.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The good ones with their places in the list.
    pub(crate) fn indexed(&self) -> impl Iterator<Item = (usize, &T)> {
        self.0.iter().enumerate().filter_map(|(index, item)| Some((index, item.as_ref()?)))
    }
}

impl Section {
    /// Nothing but a table.
    pub(crate) const TABLE: Section = Section { words: Words::NONE };
}

impl Words {
    /// Nothing but a table.
    pub(crate) const NONE: Words = Words { known: &[], not_yet: &[] };

    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The word, where it is known.
    pub(crate) fn read(&self, place: &Place<'_>, text: &str) -> Option<&'static str> {
        let known = || self.known.iter().map(|(word, _)| *word);
        let found = known().find(|word| *word == text);
        if found.is_none() {
            place.error(unknown_word(text, known(), self.not_yet));
        }
        found
    }
}

impl Shape for Section {
    fn kind(&self) -> Kind {
        Kind::Section
    }
    fn words(&self) -> String {
        let words = self.words.known.iter().map(|(word, _)| format!("`\"{word}\"`"));
        words.chain(["table".to_owned()]).collect::<Vec<_>>().join(" or ")
    }
    fn schema(&self) -> Json {
        match self.words.known {
            [] => Json::Null,
            known => json!({ "enum": known.iter().map(|(word, _)| *word).collect::<Vec<_>>() }),
        }
    }
    fn options(&self) -> Vec<(&'static str, &'static str)> {
        self.words.known.to_vec()
    }
    fn not_yet(&self) -> &'static [&'static str] {
        self.words.not_yet
    }
}

impl Shape for Named {
    fn kind(&self) -> Kind {
        Kind::Named
    }
    fn words(&self) -> String {
        "tables, each under a name of its own".to_owned()
    }
    fn schema(&self) -> Json {
        Json::Null
    }
}

impl Shape for Rows {
    fn kind(&self) -> Kind {
        Kind::Rows
    }
    fn words(&self) -> String {
        match self.min {
            0 => format!("list of tables, at most {}", self.max),
            min => format!("list of {min} to {} tables", self.max),
        }
    }
    fn schema(&self) -> Json {
        json!({ "minItems": self.min, "maxItems": self.max })
    }
}

impl Shape for Refused {
    fn kind(&self) -> Kind {
        Kind::Refused(self.why)
    }
    fn words(&self) -> String {
        self.why.to_owned()
    }
    fn schema(&self) -> Json {
        json!(false)
    }
}

impl<V: Sync> Shape for OneOf<V> {
    fn words(&self) -> String {
        self.known.iter().map(|(word, _, _)| format!("`\"{word}\"`")).collect::<Vec<_>>().join(" or ")
    }
    fn schema(&self) -> Json {
        json!({ "enum": self.known.iter().map(|(word, _, _)| *word).collect::<Vec<_>>() })
    }
    fn options(&self) -> Vec<(&'static str, &'static str)> {
        self.known.iter().map(|(word, _, meaning)| (*word, *meaning)).collect()
    }
    fn not_yet(&self) -> &'static [&'static str] {
        self.not_yet
    }
}

impl<V: Copy + PartialEq + Sync> Form for OneOf<V> {
    type Value = V;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<V> {
        let Some(text) = value.as_str() else {
            place.wrong_type(&self.words(), value);
            return None;
        };
        let found = self.known.iter().find(|(word, _, _)| *word == text);
        if found.is_none() {
            place.error(unknown_word(text, self.known.iter().map(|(word, _, _)| *word), self.not_yet));
        }
        found.map(|(_, value, _)| *value)
    }
    fn show(&self, value: &Self::Value, _: &Path) -> Json {
        let word = self.known.iter().find(|(_, known, _)| known == value);
        word.map_or(Json::Null, |(word, _, _)| json!(word))
    }
}

impl Shape for Flag {
    fn words(&self) -> String {
        "`true` or `false`".to_owned()
    }
    fn schema(&self) -> Json {
        json!({ "type": "boolean" })
    }
}

impl Form for Flag {
    type Value = bool;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<bool> {
        if value.as_bool().is_none() {
            place.wrong_type(&self.words(), value);
        }
        value.as_bool()
    }
    fn show(&self, value: &Self::Value, _: &Path) -> Json {
        json!(value)
    }
}

impl Shape for Number {
    fn words(&self) -> String {
        format!("number from {} to {}", self.min, self.max)
    }
    fn schema(&self) -> Json {
        json!({ "type": "integer", "minimum": self.min, "maximum": self.max })
    }
}

impl Form for Number {
    type Value = usize;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<usize> {
        let Some(number) = value.as_integer() else {
            match value.as_str() {
                Some(text) if integer_text(text) => {
                    place.error(format!("wants a {}; write {text} without quotes", self.words()));
                }
                _ => place.wrong_type(&self.words(), value),
            }
            return None;
        };
        let in_range = integer(number)
            .filter(|number| (i128::from(self.min)..=i128::from(self.max)).contains(number))
            .and_then(|number| usize::try_from(number).ok());
        if in_range.is_none() {
            place.error(format!("{} is out of range: wants a {} ({})", shown_number(number), self.words(), self.why));
        }
        in_range
    }
    fn show(&self, value: &Self::Value, _: &Path) -> Json {
        json!(value)
    }
}

impl<F: Shape> Shape for OrOff<F> {
    fn words(&self) -> String {
        format!("{}, or `\"off\"`", self.0.words())
    }
    fn schema(&self) -> Json {
        json!({ "anyOf": [self.0.schema(), { "const": "off" }] })
    }
}

impl<F: Form> Form for OrOff<F> {
    type Value = Option<F::Value>;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<Option<F::Value>> {
        if value.as_str() == Some("off") {
            return Some(None);
        }
        if value.as_bool() == Some(false) {
            place.error("wants the word: write \"off\"");
            return None;
        }
        self.0.read(place, value).map(Some)
    }
    fn show(&self, value: &Self::Value, folder: &Path) -> Json {
        value.as_ref().map_or_else(|| json!("off"), |value| self.0.show(value, folder))
    }
}

impl<F: Shape> Shape for ListOf<F> {
    fn words(&self) -> String {
        let least = match self.min {
            0 => "",
            _ => ", at least one",
        };
        let list = format!("list ({}{least})", self.of.words());
        if self.single { format!("{} or {list}", self.of.words()) } else { list }
    }
    fn schema(&self) -> Json {
        let list = json!({ "type": "array", "items": self.of.schema(), "minItems": self.min, "maxItems": self.max });
        if self.single { json!({ "anyOf": [self.of.schema(), list] }) } else { list }
    }
}

impl<F: Form> Form for ListOf<F>
where
    F::Value: Ord,
{
    type Value = Items<F::Value>;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<Items<F::Value>> {
        let list = match (value.as_array(), value.as_str()) {
            (Some(list), _) => list,
            (None, Some(_)) if self.single => return Some(Items(vec![self.of.read(place, value)])),
            (None, Some(_)) => {
                place.error("wants a list: put it in brackets, `[\"…\"]`");
                return None;
            }
            (None, None) => {
                place.wrong_type(&self.words(), value);
                return None;
            }
        };
        if list.len() < self.min {
            place.error("the list is empty: at least one is needed");
        }
        if list.len() > self.max {
            place.error(format!("the list has {} entries; at most {} are taken", list.len(), self.max));
            return None;
        }
        let places = || list.iter().enumerate().map(|(index, item)| (place.element(index, item.span().start), item));
        let items = Items(places().map(|(place, item)| self.of.read(&place, item.get_ref())).collect());
        let mut seen = BTreeSet::new();
        for ((place, _), item) in places().zip(&items.0) {
            if item.as_ref().is_some_and(|item| !seen.insert(item)) {
                let text = "stands in the list twice; take one out";
                if self.twice_is_error { place.error(text) } else { place.warn(text) }
            }
        }
        Some(items)
    }
    fn show(&self, value: &Self::Value, folder: &Path) -> Json {
        value.indexed().map(|(_, item)| self.of.show(item, folder)).collect()
    }
}

fn shown_number(number: &DeInteger<'_>) -> String {
    let text = number.to_string();
    if text.len() > SHOWN_MAX { "this number".to_owned() } else { text }
}

fn integer(number: &DeInteger<'_>) -> Option<i128> {
    i128::from_str_radix(number.as_str(), number.radix()).ok()
}

fn integer_text(text: &str) -> bool {
    !text.is_empty() && text.len() < SHOWN_MAX && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn unknown_word(text: &str, known: impl Iterator<Item = &'static str> + Clone, not_yet: &[&str]) -> String {
    if not_yet.contains(&text) {
        return format!("{} is not supported yet; {}", shown(text), listed(known));
    }
    match suggest::nearest(text, known.clone()) {
        Some(meant) => format!("{} is not known; did you mean \"{meant}\"?", shown(text)),
        None => format!("{} is not known; {}", shown(text), listed(known)),
    }
}

fn listed(known: impl Iterator<Item = &'static str>) -> String {
    let words: Vec<String> = known.map(|word| format!("\"{word}\"")).collect();
    format!("write {}", words.join(" or "))
}
