//! `ravelin check`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use ravelin_config::{Config, Problem, Severity};
use ravelin_ops::log::ascii_json_pretty;

/// Read everything that a start would read, and tell every problem with file, line and cure.
#[derive(clap::Args, Clone, Debug)]
pub struct CheckArgs {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// Nothing stops a start. There may be warnings.
pub const EXIT_GOOD: u8 = 0;
/// Something stops a start.
pub const EXIT_WRONG: u8 = 2;

/// What no configuration can change and many find out late. Said of every file; the manual's page "Which clients need what"
/// has more.
pub const NOTES: &[&str] = &[
    "Microsoft does not support the termination of IP-HTTPS on any device but the DirectAccess server",
    "one-time passwords (OTP) need pass-through: IP-HTTPS has to end on the server",
    "KerbProxy deployments (no PKI) have no client certificates: none of their clients would be let in",
];

/// Checks. Problems go to standard error, the configuration with its defaults filled in to standard output; with
/// `--json` both are one object on standard output.
pub fn run(args: &CheckArgs) -> ExitCode {
    let outcome = outcome(args, problems_of_files);
    // A reader that has gone (`| head`) has seen what it wanted.
    let _ = io::stderr().lock().write_all(outcome.problems.as_bytes());
    let _ = io::stdout().lock().write_all(outcome.configuration.as_bytes());
    ExitCode::from(outcome.code)
}

/// What the companion and the gateway would find at a start.
fn problems_of_files(config: &Config) -> Vec<Problem> {
    let mut problems = ravelin_sync::problems_of_start(config);
    problems.extend(ravelin_gateway::server::problems_of_start(config));
    problems
}

/// What [`run`] prints and returns.
#[derive(Debug)]
struct Outcome {
    problems: String,
    configuration: String,
    code: u8,
}

fn outcome(args: &CheckArgs, files: impl FnOnce(&Config) -> Vec<Problem>) -> Outcome {
    let (config, mut problems) = match ravelin_config::load_either(&args.config) {
        Ok((config, warnings)) => (Some(config), warnings),
        Err(problems) => (None, problems),
    };
    problems.extend(config.as_ref().map(files).unwrap_or_default());
    let count = |severity| problems.iter().filter(|problem| problem.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let code = if errors == 0 { EXIT_GOOD } else { EXIT_WRONG };
    if args.json {
        let all = json!({
            "good": errors == 0,
            "errors": errors,
            "warnings": warnings,
            "problems": problems.iter().map(problem_json).collect::<Vec<_>>(),
            "notes": NOTES,
            "configuration": config.as_ref().map(ravelin_config::to_json),
        });
        return Outcome { problems: String::new(), configuration: ascii_json_pretty(&all) + "\n", code };
    }
    let mut text: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
    let verdict = if errors == 0 { "good" } else { "not good: a start would be refused" };
    if config.is_some() {
        text += &NOTES.iter().map(|note| format!("note: {note}\n")).collect::<String>();
    }
    text += &format!(
        "{}: {verdict} ({}, {})\n",
        args.config.display(),
        counted(errors, "error"),
        counted(warnings, "warning")
    );
    Outcome { problems: text, configuration: config.as_ref().map(ravelin_config::render).unwrap_or_default(), code }
}

fn counted(count: usize, word: &str) -> String {
    match count {
        0 => format!("no {word}"),
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    }
}

fn problem_json(problem: &Problem) -> Value {
    json!({
        "severity": match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "file": problem.file.display().to_string(),
        "line": problem.position.map(|(line, _)| line),
        "column": problem.position.map(|(_, column)| column),
        "key": problem.key,
        "text": problem.text,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use ravelin_config::samples::{FULL, LEAST};

    fn checked(text: &str, json: bool, files: impl FnOnce(&Config) -> Vec<Problem>) -> Outcome {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ravelin.toml");
        fs::write(&file, text).unwrap();
        let mut outcome = outcome(&CheckArgs { config: file, json }, files);
        for text in [&mut outcome.problems, &mut outcome.configuration] {
            *text = text.replace(&format!("{}/", folder.path().display()), "");
        }
        outcome
    }

    fn of_a_file(severity: Severity) -> Problem {
        Problem {
            severity,
            file: "ca/root.pem".into(),
            position: None,
            key: "policies.computers.trust_anchors[0]".to_owned(),
            text: "there is no such file".to_owned(),
        }
    }

    #[test]
    fn a_good_file_is_printed_with_its_defaults() {
        let outcome = checked(FULL, false, |_| vec![of_a_file(Severity::Warning)]);
        assert_eq!(outcome.code, EXIT_GOOD, "{outcome:?}");
        let file_line = "warning: ca/root.pem: policies.computers.trust_anchors[0]: there is no such file\n";
        assert!(outcome.problems.contains(file_line), "{}", outcome.problems);
        assert!(outcome.problems.lines().last().unwrap().starts_with("ravelin.toml: good (no error, "));
        assert!(NOTES.iter().all(|note| outcome.problems.contains(&format!("note: {note}\n"))), "{}", outcome.problems);
        let (again, _) = ravelin_config::parse(Path::new("ravelin.toml"), &outcome.configuration).unwrap();
        assert_eq!(again, ravelin_config::parse(Path::new("ravelin.toml"), FULL).unwrap().0);
    }

    #[test]
    fn problems_of_the_named_files_stop_a_start() {
        let outcome = checked(LEAST, false, |_| vec![of_a_file(Severity::Error)]);
        assert_eq!(outcome.code, EXIT_WRONG);
        assert!(outcome.problems.contains("a start would be refused (1 error, 1 warning)\n"), "{}", outcome.problems);
        assert!(!outcome.configuration.is_empty());
    }

    #[test]
    fn a_wrong_file_is_reported_and_its_files_are_not_read() {
        let outcome = checked(&LEAST.replace("bind", "bimd"), false, |_| panic!("nothing to read files for"));
        assert_eq!((outcome.code, outcome.configuration.as_str()), (EXIT_WRONG, ""));
        let first = outcome.problems.lines().next().unwrap();
        assert_eq!(
            first,
            "error: ravelin.toml:2:1: listeners.edge.bind: `bind` is missing; wanted: list (`\"IP:PORT\"`, at least one)"
        );
        assert!(
            outcome.problems.contains("ravelin.toml:3:1: listeners.edge.bimd: unknown key; did you mean `bind`?\n")
        );
    }

    #[test]
    fn json_has_the_same() {
        let outcome = checked(&LEAST.replace("bind", "bimd"), true, |_| Vec::new());
        assert_eq!(outcome.problems, "");
        let all: Value = serde_json::from_str(&outcome.configuration).unwrap();
        assert_eq!((&all["good"], &all["errors"], &all["configuration"]), (&json!(false), &json!(2), &Value::Null));
        assert_eq!((&all["problems"][0]["line"], &all["problems"][0]["column"]), (&json!(2), &json!(1)));
        let all: Value = serde_json::from_str(&checked(LEAST, true, |_| Vec::new()).configuration).unwrap();
        assert_eq!((&all["good"], &all["configuration"]["limits"]["idle"]), (&json!(true), &json!("1h")));
        assert_eq!(all["notes"], json!(NOTES));
    }
}
