//! The tree keeps its order: crates of one purpose, no import circle, dependencies that point one way, citations that a reader
//! can follow, every reason in manual, code and test, every limit with its reason. `tests/house` prints the figures.

use std::sync::LazyLock;

use ravelin_ops::record::SessionEnd;
use ravelin_policy::Reason;
use ravelin_tests::house::{Tree, labels, rules};

static TREE: LazyLock<Tree> = LazyLock::new(Tree::of_this_repository);

#[test]
fn every_rule_of_the_tree_holds() {
    let broken: Vec<String> = rules(&TREE)
        .into_iter()
        .filter(|rule| !rule.findings.is_empty())
        .map(|rule| {
            let findings: Vec<String> = rule.findings.iter().map(|finding| format!("  {finding}")).collect();
            format!("{}: {}\n{}", rule.name, findings.len(), findings.join("\n"))
        })
        .collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n\n"));
}

/// The tool reads labels where they are declared; they are all that the code has.
#[test]
fn the_labels_that_are_looked_for_are_all_there_are() {
    let declared: Vec<String> = labels(&TREE).into_iter().map(|(label, ..)| label).collect();
    let all = SessionEnd::OTHERS.iter().map(|end| end.label()).chain(Reason::ALL.iter().map(|reason| reason.label()));
    assert_eq!(declared, all.collect::<Vec<_>>());
}
