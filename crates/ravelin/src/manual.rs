//! Pages of the manual that are made from the code. `RAVELIN_BLESS=1 cargo test -p ravelin manual` writes them anew.

mod deploy;
mod endings;
mod records;

use std::path::{Path, PathBuf};

use ravelin_ops::metrics::{Definition, MetricKind, companion_definitions, gateway_definitions};

/// The root of the source tree.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The page under `docs/src` must be `text`.
pub(crate) fn hold(page: &str, text: &str) {
    let file = root().join("docs/src").join(page);
    if std::env::var_os("RAVELIN_BLESS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    if let Some((line, is, wanted)) = first_difference(&found, text) {
        panic!(
            "docs/src/{page}:{line} is not what the code says\n  is:     {is}\n  wanted: {wanted}\n\
             mend it with: RAVELIN_BLESS=1 cargo test -p ravelin manual"
        );
    }
}

/// The number of the first line in which two texts differ, and both lines.
fn first_difference<'t>(found: &'t str, wanted: &'t str) -> Option<(usize, &'t str, &'t str)> {
    if found == wanted {
        return None;
    }
    let (mut is, mut wants) = (found.lines(), wanted.lines());
    let mut number = 0;
    loop {
        number += 1;
        match (is.next(), wants.next()) {
            (None, None) => return Some((number, "(the end)", "(the end, and the end of a line)")),
            (a, b) if a != b => return Some((number, a.unwrap_or("(the end)"), b.unwrap_or("(the end)"))),
            _ => {}
        }
    }
}

#[test]
fn the_first_line_that_differs_is_named() {
    for (found, wanted, expected) in [
        ("a\nb\n", "a\nb\n", None),
        ("a\nb\n", "a\nc\n", Some((2, "b", "c"))),
        ("a\n", "a\nc\n", Some((2, "(the end)", "c"))),
        ("a\nb", "a\nb\n", Some((3, "(the end)", "(the end, and the end of a line)"))),
    ] {
        assert_eq!(first_difference(found, wanted), expected, "{found:?} {wanted:?}");
    }
}

fn rows(definitions: impl Iterator<Item = &'static Definition>) -> String {
    let row = |definition: &Definition| {
        let labels: Vec<String> = definition.labels.iter().map(|label| format!("`{label}`")).collect();
        let (name, kind) = (definition.name, definition.kind.label());
        format!("| `{name}` | {kind} | {} | {} |\n", labels.join(", "), definition.help)
    };
    definitions.map(row).collect()
}

#[test]
fn metrics_page() {
    let mut page = "# Metrics\n\n\
        `GET /metrics` on the admin address, in Prometheus' text format. Base units; no label ever holds anything that a\n\
        client sent. This page is made from the code.\n\n\
        | metric | type | labels | meaning |\n| --- | --- | --- | --- |\n"
        .to_owned();
    page += &rows(gateway_definitions());
    page += "\n## `ravelin sync`\n\nOn the address `sync.listen`, beside `ravelin_ready`, `ravelin_log_…`, `ravelin_build_info` and `process_…` as \
        above.\n\n| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n";
    page += &rows(companion_definitions());
    page += "\n## Buckets\n\nUpper bounds in seconds.\n\n| histogram | buckets |\n| --- | --- |\n";
    for definition in gateway_definitions() {
        if let MetricKind::Histogram(buckets) = definition.kind {
            let buckets: Vec<String> = buckets.iter().map(f64::to_string).collect();
            page += &format!("| `{}` | {} |\n", definition.name, buckets.join(", "));
        }
    }
    hold("metrics.md", &page);
}

#[test]
fn configuration_page_is_up_to_date() {
    hold("configuration.md", &ravelin_config::reference());
}

#[test]
fn configuration_schema_is_up_to_date() {
    hold("ravelin.schema.json", &ravelin_config::schema());
}
