//! A figure that the manual repeats is the one in the code. `figures_of_the_manual.txt` lists them, and says what is held elsewhere:
//! where a constant or a default changes, the test names each page, deploy file and text that still has the old figure.

use std::fmt::Write as _;
use std::path::Path;

const TABLE: &str = "tests/it/figures_of_the_manual.txt";

#[test]
fn every_figure_of_the_manual_stands_in_the_code() {
    let rows = rows(&read(TABLE).unwrap());
    let declarations: usize = rows.iter().map(|row| row.declarations.len()).sum();
    println!("{} figures, {declarations} declarations", rows.len());
    // A table that is read wrong must not pass as an empty one.
    assert!(rows.len() > 90, "{} rows", rows.len());
    let mut wrong = String::new();
    for row in &rows {
        for problem in row.problems(read) {
            writeln!(wrong, "{problem}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "figures of the manual that are not the code's:\n\n{wrong}");
}

/// What the comment of the unit promises is true of its number.
#[test]
fn the_units_descriptors_suffice_for_the_sessions_that_its_comment_names() {
    let unit = read("deploy/ravelin.service").unwrap();
    let number = |before: &str| -> u64 {
        let rest = &unit[unit.find(before).unwrap_or_else(|| panic!("no {before:?}")) + before.len()..];
        rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
    };
    let (reserved, sessions) =
        (number("Two descriptors for each session, and "), number("enough for limits.sessions = "));
    let limit = number("\nLimitNOFILE=");
    assert!(sessions * 2 + reserved <= limit, "{sessions} sessions and {reserved} are more than LimitNOFILE={limit}");
}

#[test]
fn a_changed_figure_is_reported_with_its_lines() {
    let table = "page.md: at most 4 certificates\n    code.rs: const SENT_MAX: usize = 4;\n";
    let report = |page: &str, code: &str| -> String {
        let read = |file: &str| Some(if file == "code.rs" { code } else { page }.to_owned());
        rows(table).iter().flat_map(|row| row.problems(read)).collect()
    };
    let (page, code) = ("# Page\n\nat\n  most 4\ncertificates.", "\n\nconst SENT_MAX: usize\n    = 4;\n");
    assert_eq!(report(page, code), "");
    for (page, code) in [
        (page, "\n\nconst SENT_MAX: usize = 40;"),
        (page, "\n\nconst SENT_MAX: usize = 4_000;"),
        (page, "\n\nconst SENT_MAX: usize = 5;"),
    ] {
        let text = report(page, code);
        for part in ["page.md:3 says \"at most 4 certificates\"", "code.rs:3 is now `const SENT_MAX", "line 1 of"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    for page in
        ["at most 14 certificates", "at most 4 certificates, at most 4 certificates", "at most 1.4 certificates", ""]
    {
        assert!(report(page, code).contains("page.md: \"at most 4 certificates\" stands"), "{page}");
    }
}

#[test]
fn a_declaration_may_leave_out_the_rest_of_its_statement() {
    let pattern = "POLL: Span … Default(\"30s\");";
    let text = |code: &str| Text::of(code).find(pattern).len();
    assert_eq!(text("POLL: Span = \"sync.poll\", Span { min: 1, why: \"a; b\" },\n    Presence::Default(\"30s\");"), 1);
    assert_eq!(text("POLL: Span = Presence::Default(\"60s\");\nOTHER: Span = Presence::Default(\"30s\");"), 0);
}

/// A figure, and where it comes from.
struct Row {
    /// Line of the table.
    line: usize,
    phrase: Quotation,
    declarations: Vec<Quotation>,
}

/// Words of a file.
struct Quotation {
    file: String,
    words: String,
}

impl Row {
    fn problems(&self, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
        let Row { line, phrase, .. } = self;
        let page = read(&phrase.file).map(|text| Text::of(&text)).unwrap_or_default();
        let page_lines = page.find(&phrase.words);
        let mut problems = Vec::new();
        if page_lines.len() != 1 {
            problems.push(format!(
                "{}: {:?} stands {} times there, and once is wanted.\n  It repeats a figure of {}: see that both agree, then correct \
                 line {line} of {TABLE}\n",
                phrase.file,
                phrase.words,
                page_lines.len(),
                self.declarations.iter().map(|it| it.file.as_str()).collect::<Vec<_>>().join(", ")
            ));
        }
        for Quotation { file, words } in &self.declarations {
            let source = read(file).unwrap_or_default();
            let found = Text::of(&source).find(words).len();
            if found != 1 {
                let place = page_lines.first().map(|line| format!(":{line}")).unwrap_or_default();
                problems.push(format!(
                    "{}{place} says {:?}, because of `{words}` in {file}, which stands there {found} times (once is wanted).\n{}  \
                     Correct the page or the code, and line {line} of {TABLE}\n",
                    phrase.file,
                    phrase.words,
                    what_stands_there(file, &source, words),
                ));
            }
        }
        problems
    }
}

/// The line that now declares the same name, if one does.
fn what_stands_there(file: &str, source: &str, words: &str) -> String {
    let name = words.split_inclusive([':', '=']).next().unwrap_or(words);
    let found = source.lines().enumerate().find(|(_, line)| line.contains(name));
    found.map(|(at, line)| format!("  {file}:{} is now `{}`\n", at + 1, line.trim())).unwrap_or_default()
}

/// A text without what formatting changes: line breaks, indentation, comment marks, blanks beside punctuation.
#[derive(Default)]
struct Text {
    /// Each character with its line.
    characters: Vec<(char, usize)>,
}

impl Text {
    fn of(text: &str) -> Text {
        let mut characters: Vec<(char, usize)> = Vec::new();
        let mut blank = false;
        for (at, line) in text.lines().enumerate() {
            let line = line.trim_start();
            let line = ["///", "//!", "//", "#"].iter().find_map(|mark| line.strip_prefix(mark)).unwrap_or(line);
            for character in line.chars() {
                if character.is_whitespace() {
                    blank = true;
                    continue;
                }
                let before = characters.last().is_some_and(|(last, _)| is_word(*last));
                if blank && before && is_word(character) {
                    characters.push((' ', at + 1));
                }
                blank = false;
                characters.push((character, at + 1));
            }
            blank = true;
        }
        Text { characters }
    }

    /// The lines at which a phrase begins. No match ends within a word or a number.
    fn find(&self, phrase: &str) -> Vec<usize> {
        let parts: Vec<Vec<char>> = phrase
            .split(" … ")
            .map(|part| Text::of(part).characters.into_iter().map(|(character, _)| character).collect())
            .collect();
        let Some((first, rest)) = parts.split_first() else { return Vec::new() };
        (0..self.characters.len())
            .filter(|start| {
                let Some(mut end) = self.stands_at(*start, first) else { return false };
                for part in rest {
                    let statement = self.statement_from(end);
                    let Some(next) = (end..=end + statement).find_map(|at| self.stands_at(at, part)) else {
                        return false;
                    };
                    end = next;
                }
                true
            })
            .map(|start| self.characters[start].1)
            .collect()
    }

    /// Characters up to the semicolon that closes a line. One within a text closes nothing.
    fn statement_from(&self, start: usize) -> usize {
        let pairs = self.characters[start..].windows(2);
        pairs.take_while(|pair| pair[0].0 != ';' || pair[0].1 == pair[1].1).count()
    }

    /// Where a part ends that begins here.
    fn stands_at(&self, start: usize, part: &[char]) -> Option<usize> {
        let end = start + part.len();
        let there = self.characters.get(start..end)?.iter().map(|(character, _)| character);
        let (first, last) = (part.first()?, part.last()?);
        let at = |at: Option<usize>| at.and_then(|at| self.characters.get(at)).map_or(' ', |(character, _)| *character);
        let before = (at(start.checked_sub(1)), at(start.checked_sub(2)));
        let after = (at(Some(end)), at(Some(end + 1)));
        (there.eq(part) && !goes_on(*first, before) && !goes_on(*last, after)).then_some(end)
    }
}

/// Whether a word or number at the edge of a match goes on outside it: `4` in `14`, `4_000` or `4.5`.
fn goes_on(edge: char, (next, further): (char, char)) -> bool {
    is_word(edge) && is_word(next) || edge.is_ascii_digit() && ['.', ','].contains(&next) && further.is_ascii_digit()
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn rows(table: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (at, text) in table.lines().enumerate() {
        let line = at + 1;
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let (file, words) = text.split_once(": ").unwrap_or_else(|| panic!("{TABLE}:{line} is no `file: words`"));
        let quotation = Quotation { file: file.trim().to_owned(), words: words.trim().to_owned() };
        if text.starts_with(' ') {
            rows.last_mut()
                .unwrap_or_else(|| panic!("{TABLE}:{line} has no phrase above it"))
                .declarations
                .push(quotation);
        } else {
            rows.push(Row { line, phrase: quotation, declarations: Vec::new() });
        }
    }
    for row in &rows {
        assert!(!row.declarations.is_empty(), "{TABLE}:{} has no declaration below it", row.line);
    }
    rows
}

/// A file of the repository.
fn read(file: &str) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    std::fs::read_to_string(root.join(file)).ok()
}
