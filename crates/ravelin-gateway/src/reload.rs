//! Reload, whole or not at all: the next generation is built completely, then one pointer is swapped.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::runtime::Handle;

use crate::descriptors::descriptors_suffice;
use crate::gateway::Gateway;
use crate::listener::Opened;
use crate::trust::generation::{self, Generation};
use crate::trust::live;
use ravelin_config::{Config, Problem};
use ravelin_ops::operator::{AgeOverride, ReloadReport, Withdrawal};
use ravelin_ops::process::clock;
use ravelin_ops::process::memory;

/// The trigger of a reload because a file has changed.
pub(crate) const FILE: &str = "file";
/// Of one that was refused, and is tried again by itself.
pub(crate) const RETRY: &str = "retry";

/// Reloads configuration and files. Takes as long as reading them takes: call it from a thread that may block.
pub(crate) fn reload(gateway: &Arc<Gateway>, accept_thread: &Handle, trigger: &str, dry_run: bool) -> ReloadReport {
    let _one_at_a_time = gateway.reloading();
    let age_override = gateway.generation().age_override(clock::now()).cloned();
    reload_locked(gateway, accept_thread, trigger, dry_run, age_override)
}

/// A reload by which an operator's override comes into force, or ends; refused, it leaves things as they were.
pub(crate) fn override_age(gateway: &Arc<Gateway>, accept_thread: &Handle, order: Option<AgeOverride>) -> ReloadReport {
    let _one_at_a_time = gateway.reloading();
    reload_locked(gateway, accept_thread, "override", false, order)
}

fn reload_locked(
    gateway: &Arc<Gateway>,
    accept_thread: &Handle,
    trigger: &str,
    dry_run: bool,
    age_override: Option<AgeOverride>,
) -> ReloadReport {
    let rebuild = || rebuild(gateway, accept_thread, trigger, dry_run, age_override);
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
    accept_thread: &Handle,
    trigger: &str,
    dry_run: bool,
    age_override: Option<AgeOverride>,
) -> ReloadReport {
    let now = clock::now();
    let current = gateway.generation();
    let mut report = begun(gateway, trigger, dry_run);
    let next = match build(gateway, &current, age_override, now, &mut report) {
        Ok(next) => next,
        Err(problems) => {
            report.problems.extend(words(&problems));
            return report;
        }
    };
    if let Err(text) = descriptors_suffice(&next.config) {
        report.problems.push(format!("limits.sessions: {text}"));
        return report;
    }
    // In a drain a reload is there for the tunnels alone.
    let opened = if gateway.is_draining() { Ok(Opened::default()) } else { gateway.listeners.open(&next.config) };
    let opened = match opened {
        Ok(opened) => opened,
        Err((name, address, error)) => {
            report.problems.push(format!("listeners.{name}.bind: cannot listen on {address}: {error}"));
            return report;
        }
    };
    report.accepted = true;
    if dry_run {
        for session in gateway.live.all() {
            if let Err((end, detail)) = live::judge(&session.chain(), &session.site, &next, now) {
                report.withdrawn.push(withdrawal(&session, end, detail));
            }
        }
        return report;
    }
    gateway.watch_besides(Vec::new());
    report.generation = next.number;
    let config = next.config.clone();
    let is_new = |one| !current.directories.iter().any(|before| Arc::ptr_eq(before, one));
    let has_new_directory = next.directories.iter().any(is_new);
    let stopped = gateway.put_in_force(next);
    drop(current);
    if has_new_directory {
        // What the reading took, and the snapshot before.
        memory::give_back();
    }
    gateway.listeners.apply(opened, &config, gateway, accept_thread);
    report.withdrawn = stopped.iter().map(|(session, end, detail)| withdrawal(session, *end, detail.clone())).collect();
    gateway.tell_metrics();
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
    current: &Generation,
    age_override: Option<AgeOverride>,
    now: rustls_pki_types::UnixTime,
    report: &mut ReloadReport,
) -> Result<Generation, Vec<Problem>> {
    let (config, warnings) = ravelin_config::load(&gateway.config_file)?;
    report.warnings.extend(words(&warnings));
    report.warnings.extend(needs_restart(&current.config, &config));
    if !report.dry_run {
        gateway.watch_besides(generation::named_files(&config));
    }
    let mut next = generation::build_after(Some(current), age_override, &config, current.number + 1, now)?;
    next.warnings.splice(0..0, gateway.listeners.unclaimed(&config));
    report.warnings.extend(words(&next.warnings));
    next.warnings.splice(0..0, warnings);
    Ok(next)
}

/// What a reload cannot change, in words.
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

fn withdrawal(session: &live::LiveSession, end: ravelin_ops::record::SessionEnd, detail: String) -> Withdrawal {
    Withdrawal {
        session: session.session,
        identity: session.identity.clone(),
        site: session.site.clone(),
        reason: end.label().to_owned(),
        detail,
    }
}

/// What is tried again by itself, and refused for the same, is told once; whoever changes a file again hears of it again.
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

fn words(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}
