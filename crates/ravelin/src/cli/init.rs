//! `ravelin init`.

use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

use super::init_args::DEFAULT_CRLS;
pub use super::init_args::InitArgs;
use super::init_text::text;
use ravelin_config::Severity;

/// The file was written.
pub const EXIT_WRITTEN: u8 = 0;
/// Nothing was written.
pub const EXIT_NOT_WRITTEN: u8 = 2;

/// Asks for what is missing and writes the file.
pub fn run(args: &InitArgs) -> ExitCode {
    let stdin = io::stdin();
    let questions = stdin.is_terminal() && io::stderr().is_terminal();
    let (mut answers, mut prompts) = (stdin.lock(), io::stderr().lock());
    let mut terminal = Terminal { answers: &mut answers, prompts: &mut prompts };
    let outcome = init(args, questions.then_some(&mut terminal));
    let (line, code) = match outcome {
        Ok(line) => (line, EXIT_WRITTEN),
        Err(problem) => (format!("ravelin init: {problem}"), EXIT_NOT_WRITTEN),
    };
    let _ = writeln!(prompts, "{line}");
    ExitCode::from(code)
}

/// Where questions are asked.
struct Terminal<'a> {
    answers: &'a mut dyn BufRead,
    prompts: &'a mut dyn Write,
}

fn init(args: &InitArgs, terminal: Option<&mut Terminal<'_>>) -> Result<String, String> {
    // Before the questions: their answers would be lost.
    if fs::symlink_metadata(&args.output).is_ok() {
        return Err(format!(
            "{} is there already and is not overwritten; name another file with --output",
            args.output.display()
        ));
    }
    let mut args = args.clone();
    match terminal {
        Some(terminal) => ask_all(&mut args, terminal)?,
        None => all_said(&args)?,
    }
    let text = text(&args);
    loads(&args.output, &text)?;
    write_new(&args.output, &text).map_err(|error| format!("{} cannot be written: {error}", args.output.display()))?;
    Ok(format!("{0} is written. Look it through, then: ravelin check --config {0}", args.output.display()))
}

/// Without a terminal, flags must say everything.
fn all_said(args: &InitArgs) -> Result<(), String> {
    let missing: Vec<&str> = [
        ("--server-name", args.server_names.is_empty()),
        ("--chain and --key, or --pfx", args.chain.is_none() && args.pfx.is_none()),
        ("--ca", args.authorities.is_empty()),
        ("--allow", args.allow.is_empty()),
        ("--server", args.servers.is_empty()),
    ]
    .into_iter()
    .filter_map(|(flag, missing)| missing.then_some(flag))
    .collect();
    match missing.as_slice() {
        [] => Ok(()),
        _ => Err(format!("there is no terminal to ask on, and these are not given: {}", missing.join("; "))),
    }
}

fn ask_all(args: &mut InitArgs, terminal: &mut Terminal<'_>) -> Result<(), String> {
    terminal.ask_list(&mut args.server_names, "Name(s) that clients ask for (da.example.com)")?;
    if args.chain.is_none() && args.pfx.is_none() {
        let file = terminal.ask("Certificate for that name, PEM chain or PFX file (tls/da.pem)")?;
        if is_pfx(&file) {
            let password = terminal.ask_or("File with the password of the PFX, empty for none", "")?;
            args.password_file = (!password.is_empty()).then_some(password);
            args.pfx = Some(file);
        } else {
            args.key = Some(terminal.ask("Private key of it, PEM (tls/da.key)")?);
            args.chain = Some(file);
        }
    }
    terminal.ask_list(&mut args.authorities, "Root authority of the computers' certificates, file (ca/root.pem)")?;
    if args.intermediates.is_empty() {
        let files = terminal.ask_or("Issuing authorities below it, files, empty for none (ca/issuing.pem)", "")?;
        args.intermediates = words(&files);
    }
    terminal.ask_list(&mut args.allow, "Computers that may pass, name pattern(s) (*.corp.example.com)")?;
    if args.lists.is_empty() {
        args.lists = words(&terminal.ask_or("Revocation lists, files or folders", DEFAULT_CRLS)?);
    }
    terminal.ask_list(&mut args.servers, "DirectAccess server(s) (da1=10.0.0.11:443)")?;
    if args.upstream_ca.is_none() && !args.offload {
        let first = args.authorities.first().cloned().unwrap_or_default();
        args.upstream_ca = Some(terminal.ask_or("Authority of the servers' certificates, file", &first)?);
    }
    Ok(())
}

/// Whoever misses a question three times is no person.
const TRIES_MAX: usize = 3;
/// A list of paths is shorter.
const ANSWER_BYTES_MAX: u64 = 4_096;

impl Terminal<'_> {
    /// An answer that is not empty.
    fn ask(&mut self, question: &str) -> Result<String, String> {
        for _ in 0..TRIES_MAX {
            let answer = self.ask_or(question, "")?;
            if !answer.is_empty() {
                return Ok(answer);
            }
        }
        Err("no answer; nothing is written".to_owned())
    }

    /// An answer, or the default where it is empty.
    fn ask_or(&mut self, question: &str, default: &str) -> Result<String, String> {
        let shown = if default.is_empty() { String::new() } else { format!(" [{default}]") };
        let told = |error: io::Error| format!("the terminal is gone: {error}; nothing is written");
        write!(self.prompts, "{question}{shown}: ").and_then(|()| self.prompts.flush()).map_err(told)?;
        let mut line = String::new();
        let read = io::Read::take(&mut *self.answers, ANSWER_BYTES_MAX).read_line(&mut line).map_err(told)?;
        if read == 0 {
            return Err("the input has ended; nothing is written".to_owned());
        }
        let answer = line.trim();
        Ok(if answer.is_empty() { default } else { answer }.to_owned())
    }

    /// Several words, unless flags said them.
    fn ask_list(&mut self, list: &mut Vec<String>, question: &str) -> Result<(), String> {
        if list.is_empty() {
            *list = words(&self.ask(question)?);
        }
        Ok(())
    }
}

fn words(text: &str) -> Vec<String> {
    text.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn is_pfx(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|kind| kind.eq_ignore_ascii_case("pfx") || kind.eq_ignore_ascii_case("p12"))
}

/// What is written must be read again without an error.
fn loads(file: &Path, text: &str) -> Result<(), String> {
    let Err(problems) = ravelin_config::parse(file, text) else { return Ok(()) };
    let errors: Vec<String> = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .map(|problem| format!("\n  {}: {}", problem.key, problem.text))
        .collect();
    Err(format!("nothing is written, because of what was given:{}", errors.concat()))
}

/// The file names keys and passwords, not their content; still, only owner and group need it.
const MODE: u32 = 0o640;

fn write_new(file: &Path, text: &str) -> io::Result<()> {
    // `create_new` follows no link and overwrites nothing, whoever was faster.
    let mut opened = OpenOptions::new().write(true).create_new(true).mode(MODE).open(file)?;
    opened.write_all(text.as_bytes()).and_then(|()| opened.sync_all()).inspect_err(|_| {
        let _ = fs::remove_file(file);
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use ravelin_config::{CertificateFiles, UpstreamConfig};

    fn said() -> InitArgs {
        let list = |text: &str| vec![text.to_owned()];
        InitArgs {
            server_names: list("da.example.com"),
            chain: Some("tls/da.pem".to_owned()),
            key: Some("tls/da.key".to_owned()),
            authorities: list("ca/root.pem"),
            allow: list("*.corp.example.com"),
            servers: list("10.0.0.11:443"),
            ..InitArgs::default()
        }
    }

    fn in_folder(args: InitArgs, typed: Option<&str>) -> (Result<String, String>, String, Option<String>) {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("ravelin.toml");
        let args = InitArgs { output: output.clone(), ..args };
        let (mut answers, mut prompts) = (typed.unwrap_or_default().as_bytes(), Vec::new());
        let mut terminal = Terminal { answers: &mut answers, prompts: &mut prompts };
        let outcome = init(&args, typed.is_some().then_some(&mut terminal));
        (outcome, String::from_utf8(prompts).unwrap(), fs::read_to_string(output).ok())
    }

    fn read(text: &str) -> ravelin_config::Config {
        ravelin_config::parse(Path::new("ravelin.toml"), text).unwrap_or_else(|problems| panic!("{problems:#?}")).0
    }

    #[test]
    fn flags_alone_make_a_file_that_loads() {
        let (outcome, _, text) = in_folder(said(), None);
        assert!(outcome.unwrap().contains("ravelin check --config"));
        let config = read(&text.unwrap());
        assert_eq!(config.listeners["edge"].bind.len(), 2);
        assert_eq!(config.pools["directaccess"].servers[0].name, "da1");
        assert_eq!(config.policies["computers"].revocation.crls, [PathBuf::from(DEFAULT_CRLS)]);
        let UpstreamConfig::Bridge { ca, .. } = &config.pools["directaccess"].upstream else { panic!("bridge") };
        assert_eq!(ca, &[PathBuf::from("ca/root.pem")]);
    }

    #[test]
    fn every_flag_lands_in_the_file() {
        let args = InitArgs {
            bind: vec!["192.0.2.1:8443".to_owned()],
            chain: None,
            key: None,
            pfx: Some("C:\\da \"eu\".pfx".to_owned()),
            password_file: Some("pass".to_owned()),
            intermediates: vec!["ca/a.pem".to_owned(), "ca/b.pem".to_owned()],
            lists: vec!["crl/".to_owned()],
            servers: vec!["one=10.0.0.1:80".to_owned(), "[2001:db8::1]:80".to_owned()],
            offload: true,
            ..said()
        };
        let config = read(&in_folder(args, None).2.unwrap());
        assert_eq!(config.listeners["edge"].bind, ["192.0.2.1:8443".parse().unwrap()]);
        assert_eq!(
            config.sites["directaccess"].certificates,
            [CertificateFiles::Pfx { pfx: "C:\\da \"eu\".pfx".into(), password_file: Some("pass".into()) }]
        );
        assert_eq!(config.policies["computers"].intermediates.len(), 2);
        let names: Vec<&str> = config.pools["directaccess"].servers.iter().map(|server| server.name.as_str()).collect();
        assert_eq!(names, ["one", "da2"]);
        assert!(matches!(config.pools["directaccess"].upstream, UpstreamConfig::Offload { .. }));
    }

    #[test]
    fn questions_make_the_same_file() {
        let typed = "da.example.com\ntls/da.pem\ntls/da.key\nca/root.pem\n\n*.corp.example.com\n\n10.0.0.11:443\n\n";
        let (outcome, prompts, text) = in_folder(InitArgs::default(), Some(typed));
        outcome.unwrap();
        assert_eq!(text, in_folder(said(), None).2);
        assert!(prompts.contains("[/var/lib/ravelin/crl/]") && prompts.contains("[ca/root.pem]"), "{prompts}");
        let (outcome, _, text) = in_folder(said(), Some("\n\n\n"));
        outcome.unwrap();
        assert_eq!(text, in_folder(said(), None).2, "what flags say is not asked");
    }

    #[test]
    fn nothing_is_written_for_bad_answers() {
        for (typed, expected) in [
            ("", "input has ended"),
            ("\n\n\n", "no answer"),
            ("da.example.com\n", "input has ended"),
            (
                "10.0.0.1\ntls/da.pem\nk\nca\n\n*.x\n\n10.0.0.11:443\n\n",
                "server_names[0]: \"10.0.0.1\" is an IP address",
            ),
            ("da.x\ntls/da.pfx\n\nca\n\n*.x\n\nda1.corp:443\n\n", "servers[0].address: \"da1.corp\" is a host name"),
        ] {
            let (outcome, _, text) = in_folder(InitArgs::default(), Some(typed));
            let problem = outcome.unwrap_err();
            assert!(problem.contains(expected), "{typed:?}: {problem}");
            assert_eq!(text, None, "{typed:?}");
        }
        let problem = in_folder(InitArgs { allow: Vec::new(), servers: Vec::new(), ..said() }, None).0.unwrap_err();
        assert!(problem.ends_with("--allow; --server"), "{problem}");
    }

    #[test]
    fn what_is_there_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("ravelin.toml");
        fs::write(&output, "mine").unwrap();
        let problem = init(&InitArgs { output: output.clone(), ..said() }, None).unwrap_err();
        assert!(problem.contains("not overwritten"), "{problem}");
        assert_eq!(fs::read_to_string(&output).unwrap(), "mine");
        let link = folder.path().join("link.toml");
        std::os::unix::fs::symlink(folder.path().join("nowhere"), &link).unwrap();
        assert!(
            init(&InitArgs { output: link.clone(), ..said() }, None).is_err(),
            "a dangling link is followed nowhere"
        );
        assert!(write_new(&link, "x").is_err());
    }
}
