//! The manual and the other documents hold together: every chapter is listed, every listed chapter is there, every link
//! leads somewhere, and what a page calls a command, a file or a decision exists. Generated tables are held by the tests
//! beside the code they come from.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Markdown links and pictures of a text, code blocks left out: `(text, target)`.
fn links(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        let mut rest = line;
        while let Some(middle) = rest.find("](") {
            let label = rest[..middle].rfind('[').map(|start| rest[start + 1..middle].to_owned()).unwrap_or_default();
            let Some(end) = rest[middle..].find(')') else { break };
            found.push((label, rest[middle + 2..middle + end].to_owned()));
            rest = &rest[middle + end..];
        }
    }
    found
}

/// What mdBook and GitHub make of a heading.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter_map(|line| line.strip_prefix('#'));
    headings
        .map(|heading| {
            let title = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = title.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

fn documents() -> Vec<PathBuf> {
    let mut files = vec![];
    for folder in ["", "docs/src", "docs/decisions", "docs", "deploy", "fuzz"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    for file in documents() {
        let text = std::fs::read_to_string(&file).unwrap();
        for (label, target) in links(&text) {
            if target.starts_with("http://") || target.starts_with("https://") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let linked = if path.is_empty() { file.clone() } else { file.parent().unwrap().join(path) };
            let ok = linked.exists()
                && (anchor.is_empty() || anchors(&std::fs::read_to_string(&linked).unwrap()).contains(anchor));
            if !ok {
                broken.push(format!("{}: [{label}]({target})", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_chapter_is_listed_once() {
    let summary = std::fs::read_to_string(root().join("docs/src/SUMMARY.md")).unwrap();
    let listed: Vec<String> = links(&summary).into_iter().map(|(_, target)| target).collect();
    let once: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), once.len(), "a chapter is listed twice: {listed:?}");
    let there: BTreeSet<String> = std::fs::read_dir(root().join("docs/src"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".md") && name != "SUMMARY.md")
        .collect();
    assert_eq!(once, there);
}

/// Every subcommand that a document shows is one of the command's.
#[test]
fn every_command_shown_exists() {
    let help = std::process::Command::new(crate::support::ravelin()).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let known: BTreeSet<&str> = help
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(known.contains("explain"), "{help}");
    let mut wrong = Vec::new();
    for file in documents() {
        for line in std::fs::read_to_string(&file).unwrap().lines() {
            for (at, _) in line.match_indices("`ravelin ").chain(line.match_indices("\nravelin ")) {
                let word: String = line[at + 9..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
                if !word.is_empty() && !word.starts_with('-') && !known.contains(word.as_str()) {
                    wrong.push(format!("{}: {line}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The table of the page "Who passes" has every reason of a denial, and nothing that is none.
#[test]
fn the_policy_page_names_every_denial_reason() {
    let page = std::fs::read_to_string(root().join("docs/src/policy.md")).unwrap();
    let rows = page.lines().skip_while(|line| *line != "| rule | asks | reasons |").skip(2);
    let mut named = BTreeSet::new();
    for row in rows.take_while(|line| line.starts_with('|')) {
        let reasons = row.split('|').nth(3).unwrap();
        named.extend(reasons.split('`').skip(1).step_by(2).map(str::to_owned));
    }
    let all: BTreeSet<String> = ravelin_policy::Reason::ALL.iter().map(|reason| reason.label().to_owned()).collect();
    let missing: Vec<_> = all.difference(&named).collect();
    assert!(missing.is_empty(), "the table of docs/src/policy.md lacks {missing:?}");
    let unknown: Vec<_> = named.difference(&all).collect();
    assert!(unknown.is_empty(), "the table of docs/src/policy.md names what is no reason: {unknown:?}");
}
