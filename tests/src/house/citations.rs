//! Citations that a reader cannot follow: in sources, scripts, manifests and documents.

use std::collections::BTreeSet;

use regex::Regex;

use super::Finding;
use super::tree::Tree;

/// Where wrong forms stand on purpose: this tool's own tables.
const OWN: &[&str] = &["tests/src/house/", "tests/it/the_house_is_in_order.rs"];
/// Endings of files that are no prose of ours.
const NO_PROSE: &[&str] = &[".lock", ".svg", ".json", "LICENSE-APACHE", "LICENSE-MIT"];

/// Forms that no citation has: expression, what may stand beside it and excuses it, what to write.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    (r"\bDESIGN\b", "", "a reader has no such document; say the thing, or cite a file of this repository"),
    (r"\bEXAMPLES\b", "", "a reader has no such document; say the thing, or cite a file of this repository"),
    (r"\bfacts/\S", "", "a reader has no such document; say the thing, or cite a file of this repository"),
    (r"\b[Ii]ssues? [A-Z]\b", "", "a reader has no such list; say the thing"),
    (r"\brobustness rules?\b", "docs/rules.md", "write `docs/rules.md rule N`"),
    (r"\b[Tt]raps? rows?\b", "docs/traps.md", "write `docs/traps.md row N`"),
    (r"\bRFC-?\d+", "", "write `RFC 5280 §4.2`, with a space"),
    (r"\b(rfc|Rfc) \d+", "", "write `RFC 5280 §4.2`, in capitals"),
    (r"\bRFC \d+(,? ([Ss]ection|[Ss]ec\.|[Cc]hapter)|, §|§| § )", "", "write `RFC 5280 §4.2`"),
    (r"MS-IPHTTPS\]?(,? ([Ss]ection|[Ss]ec\.|[Cc]hapter)|, §|§| § | \d)", "", "write `MS-IPHTTPS §3.1`"),
];

/// Names of other things: a key of altSecurityIdentities, a form of time in help texts, an option of openssl.
const NAMES: &[&str] = &["RFC822", "RFC3339", "RFC2253"];

/// What excuses a form stands this many bytes before or after it at most.
const BESIDE_BYTES: usize = 24;

/// Each citation whose form is wrong, or that leads nowhere.
pub(super) fn unresolved(tree: &Tree) -> Vec<Finding> {
    let cited = Cited::new(tree);
    let mut findings = Vec::new();
    for (path, text) in &tree.texts {
        if !OWN.iter().any(|own| path.starts_with(own)) && !NO_PROSE.iter().any(|end| path.ends_with(end)) {
            let (text, lines) = joined(text);
            for (at, what) in cited.wrong(path, &text) {
                findings.push(Finding::new(path, lines.get(at).copied().unwrap_or(1), what));
            }
        }
    }
    findings.sort();
    findings
}

/// A text with a space for each break of a line and what begins a comment after it, and the line of each of its bytes:
/// citations are broken like other prose.
fn joined(text: &str) -> (String, Vec<usize>) {
    let (mut whole, mut lines) = (String::new(), Vec::new());
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        let line = line.trim_start_matches(['/', '#']).trim_start_matches('!').trim_start();
        // An empty line ends a paragraph.
        whole.push_str(if line.is_empty() { "\n" } else { line });
        whole.push(' ');
        lines.resize(whole.len(), number + 1);
    }
    (whole, lines)
}

struct Cited<'a> {
    tree: &'a Tree,
    forbidden: Vec<(Regex, &'static str, &'static str)>,
    path: Regex,
    row: Regex,
    decision: Regex,
}

impl<'a> Cited<'a> {
    fn new(tree: &'a Tree) -> Self {
        let regex = |text: &str| Regex::new(text).unwrap_or_else(|error| panic!("{error}"));
        Self {
            tree,
            forbidden: FORBIDDEN.iter().map(|(form, beside, cure)| (regex(form), *beside, *cure)).collect(),
            path: regex(
                r"(?:^|[^\w./*-])((?:docs/[\w./-]+\.md|docs/decisions/\d{4}[\w./-]*|(?:tests|benches|fuzz|deploy|crates/ravelin|ravelin)[\w-]*/[\w./-]+\.(?:rs|sh|toml|md|py|c|service|json|txt)|crates/[\w./-]+))([^\w]|$)",
            ),
            row: regex(r"docs/(rules|traps)\.md,? (?:rule|row)s? (\d+(?:(?:, and |, | and | to |–)\d+)*)"),
            decision: regex(r"\b[Dd]ecisions? (\d+)\b"),
        }
    }

    /// Where a text is wrong, and what is.
    fn wrong(&self, own: &str, text: &str) -> Vec<(usize, String)> {
        let mut wrong = Vec::new();
        for (form, beside, cure) in &self.forbidden {
            for found in form.find_iter(text) {
                let around = text.get(
                    floor(text, found.start().saturating_sub(BESIDE_BYTES))..floor(text, found.end() + BESIDE_BYTES),
                );
                let name = NAMES.contains(&found.as_str());
                if !name && (beside.is_empty() || !around.is_some_and(|around| around.contains(beside))) {
                    wrong.push((found.start(), format!("`{}`: {cure}", found.as_str())));
                }
            }
        }
        for found in self.path.captures_iter(text) {
            let (Some(path), Some(next)) = (found.get(1), found.get(2)) else { continue };
            let cited = path.as_str().trim_end_matches(['.', '/', '-']);
            // A pattern or a place-holder is no path.
            if !["*", "<", "$", "{", "…"].contains(&next.as_str())
                && !cited.contains("NAME")
                && !self.is_there(own, cited)
            {
                wrong.push((path.start(), format!("`{cited}`: no such file; name the one that is meant")));
            }
        }
        for found in self.row.captures_iter(text) {
            let (Some(whole), Some(table), Some(list)) = (found.get(0), found.get(1), found.get(2)) else { continue };
            let path = format!("docs/{}.md", table.as_str());
            // That the whole table is missing was found above.
            let Some(there) = self.tree.texts.get(&path).map(|table| rows(table)) else { continue };
            for row in numbers(list.as_str()).into_iter().filter(|row| !there.contains(row)) {
                wrong.push((whole.start(), format!("{path} has no row {row}")));
            }
        }
        for found in self.decision.captures_iter(text) {
            let (Some(whole), Some(number)) = (found.get(0), found.get(1)) else { continue };
            let start = format!("docs/decisions/{:0>4}-", number.as_str());
            if !self.tree.texts.keys().any(|path| path.starts_with(&start)) {
                wrong.push((whole.start(), format!("`{}`: there is no {start}….md", whole.as_str())));
            }
        }
        wrong
    }

    /// From the root, from `crates/`, or from the folder of the file that cites it.
    fn is_there(&self, own: &str, cited: &str) -> bool {
        let folder = own.rsplit_once('/').map_or("", |(folder, _)| folder);
        let paths = [cited.to_owned(), format!("crates/{cited}"), format!("{cited}.md"), format!("{folder}/{cited}")];
        let decision = cited.starts_with("docs/decisions/") && cited.len() == "docs/decisions/0000".len();
        self.tree.texts.keys().any(|there| {
            let below =
                |path: &String| there.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            paths.iter().any(below) || (decision && there.starts_with(cited))
        })
    }
}

/// The nearest place at or before `at` where a character begins.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// First cells of a table that are numbers.
fn rows(table: &str) -> BTreeSet<u32> {
    table.lines().filter_map(|line| line.strip_prefix('|')?.split('|').next()?.trim().parse().ok()).collect()
}

/// Numbers of `1, 3 to 5 and 7`.
fn numbers(list: &str) -> Vec<u32> {
    let mut numbers = Vec::new();
    let list = list.replace('–', " to ");
    let mut range = false;
    for word in list.split([' ', ',']) {
        match word.parse::<u32>() {
            Ok(number) if range => numbers.extend(numbers.last().map_or(number, |last| last + 1)..=number),
            Ok(number) => numbers.push(number),
            Err(_) => {}
        }
        range = word == "to";
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn citations_are_followed_and_their_forms_are_held() {
        let texts = [
            ("docs/rules.md", "| rule | says |\n| 1 | a |\n| 2 | b |"),
            ("docs/traps.md", "| 30 | a |\n| 31 | b |\n| 32 | c |"),
            ("docs/decisions/0003-polling.md", "# 3"),
            ("tests/it/x.rs", ""),
            ("crates/ravelin-tls/src/a/mod.rs", ""),
        ];
        let tree =
            Tree { texts: texts.map(|(path, text)| (path.to_owned(), text.to_owned())).into(), ..Tree::default() };
        let cited = Cited::new(&tree);
        for (text, wrong) in [
            ("docs/rules.md rule 2", 0),
            ("docs/rules.md rule 3", 1),
            ("docs/rules.md\n/// rules 1, 2 and 3", 1),
            ("docs/traps.md rows 30 to 33, docs/traps.md row 30.", 1),
            ("robustness rule 2", 1),
            ("traps row 31, Trap rows 30", 2),
            ("docs/traps.md row 31: a trap.", 0),
            ("decision 3, Decision 0003, decision 4", 1),
            ("docs/decisions/0003-polling.md, docs/decisions/0003", 0),
            ("docs/decisions/0004-other.md", 1),
            ("(docs/src/none.md)", 1),
            ("see tests/it/x.rs, tests/it/y.rs.", 1),
            ("`crates/ravelin-tls/src/a`, crates/ravelin-tls/src/b.", 1),
            ("`ravelin-tls/src/a/mod.rs`, ravelin-tls/src/b.rs", 1),
            ("crates/*/src, crates/ravelin-{a,b}/src, ../crates/none", 0),
            ("DESIGN §3 and issue A, facts/x.md, EXAMPLES", 4),
            ("an issue A. designs, issued Anew", 1),
            ("RFC 5280 §4.2.1.12, RFC 8446, RFC 8017 §A.1.1", 0),
            ("RFC5280; RFC 5280, section 4; rfc 5280; RFC 5280 Section 4; RFC 5280 § 4", 5),
            ("X509:<RFC822>name", 0),
            ("MS-IPHTTPS §3.1, MS-IPHTTPS", 0),
            ("MS-IPHTTPS 3.1, [MS-IPHTTPS] section 3.1", 2),
        ] {
            let found = cited.wrong("docs/x.md", &joined(text).0);
            assert_eq!(found.len(), wrong, "{text}: {found:?}");
        }
    }

    #[test]
    fn a_citation_has_the_line_it_begins_in() {
        let (text, lines) = joined("//! One.\n\n/// docs/rules.md\n/// rule 9\n");
        assert_eq!(text.find("docs/rules.md rule 9").and_then(|at| lines.get(at)), Some(&3), "{text}");
    }
}
