//! One TOML file, checked whole: every problem at once, each with line and column.
//!
//! - [`load`] reads the TOML and nothing else; the files it names are read when a generation is built.
//! - A key is declared once (`declare.rs`, `tables/`); parser, reference page, JSON Schema and [`render`] read the declaration.
//! - An unknown key is an error, and so is a key or word that is designed and not built.
//!
//! Absent by design: look-ups, clocks, the environment.

mod checked;
mod cross;
mod declare;
mod effective;
mod forms;
mod one_declaration;
mod place;
mod problems;
mod reference;
mod references;
mod render;
mod suggest;
pub mod switches;
mod table;
mod tables;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod properties;
#[cfg(any(test, feature = "samples"))]
pub mod samples;
#[cfg(test)]
mod tests;

pub use checked::*;
pub use problems::{Problem, Severity};
pub use reference::{reference, schema};
pub use render::quote;
pub use render::{render, to_json};
pub use tables::tls::version_text;

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use toml::de::DeTable;

use cross::Demand;
use place::{FileReader, Lines};
use table::Table;

/// Reads and checks the file of a gateway: the configuration with its warnings, or every problem.
///
/// # Errors
/// Every error and warning found, in the order of the file.
pub fn load(file: &Path) -> Result<(Config, Vec<Problem>), Vec<Problem>> {
    read_file(file).and_then(|text| check(file, &text, Demand::Gateway))
}

/// The same for whoever needs policies alone (`ravelin explain`): a file without listeners will do, and nothing is said of
/// what no listener uses. What else stands in the file must be right.
///
/// # Errors
/// As [`load`].
pub fn load_policies(file: &Path) -> Result<(Config, Vec<Problem>), Vec<Problem>> {
    read_file(file).and_then(|text| check(file, &text, Demand::Policies))
}

/// The same for `ravelin sync`: the table `[sync]` must be there, and is enough.
///
/// # Errors
/// As [`load`].
pub fn load_sync(file: &Path) -> Result<(Config, Vec<Problem>), Vec<Problem>> {
    read_file(file).and_then(|text| check(file, &text, Demand::Sync))
}

/// As whoever starts with the file: as [`load_sync`] where it has `[sync]` and no listener, site or pool, else as [`load`].
///
/// # Errors
/// As [`load`].
pub fn load_either(file: &Path) -> Result<(Config, Vec<Problem>), Vec<Problem>> {
    read_file(file).and_then(|text| check(file, &text, Demand::Either))
}

/// As [`load`], of a text in hand. `file` is for messages and relative paths.
///
/// # Errors
/// As [`load`].
pub fn parse(file: &Path, text: &str) -> Result<(Config, Vec<Problem>), Vec<Problem>> {
    check(file, text, Demand::Gateway)
}

/// A gateway with a thousand sites takes a third of it.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// A file that is no TOML at all is reported after a few lines.
const SYNTAX_ERRORS_MAX: usize = 20;

fn read_file(file: &Path) -> Result<String, Vec<Problem>> {
    let whole_file = |text: String| vec![problem(file, None, text)];
    let mut bytes = Vec::new();
    fs::File::open(file)
        .and_then(|opened| opened.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| whole_file(unreadable(&error)))?;
    if u64::try_from(bytes.len()).map_or(true, |length| length > FILE_BYTES_MAX) {
        return Err(whole_file(format!("is larger than {FILE_BYTES_MAX} bytes: this is no configuration of ravelin")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes().get(..good).unwrap_or_default()).into_owned();
        vec![problem(
            file,
            Some(Lines::of(&text).position(&text, good)),
            "is not UTF-8: save the file as UTF-8".to_owned(),
        )]
    })
}

fn unreadable(error: &io::Error) -> String {
    let cures = [
        (io::ErrorKind::NotFound, "there is no such file; `ravelin init` writes one"),
        (io::ErrorKind::IsADirectory, "is a folder: name the file in it"),
        (
            io::ErrorKind::PermissionDenied,
            "may not be read by this user: check owner and mode of the file and its folders",
        ),
    ];
    let known = cures.iter().find(|(kind, _)| *kind == error.kind());
    known.map_or_else(|| format!("cannot be read: {error}"), |(_, cure)| (*cure).to_owned())
}

fn problem(file: &Path, position: Option<(usize, usize)>, text: String) -> Problem {
    Problem { severity: Severity::Error, file: file.to_path_buf(), position, key: String::new(), text }
}

fn check(file: &Path, text: &str, demand: Demand) -> Result<(Config, Vec<Problem>), Vec<Problem>> {
    // Windows editors begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (tree, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(syntax_errors(file, text, &errors));
    }
    let reader = FileReader::new(file, text, tree.get_ref(), tables::KEYS);
    let config = read(&reader, file, demand);
    let problems = reader.into_problems();
    let wrong = problems.iter().any(|problem| problem.severity == Severity::Error);
    match config {
        Some(config) if !wrong => Ok((config, problems)),
        None if !wrong => {
            Err(vec![problem(file, None, "could not be understood, and no rule says why; please report it".to_owned())])
        }
        Some(_) | None => Err(problems),
    }
}

/// What is wrong with the TOML itself. A tree with holes in it would only give wrong messages, so nothing else is said.
fn syntax_errors(file: &Path, text: &str, errors: &[toml::de::Error]) -> Vec<Problem> {
    let mut problems: Vec<Problem> = errors
        .iter()
        .map(|error| {
            let spot = error.span().map(|span| Lines::of(text).position(text, span.start));
            problem(file, spot, format!("not TOML: {}", error.message()))
        })
        .collect();
    problems.sort_by_key(|problem| problem.position);
    problems.dedup();
    problems.truncate(SYNTAX_ERRORS_MAX);
    problems
}

/// The whole story: every table is read, whatever came of the others.
fn read(reader: &FileReader<'_>, file: &Path, demand: Demand) -> Option<Config> {
    let root = Table::root(reader);
    let admin = tables::admin::read(&root);
    let listeners = tables::listeners::read(&root);
    let sites = tables::sites::read(&root);
    let policies = tables::policies::read(&root);
    let pools = tables::pools::read(&root, |pool| first_names(&sites, pool));
    let limits = tables::limits::read(&root);
    let threads = tables::threads::read(&root);
    let log = tables::log::read(&root);
    let sync = tables::sync::read(&root);
    cross::check(reader, demand, &listeners, &sites, admin.as_ref().and_then(|admin| admin.listen));
    cross::companion(reader, &policies, sync.as_ref());
    Some(Config {
        file: file.to_path_buf(),
        admin: admin?,
        listeners: listeners.into_iter().map(tables::listeners::Listener::finish).collect::<Option<_>>()?,
        sites: sites.into_iter().map(tables::sites::Site::finish).collect::<Option<_>>()?,
        policies: policies.into_iter().collect::<Option<_>>()?,
        pools: pools.into_iter().collect::<Option<_>>()?,
        limits: limits?,
        threads: threads?,
        log: log?,
        sync,
        rehearsal: Rehearsal::default(),
        effective: reader.effective(),
    })
}

/// The first server names of the sites that use a pool, each once. `None` where a site that may use it is wrong itself.
fn first_names(sites: &[tables::sites::Site], pool: &str) -> Option<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for site in sites {
        if site.pool.as_deref()? != pool {
            continue;
        }
        let first =
            site.server_names.as_ref().filter(|names| names.is_whole())?.indexed().next().map(|(_, name)| name)?;
        if !names.contains(first) {
            names.push(first.clone());
        }
    }
    Some(names)
}
