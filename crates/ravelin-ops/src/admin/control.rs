//! The control socket: one JSON line asks, one JSON line answers. Whoever may open the socket may ask.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener as StdListener, UnixStream as StdStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use super::worker::{self, StopSignal};
use crate::log::ascii_json;
use crate::operator::{AgeOverride, KillSelector, Operator};
use crate::process::clock;

/// What can be asked: `{"command":"kill","selector":{"session":7}}`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Answered by a [`crate::operator::GatewayStatus`].
    Status {},
    /// Answered by a list of [`crate::operator::SessionView`].
    Sessions {},
    /// Answered by the number of tunnels ended.
    Kill {
        /// Which.
        selector: KillSelector,
    },
    /// Answered by null, before the drain is over.
    Drain {},
    /// Answered by a [`crate::operator::ReloadReport`].
    Override {
        /// Until when and why; null ends it.
        order: Option<AgeOverride>,
    },
    /// Answered by a [`crate::operator::ReloadReport`].
    Reload {
        /// Tell what would be, change nothing.
        #[serde(default)]
        dry_run: bool,
    },
}

/// The one line that answers.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// What was asked for.
    Ok(Value),
    /// Why there is no answer.
    Error(String),
}

/// The socket in the file system; removed when it is dropped.
pub struct ControlSocket {
    path: PathBuf,
    listener: StdListener,
    inode: (u64, u64),
}

impl ControlSocket {
    /// Makes the socket. One that a dead process left is replaced; one that answers, or anything that is no socket,
    /// is left alone.
    ///
    /// # Errors
    /// A gateway answers there, something else lies there, the folder is missing, …
    pub fn bind(path: &Path) -> io::Result<ControlSocket> {
        remove_stale(path)?;
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.bind(&SockAddr::unix(path)?).map_err(|error| match error.kind() == io::ErrorKind::NotFound {
            true => io::Error::new(error.kind(), "the folder is missing; create it"),
            false => error,
        })?;
        // Before anybody can connect: until it listens the socket refuses.
        fs::set_permissions(path, fs::Permissions::from_mode(MODE))?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        let metadata = fs::symlink_metadata(path)?;
        let listener = StdListener::from(std::os::fd::OwnedFd::from(socket));
        Ok(ControlSocket { path: path.to_owned(), listener, inode: (metadata.dev(), metadata.ino()) })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn listener(&self) -> io::Result<StdListener> {
        self.listener.try_clone()
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // Another process may have made its own in the meantime.
        if fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.inode) {
            // If it stays, the next start finds it stale.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Owner and group. The folder, made by systemd or the administrator, says who else may come near.
const MODE: u32 = 0o660;

/// Commands that wait for a seat: an operator types one at a time, a script a few.
const BACKLOG: i32 = 16;

/// Operators and their scripts at once.
const CONNECTIONS: usize = 16;

/// A request is a hundred bytes; an identity may have a few hundred.
pub const REQUEST_BYTES_MAX: usize = 4096;

/// From accept to the end of the line.
const REQUEST_DEADLINE: Duration = Duration::from_secs(5);

/// Reading and checking the whole configuration of a large estate takes seconds; this is when to stop hoping.
pub const OPERATOR_DEADLINE: Duration = Duration::from_secs(120);

/// The answer on its way: some megabytes of sessions to somebody's terminal.
const ANSWER_DEADLINE: Duration = Duration::from_secs(30);

/// Serves until it is stopped.
pub(super) async fn serve(listener: StdListener, operator: Arc<dyn Operator>, stop: StopSignal) {
    let listener = match UnixListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "control socket cannot be used"),
    };
    let accept = async || listener.accept().await.map(|(stream, _)| stream);
    worker::serve(CONNECTIONS, stop, accept, |stream| connection(stream, Arc::clone(&operator))).await;
}

async fn connection(mut stream: UnixStream, operator: Arc<dyn Operator>) {
    let answer = match timeout(REQUEST_DEADLINE, read_line(&mut stream)).await {
        Ok(Ok(line)) => match serde_json::from_slice(&line) {
            Ok(request) => {
                told(&request, &stream);
                perform(request, operator).await
            }
            Err(error) => Answer::Error(format!("not a request: {error}")),
        },
        Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => Answer::Error(error.to_string()),
        // Gone before it asked.
        Ok(Err(_)) => return,
        Err(_) => Answer::Error(format!("no request within {} s", REQUEST_DEADLINE.as_secs())),
    };
    let line = ascii_json(&answer) + "\n";
    let _ = timeout(ANSWER_DEADLINE, async {
        stream.write_all(line.as_bytes()).await?;
        stream.shutdown().await
    })
    .await;
}

/// One line without its end.
async fn read_line(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut line = Vec::with_capacity(256);
    let mut buffer = [0; 1024];
    loop {
        let count = stream.read(&mut buffer).await?;
        let read = buffer.get(..count).unwrap_or_default();
        match read.iter().position(|byte| *byte == b'\n') {
            Some(end) => line.extend_from_slice(read.get(..end).unwrap_or_default()),
            None => line.extend_from_slice(read),
        }
        if line.len() > REQUEST_BYTES_MAX {
            let text = format!("the request is longer than {REQUEST_BYTES_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        if read.contains(&b'\n') {
            return Ok(line);
        }
        if count == 0 {
            return match line.is_empty() {
                true => Err(io::ErrorKind::UnexpectedEof.into()),
                false => Err(io::Error::new(io::ErrorKind::InvalidData, "the request has no line end")),
            };
        }
    }
}

/// Who asked for a change, for the log.
fn told(request: &Request, stream: &UnixStream) {
    let (uid, pid) = match stream.peer_cred() {
        Ok(peer) => (Some(peer.uid()), peer.pid()),
        Err(_) => (None, None),
    };
    match request {
        Request::Sessions {} | Request::Status {} | Request::Reload { dry_run: true } => {}
        Request::Drain {} | Request::Kill { .. } | Request::Override { .. } | Request::Reload { dry_run: false } => {
            tracing::info!(request = ascii_json(request), uid, pid, "control request");
        }
    }
}

async fn perform(request: Request, operator: Arc<dyn Operator>) -> Answer {
    let work = tokio::task::spawn_blocking(move || match request {
        Request::Drain {} => {
            operator.drain();
            to_answer(&Value::Null)
        }
        Request::Kill { selector: KillSelector::Identity(name) | KillSelector::Site(name) } if name.is_empty() => {
            Answer::Error("an empty name matches nothing; name an identity or a site, or say \"all\"".to_owned())
        }
        Request::Kill { selector } => to_answer(&json!(operator.kill(&selector))),
        Request::Override { order } => match order.as_ref().map(check_override) {
            Some(Err(why)) => Answer::Error(why),
            Some(Ok(())) | None => to_answer(&operator.override_age(order)),
        },
        Request::Reload { dry_run } => to_answer(&operator.reload(dry_run)),
        Request::Sessions {} => to_answer(&operator.sessions()),
        Request::Status {} => to_answer(&operator.status()),
    });
    match timeout(OPERATOR_DEADLINE, work).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Answer::Error("the gateway failed to answer; its log says why".to_owned()),
        Err(_) => Answer::Error(format!("the gateway did not answer within {} s", OPERATOR_DEADLINE.as_secs())),
    }
}

/// An override says why, and is short: it is for the hour in which somebody repairs the export.
fn check_override(order: &AgeOverride) -> Result<(), String> {
    if order.reason.trim().is_empty() || order.reason.len() > REASON_BYTES_MAX {
        return Err(format!("an override has a reason, of at most {REASON_BYTES_MAX} bytes"));
    }
    let ahead = order.until_unix.saturating_sub(clock::to_unix(clock::now()));
    if ahead <= 0 {
        return Err("the end of the override is past".to_owned());
    }
    if ahead > OVERRIDE_SECONDS_MAX {
        return Err("an override lasts a week at most; give it again if it must go on".to_owned());
    }
    Ok(())
}

/// A sentence: it stands in a log line and on the status page.
const REASON_BYTES_MAX: usize = 300;
/// A week: an estate whose facts are missing for longer has another problem.
pub const OVERRIDE_SECONDS_MAX: i64 = 7 * 86_400;

fn to_answer(value: &impl Serialize) -> Answer {
    match serde_json::to_value(value) {
        Ok(value) => Answer::Ok(value),
        Err(error) => Answer::Error(error.to_string()),
    }
}

fn remove_stale(path: &Path) -> io::Result<()> {
    let kind = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !kind.is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "something that is no socket lies there; remove it"));
    }
    match StdStream::connect(path) {
        Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "a running gateway answers there; stop it first")),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
    }
}
