//! A pipe through GnuTLS, built from `gnutls_pipe.c`: gnutls-cli, but for gigabytes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Builds it into this folder; `None` where there is no C compiler or GnuTLS is not there to build with.
pub fn build(folder: &Path) -> Option<PathBuf> {
    let mut headers = Command::new("cc");
    headers.args(["-E", "-include", "gnutls/gnutls.h", "-x", "c", "/dev/null"]);
    let there = headers.stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        return None;
    }
    let (source, pipe) = (concat!(env!("CARGO_MANIFEST_DIR"), "/it/support/gnutls_pipe.c"), folder.join("gnutls_pipe"));
    let built = Command::new("cc").args(["-O2", "-Wall", "-Wextra", source, "-lgnutls", "-o"]).arg(&pipe).status();
    assert!(built.unwrap().success(), "{source} does not build");
    Some(pipe)
}
