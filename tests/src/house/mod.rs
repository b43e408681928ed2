//! The order of the tree, in figures: `tests/house` prints them, `tests/it/the_house_is_in_order.rs` fails where one that
//! must be zero is not.
//!
//! - [`Tree`] reads every source once (`tree.rs`); what a macro expands to stays unseen.
//! - Each other file holds one rule. A [`Rule`] says what is wrong, where, and what to do.
#![expect(clippy::expect_used, clippy::panic, reason = "a tool for tests: what it cannot read ends it with a message")]

mod circles;
mod citations;
mod crates;
mod labels;
mod limits;
mod resolve;
mod tree;

use std::fmt::{self, Display, Write as _};

pub use labels::labels;
pub use tree::Tree;

/// One thing that is out of order.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Finding {
    /// Relative to the root of the repository.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// What is wrong there, and what to do.
    pub what: String,
}

impl Finding {
    fn new(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, what: what.into() }
    }
}

impl Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// What must hold of the tree. It does where nothing was found.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What is counted.
    pub name: &'static str,
    /// Where it does not hold.
    pub findings: Vec<Finding>,
}

/// Every rule, held against a tree.
pub fn rules(tree: &Tree) -> Vec<Rule> {
    let rule = |name, findings| Rule { name, findings };
    vec![
        rule("crates above a fifth of the production lines", crates::too_large(tree)),
        rule("files in production import circles", circles::circles(tree)),
        rule("dependencies that may not be", crates::forbidden_dependencies(tree)),
        rule("unresolved citations", citations::unresolved(tree)),
        rule("labels that the manual, the code or the tests lack", labels::misplaced(tree)),
        rule("limits without a reason", limits::without_reason(tree)),
    ]
}

/// The figures that no rule holds, as a text.
pub fn figures(tree: &Tree) -> String {
    let mut text = String::new();
    let (by_crate, total) = crates::lines(tree);
    _ = writeln!(text, "production lines: {total}");
    for (name, lines) in by_crate {
        _ = writeln!(text, "  {lines:6}  {:4.1} %  {name}", crates::percent(lines, total));
    }
    let mut files: Vec<_> = tree.sources.iter().map(|source| (source.production_lines(), &source.path)).collect();
    files.sort_by(|a, b| b.cmp(a));
    _ = writeln!(text, "\nlongest production files");
    for (lines, path) in files.iter().take(5) {
        _ = writeln!(text, "  {lines:6}  {path}");
    }
    let mut functions: Vec<_> = tree
        .sources
        .iter()
        .flat_map(|source| source.functions.iter().map(move |f| (f.lines, &source.path, f)))
        .collect();
    functions.sort_by_key(|(lines, path, _)| (std::cmp::Reverse(*lines), *path));
    _ = writeln!(text, "\nlongest production functions");
    for (lines, path, function) in functions.iter().take(5) {
        _ = writeln!(text, "  {lines:6}  {path}:{}: {}", function.line, function.name);
    }
    _ = writeln!(text, "\ndependencies between our crates");
    for (name, dependencies) in crates::dependencies(tree) {
        _ = writeln!(text, "  {name} -> {}", dependencies.into_iter().collect::<Vec<_>>().join(", "));
    }
    text
}
