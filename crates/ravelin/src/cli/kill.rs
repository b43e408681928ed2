//! `ravelin kill`.

use std::process::ExitCode;

use super::control::{self, ControlArgs, EXIT_DONE, EXIT_REFUSED};
use ravelin_ops::admin::control::Request;
use ravelin_ops::operator::KillSelector;

/// End live tunnels; a client whose certificate is still permitted may come back at once.
#[derive(clap::Args, Clone, Debug)]
pub struct KillArgs {
    /// Where.
    #[command(flatten)]
    pub control: ControlArgs,
    /// Which.
    #[command(flatten)]
    pub which: Which,
}

/// Exactly one of these.
#[derive(clap::Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// One tunnel, by the number that `ravelin sessions` shows
    #[arg(value_name = "SESSION")]
    pub session: Option<u64>,
    /// Every tunnel of a machine, by its name or key, without regard to case
    #[arg(long, value_name = "NAME")]
    pub identity: Option<String>,
    /// Every tunnel of a site
    #[arg(long, value_name = "NAME")]
    pub site: Option<String>,
    /// Every tunnel
    #[arg(long)]
    pub all: bool,
}

/// Ends tunnels; exit code 1 where none matched.
pub fn run(args: &KillArgs) -> ExitCode {
    let request = Request::Kill { selector: selector(&args.which) };
    control::run(&args.control, &request, |count: &usize| text(*count))
}

fn selector(which: &Which) -> KillSelector {
    match which {
        Which { session: Some(number), .. } => KillSelector::Session(*number),
        Which { identity: Some(name), .. } => KillSelector::Identity(name.clone()),
        Which { site: Some(name), .. } => KillSelector::Site(name.clone()),
        // The group wants one of the four, and this is the last.
        Which { session: None, identity: None, site: None, all: _ } => KillSelector::All,
    }
}

fn text(count: usize) -> (String, u8) {
    match count {
        0 => ("no tunnel matches\n".to_owned(), EXIT_REFUSED),
        1 => ("1 tunnel ended\n".to_owned(), EXIT_DONE),
        count => (format!("{count} tunnels ended\n"), EXIT_DONE),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        args: KillArgs,
    }

    #[test]
    fn one_selector_and_no_more() {
        let parse = |line: &str| {
            let words = std::iter::once("kill").chain(line.split_whitespace());
            Command::try_parse_from(words).map(|command| selector(&command.args.which)).map_err(|_| ())
        };
        for (line, expected) in [
            ("7", Ok(KillSelector::Session(7))),
            ("--identity PC17.corp.example.com", Ok(KillSelector::Identity("PC17.corp.example.com".to_owned()))),
            ("--site europe --control /x", Ok(KillSelector::Site("europe".to_owned()))),
            ("--all", Ok(KillSelector::All)),
            // Forgetting to say which must never mean all.
            ("", Err(())),
            ("--json", Err(())),
            ("7 --all", Err(())),
            ("--site europe --identity pc17", Err(())),
            ("pc17", Err(())),
        ] {
            assert_eq!(parse(line), expected, "{line:?}");
        }
    }

    #[test]
    fn counts() {
        assert_eq!(text(0), ("no tunnel matches\n".to_owned(), 1));
        assert_eq!(text(1), ("1 tunnel ended\n".to_owned(), 0));
        assert_eq!(text(2), ("2 tunnels ended\n".to_owned(), 0));
    }
}
