//! Labels of denials and of ends: each in the manual, in the code once, and in a test.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::Finding;
use super::tree::{Tree, literals};

/// Crates that declare labels, and the macro that each does it by.
const DECLARED: &[(&str, &str)] = &[("ravelin-policy", "reasons"), ("ravelin-ops", "ends")];
/// Pages that explain labels.
const PAGES: &[&str] = &["docs/src/endings.md", "docs/src/policy.md"];
/// Nothing in the code ends a session so yet.
const WITHOUT_CODE: &[&str] = &["packet_violation"];
/// Sources that list labels for the sake of this rule alone.
const NO_TESTS: &[&str] = &["tests/src/house/labels.rs", "tests/it/the_house_is_in_order.rs"];

/// Every label with file and line of its declaration, in order.
pub fn labels(tree: &Tree) -> Vec<(String, String, usize)> {
    let mut labels = Vec::new();
    for source in &tree.sources {
        for (_, name) in DECLARED.iter().filter(|(krate, _)| *krate == source.krate) {
            let text = tree.texts.get(&source.path).map_or("", String::as_str);
            let mut declared = Declared { name, labels: vec![] };
            declared.visit_file(&syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", source.path)));
            labels.extend(declared.labels.into_iter().map(|(label, line)| (label, source.path.clone(), line)));
        }
    }
    labels
}

struct Declared<'a> {
    name: &'a str,
    labels: Vec<(String, usize)>,
}

impl<'ast> Visit<'ast> for Declared<'_> {
    fn visit_macro(&mut self, node: &'ast syn::Macro) {
        if node.path.is_ident(self.name) {
            self.labels.extend(assigned(node.tokens.clone()));
        }
        visit::visit_macro(self, node);
    }
}

/// Texts of `Name = "text"`.
fn assigned(tokens: TokenStream) -> Vec<(String, usize)> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let texts = tokens.windows(3).filter_map(|three| match three {
        [TokenTree::Ident(_), TokenTree::Punct(sign), TokenTree::Literal(text)] if sign.as_char() == '=' => {
            let line = text.span().start().line;
            if let syn::Lit::Str(text) = syn::Lit::new(text.clone()) { Some((text.value(), line)) } else { None }
        }
        _ => None,
    });
    texts.collect()
}

/// Each label that the manual or the tests lack, or that stands in production more than once.
pub(super) fn misplaced(tree: &Tree) -> Vec<Finding> {
    let (mut in_production, mut in_tests) = (Vec::new(), Vec::new());
    for (path, text) in tree
        .texts
        .iter()
        .filter(|(path, _)| path.ends_with(".rs") && (path.starts_with("crates/") || path.starts_with("tests/")))
    {
        for (line, literal) in literals(path, text) {
            if tree.is_test(path, line) {
                if !NO_TESTS.contains(&path.as_str()) {
                    in_tests.push(literal);
                }
            } else {
                in_production.push((path, line, literal));
            }
        }
    }
    let mut findings = Vec::new();
    for (label, file, line) in labels(tree) {
        let mut find = |what: String| findings.push(Finding::new(&file, line, format!("`{label}` {what}")));
        if !PAGES.iter().any(|page| tree.texts.get(*page).is_some_and(|text| text.contains(&format!("`{label}`")))) {
            find(format!("is explained in neither of {}", PAGES.join(", ")));
        }
        let folder = file.split_inclusive("/src/").next().unwrap_or_default();
        for (other, at, _) in in_production.iter().filter(|(path, at, literal)| {
            *literal == label && path.starts_with(folder) && (path.as_str(), *at) != (file.as_str(), line)
        }) {
            find(format!("stands at {other}:{at} too; use what is declared here"));
        }
        let quoted = format!("\"{label}\"");
        if !WITHOUT_CODE.contains(&label.as_str())
            && !in_tests.iter().any(|literal| *literal == label || literal.contains(&quoted))
        {
            find(format!("is in no test: write one that expects {quoted}"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_must_be_in_the_manual_in_the_code_once_and_in_a_test() {
        let declaration = "reasons! {\n/// Why.\nA = \"label\",\n}\n";
        for (page, more, test, expected) in [
            ("| `label` |", "", "\"label\"", None),
            ("| `label` |", "", "r#\"{\"reason\":\"label\"}\"#", None),
            ("| label |", "", "\"label\"", Some("explained in neither")),
            ("| `label` |", "const B: &str = \"label\";", "\"label\"", Some("lib.rs:5 too")),
            ("| `label` |", "", "\"labels\"", Some("in no test")),
            ("| `label` |", "/// As in \"label\".\nfn f() {}", "()", Some("in no test")),
        ] {
            let texts = [
                ("docs/src/policy.md", page.to_owned()),
                ("crates/ravelin-policy/src/lib.rs", format!("{declaration}{more}")),
                ("tests/it/x.rs", format!("fn x() {{ f({test}) }}")),
            ];
            let found = misplaced(&Tree::of(texts.map(|(path, text)| (path.to_owned(), text)).into()));
            let found: Vec<_> = found.iter().map(|finding| finding.what.as_str()).collect();
            assert_eq!(found.len(), usize::from(expected.is_some()), "{found:?}");
            assert!(found.iter().all(|found| found.contains(expected.unwrap_or_default())), "{found:?}");
        }
    }
}
