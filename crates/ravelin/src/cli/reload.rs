//! `ravelin reload`.

use std::process::ExitCode;

use super::control::{self, ControlArgs, EXIT_DONE, EXIT_REFUSED};
use super::table::table;
use ravelin_ops::admin::control::Request;
use ravelin_ops::admin::plain;
use ravelin_ops::operator::ReloadReport;

/// Read configuration and files again; what is refused changes nothing.
#[derive(clap::Args, Clone, Debug)]
pub struct ReloadArgs {
    /// Where.
    #[command(flatten)]
    pub control: ControlArgs,
    /// Change nothing; list the connected machines that would be cut, and why
    #[arg(long)]
    pub dry_run: bool,
}

/// Reloads; exit code 1 where the new configuration is refused.
pub fn run(args: &ReloadArgs) -> ExitCode {
    let request = Request::Reload { dry_run: args.dry_run };
    control::run(&args.control, &request, |report: &ReloadReport| {
        (text(report), if report.accepted { EXIT_DONE } else { EXIT_REFUSED })
    })
}

pub(super) fn text(report: &ReloadReport) -> String {
    let mut text = String::new();
    for line in report.warnings.iter().chain(&report.problems) {
        text += &(plain(line) + "\n");
    }
    let tunnels = match report.withdrawn.len() {
        1 => "1 tunnel".to_owned(),
        count => format!("{count} tunnels"),
    };
    let generation = report.generation;
    text += &match (report.accepted, report.dry_run) {
        (true, false) => format!("accepted: generation {generation} serves, {tunnels} cut\n"),
        (true, true) => format!("would be accepted, {tunnels} would be cut; nothing was changed\n"),
        (false, false) => "REFUSED: the generation before serves on\n".to_owned(),
        (false, true) => "would be REFUSED; nothing was changed\n".to_owned(),
    };
    let rows: Vec<_> = report
        .withdrawn
        .iter()
        .map(|cut| {
            vec![
                cut.session.to_string(),
                cut.identity.clone(),
                cut.site.clone(),
                cut.reason.clone(),
                cut.detail.clone(),
            ]
        })
        .collect();
    text + &table(&["session", "identity", "site", "reason", "detail"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ravelin_ops::samples::report;

    #[test]
    fn accepted_and_dry() {
        let table = "SESSION  IDENTITY               SITE    REASON   DETAIL\n\
                     7        pc17.corp.example.com  europe  revoked  serial 1a2b, list 18 of CN=Issuing CA\n";
        assert_eq!(
            text(&report(false)),
            format!("warning: a.toml: names: any\naccepted: generation 4 serves, 1 tunnel cut\n{table}")
        );
        assert_eq!(
            text(&report(true)),
            format!(
                "warning: a.toml: names: any\n\
                 would be accepted, 1 tunnel would be cut; nothing was changed\n{table}"
            )
        );
    }

    #[test]
    fn refused() {
        let mut report = report(false);
        report.accepted = false;
        report.withdrawn.clear();
        report.warnings.clear();
        report.problems = vec!["error: ravelin.toml:3:1: sites.x: unknown key".to_owned()];
        assert_eq!(
            text(&report),
            "error: ravelin.toml:3:1: sites.x: unknown key\nREFUSED: the generation before serves on\n"
        );
        report.dry_run = true;
        assert!(text(&report).ends_with("would be REFUSED; nothing was changed\n"));
    }
}
