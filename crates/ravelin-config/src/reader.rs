//! Walks the TOML tree by declared keys and gathers everything wrong with it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::declare::{self, Key, Kind, Presence, Shape};
use super::forms::{Form, Named, Rows, Section, shown};
use super::problems::{Problem, Severity};
use super::suggest;

/// One file being read.
pub(crate) struct Reader<'a> {
    file: &'a Path,
    folder: PathBuf,
    text: &'a str,
    lines: Lines,
    root: &'a DeTable<'a>,
    problems: RefCell<Vec<Problem>>,
    /// Byte offset of each key met, for checks that look at several tables.
    spots: RefCell<BTreeMap<String, usize>>,
    /// Names that something refers to: (`policies`, `domain-computers`).
    used: RefCell<BTreeSet<(&'static str, String)>>,
    /// Addresses of servers, with their keys.
    servers: RefCell<Vec<(String, SocketAddr)>>,
    /// Found when [`PROBLEMS_MAX`] were told.
    untold_errors: Cell<usize>,
    untold_warnings: Cell<usize>,
}

/// A spot in the file with its dotted key.
#[derive(Clone)]
pub(crate) struct Place<'a> {
    pub reader: &'a Reader<'a>,
    key: String,
    spot: usize,
}

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

impl<'a> Reader<'a> {
    pub(crate) fn new(file: &'a Path, text: &'a str, root: &'a DeTable<'a>) -> Reader<'a> {
        let folder = file.parent().map(Path::to_path_buf).unwrap_or_default();
        Reader {
            file,
            folder,
            text,
            lines: Lines::of(text),
            root,
            problems: RefCell::default(),
            spots: RefCell::default(),
            used: RefCell::default(),
            servers: RefCell::default(),
            untold_errors: Cell::new(0),
            untold_warnings: Cell::new(0),
        }
    }

    /// The whole file as a table.
    pub(crate) fn root(&'a self) -> Table<'a> {
        Table::open(Place { reader: self, key: String::new(), spot: 0 }, String::new(), self.root)
    }

    /// Reports at a key that was met, or at the nearest table around it.
    fn report(&self, severity: Severity, key: &str, text: String) {
        let spots = self.spots.borrow();
        let mut around = key;
        let spot = loop {
            if let Some(spot) = spots.get(around) {
                break *spot;
            }
            if around.is_empty() {
                break 0;
            }
            around = declare::parent(around);
        };
        self.report_at(severity, key, spot, text);
    }

    fn report_at(&self, severity: Severity, key: &str, spot: usize, text: String) {
        if self.is_full() {
            let untold = if severity == Severity::Error { &self.untold_errors } else { &self.untold_warnings };
            untold.set(untold.get() + 1);
            return;
        }
        self.problems.borrow_mut().push(Problem {
            severity,
            file: self.file.to_path_buf(),
            position: Some(self.lines.position(self.text, spot)),
            key: key.to_owned(),
            text,
        });
    }

    /// An error at a key.
    pub(crate) fn error(&self, key: &str, text: &str) {
        self.report(Severity::Error, key, text.to_owned());
    }

    /// A warning at a key.
    pub(crate) fn warn(&self, key: &str, text: &str) {
        self.report(Severity::Warning, key, text.to_owned());
    }

    /// Whether further problems are counted and not told.
    fn is_full(&self) -> bool {
        self.problems.borrow().len() >= PROBLEMS_MAX
    }

    /// Everything found, in the order of the file.
    pub(crate) fn into_problems(self) -> Vec<Problem> {
        let (errors, warnings) = (self.untold_errors.get(), self.untold_warnings.get());
        let mut problems = self.problems.into_inner();
        problems.sort_by(|a, b| (a.position, a.severity, &a.key).cmp(&(b.position, b.severity, &b.key)));
        if errors + warnings > 0 {
            problems.push(Problem {
                severity: if errors > 0 { Severity::Error } else { Severity::Warning },
                file: self.file.to_path_buf(),
                position: None,
                key: String::new(),
                text: format!("{errors} more errors and {warnings} more warnings are not told"),
            });
        }
        problems
    }

    /// Names under a table of the top (`policies`), as written.
    pub(crate) fn names(&self, table: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let entries = self.root.get(table).and_then(|value| value.get_ref().as_table());
        entries.into_iter().flat_map(|entries| entries.keys().map(|key| key.get_ref().as_ref()))
    }

    /// Notes that something refers to a name.
    pub(crate) fn use_name(&self, table: &'static str, name: &str) {
        self.used.borrow_mut().insert((table, name.to_owned()));
    }

    /// Notes a reference to no name of a table: what it was meant for is not known.
    pub(crate) fn use_unknown(&self, table: &'static str) {
        self.used.borrow_mut().insert((table, String::new()));
    }

    /// Whether something refers to a name, or may have meant to.
    pub(crate) fn is_used(&self, table: &'static str, name: &str) -> bool {
        let used = self.used.borrow();
        used.contains(&(table, String::new())) || used.contains(&(table, name.to_owned()))
    }

    /// Notes the address of a server.
    pub(crate) fn note_server(&self, key: &str, address: SocketAddr) {
        self.servers.borrow_mut().push((key.to_owned(), address));
    }

    /// The servers noted.
    pub(crate) fn servers(&self) -> Vec<(String, SocketAddr)> {
        self.servers.borrow().clone()
    }

    /// A path of the file, from the file's own folder.
    pub(crate) fn path(&self, text: &str) -> PathBuf {
        self.folder.join(text)
    }
}

impl<'a> Place<'a> {
    /// The dotted key.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Something that stops a start.
    pub(crate) fn error(&self, text: impl Into<String>) {
        self.reader.report_at(Severity::Error, &self.key, self.spot, text.into());
    }

    /// Something that an administrator should know.
    pub(crate) fn warn(&self, text: impl Into<String>) {
        self.reader.report_at(Severity::Warning, &self.key, self.spot, text.into());
    }

    /// A wrong type: what was wanted, and what stands there.
    pub(crate) fn wrong_type(&self, wanted: &str, value: &DeValue<'_>) {
        self.error(format!("wanted: {wanted}; found {}", type_name(value)));
    }

    /// An element of a list here.
    pub(crate) fn element(&self, index: usize, spot: usize) -> Place<'a> {
        self.at(format!("{}[{index}]", self.key), spot)
    }

    fn child(&self, name: &str, spot: usize) -> Place<'a> {
        self.at(key_of(&self.key, name), spot)
    }

    fn at(&self, key: String, spot: usize) -> Place<'a> {
        self.reader.spots.borrow_mut().insert(key.clone(), spot);
        Place { reader: self.reader, key, spot }
    }
}

impl<'a> Table<'a> {
    fn open(place: Place<'a>, pattern: String, entries: &'a DeTable<'a>) -> Table<'a> {
        let table = Table { place, pattern, entries: Some(entries), broken: false };
        for key in entries.keys() {
            table.check_known(key.get_ref(), key.span().start);
        }
        table
    }

    /// An unknown key is an error, and so is a known one that is never accepted.
    fn check_known(&self, name: &str, spot: usize) {
        let declared = declare::children(&self.pattern).find(|key| declare::last_part(key.path()) == name);
        match declared.map(|key| key.shape().kind()) {
            Some(Kind::Refused(why)) => self.place.child(name, spot).error(why),
            Some(Kind::Named | Kind::Rows | Kind::Section | Kind::Value) => {}
            None if self.place.reader.is_full() => self.place.error("unknown key"),
            None => self.place.child(name, spot).error(suggest::unknown_key(&self.pattern, name)),
        }
    }

    /// Whether the key stands in the file.
    pub(crate) fn has<F>(&self, key: &'static Key<F>) -> bool {
        self.value(key).is_some()
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
            return key.shape.read(&place, value.get_ref());
        }
        match key.presence {
            Presence::Default(text) => {
                let value = DeValue::parse(text).ok()?;
                key.shape.read(&self.place_of(key), value.get_ref())
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

/// More than anybody reads; a file of a megabyte that is no configuration has a hundred thousand.
const PROBLEMS_MAX: usize = 1_000;

/// A name is a label in metrics, records and commands; DNS allows as many in one label.
pub(crate) const NAME_LENGTH_MAX: usize = 63;

/// What TOML writes without quotes.
fn bare(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// The dotted key of a name in a table, with quotes where TOML wants them.
pub(crate) fn key_of(table: &str, name: &str) -> String {
    let name = if bare(name) { name.to_owned() } else { format!("\"{}\"", name.escape_debug()) };
    if table.is_empty() { name } else { format!("{table}.{name}") }
}

/// Where the lines of a text begin. A file may be all problems, so each place must be found without counting anew.
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    pub(crate) fn of(text: &str) -> Lines {
        Lines(std::iter::once(0).chain(text.match_indices('\n').map(|(newline, _)| newline + 1)).collect())
    }

    /// Line and column of a byte, from 1; a column is a character. `text` is the text of [`Lines::of`].
    pub(crate) fn position(&self, text: &str, spot: usize) -> (usize, usize) {
        let line = self.0.partition_point(|start| *start <= spot);
        let start = self.0.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = text.get(start..spot).unwrap_or_default();
        (line, before.chars().count() + 1)
    }
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
