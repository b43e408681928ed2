//! `ravelin explain`: runs the one decision offline and shows every rule.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use ravelin_policy::{Context, Decision, Outcome, Policy, PresentedChain, Verdict, escape, escape_name};
use ravelin_tls::alert;
use rustls_pki_types::{CertificateDer, UnixTime};
use serde_json::{Value, json};

use super::{coloured, configuration_error, print};
use ravelin_config::Problem;
use ravelin_gateway::trust::build_policy::build_policy;
use ravelin_gateway::trust::directory::Directories;
use ravelin_ops::log::account_json;
use ravelin_ops::process::clock;
use ravelin_ops::process::files::{self, FileProblems};

/// A denial's exit code; a permit's is 0, a usage or configuration error's 2.
const EXIT_DENIAL: u8 = 3;

/// Arguments of `ravelin explain`.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// The configuration; a file that holds nothing but policies is enough
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Judge by the policy of this site
    #[arg(long, value_name = "NAME", conflicts_with = "policy", required_unless_present = "policy")]
    site: Option<String>,
    /// Judge by this policy
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    /// Judge as of this time instead of now
    #[arg(long, value_name = "RFC3339")]
    at: Option<String>,
    /// Machine-readable
    #[arg(long)]
    json: bool,
    /// The client's certificates: leaf first, then what the client would send
    #[arg(value_name = "CHAIN.pem")]
    chain: PathBuf,
}

/// Runs the command.
pub fn run(args: &ExplainArgs) -> ExitCode {
    let now = match args.at.as_deref().map(clock::parse_rfc3339) {
        None => clock::now(),
        Some(Some(at)) => at,
        Some(None) => return usage("--at wants a time such as 2026-11-24T12:00:00Z"),
    };
    let (policy, name) = match load_policy(args, now) {
        Ok(policy) => policy,
        Err(problems) => return configuration_error(&problems),
    };
    let mut problems = FileProblems::default();
    let sources = files::certificates_of(&args.chain, "", &mut problems);
    if problems.errors() > 0 {
        return configuration_error(&problems.into_inner());
    }
    let chain =
        PresentedChain { certificates: sources.into_iter().map(|source| CertificateDer::from(source.der)).collect() };
    // Offline there is no running generation; 0 says so.
    let decision = policy.decide(&chain, &Context { now, generation: 0 });
    if args.json {
        print(&format!("{:#}\n", to_json(&decision)));
    } else {
        print(&to_text(&decision, &name, &args.chain, now));
    }
    match decision.verdict {
        Verdict::Permit(_) => ExitCode::SUCCESS,
        Verdict::Denial(_) => ExitCode::from(EXIT_DENIAL),
    }
}

fn load_policy(args: &ExplainArgs, now: UnixTime) -> Result<(Policy, String), Vec<Problem>> {
    let (config, _) = ravelin_config::load_policies(&args.config)?;
    let unknown = |kind: &str, name: &str, known: Vec<&String>| {
        let known = known.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        vec![Problem::error(&args.config, "", format!("has no {kind} {name:?}; it has: {known}"))]
    };
    let name = match (&args.site, &args.policy) {
        (Some(site), _) => {
            let found = config.sites.get(site);
            found.ok_or_else(|| unknown("site", site, config.sites.keys().collect()))?.policy.clone()
        }
        (None, Some(policy)) => policy.clone(),
        (None, None) => return Err(vec![Problem::error(&args.config, "", "name a --site or a --policy")]),
    };
    let found = config.policies.get(&name);
    let policy = found.ok_or_else(|| unknown("policy", &name, config.policies.keys().collect()))?;
    let mut problems = FileProblems::default();
    match build_policy(&name, policy, &mut Directories::default(), &args.config, now, &mut problems) {
        Some(policy) => Ok((policy, name)),
        None => Err(problems.into_inner()),
    }
}

/// `explain --json`.
pub fn to_json(decision: &Decision) -> Value {
    let (word, denial) = match &decision.verdict {
        Verdict::Permit(_) => ("permit", None),
        Verdict::Denial(denial) => ("denial", Some(denial)),
    };
    let rules: Vec<Value> = decision
        .rules
        .iter()
        .map(|rule| json!({ "rule": rule.rule, "outcome": outcome(rule.outcome), "detail": rule.detail }))
        .collect();
    let identity = decision.identity.as_ref().map(|identity| {
        json!({
            "dns_names": identity.dns_names.iter().map(|name| escape(name)).collect::<Vec<_>>(),
            "subject": escape_name(&identity.subject),
            "issuer": escape_name(&identity.issuer),
            "serial": identity.serial,
            "spki_sha256": identity.spki_sha256,
            "not_after": clock::rfc3339(clock::from_unix(identity.not_after)),
        })
    });
    let permit = match &decision.verdict {
        Verdict::Permit(permit) => Some(permit),
        Verdict::Denial(_) => None,
    };
    json!({
        "decision": word,
        "reason": denial.map(|denial| denial.reason.label()),
        "detail": denial.map(|denial| denial.detail.as_str()),
        "identity": identity,
        "identity_key": permit.map(ravelin_policy::Permit::identity_key),
        "valid_until": permit.map(|permit| {
            clock::rfc3339(clock::from_unix(clock::to_unix(permit.valid_until())))
        }),
        "account": decision.account.as_ref().map(account_json),
        "rules": rules,
        "shadow": decision.shadow_denial.as_ref().map(|denial| json!({ "reason": denial.reason.label(), "detail": denial.detail })),
        "generation": permit.map_or(0, ravelin_policy::Permit::generation),
        "alert": denial.map(|denial| alert::name(alert::for_reason(denial.reason))),
        "client_shows": denial.map(|denial| alert::client_shows(alert::for_reason(denial.reason))),
    })
}

fn to_text(decision: &Decision, policy: &str, chain: &Path, now: UnixTime) -> String {
    let (green, red, grey, plain) =
        if coloured() { ("\x1b[32m", "\x1b[31m", "\x1b[90m", "\x1b[0m") } else { ("", "", "", "") };
    let at = clock::rfc3339(clock::from_unix(clock::to_unix(now)));
    let mut text = format!("{} under policy {policy:?} at {at}\n", chain.display());
    if let Some(identity) = &decision.identity {
        text += &format!("  {}, serial {}\n", identity.display_name(), identity.serial);
    }
    for rule in &decision.rules {
        let (mark, colour) = match rule.outcome {
            Outcome::Passed => ("pass", green),
            Outcome::Denied(_) => ("DENY", red),
            Outcome::NotAsked => ("-", grey),
            Outcome::NotReached => (".", grey),
        };
        text += &format!("  {colour}{mark:<5}{plain}{:<11} {}\n", rule.rule, rule.detail);
    }
    match &decision.verdict {
        Verdict::Permit(_) => text += &format!("{green}permit{plain}\n"),
        Verdict::Denial(denial) => {
            let alert = alert::for_reason(denial.reason);
            text += &format!("{red}denial: {}{plain}: {}\n", denial.reason.label(), denial.detail);
            text +=
                &format!("  the client gets alert {} and shows {}\n", alert::name(alert), alert::client_shows(alert));
        }
    }
    if let Some(shadow) = &decision.shadow_denial {
        text += &format!("rules under trial would deny: {}: {}\n", shadow.reason.label(), shadow.detail);
    }
    text
}

/// The word for an outcome in JSON.
fn outcome(outcome: Outcome) -> String {
    match outcome {
        Outcome::Denied(reason) => format!("denied:{}", reason.label()),
        Outcome::NotAsked => "not_asked".to_owned(),
        Outcome::NotReached => "not_reached".to_owned(),
        Outcome::Passed => "passed".to_owned(),
    }
}

fn usage(text: &str) -> ExitCode {
    super::print_error(text);
    ExitCode::from(super::EXIT_CONFIGURATION)
}
