//! Prints the figures of the tree (`tests/house`), and ends with status 1 where one that must be zero is not.

use std::process::ExitCode;

use ravelin_tests::house::{Tree, figures, rules};

#[expect(clippy::print_stdout, reason = "printing is all it does")]
fn main() -> ExitCode {
    let tree = Tree::of_this_repository();
    print!("{}", figures(&tree));
    let mut status = ExitCode::SUCCESS;
    for rule in rules(&tree) {
        println!("\n{}: {}", rule.name, rule.findings.len());
        for finding in &rule.findings {
            println!("  {finding}");
            status = ExitCode::FAILURE;
        }
    }
    status
}
