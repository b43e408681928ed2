//! Every input that fuzzing kept goes through the very function that the fuzzer runs.

use std::fs;
use std::path::{Path, PathBuf};

#[path = "../../fuzz/targets/certificate_differential.rs"]
mod certificate_differential;
#[path = "../../fuzz/targets/client_hello.rs"]
mod client_hello;
#[path = "../../fuzz/targets/config.rs"]
mod config;
#[path = "../../fuzz/targets/crl.rs"]
mod crl;
#[path = "../../fuzz/targets/decide.rs"]
mod decide;
#[path = "../../fuzz/targets/ipv6_framing.rs"]
mod ipv6_framing;
#[path = "../../fuzz/targets/ldap.rs"]
mod ldap;
#[path = "../../fuzz/targets/ldif.rs"]
mod ldif;
#[path = "../../fuzz/targets/records.rs"]
mod records;
#[path = "../../fuzz/targets/request_head.rs"]
mod request_head;
#[path = "../../fuzz/targets/response_head.rs"]
mod response_head;
#[path = "../../fuzz/targets/snapshot.rs"]
mod snapshot;

/// A fuzz target's function.
type Target = fn(&[u8]);

/// Every target, by the name of its corpus.
const TARGETS: [(&str, Target); 12] = [
    ("certificate_differential", certificate_differential::run),
    ("client_hello", client_hello::run),
    ("config", config::run),
    ("crl", crl::run),
    ("decide", decide::run),
    ("ipv6_framing", ipv6_framing::run),
    ("ldap", ldap::run),
    ("ldif", ldif::run),
    ("records", records::run),
    ("request_head", request_head::run),
    ("response_head", response_head::run),
    ("snapshot", snapshot::run),
];

/// Fewer would mean that a corpus was lost on the way.
const FILES_MIN: usize = 8;

#[test]
fn kept_inputs_break_no_promise() {
    for (target, run) in TARGETS {
        let files = files_of(&fuzz_folder().join("corpus").join(target));
        assert!(files.len() >= FILES_MIN, "{target}: {} inputs", files.len());
        for file in files {
            let data = fs::read(&file).unwrap();
            // The harness names the test, not the input.
            let outcome = std::panic::catch_unwind(|| run(&data));
            assert!(outcome.is_ok(), "{target}: {} breaks a promise", file.display());
        }
    }
}

#[test]
fn the_estate_of_the_decide_target_lets_its_client_in() {
    assert!(decide::the_client_passes());
}

#[test]
fn every_fuzz_target_is_replayed() {
    let replayed: Vec<String> = TARGETS.iter().map(|(target, _)| (*target).to_owned()).collect();
    for folder in ["corpus", "fuzz_targets", "targets"] {
        let mut names: Vec<String> = files_of(&fuzz_folder().join(folder))
            .iter()
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        assert_eq!(names, replayed, "fuzz/{folder}");
    }
}

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().path()).collect()
}
