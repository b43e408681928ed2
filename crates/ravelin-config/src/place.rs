//! A file being read: its places, and everything found wrong with it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};
use toml::de::{DeTable, DeValue};

use crate::declare::{self, Keys};
use crate::effective;
use crate::problems::{Problem, Severity};

/// One file being read.
pub(crate) struct FileReader<'a> {
    file: &'a Path,
    folder: PathBuf,
    keys: Keys,
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
    /// What was read, defaults included, in the shape of the file.
    effective: RefCell<Json>,
    /// Found when [`PROBLEMS_MAX`] were reported.
    untold_errors: Cell<usize>,
    untold_warnings: Cell<usize>,
}

/// A spot in the file with its dotted key.
#[derive(Clone)]
pub(crate) struct Place<'a> {
    pub reader: &'a FileReader<'a>,
    pub(crate) key: String,
    pub(crate) spot: usize,
}

impl<'a> FileReader<'a> {
    pub(crate) fn new(file: &'a Path, text: &'a str, root: &'a DeTable<'a>, keys: Keys) -> FileReader<'a> {
        let folder = file.parent().map(Path::to_path_buf).unwrap_or_default();
        FileReader {
            file,
            keys,
            folder,
            text,
            lines: Lines::of(text),
            root,
            problems: RefCell::default(),
            spots: RefCell::default(),
            used: RefCell::default(),
            servers: RefCell::default(),
            effective: RefCell::new(Json::Object(Map::new())),
            untold_errors: Cell::new(0),
            untold_warnings: Cell::new(0),
        }
    }

    /// The whole file.
    pub(crate) fn entries(&self) -> &'a DeTable<'a> {
        self.root
    }

    /// Every key that may stand in the file.
    pub(crate) fn keys(&self) -> Keys {
        self.keys
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
    pub(crate) fn is_full(&self) -> bool {
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

    /// The folder of the file.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What was read so far, defaults included, in the shape of the file.
    pub(crate) fn effective(&self) -> Json {
        self.effective.borrow().clone()
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
    /// The whole file.
    pub(crate) fn of_file(reader: &'a FileReader<'a>) -> Place<'a> {
        Place { reader, key: String::new(), spot: 0 }
    }

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

    /// Notes what is in force here, for [`FileReader::effective`]; null: nothing.
    pub(crate) fn note(&self, value: Json) {
        effective::set(&mut self.reader.effective.borrow_mut(), &self.key, value);
    }

    /// A wrong type: what was wanted, and what stands there.
    pub(crate) fn wrong_type(&self, wanted: &str, value: &DeValue<'_>) {
        self.error(format!("wanted: {wanted}; found {}", type_name(value)));
    }

    /// An element of a list here.
    pub(crate) fn element(&self, index: usize, spot: usize) -> Place<'a> {
        self.at(format!("{}[{index}]", self.key), spot)
    }

    /// A key of the table here.
    pub(crate) fn child(&self, name: &str, spot: usize) -> Place<'a> {
        self.at(key_of(&self.key, name), spot)
    }

    fn at(&self, key: String, spot: usize) -> Place<'a> {
        self.reader.spots.borrow_mut().insert(key.clone(), spot);
        Place { reader: self.reader, key, spot }
    }
}

/// More than anybody reads; a file of a megabyte that is no configuration has a hundred thousand.
const PROBLEMS_MAX: usize = 1_000;

/// A name is a label in metrics, records and commands; DNS allows as many in one label.
pub(crate) const NAME_LENGTH_MAX: usize = 63;

/// What TOML writes without quotes.
pub(crate) fn bare(name: &str) -> bool {
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
