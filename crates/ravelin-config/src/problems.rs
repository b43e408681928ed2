//! Everything wrong with a configuration, told in one go.

use std::fmt;
use std::path::PathBuf;

/// How bad.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// Stops a start and a reload.
    Error,
    /// Told by `check` and at the start; stops nothing.
    Warning,
}

/// One thing wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// How bad.
    pub severity: Severity,
    /// The file it is in.
    pub file: PathBuf,
    /// Line and column, from 1, where the file is the configuration.
    pub position: Option<(usize, usize)>,
    /// Dotted key, `pools.europe.servers[1].address`; empty where none fits.
    pub key: String,
    /// What is wrong, and the cure.
    pub text: String,
}

impl Problem {
    /// An error without a position.
    pub fn error(file: &std::path::Path, key: &str, text: impl Into<String>) -> Problem {
        Problem {
            severity: Severity::Error,
            file: file.to_owned(),
            position: None,
            key: key.to_owned(),
            text: text.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{word}: {}", self.file.display())?;
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.text)
    }
}

/// A text of the file for a message: in quotes, on one line, bounded.
pub(crate) fn shown(text: &str) -> String {
    let short: String = text.chars().take(SHOWN_MAX).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("\"{}{more}\"", short.escape_debug())
}

/// A line of a terminal.
pub(crate) const SHOWN_MAX: usize = 80;
