//! Limits whose declaration does not say why they are what they are.

use super::Finding;
use super::tree::{Constant, Tree};

/// Words of a name that make an integer a limit.
const WORDS: &[&str] = &[
    "AFTER", "BACKLOG", "BYTES", "CAPACITY", "COUNT", "DEADLINE", "DEPTH", "EVERY", "FOR", "GRACE", "LIMIT", "MAX",
    "PAUSE", "SIZE", "TRIES", "WITHIN",
];

/// A shorter comment cannot hold a reason.
const CHARACTERS_OF_A_REASON: usize = 20;

/// Each with the line of its name.
pub(super) fn without_reason(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &tree.sources {
        let text = tree.texts.get(&source.path).map_or("", String::as_str);
        for constant in source.constants.iter().filter(|constant| is_limit(constant)) {
            if !has_reason(constant, text) {
                let what = format!("{} has no comment right above it: say why this number", constant.name);
                findings.push(Finding::new(&source.path, constant.line, what));
            }
        }
    }
    findings
}

fn is_limit(constant: &Constant) -> bool {
    let integer = constant.kind.starts_with(['u', 'i']) && constant.kind.ends_with(['e', '8', '6', '2', '4']);
    constant.kind == "Duration" || (integer && constant.name.split('_').any(|word| WORDS.contains(&word)))
}

fn has_reason(constant: &Constant, text: &str) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    let at = constant.line - 1;
    let trailing = lines.get(at).and_then(|line| line.split_once("//")).map_or("", |(_, comment)| comment);
    let above = lines.get(..at).unwrap_or_default().iter().rev().map(|line| line.trim());
    let above: usize =
        above.take_while(|line| line.starts_with("//")).map(|line| line.trim_start_matches('/').trim().len()).sum();
    [constant.doc.trim_start_matches("doc =").trim().len(), trailing.trim().len(), above]
        .iter()
        .any(|length| *length >= CHARACTERS_OF_A_REASON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_known_by_type_and_name_and_its_reason_by_a_comment_beside_it() {
        for (text, found) in [
            ("const WAIT: Duration = S;", true),
            ("/// Long enough for two round trips.\nconst WAIT: Duration = S;", false),
            ("// Long enough for two round trips.\nconst WAIT: std::time::Duration = S;", false),
            ("const WAIT: Duration = S; // Long enough for two round trips.", false),
            ("/// Short.\nconst WAIT: Duration = S;", true),
            ("/// Long enough for two round trips.\n\nfn f() {}\nconst WAIT: Duration = S;", true),
            ("const HEADS_MAX: usize = 4;", true),
            ("impl X { pub(crate) const HEADS_MAX: u16 = 4; }", true),
            ("const FORMAT: u8 = 4;", false),
            ("const NAMES_MAX: &str = \"4\";", false),
            ("#[cfg(test)] const WAIT: Duration = S;", false),
        ] {
            let tree = Tree::of([("crates/x/src/lib.rs".to_owned(), text.to_owned())].into());
            assert_eq!(without_reason(&tree).len(), usize::from(found), "{text}");
        }
    }
}
