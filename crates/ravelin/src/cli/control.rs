//! The other end of the control socket.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use toml::de::DeTable;

use ravelin_ops::admin::control::{Answer, OPERATOR_DEADLINE, Request};
use ravelin_ops::log::ascii_json_pretty;

/// Where the running gateway is found.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct ControlArgs {
    /// Configuration file of the running gateway: `admin.control` in it is the socket
    #[arg(long, value_name = "FILE", conflicts_with = "control")]
    pub config: Option<PathBuf>,
    /// Control socket of the running gateway [default: /run/ravelin/control.sock]
    #[arg(long, value_name = "PATH")]
    pub control: Option<PathBuf>,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// Done as asked.
pub const EXIT_DONE: u8 = 0;
/// The gateway answered no: a reload refused, nothing to kill.
pub const EXIT_REFUSED: u8 = 1;
/// No gateway answered.
pub const EXIT_NO_ANSWER: u8 = 2;

/// Asks and prints. `show` makes the text and the exit code of an answer.
pub(super) fn run<T: DeserializeOwned + Serialize>(
    args: &ControlArgs,
    request: &Request,
    show: impl FnOnce(&T) -> (String, u8),
) -> ExitCode {
    match outcome(args, request, show) {
        Ok((text, code)) => {
            // A reader that has gone (`| head`) has seen what it wanted.
            let _ = io::stdout().lock().write_all(text.as_bytes());
            ExitCode::from(code)
        }
        Err(problem) => {
            let _ = writeln!(io::stderr().lock(), "ravelin: {problem}");
            ExitCode::from(EXIT_NO_ANSWER)
        }
    }
}

/// What [`run`] prints and returns.
fn outcome<T: DeserializeOwned + Serialize>(
    args: &ControlArgs,
    request: &Request,
    show: impl FnOnce(&T) -> (String, u8),
) -> Result<(String, u8), String> {
    let answer = ask(&socket(args)?, request)?;
    let answer: T = serde_json::from_value(answer)
        .map_err(|error| format!("the gateway's answer cannot be read, is it of another version? {error}"))?;
    let (text, code) = show(&answer);
    if args.json { Ok((ascii_json_pretty(&answer) + "\n", code)) } else { Ok((text, code)) }
}

/// What `admin.control` is where nothing is said.
const DEFAULT_SOCKET: &str = "/run/ravelin/control.sock";

/// Twenty thousand sessions are some twelve megabytes.
const ANSWER_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Longer than the gateway gives itself.
const ANSWER_DEADLINE: Duration = Duration::from_secs(OPERATOR_DEADLINE.as_secs() + 10);

/// The socket that arguments name. The configuration is read for this one key alone, so that a gateway can be asked
/// while its file is being edited and full of errors.
fn socket(args: &ControlArgs) -> Result<PathBuf, String> {
    if let Some(path) = &args.control {
        return Ok(path.clone());
    }
    let Some(file) = &args.config else { return Ok(PathBuf::from(DEFAULT_SOCKET)) };
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let (table, _) = DeTable::parse_recoverable(&text);
    let control = table
        .get_ref()
        .get("admin")
        .and_then(|admin| admin.get_ref().as_table())
        .and_then(|admin| admin.get("control"))
        .map_or(Some(DEFAULT_SOCKET), |control| control.get_ref().as_str());
    match control {
        Some("off") => Err(format!("{}: admin.control is \"off\": this gateway has no control socket", file.display())),
        Some(path) => Ok(file.parent().unwrap_or(Path::new("")).join(path)),
        None => Err(format!("{}: admin.control is no text; name the socket with --control", file.display())),
    }
}

fn ask(path: &Path, request: &Request) -> Result<Value, String> {
    let told = |error: io::Error| {
        let cure = match error.kind() == io::ErrorKind::PermissionDenied {
            true => "run this as root or as the gateway's user or group",
            false => "is the gateway running? --config or --control say where its socket is",
        };
        format!("no gateway answers at {}: {error}; {cure}", path.display())
    };
    let mut stream = UnixStream::connect(path).map_err(told)?;
    let answer = exchange(&mut stream, request).map_err(told)?;
    match serde_json::from_slice(&answer) {
        Ok(Answer::Ok(value)) => Ok(value),
        Ok(Answer::Error(problem)) => Err(problem),
        Err(_) if answer.is_empty() => {
            Err(format!("the gateway at {} has no seat free or is ending; try again", path.display()))
        }
        Err(error) => Err(format!("what answers at {} is no ravelin gateway: {error}", path.display())),
    }
}

fn exchange(stream: &mut UnixStream, request: &Request) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(ANSWER_DEADLINE))?;
    stream.set_write_timeout(Some(ANSWER_DEADLINE))?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    let mut answer = Vec::new();
    // A gateway without a free seat closes at once; what it then says, nothing, is reported by the caller.
    match stream.write_all(&line) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(answer),
        Err(error) => return Err(error),
    }
    match stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer) {
        // A gateway that has answered and closes with our bytes unread resets; what it said stands.
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
        read => {
            read?;
        }
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ravelin_config::AdminConfig;
    use ravelin_ops::admin::serve;
    use ravelin_ops::metrics::Metrics;
    use ravelin_ops::operator::{GatewayStatus, KillSelector};
    use ravelin_ops::samples::{FakeOperator, status};

    use super::*;

    fn found(text: &str) -> Result<PathBuf, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ravelin.toml");
        fs::write(&file, text).unwrap();
        let args = ControlArgs { config: Some(file), ..ControlArgs::default() };
        let strip = |text: String| text.replace(&format!("{}/", folder.path().display()), "");
        socket(&args).map(|path| PathBuf::from(strip(path.display().to_string()))).map_err(strip)
    }

    #[test]
    fn the_socket_is_found() {
        for (text, expected) in [
            ("", "/run/ravelin/control.sock"),
            ("[admin]\nlisten = \"off\"", "/run/ravelin/control.sock"),
            ("[admin]\ncontrol = \"/run/other.sock\"", "/run/other.sock"),
            ("[admin]\ncontrol = \"run/c.sock\"", "run/c.sock"),
            ("admin = { control = '/a b' }", "/a b"),
            ("[admin]\ncontrol = \"/run/other.sock\"\n[sites.x]\nhalf-written =", "/run/other.sock"),
        ] {
            assert_eq!(found(text), Ok(PathBuf::from(expected)), "{text}");
        }
        assert!(found("[admin]\ncontrol = \"off\"").unwrap_err().contains("has no control socket"));
        assert!(found("[admin]\ncontrol = 7").unwrap_err().contains("--control"));
        assert_eq!(socket(&ControlArgs::default()), Ok(PathBuf::from(DEFAULT_SOCKET)));
        let named = ControlArgs { control: Some(PathBuf::from("/x")), ..ControlArgs::default() };
        assert_eq!(socket(&named), Ok(PathBuf::from("/x")));
        let missing = ControlArgs { config: Some(PathBuf::from("/nonexistent.toml")), ..ControlArgs::default() };
        assert!(socket(&missing).unwrap_err().starts_with("/nonexistent.toml: No such file"));
    }

    #[test]
    fn a_gateway_that_is_not_there_is_reported_plainly() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        let problem = ask(&path, &Request::Drain {}).unwrap_err();
        assert!(
            problem.contains(&path.display().to_string()) && problem.contains("is the gateway running?"),
            "{problem}"
        );
        // Its socket outlived it.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let problem = ask(&path, &Request::Drain {}).unwrap_err();
        assert!(problem.contains("refused") && problem.contains("is the gateway running?"), "{problem}");
    }

    #[test]
    fn what_answers_may_be_something_else() {
        for (said, expected) in [
            ("", "no seat free"),
            ("220 mail.example.com ESMTP\n", "no ravelin gateway"),
            ("{\"error\":\"not a request\"}\n", "not a request"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("control.sock");
            let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
            let server = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                stream.read_exact(&mut [0; 20]).unwrap();
                stream.write_all(said.as_bytes()).unwrap();
            });
            let problem = ask(&path, &Request::Status {}).unwrap_err();
            assert!(problem.contains(expected), "{said:?}: {problem}");
            server.join().unwrap();
        }
    }

    #[test]
    fn commands_reach_the_gateway() {
        let folder = tempfile::tempdir().unwrap();
        let control = folder.path().join("control.sock");
        let admin = AdminConfig { listen: None, control: Some(control.clone()) };
        let _handle = serve(&admin, Arc::new(FakeOperator::default()), Arc::new(Metrics::new())).unwrap();
        let text = ControlArgs { control: Some(control.clone()), ..ControlArgs::default() };
        let json = ControlArgs { json: true, ..text.clone() };
        let shown = |count: &usize| (format!("{count} ended\n"), 0);
        let kill = Request::Kill { selector: KillSelector::Identity("pc17".to_owned()) };
        assert_eq!(outcome(&text, &kill, shown), Ok(("3 ended\n".to_owned(), 0)));
        assert_eq!(outcome(&json, &kill, shown), Ok(("3\n".to_owned(), 0)));
        let refused = Request::Kill { selector: KillSelector::Site(String::new()) };
        assert!(outcome(&text, &refused, shown).unwrap_err().contains("empty name"));
        let (printed, _) = outcome(&json, &Request::Status {}, |_: &GatewayStatus| (String::new(), 0)).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), serde_json::to_value(status()).unwrap());
        let asked = outcome(&text, &Request::Drain {}, |(): &()| ("draining\n".to_owned(), 0));
        assert_eq!(asked, Ok(("draining\n".to_owned(), 0)));
        let stranger = outcome(&text, &Request::Status {}, |_: &usize| (String::new(), 0));
        assert!(stranger.unwrap_err().contains("another version"));
    }
}
