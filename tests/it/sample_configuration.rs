//! The sample configuration that the package installs is right, and says the truth about defaults.

use std::path::{Path, PathBuf};

use ravelin_config::{Config, Problem};

#[test]
fn the_sample_passes_without_a_warning() {
    let (config, warnings) = read(&sample());
    assert_eq!(warnings, []);
    assert_eq!(config.listeners.len(), 1);
}

#[test]
fn keys_in_comments_show_their_defaults() {
    let sample = sample();
    let (mut shown, mut keys) = (String::new(), 0);
    for line in sample.lines() {
        match line.strip_prefix("# ").filter(|key| is_key(key)) {
            Some(key) => {
                keys += 1;
                shown.push_str(key);
            }
            None => shown.push_str(line),
        }
        shown.push('\n');
    }
    assert!(keys > 15, "{keys} keys in comments");
    assert_eq!(ravelin_config::render(&read(&shown).0), ravelin_config::render(&read(&sample).0));
}

/// `lifetime = "off"`, but no sentence, and neither `shadow` nor `directory`, which have no default.
fn is_key(line: &str) -> bool {
    let Some((name, _)) = line.split_once('=') else { return false };
    let name = name.trim_end();
    !["directory", "shadow"].contains(&name) && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase())
}

fn sample() -> String {
    std::fs::read_to_string(path()).unwrap()
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/ravelin.toml")
}

fn read(text: &str) -> (Config, Vec<Problem>) {
    ravelin_config::parse(&path(), text).unwrap_or_else(|problems| panic!("{problems:#?}"))
}
