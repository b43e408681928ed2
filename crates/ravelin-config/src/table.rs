//! Reads the tables of a file by declared keys.

use serde_json::json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::declare::{self, Key, Kind, Presence, Shape};
use crate::forms::{Form, Named, Rows, Section};
use crate::place::{FileReader, NAME_LENGTH_MAX, Place, bare, key_of};
use crate::problems::shown;
use crate::suggest;

/// A table being read.
#[derive(Clone)]
pub(crate) struct Table<'a> {
    pub place: Place<'a>,
    pattern: String,
    entries: Option<&'a DeTable<'a>>,
    /// Something else stood where the table belongs, and that was said: its keys are not missing.
    broken: bool,
}

/// A table, or a word that stands for one.
pub(crate) enum SectionOrWord<'a> {
    Absent,
    Section(Table<'a>),
    Word(&'static str),
}

impl<'a> Table<'a> {
    /// The whole file as a table.
    pub(crate) fn root(reader: &'a FileReader<'a>) -> Table<'a> {
        Table::open(Place::of_file(reader), String::new(), reader.entries())
    }

    fn open(place: Place<'a>, pattern: String, entries: &'a DeTable<'a>) -> Table<'a> {
        let table = Table { place, pattern, entries: Some(entries), broken: false };
        for key in entries.keys() {
            table.check_known(key.get_ref(), key.span().start);
        }
        table
    }

    /// An unknown key is an error, and so is a known one that is never accepted.
    fn check_known(&self, name: &str, spot: usize) {
        let declared = declare::children(self.place.reader.keys(), &self.pattern)
            .find(|key| declare::last_part(key.path()) == name);
        match declared.map(|key| key.shape().kind()) {
            Some(Kind::Refused(why)) => self.place.child(name, spot).error(why),
            Some(Kind::Named | Kind::Rows | Kind::Section | Kind::Value) => {}
            None if self.place.reader.is_full() => self.place.error("unknown key"),
            None => {
                self.place.child(name, spot).error(suggest::unknown_key(self.place.reader.keys(), &self.pattern, name))
            }
        }
    }

    /// Whether the key stands in the file.
    pub(crate) fn has<F>(&self, key: &'static Key<F>) -> bool {
        self.value(key).is_some()
    }

    /// Whether a list is absent or empty. One whose elements are all wrong names something.
    pub(crate) fn names_none<F>(&self, key: &'static Key<F>) -> bool {
        self.value(key).is_none_or(|(_, value)| value.get_ref().as_array().is_some_and(|list| list.is_empty()))
    }

    /// Where a key stands, or the table that lacks it.
    pub(crate) fn place_of<F>(&self, key: &'static Key<F>) -> Place<'a> {
        self.value(key).map_or_else(
            || Place { key: key_of(self.place.key(), key.name()), ..self.place.clone() },
            |(place, _)| place,
        )
    }

    /// The value of a key or its default. `None`: an optional key is absent, or a problem was reported.
    pub(crate) fn read<F: Form>(&self, key: &'static Key<F>) -> Option<F::Value> {
        if let Some((place, value)) = self.value(key) {
            return read_at(key, &place, value.get_ref());
        }
        match key.presence {
            Presence::Default(text) => {
                let value = DeValue::parse(text).ok()?;
                read_at(key, &self.place_of(key), value.get_ref())
            }
            Presence::Optional => None,
            Presence::Required => {
                self.missing(key);
                None
            }
        }
    }

    /// The table at a key. An absent one is read as an empty one: its keys have their defaults or are missing.
    pub(crate) fn section(&self, key: &'static Key<Section>) -> Table<'a> {
        match self.section_or_word(key) {
            SectionOrWord::Section(table) => table,
            SectionOrWord::Absent | SectionOrWord::Word(_) => self.absent(key),
        }
    }

    /// The table at a key as if it were absent: every key has its default.
    pub(crate) fn absent(&self, key: &'static Key<Section>) -> Table<'a> {
        Table { place: self.place_of(key), pattern: key.path.to_owned(), entries: None, broken: self.broken }
    }

    /// Whether something else stood where the table belongs, which was said.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    /// The table at a key, or one of the words that the key accepts instead.
    pub(crate) fn section_or_word(&self, key: &'static Key<Section>) -> SectionOrWord<'a> {
        let Some((place, value)) = self.value(key) else {
            if key.presence == Presence::Required {
                self.missing(key);
            }
            return SectionOrWord::Absent;
        };
        if let Some(entries) = value.get_ref().as_table() {
            place.note(json!({}));
            return SectionOrWord::Section(Table::open(place, key.path.to_owned(), entries));
        }
        match value.get_ref().as_str() {
            Some(text) if !key.shape.words.is_empty() => {
                if let Some(word) = key.shape.words.read(&place, text) {
                    return SectionOrWord::Word(word);
                }
            }
            Some(_) | None => place.wrong_type(&key.shape.words(), value.get_ref()),
        }
        SectionOrWord::Section(Table { place, pattern: key.path.to_owned(), entries: None, broken: true })
    }

    /// The tables under a key of the top, by name.
    pub(crate) fn named(&self, key: &'static Key<Named>) -> Vec<(String, Table<'a>)> {
        self.place_of(key).note(json!({}));
        let Some((place, value)) = self.value(key) else { return Vec::new() };
        let Some(entries) = value.get_ref().as_table() else {
            place.wrong_type(&key.shape.words(), value.get_ref());
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (name, value) in entries.iter() {
            let spot = if value.get_ref().is_table() { value.span().start } else { name.span().start };
            let place = place.child(name.get_ref(), spot);
            let name = name.get_ref().as_ref();
            if !bare(name) || name.len() > NAME_LENGTH_MAX {
                place.error(format!(
                    "{} cannot be a name: use 1 to {NAME_LENGTH_MAX} letters, digits, `-` and `_`; it is a label in metrics and records",
                    shown(name)
                ));
            }
            let pattern = format!("{}.NAME", key.path);
            match value.get_ref().as_table() {
                Some(entries) => tables.push((name.to_owned(), Table::open(place, pattern, entries))),
                None => place.wrong_type(&format!("a table, `[{}.{name}]`", key.path), value.get_ref()),
            }
        }
        tables
    }

    /// The tables of a list.
    pub(crate) fn rows(&self, key: &'static Key<Rows>) -> Vec<Table<'a>> {
        self.place_of(key).note(json!([]));
        let Some((place, value)) = self.value(key) else {
            if key.presence == Presence::Required {
                self.missing(key);
            }
            return Vec::new();
        };
        let Some(items) = value.get_ref().as_array() else {
            place.wrong_type(&key.shape.words(), value.get_ref());
            return Vec::new();
        };
        if items.is_empty() && key.shape.min > 0 {
            place.error("the list is empty: at least one is needed");
        }
        if items.len() > key.shape.max {
            place.error(format!("{} entries; at most {}: {}", items.len(), key.shape.max, key.shape.why));
        }
        let mut tables = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let place = place.element(index, item.span().start);
            match item.get_ref().as_table() {
                Some(entries) => tables.push(Table::open(place, format!("{}[]", key.path), entries)),
                None => place.wrong_type("a table in braces, `{ … }`", item.get_ref()),
            }
        }
        tables
    }

    fn value<F>(&self, key: &'static Key<F>) -> Option<(Place<'a>, &'a Spanned<DeValue<'a>>)> {
        debug_assert_eq!(declare::parent(key.path), self.pattern, "{} is read from another table", key.path);
        let value = self.entries?.get(key.name())?;
        Some((self.place.child(key.name(), value.span().start), value))
    }

    /// Reports a key that has to be there.
    pub(crate) fn missing<F>(&self, key: &'static Key<F>)
    where
        F: Shape,
    {
        if !self.broken {
            let text = format!("`{}` is missing; wanted: {}", key.name(), key.shape.words());
            self.place_of(key).error(text);
        }
    }
}

/// Reads a value and notes it as in force.
fn read_at<F: Form>(key: &'static Key<F>, place: &Place<'_>, value: &DeValue<'_>) -> Option<F::Value> {
    let read = key.shape.read(place, value)?;
    place.note(key.shape.show(&read, place.reader.folder()));
    Some(read)
}
