//! `ravelin override`.

use std::process::ExitCode;
use std::time::Duration;

use super::control::{self, ControlArgs, EXIT_DONE, EXIT_REFUSED};
use super::reload;
use super::{EXIT_CONFIGURATION, print_error};
use ravelin_ops::admin::control::{OVERRIDE_SECONDS_MAX, Request};
use ravelin_ops::operator::{AgeOverride, ReloadReport};
use ravelin_ops::process::clock;

/// Have facts about accounts count that are past max_age, for a while; it is logged, shown, and ends by itself
#[derive(clap::Args, Clone, Debug)]
pub struct OverrideArgs {
    /// Where.
    #[command(flatten)]
    pub control: ControlArgs,
    /// Until when.
    #[command(flatten)]
    pub when: When,
    /// Why, for the log and `ravelin status`
    #[arg(long, value_name = "TEXT", required_unless_present = "end")]
    pub reason: Option<String>,
}

/// Exactly one of these.
#[derive(clap::Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub struct When {
    /// Until this time, a week from now at most
    #[arg(long, value_name = "RFC3339")]
    pub until: Option<String>,
    /// For so many hours
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u64).range(1..=HOURS_MAX))]
    pub hours: Option<u64>,
    /// End it now
    #[arg(long)]
    pub end: bool,
}

/// Gives or ends it; exit code 1 where the generation that it makes is refused.
pub fn run(args: &OverrideArgs) -> ExitCode {
    let order = match order(args) {
        Ok(order) => order,
        Err(why) => {
            print_error(&format!("ravelin: {why}"));
            return ExitCode::from(EXIT_CONFIGURATION);
        }
    };
    control::run(&args.control, &Request::Override { order }, |report: &ReloadReport| {
        (reload::text(report), if report.accepted { EXIT_DONE } else { EXIT_REFUSED })
    })
}

fn order(args: &OverrideArgs) -> Result<Option<AgeOverride>, String> {
    let until = match &args.when {
        When { end: true, .. } => return Ok(None),
        When { until: Some(text), .. } => {
            clock::parse_rfc3339(text).ok_or("--until wants a time such as 2026-11-24T12:00:00Z")?.as_secs()
        }
        When { hours, .. } => {
            let wait = Duration::from_secs(hours.unwrap_or_default().saturating_mul(3_600));
            clock::now().as_secs().saturating_add(wait.as_secs())
        }
    };
    let until_unix = i64::try_from(until).unwrap_or(i64::MAX);
    Ok(Some(AgeOverride { until_unix, reason: args.reason.clone().unwrap_or_default() }))
}

/// What the gateway grants at most, in hours.
const HOURS_MAX: u64 = OVERRIDE_SECONDS_MAX.unsigned_abs() / 3_600;
