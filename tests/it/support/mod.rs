//! What the tests share.

pub mod child;
pub mod companion;
pub mod controller;
pub mod fake_controller;
pub mod gate;
pub mod gnutls_pipe;
pub mod openssl;
pub mod peer;
pub mod process;
pub mod raw;

pub use gate::{Gate, NAME, Setup, replace, wait};
pub use process::Process;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;

use ravelin_lab::server::{Server, ServerSpec};

/// Unix seconds.
pub fn unix_now() -> i64 {
    ravelin_lab::clock::now()
}

/// The command itself, built in the profile of this test.
pub fn ravelin() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            // target/PROFILE/deps/it-… → target/PROFILE/ravelin
            let here = std::env::current_exe().unwrap();
            let profile = here.parent().and_then(std::path::Path::parent).unwrap().to_owned();
            let release = profile.file_name().is_some_and(|name| name == "release");
            let mut build = Command::new(env!("CARGO"));
            build.args(["build", "--quiet", "--locked", "--package", "ravelin"]);
            build.args(release.then_some("--release")).env("CARGO_TARGET_DIR", profile.parent().unwrap());
            assert!(build.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap().success());
            profile.join("ravelin")
        })
        .clone()
}

/// A gateway and the one stand-in behind it.
pub async fn gate_and_server(setup: Setup) -> (Gate, Server) {
    let server = ServerSpec::tls(&setup.estate().server).start().await.unwrap();
    (setup.servers(&[server.address()]).start(), server)
}

/// Says that a test leaves itself out: past the harness, which keeps what passing tests print to itself (see `tests/run`).
pub fn skip(test: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "skip {test}: {why}");
}

/// Runs a command that may not be installed; `None` where it is not.
pub fn run(command: &mut Command) -> Option<Output> {
    match command.output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => panic!("{command:?}: {error}"),
    }
}
