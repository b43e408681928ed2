//! One fetch, in a process of its own.

use std::process::Stdio;
use std::time::Duration;

use ravelin_feeds::ldif;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::timeout;

use super::failure::{FetchFailure, FetchProblem};
use super::order::{FetchOrder, ORDER_BYTES_MAX};

/// The hidden command that the process is started with.
pub const COMMAND: &str = "sync-fetch";

/// Fetches: LDIF that is whole, or why there is none. Whatever becomes of the process, it is gone when this returns.
pub(super) async fn fetch(order: &FetchOrder, deadline: Duration) -> Result<Vec<u8>, FetchProblem> {
    let broken =
        |error: std::io::Error| FetchProblem::new(FetchFailure::Crashed, format!("no process to fetch with: {error}"));
    let json = order.to_json();
    if json.len() > ORDER_BYTES_MAX {
        return Err(FetchProblem::new(
            FetchFailure::Unusable,
            "`ca` names more authorities than a process can be told of",
        ));
    }
    // This very program, though its file may have been replaced since it was started.
    let mut child = Command::new("/proc/self/exe")
        .arg0("ravelin")
        .arg(COMMAND)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(broken)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let exchange = async {
        let tell = async {
            if let Some(mut stdin) = stdin {
                // It may have ended already; its exit says why.
                let _ = stdin.write_all(&json).await;
            }
        };
        let (_, text, said) = tokio::join!(tell, read(stdout, TEXT_BYTES_MAX), read(stderr, SAID_BYTES_MAX));
        (text, said, child.wait().await)
    };
    let Ok((text, said, status)) = timeout(deadline, exchange).await else {
        // Nothing else can be done where even that fails; it is killed again when it is dropped.
        let _ = child.kill().await;
        return Err(FetchProblem::new(FetchFailure::Timeout, format!("not fetched within {deadline:?}")));
    };
    let status = status.map_err(broken)?;
    if text.len() as u64 > TEXT_BYTES_MAX {
        return Err(FetchProblem::new(FetchFailure::TooLarge, "more was fetched than is taken"));
    }
    match status.success() {
        true if ldif::is_whole(&text) => Ok(text),
        true => Err(FetchProblem::new(FetchFailure::Crashed, "what was fetched is cut short")),
        false => {
            let failure = FetchFailure::of_exit_code(status.code());
            let said = String::from_utf8_lossy(&said);
            let said = said.lines().next().unwrap_or_default().trim();
            let text = if failure == FetchFailure::Crashed { format!("{status}: {said}") } else { said.to_owned() };
            Err(FetchProblem::new(failure, text))
        }
    }
}

/// Reads to the end, or one byte more than is taken; then whoever writes finds nobody there.
async fn read(pipe: Option<impl AsyncRead + Unpin>, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        // What came before an error is cut short, which shows.
        let _ = pipe.take(most + 1).read_to_end(&mut bytes).await;
    }
    bytes
}

/// Half a million accounts with their names and groups take a quarter of it.
const TEXT_BYTES_MAX: u64 = 1 << 30;
/// A line.
/// A sentence of the child, and no more of whatever a controller made it say.
const SAID_BYTES_MAX: u64 = 4096;
