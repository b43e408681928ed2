//! Which file defines what a path names: through imports and re-exports, by name.

use super::tree::Tree;

/// What a path leads to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Target {
    Module(usize),
    /// An item of this source, or something inside one.
    Item(usize),
    /// Another crate's.
    Outside,
}

/// More re-exports than one name goes through; it ends names that lead to themselves.
const STEPS_MAX: usize = 16;

/// Follows a path as module `from` reads it.
pub(super) fn resolve(tree: &Tree, from: usize, path: &[String]) -> Target {
    follow(tree, from, path, STEPS_MAX)
}

fn follow(tree: &Tree, from: usize, path: &[String], steps: usize) -> Target {
    let Some((first, mut rest)) = path.split_first() else { return Target::Module(from) };
    let Some(steps) = steps.checked_sub(1) else { return Target::Outside };
    let mut at = match first.as_str() {
        "self" => Target::Module(from),
        "crate" => Target::Module(tree.root_of(from)),
        "super" => tree.module(from).parent.map_or(Target::Outside, Target::Module),
        name => match look_up(tree, from, name, rest.is_empty(), steps) {
            Some(found) => found,
            None => library(tree, from, name).map_or(Target::Outside, Target::Module),
        },
    };
    while let (Target::Module(module), Some((name, after))) = (at, rest.split_first()) {
        rest = after;
        at = match name.as_str() {
            "super" => tree.module(module).parent.map_or(Target::Outside, Target::Module),
            "self" => at,
            // What is not seen there is made there by a macro.
            name => {
                look_up(tree, module, name, rest.is_empty(), steps).unwrap_or(Target::Item(tree.module(module).file))
            }
        };
    }
    at
}

/// A name in a module. The last of a path is rather an item than the module of that name.
fn look_up(tree: &Tree, module: usize, name: &str, last: bool, steps: usize) -> Option<Target> {
    let here = tree.module(module);
    let child = here.children.get(name).map(|child| Target::Module(*child));
    if !last && child.is_some() {
        return child;
    }
    if here.items.contains(name) {
        return Some(Target::Item(here.file));
    }
    if let Some(path) = here.uses.get(name) {
        return Some(follow(tree, module, path, steps));
    }
    child.or_else(|| {
        let steps = steps.checked_sub(1)?;
        here.globs.iter().find_map(|(path, _)| match follow(tree, module, path, steps) {
            Target::Module(target) if target != module => look_up(tree, target, name, last, steps),
            Target::Module(_) | Target::Item(_) | Target::Outside => None,
        })
    })
}

/// The library that a binary of the same crate imports by its name.
fn library(tree: &Tree, from: usize, name: &str) -> Option<usize> {
    let krate = &tree.source(tree.module(from).file).krate;
    let path = format!("crates/{krate}/src/lib.rs");
    (krate.replace('-', "_") == name)
        .then(|| (0..tree.modules.len()).find(|module| tree.source(tree.module(*module).file).path == path))
        .flatten()
}

/// Files whose items a module's file names, with line and name.
pub(super) fn arrows(tree: &Tree, module: usize) -> Vec<(usize, usize, String)> {
    let here = tree.module(module);
    let mut arrows = Vec::new();
    for (path, line) in &here.paths {
        if let Target::Item(file) = resolve(tree, module, path) {
            arrows.push((file, *line, path.join("::")));
        }
    }
    for (path, line) in &here.globs {
        match resolve(tree, module, path) {
            Target::Item(file) => arrows.push((file, *line, path.join("::"))),
            Target::Module(target) => arrows.push((tree.module(target).file, *line, format!("{}::*", path.join("::")))),
            Target::Outside => {}
        }
    }
    // `macro_rules!` above `mod x;` is seen in x without an import.
    for (name, line) in &here.calls {
        let mut at = Some(module);
        while let Some(ancestor) = at {
            if tree.module(ancestor).macros.contains(name) {
                arrows.push((tree.module(ancestor).file, *line, format!("{name}!")));
                break;
            }
            at = tree.module(ancestor).parent;
        }
    }
    arrows.retain(|(file, ..)| *file != here.file);
    arrows
}
