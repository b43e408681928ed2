//! Every trap of docs/traps.md has a test that claims it, and every test that the page names exists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Rows of docs/traps.md. A row may be added; none is ever removed or renumbered, because comments cite rows by number.
const ROWS: u32 = 72;

/// Rows that may say `Open`. A row may leave this list; none may join it.
const OPEN: &[u32] = &[63, 66, 69, 72];

/// How ravelin keeps clear of a trap: the beginning of a row's last column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Answer {
    /// The feature that the trap needs does not exist.
    DoesNotApply,
    /// No test shows it yet.
    Open,
    /// The named tests fail where ravelin falls into the trap.
    Tested,
}

/// One row of the page.
struct Row {
    number: u32,
    answer: Answer,
    /// Tests that the row names, as `file::function`.
    tests: Vec<(String, String)>,
}

#[test]
fn every_row_is_there_once_in_order_and_none_is_newly_open() {
    let rows = rows();
    assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), (1..=ROWS).collect::<Vec<_>>());
    for row in rows {
        let number = row.number;
        assert!(row.answer != Answer::Open || OPEN.contains(&number), "docs/traps.md row {number} was not open before");
    }
}

#[test]
fn every_row_that_is_not_open_is_claimed_by_a_test() {
    let claims = claims();
    let unknown: Vec<_> = claims.iter().filter(|(number, _)| !(1..=ROWS).contains(*number)).collect();
    assert!(unknown.is_empty(), "docs/traps.md has no such rows: {unknown:?}");
    println!("{} of {ROWS} rows are claimed", claims.len());
    let unclaimed: Vec<u32> = rows()
        .iter()
        .filter(|row| row.answer != Answer::Open && !claims.contains_key(&row.number))
        .map(|row| row.number)
        .collect();
    assert!(unclaimed.is_empty(), "no test says `Covers: docs/traps.md row …` of {unclaimed:?}");
}

#[test]
fn every_test_that_a_row_names_exists() {
    for Row { number, answer, tests } in rows() {
        assert!(answer == Answer::Open || !tests.is_empty(), "docs/traps.md row {number} names no test");
        for (file, function) in tests {
            let source = std::fs::read_to_string(root().join(&file))
                .unwrap_or_else(|error| panic!("docs/traps.md row {number}: {file}: {error}"));
            let function_is_there = source.contains(&format!("fn {function}("));
            assert!(function_is_there, "docs/traps.md row {number}: {file} has no function {function}");
        }
    }
}

/// The rows of docs/traps.md.
fn rows() -> Vec<Row> {
    let page = std::fs::read_to_string(root().join("docs/traps.md")).unwrap();
    let mut rows = Vec::new();
    for line in page.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let Ok(number) = cells[0].parse() else { continue };
        let [_, source, trap, text] = cells[..] else { panic!("docs/traps.md row {number} has not four columns") };
        assert!(!source.is_empty() && !trap.is_empty(), "docs/traps.md row {number} has an empty column");
        let answer = match text.split_once(": ") {
            Some(("Does not apply", _)) => Answer::DoesNotApply,
            Some(("Open", _)) => Answer::Open,
            Some(("Tested", _)) => Answer::Tested,
            _ => panic!("docs/traps.md row {number} is none of `Tested: `, `Does not apply: `, `Open: `"),
        };
        let code = text.split('`').skip(1).step_by(2);
        let tests = code
            .filter_map(|code| code.split_once(".rs::"))
            .map(|(file, function)| (format!("{file}.rs"), function.to_owned()));
        rows.push(Row { number, answer, tests: tests.collect() });
    }
    rows
}

#[test]
fn claims_are_read_as_they_are_written() {
    for (line, rows) in [
        ("// Covers: docs/traps.md row 60", vec![60]),
        ("/// Covers: docs/traps.md rows 26, 29, 30. Then 5 others.", vec![26, 29, 30]),
        ("// Covers: docs/rules.md rule 10; docs/traps.md row 12.", vec![12]),
        ("/// the race of docs/traps.md row 66", vec![]),
        ("// Covers: docs/traps.md row 60", vec![60]),
        ("/// Covers: docs/traps.md rows 26, 29, 30. Then 5 others.", vec![26, 29, 30]),
        ("// Covers: docs/traps.md rows 1 to 4: none", vec![1, 2, 3, 4]),
        ("/// Covers: docs/traps.md rows 30 and 33 (the decision in it): none", vec![30, 33]),
        ("// Covers: docs/rules.md rule 10; docs/traps.md row 12.", vec![12]),
        ("/// Covers: docs/traps.md row 64 (one closes 100), row 65 (again)", vec![64, 65]),
        ("/// the race of docs/traps.md row 66", vec![]),
        ("/// Covers: docs/rules.md rule 9", vec![]),
    ] {
        assert_eq!(rows_of(line), rows, "{line}");
    }
}

/// Rows with the files that claim them. A claim counts only in a file that has tests.
fn claims() -> BTreeMap<u32, BTreeSet<PathBuf>> {
    let (root, mut claims) = (root(), BTreeMap::<u32, BTreeSet<PathBuf>>::new());
    let mut folders = vec![root.join("crates"), root.join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let here = path.file_name().unwrap() == "traps_are_covered.rs";
            if here || path.extension().is_none_or(|end| end != "rs") {
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            if !["test]\n", "test(", "proptest!"].iter().any(|mark| source.contains(mark)) {
                continue;
            }
            for row in source.lines().flat_map(rows_of) {
                claims.entry(row).or_default().insert(path.strip_prefix(&root).unwrap().to_owned());
            }
        }
    }
    claims
}

/// Rows that one line of source claims.
fn rows_of(line: &str) -> Vec<u32> {
    // The form is `docs/traps.md row 31`; `docs/traps.md row 31` is an older one.
    let claim =
        line.split_once("Covers:").and_then(|(_, claim)| claim.split_once("traps")).map_or("", |(_, rows)| rows);
    let Some(claim) = claim.strip_prefix(".md").unwrap_or(claim).strip_prefix(' ') else { return Vec::new() };
    let mut rows = Vec::new();
    for list in claim.split("row").skip(1) {
        let mut words =
            list.strip_prefix('s').unwrap_or(list).split([' ', ',']).filter(|word| !word.is_empty()).peekable();
        while let Some(word) = words.next() {
            let digits = word.trim_end_matches(|c: char| !c.is_ascii_digit());
            match digits.parse::<u32>() {
                Ok(row) => rows.push(row),
                Err(_) if word == "and" => continue,
                Err(_) if word == "to" => {
                    let first = rows.last().copied().unwrap_or(0);
                    let last = words.peek().map(|word| word.trim_end_matches(|c: char| !c.is_ascii_digit()));
                    rows.extend(first + 1..last.and_then(|word| word.parse().ok()).unwrap_or(0));
                    continue;
                }
                Err(_) => break,
            }
            if digits != word {
                break;
            }
        }
    }
    rows
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
