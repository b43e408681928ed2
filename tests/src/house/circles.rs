//! Production files that import each other in a circle.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::resolve::arrows;
use super::tree::Tree;

/// Made for tests and the demo; it may be as it is.
const EXEMPT: &str = "ravelin-lab";

/// One finding a file that is in a circle: at its first import of another file of the circle.
pub(super) fn circles(tree: &Tree) -> Vec<Finding> {
    let mut graph = BTreeMap::<usize, BTreeMap<usize, (usize, String)>>::new();
    for module in 0..tree.modules.len() {
        let file = tree.module(module).file;
        if tree.source(file).krate != EXEMPT {
            for (to, line, name) in arrows(tree, module) {
                graph.entry(file).or_default().entry(to).or_insert((line, name));
            }
        }
    }
    let reached: BTreeMap<usize, BTreeSet<usize>> = graph.keys().map(|file| (*file, reach(&graph, *file))).collect();
    let reaches = |from: usize, to: usize| reached.get(&from).is_some_and(|files| files.contains(&to));
    let mut findings = Vec::new();
    for (file, to) in &graph {
        let back: Vec<_> = to.iter().filter(|(other, _)| reaches(**other, *file)).collect();
        let Some((_, (line, _))) = back.first() else { continue };
        let names: Vec<_> = back
            .iter()
            .map(|(other, (line, name))| format!("{} ({name}, line {line})", short(&tree.source(**other).path)))
            .collect();
        let what = format!("in an import circle through {}; move what both need below both", names.join(", "));
        findings.push(Finding::new(&tree.source(*file).path, *line, what));
    }
    findings
}

/// Path without the crate's folder.
fn short(path: &str) -> &str {
    path.split_once("/src/").map_or(path, |(_, file)| file)
}

fn reach(graph: &BTreeMap<usize, BTreeMap<usize, (usize, String)>>, from: usize) -> BTreeSet<usize> {
    let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(file) = open.pop() {
        for to in graph.get(&file).into_iter().flatten().map(|(to, _)| *to) {
            if reached.insert(to) {
                open.push(to);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of a crate, and those of them that are in a circle.
    type Row = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

    const ROWS: &[Row] = &[
        ("arrows down alone", &[("lib.rs", "mod a; pub use a::A;"), ("a.rs", "pub struct A;")], &[]),
        (
            "a parent that re-exports a child which names the parent's own item",
            &[("lib.rs", "mod a; pub use a::A; pub struct B;"), ("a.rs", "pub struct A(crate::B);")],
            &["a.rs", "lib.rs"],
        ),
        (
            "a name that the parent only passes on is its definer's",
            &[
                ("lib.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
                ("a.rs", "pub struct A;"),
                ("b/mod.rs", "use crate::A as Other; mod c; pub use c::*; pub struct B(Other);"),
                ("b/c.rs", "pub fn c(_: super::super::A) {}"),
            ],
            &[],
        ),
        (
            "through three files: a glob, a macro's tokens, a pattern",
            &[
                ("lib.rs", "mod a; mod b; mod c;"),
                ("a.rs", "use super::b::*; pub enum A { One }"),
                ("b.rs", "use crate::c; fn b() { assert!(crate::c::made(1)) } pub struct B;"),
                (
                    "c.rs",
                    "pub fn made(n: u8) -> bool { matches!(n, 1) } fn d(a: A) { match a { crate::a::A::One => {} } }",
                ),
            ],
            &["a.rs", "b.rs", "c.rs"],
        ),
        (
            "what only tests build does not count",
            &[
                ("lib.rs", "mod a; pub use a::A; pub struct B;"),
                (
                    "a.rs",
                    "pub struct A; #[cfg(test)] mod tests { use crate::B; } #[cfg(all(test, unix))] use crate::B;",
                ),
            ],
            &[],
        ),
        (
            "a macro of the parent, called in a child without an import",
            &[("lib.rs", "macro_rules! made { () => {} } mod a; pub use a::A;"), ("a.rs", "made!(); pub struct A;")],
            &["a.rs", "lib.rs"],
        ),
        (
            "an item that a macro makes is in the macro's file",
            &[
                ("lib.rs", "mod a; pub use a::*; mod b;"),
                ("a.rs", "macro_rules! make { () => { pub enum Made { One } } } make!();"),
                ("b.rs", "use crate::Made;"),
            ],
            &[],
        ),
    ];

    #[test]
    fn circles_are_found_and_nothing_else() {
        for (name, files, expected) in ROWS {
            let texts = files.iter().map(|(path, text)| (format!("crates/x/src/{path}"), (*text).to_owned()));
            let found = circles(&Tree::of(texts.collect()));
            let mut found: Vec<_> = found.iter().map(|finding| short(&finding.file)).collect();
            found.sort_unstable();
            assert_eq!(found, *expected, "{name}");
        }
    }
}
