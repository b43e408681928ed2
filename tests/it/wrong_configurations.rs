//! Every wrong configuration yields the named problem at the named line and column, and nothing but it.

use std::fs;
use std::path::Path;

use ravelin_config::{Problem, Severity, load, parse};

/// A configuration of which nothing is to be said.
const GOOD: &str = r#"[admin]
listen = "127.0.0.1:9180"
control = "/run/ravelin/control.sock"

[listeners.edge]
bind = ["0.0.0.0:443"]
sites = ["europe"]

[sites.europe]
server_names = ["da-eu.example.com"]
certificates = [{ chain = "tls/da.pem", key = "tls/da.key" }]
policy = "computers"
pool = "europe"
tls = { min = "1.2", max = "1.3" }
guard = { paths = ["/IPHTTPS"] }

[policies.computers]
trust_anchors = ["ca/root.pem"]
purposes = ["client-auth"]
names = { allow = ["*.corp.example.com"] }
revocation = { crls = ["crl/"] }

[pools.europe]
servers = [{ name = "da1", address = "10.0.0.11:443" }]
upstream = { ca = "ca/root.pem" }
connect_deadline = "5s"

[limits]
sessions = 20000
idle = "1h"

[log]
level = "info"
"#;

/// Cases, each of which changes one thing of [`GOOD`]:
///
/// ```text
/// = what the case is
/// - lines that stand in GOOD once (none: the end)
/// + lines in their place, with `»` before each place where a problem is expected
/// E key: part of the text of an error        (W: of a warning)
/// ```
const CASES: &str = include_str!("wrong_configurations.txt");

#[derive(Default)]
struct Case<'a> {
    name: &'a str,
    from: Vec<&'a str>,
    to: Vec<&'a str>,
    expected: Vec<(Severity, &'a str, &'a str)>,
}

#[test]
fn each_is_reported_where_it_stands() {
    let cases = cases();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    let failures: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

#[test]
fn the_good_one_is_good() {
    let (_, warnings) = parse(Path::new("ravelin.toml"), GOOD).unwrap();
    assert_eq!(warnings, []);
}

/// Every problem is reported at once.
#[test]
fn all_of_them_at_once() {
    let cases = cases();
    // Cases whose change is of one line each, each of another line: together they give the problems of all.
    let mut text = GOOD.to_owned();
    let mut expected: Vec<(Severity, &str, &str)> = Vec::new();
    for name in [
        "a port out of range",
        "an unknown policy",
        "min above max",
        "a purpose by another name",
        "a pattern with a star inside",
        "a server by name",
        "a duration too short",
        "less than one session",
        "a duration in weeks",
        "an unknown level",
    ] {
        let case = cases.iter().find(|case| case.name == name).unwrap_or_else(|| panic!("no case {name}"));
        text = text.replace(&case.from.join("\n"), &case.to.join("\n"));
        expected.extend(&case.expected);
    }
    let (text, marks) = without_marks(&text);
    let problems = parse(Path::new("ravelin.toml"), &text).unwrap_err();
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    assert!(expected.iter().all(|expected| problems.iter().any(|problem| fits(problem, expected))), "{problems:#?}");
    let told: Vec<_> = problems.iter().filter_map(|problem| problem.position).collect();
    assert_eq!(told, marks, "in the order of the file");
}

#[test]
fn a_file_that_cannot_be_read_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ravelin.toml");
    let only = |file: &Path| -> Problem {
        let mut problems = load(file).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:#?}");
        problems.remove(0)
    };
    assert!(only(&file).text.contains("there is no such file"));
    assert!(only(folder.path()).text.contains("is a folder"));
    fs::write(&file, b"[admin]\nlisten = \"\xff\"\n").unwrap();
    assert_eq!((only(&file).position, only(&file).text.contains("UTF-8")), (Some((2, 11)), true));
    fs::write(&file, "#".repeat((1 << 20) + 1)).unwrap();
    assert!(only(&file).text.contains("larger than 1048576 bytes"));
    assert!(only(Path::new("/dev/zero")).text.contains("larger than"), "what never ends is not read to its end");
    fs::write(&file, format!("a = {}", "[".repeat(100_000))).unwrap();
    let problems = load(&file).unwrap_err();
    assert!((1..=20).contains(&problems.len()), "{} problems", problems.len());
}

#[test]
fn a_file_without_listeners_is_reported() {
    for (text, column) in [("", 1), ("[listeners]\n", 1), ("listeners = {}\n", 13), ("[log]\nlevel = \"info\"\n", 1)] {
        let problems = parse(Path::new("ravelin.toml"), text).unwrap_err();
        assert_eq!(problems.len(), 1, "{text:?}: {problems:#?}");
        assert_eq!((problems[0].key.as_str(), problems[0].position), ("listeners", Some((1, column))), "{text:?}");
    }
}

/// There is a limit on everything: a file of problems is reported in part, quickly, and is still refused.
#[test]
fn a_file_of_problems_is_reported_in_part() {
    let keys: String = (0..50_000).map(|number| format!("key{number} = 1\n")).collect();
    let problems = parse(Path::new("ravelin.toml"), &format!("{GOOD}{keys}")).unwrap_err();
    assert_eq!(problems.len(), 1_001);
    let last = problems.last().unwrap();
    assert!(last.severity == Severity::Error && last.text.starts_with("49000 more errors"), "{last}");
}

/// A secret in the wrong place is not repeated.
#[test]
fn a_key_in_the_file_is_not_repeated() {
    let key = "'''-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----'''";
    let problems = parse(Path::new("x"), &GOOD.replace("\"tls/da.key\"", key)).unwrap_err();
    let text = format!("{problems:?}");
    assert!(text.contains("wants the path of a file") && !text.contains("c2VjcmV0"), "{text}");
    let password = GOOD.replace("key = \"tls/da.key\"", "password = \"hunter2\", key = \"tls/da.key\"");
    let text = format!("{:?}", parse(Path::new("x"), &password).unwrap_err());
    assert!(text.contains("password_file") && !text.contains("hunter2"), "{text}");
}

/// What was reported other than expected.
fn check(case: &Case<'_>) -> Result<(), String> {
    let (from, to) = (case.from.join("\n"), case.to.join("\n"));
    let text = match GOOD.matches(&from).count() {
        _ if from.is_empty() => format!("{GOOD}\n{to}\n"),
        1 => GOOD.replace(&from, &to),
        count => return Err(format!("{}: {from:?} stands there {count} times", case.name)),
    };
    let (text, mut marks) = without_marks(&text);
    let problems = match parse(Path::new("ravelin.toml"), &text) {
        Ok((_, warnings)) => warnings,
        Err(problems) => problems,
    };
    let told = problems.iter().map(|problem| format!("  {problem}\n")).collect::<String>();
    let mut places: Vec<_> = problems.iter().filter_map(|problem| problem.position).collect();
    places.dedup();
    marks.dedup();
    let all = case.expected.iter().all(|expected| problems.iter().any(|problem| fits(problem, expected)));
    if all && !marks.is_empty() && problems.len() == case.expected.len() && places == marks {
        return Ok(());
    }
    Err(format!("{}: expected at {marks:?} {:?}, told:\n{told}", case.name, case.expected))
}

fn fits(problem: &Problem, (severity, key, part): &(Severity, &str, &str)) -> bool {
    problem.severity == *severity && problem.key == *key && problem.text.contains(part)
}

fn cases() -> Vec<Case<'static>> {
    let mut cases: Vec<Case<'_>> = Vec::new();
    for line in CASES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (kind, rest) = line.split_at(1);
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        if kind == "=" {
            cases.push(Case { name: rest, ..Case::default() });
            continue;
        }
        let case = cases.last_mut().expect("a case begins with `=`");
        match kind {
            "-" => case.from.push(rest),
            "+" => case.to.push(rest),
            "E" | "W" => {
                let severity = if kind == "E" { Severity::Error } else { Severity::Warning };
                let (key, part) = rest.split_once(": ").expect("`E key: text`");
                case.expected.push((severity, key, part));
            }
            _ => panic!("what is {line:?}?"),
        }
    }
    cases
}

/// The text without `»`, and the lines and columns of these.
fn without_marks(text: &str) -> (String, Vec<(usize, usize)>) {
    let (mut clean, mut marks, mut line, mut column) = (String::new(), Vec::new(), 1, 1);
    for c in text.chars() {
        match c {
            '»' => marks.push((line, column)),
            '\n' => (line, column) = (line + 1, 1),
            _ => column += 1,
        }
        if c != '»' {
            clean.push(c);
        }
    }
    (clean, marks)
}
