//! Reload, whole or not at all: the next generation is built completely, then one pointer is swapped.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::descriptors::descriptors_suffice;
use crate::gateway::Gateway;
use crate::listener::{Accepting, OpenedSockets};
use crate::trust::generation::{self, Generation};
use crate::trust::judge_again::judge;
use crate::trust::live::LiveSession;
use crate::trust::named_files::named_files;
use ravelin_config::{Config, Problem};
use ravelin_ops::operator::{AgeOverride, ReloadReport, Withdrawal};
use ravelin_ops::process::clock;
use ravelin_ops::process::memory;
use ravelin_ops::record::Ending;

/// The trigger of a reload because a file has changed.
pub(crate) const FILE: &str = "file";
/// Of one that was refused, and is tried again by itself.
pub(crate) const RETRY: &str = "retry";

/// Reloads configuration and files. Takes as long as reading them takes: call it from a thread that may block.
pub(crate) fn reload(gateway: &Arc<Gateway>, accepting: &Accepting, trigger: &str, dry_run: bool) -> ReloadReport {
    let _one_at_a_time = gateway.reloading();
    let age_override = gateway.generation().age_override(clock::now()).cloned();
    reload_locked(gateway, accepting, trigger, dry_run, age_override)
}

/// A reload by which an operator's override comes into force, or ends; refused, it leaves things as they were.
pub(crate) fn override_age(gateway: &Arc<Gateway>, accepting: &Accepting, order: Option<AgeOverride>) -> ReloadReport {
    let _one_at_a_time = gateway.reloading();
    reload_locked(gateway, accepting, "override", false, order)
}

fn reload_locked(
    gateway: &Arc<Gateway>,
    accepting: &Accepting,
    trigger: &str,
    dry_run: bool,
    age_override: Option<AgeOverride>,
) -> ReloadReport {
    let rebuild = || rebuild(gateway, accepting, trigger, dry_run, age_override);
    let report = catch_unwind(AssertUnwindSafe(rebuild)).unwrap_or_else(|_| {
        let problem = "a bug of ours broke the reload off; the log says where".to_owned();
        ReloadReport { problems: vec![problem], ..begun(gateway, trigger, dry_run) }
    });
    if !dry_run {
        log(&report, gateway.last_reload().as_ref());
        if !report.accepted {
            gateway.metrics.reload_refused();
        }
        gateway.set_last_reload(report.clone());
    }
    report
}

fn rebuild(
    gateway: &Arc<Gateway>,
    accepting: &Accepting,
    trigger: &str,
    dry_run: bool,
    age_override: Option<AgeOverride>,
) -> ReloadReport {
    let now = clock::now();
    let current = gateway.generation();
    let mut report = begun(gateway, trigger, dry_run);
    let next = match build(gateway, accepting, &current, age_override, now, &mut report) {
        Ok(next) => next,
        Err(problems) => {
            report.problems.extend(texts(&problems));
            return report;
        }
    };
    if let Err(problem) = descriptors_suffice(&next.config) {
        report.problems.push(format!("limits.sessions: {problem}"));
        return report;
    }
    // In a drain a reload is there for the tunnels alone.
    let opened =
        if gateway.is_draining() { Ok(OpenedSockets::default()) } else { accepting.listeners.open(&next.config) };
    let opened = match opened {
        Ok(opened) => opened,
        Err(problem) => {
            report.problems.push(format!("{}: {problem}", problem.key()));
            return report;
        }
    };
    report.accepted = true;
    if dry_run {
        for session in gateway.live.all() {
            if let Err(ending) = judge(&session.chain(), &session.site, &next, now) {
                report.withdrawn.push(withdrawal(&session, ending));
            }
        }
        return report;
    }
    gateway.watch_besides(Vec::new());
    report.generation = next.number;
    let config = next.config.clone();
    let is_new = |one| !current.directories.iter().any(|before| Arc::ptr_eq(before, one));
    let has_new_directory = next.directories.iter().any(is_new);
    let withdrawn = gateway.put_in_force(next);
    drop(current);
    if has_new_directory {
        // What the reading took, and the snapshot before.
        memory::give_back();
    }
    accepting.apply(opened, &config, gateway);
    report.withdrawn = withdrawn.into_iter().map(|one| withdrawal(&one.session, one.ending)).collect();
    gateway.update_metrics();
    report
}

/// The report of a reload that has come to nothing yet.
fn begun(gateway: &Gateway, trigger: &str, dry_run: bool) -> ReloadReport {
    ReloadReport {
        dry_run,
        accepted: false,
        trigger: trigger.to_owned(),
        at: clock::rfc3339(clock::utc()),
        generation: gateway.generation().number,
        problems: Vec::new(),
        warnings: Vec::new(),
        withdrawn: Vec::new(),
    }
}

fn build(
    gateway: &Gateway,
    accepting: &Accepting,
    current: &Generation,
    age_override: Option<AgeOverride>,
    now: rustls_pki_types::UnixTime,
    report: &mut ReloadReport,
) -> Result<Generation, Vec<Problem>> {
    let (config, warnings) = ravelin_config::load(&gateway.config_file)?;
    report.warnings.extend(texts(&warnings));
    report.warnings.extend(needs_restart(&current.config, &config));
    if !report.dry_run {
        gateway.watch_besides(named_files(&config));
    }
    let mut next = generation::build_after(Some(current), age_override, &config, current.number + 1, now)?;
    next.warnings.splice(0..0, accepting.listeners.unclaimed(&config));
    report.warnings.extend(texts(&next.warnings));
    next.warnings.splice(0..0, warnings);
    Ok(next)
}

/// A sentence for each section that a reload cannot change.
fn needs_restart(current: &Config, next: &Config) -> Vec<String> {
    let mut changed = Vec::new();
    for (section, same) in [
        ("[admin]", current.admin == next.admin),
        ("[threads]", current.threads == next.threads),
        ("[log]", current.log == next.log),
    ] {
        if !same {
            changed.push(format!("{section} changed; this takes effect at the next start"));
        }
    }
    changed
}

fn withdrawal(session: &LiveSession, Ending { end, detail }: Ending) -> Withdrawal {
    Withdrawal {
        session: session.session,
        identity: session.identity.clone(),
        site: session.site.clone(),
        reason: end.label().to_owned(),
        detail,
    }
}

/// What is tried again by itself and refused for the same is logged once; whoever changes a file sees it logged again.
fn log(report: &ReloadReport, last: Option<&ReloadReport>) {
    if report.trigger == RETRY && last.is_some_and(|last| !last.accepted && last.problems == report.problems) {
        return;
    }
    for problem in &report.problems {
        tracing::error!(trigger = %report.trigger, "reload refused, generation {} goes on: {problem}", report.generation);
    }
    for warning in &report.warnings {
        tracing::warn!(trigger = %report.trigger, "{warning}");
    }
    if report.accepted {
        tracing::info!(
            trigger = %report.trigger,
            generation = report.generation,
            withdrawn = report.withdrawn.len(),
            "reload accepted"
        );
    }
}

fn texts(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}
