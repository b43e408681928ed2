//! One domain: which controller is asked, when, and what becomes of its answer.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::child;
use super::failure::{FetchFailure, FetchProblem};
use super::refused_password::RefusedPassword;
use super::settings;
use super::state::Applied;
use super::table::{DomainTable, Published};
use crate::publish::PublishProblem;
use ravelin_config::{SyncConfig, SyncDomainConfig, SyncLogin};
use ravelin_ops::metrics::SyncMetrics;
use ravelin_ops::process::clock;
use ravelin_ops::process::files::FileProblems;

/// Reads one domain.
pub(super) struct DomainReader {
    index: usize,
    config: SyncDomainConfig,
    deadline: Duration,
    table: Arc<Mutex<DomainTable>>,
    metrics: Arc<SyncMetrics>,
    /// How each controller has behaved.
    backoffs: Vec<Backoff>,
    /// The controller whose changes are known.
    current: usize,
    refused: RefusedPassword,
    /// What was said last of a state that lasts: it is not said again at each look.
    said: Option<String>,
}

/// A round that brought something.
#[derive(Debug)]
pub(super) struct Round {
    /// Everything was fetched.
    pub(super) whole: bool,
}

impl DomainReader {
    pub(super) fn new(
        index: usize,
        config: &SyncConfig,
        table: Arc<Mutex<DomainTable>>,
        metrics: Arc<SyncMetrics>,
    ) -> Option<DomainReader> {
        let domain = config.domains.get(index)?.clone();
        Some(DomainReader {
            index,
            deadline: config.deadline,
            table,
            metrics,
            backoffs: domain.controllers.iter().map(|_| Backoff::default()).collect(),
            current: 0,
            refused: RefusedPassword::beside(&config.snapshot, &domain.domain),
            config: domain,
            said: None,
        })
    }

    /// Its DNS name.
    pub(super) fn domain(&self) -> &str {
        &self.config.domain
    }

    /// Asks one controller after the other until one has answered: for everything, or for what has changed. The snapshot is
    /// written where there is something to say.
    ///
    /// # Errors
    /// The last controller's failure. A refused bind is everybody's: the others are not asked.
    pub(super) async fn round(&mut self, whole: bool) -> Result<Round, FetchProblem> {
        self.may_bind()?;
        let mut last =
            FetchProblem::new(FetchFailure::Unreachable, "every controller failed a moment ago, and is left alone");
        for controller in self.order(whole) {
            let (began, as_of) = (Instant::now(), clock::to_unix(clock::now()));
            let outcome = self.ask(controller, whole, as_of).await;
            let host = self.config.controllers.get(controller).map(|one| one.host.clone()).unwrap_or_default();
            let result = outcome.as_ref().map_or_else(|problem| problem.failure.label(), |_| "ok");
            self.metrics.count_fetch(&self.config.domain, &host, result);
            match outcome {
                Ok(applied) => {
                    self.took(controller, &host, &applied, began.elapsed());
                    let whole = applied.whole;
                    self.publish(applied).await;
                    return Ok(Round { whole });
                }
                Err(problem) => {
                    let failure = problem.failure.label();
                    tracing::warn!(domain = %self.config.domain, controller = %host, failure, "not fetched: {}", problem.text);
                    if let Some(rest) = self.backoffs.get_mut(controller) {
                        rest.failed(Instant::now());
                    }
                    if problem.failure == FetchFailure::BindRefused {
                        self.note_refusal(&problem.text);
                        return Err(problem);
                    }
                    last = problem;
                }
            }
        }
        Err(last)
    }

    /// When it is worth trying again after a failure.
    pub(super) fn next_try(&self, now: Instant) -> Duration {
        self.backoffs.iter().map(|rest| rest.left(now)).min().unwrap_or_default()
    }

    fn order(&self, whole: bool) -> Vec<usize> {
        let now = Instant::now();
        let mut order: Vec<usize> = (0..self.backoffs.len()).collect();
        if !whole {
            // Changes are known of one alone; whichever else answers tells everything.
            order.sort_by_key(|controller| *controller != self.current);
        }
        order.retain(|controller| self.backoffs.get(*controller).is_some_and(|rest| rest.left(now).is_zero()));
        order
    }

    async fn ask(&mut self, controller: usize, whole: bool, as_of: i64) -> Result<Applied, FetchProblem> {
        let unusable = |text: String| FetchProblem::new(FetchFailure::Unusable, text);
        let since = if whole { None } else { lock(&self.table).mark(self.index) };
        let Some(config) = self.config.controllers.get(controller) else {
            return Err(unusable("no such controller".to_owned()));
        };
        let mut problems = FileProblems::default();
        let order = settings::order(
            &self.config,
            config,
            since.clone(),
            &format!("sync.domains[{}]", self.index),
            &mut problems,
        );
        let Some(order) = order.filter(|_| problems.errors() == 0) else {
            let first = problems.into_inner().first().map(ToString::to_string).unwrap_or_default();
            return Err(unusable(first));
        };
        let text = child::fetch(&order, self.deadline).await?;
        drop(order);
        let (table, index) = (Arc::clone(&self.table), self.index);
        let applied = tokio::task::spawn_blocking(move || lock(&table).apply(index, &text, since.as_ref(), as_of));
        applied
            .await
            .unwrap_or_else(|_| Err(FetchProblem::new(FetchFailure::Crashed, "what was fetched broke its reader")))
    }

    fn took(&mut self, controller: usize, host: &str, applied: &Applied, took: Duration) {
        self.current = controller;
        if let Some(rest) = self.backoffs.get_mut(controller) {
            *rest = Backoff::default();
        }
        self.refused.forget();
        let domain = &self.config.domain;
        let (accounts, groups) = (applied.data.accounts.len(), applied.data.groups.len());
        let authorities = applied.data.domains.iter().map(|domain| domain.nt_auth.len()).sum::<usize>();
        self.metrics.set_accounts(domain, accounts);
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if applied.changed || applied.whole {
            let what = if applied.whole { "fetched whole" } else { "changes fetched" };
            tracing::info!(%domain, controller = host, accounts, groups, authorities, took_ms, changed = applied.changed, "{what}");
        } else {
            tracing::debug!(%domain, controller = host, took_ms, "nothing has changed");
        }
    }

    async fn publish(&mut self, applied: Applied) {
        let table = Arc::clone(&self.table);
        let published =
            tokio::task::spawn_blocking(move || lock(&table).publish(Some(applied.data), clock::to_unix(clock::now())));
        match published.await.unwrap_or(Err(PublishProblem::BrokeOff)).map_err(|problem| problem.to_string()) {
            Ok(Published::Written(serial)) => {
                self.metrics.snapshot_written(serial, clock::to_unix(clock::now()));
                self.said = None;
                tracing::info!(serial, "snapshot written");
            }
            Ok(Published::NotDue) => {}
            Ok(Published::Waiting(domain)) => {
                if self.is_news(&domain) {
                    tracing::info!(%domain, "no snapshot is written until this domain was fetched once");
                }
            }
            Err(problem) => {
                if self.is_news(&problem) {
                    tracing::error!("snapshot not written: {problem}");
                }
                self.metrics.snapshot_not_written(problem);
            }
        }
    }

    /// Seconds until name and password may be tried again.
    fn bind_rest(&self) -> i64 {
        match &self.config.login {
            SyncLogin::Password { name, password } => {
                let file = settings::password_file(password);
                self.refused.rest(name, file.as_deref().map(Path::new), clock::to_unix(clock::now()))
            }
            SyncLogin::Certificate { .. } => 0,
        }
    }

    fn may_bind(&mut self) -> Result<(), FetchProblem> {
        let rest = self.bind_rest();
        if rest == 0 {
            return Ok(());
        }
        self.metrics.set_bind_refused(&self.config.domain);
        let text = format!(
            "name or password were refused; they are not tried for another {rest} s, or until the password's file changes, so that \
             the account is not locked out"
        );
        if self.is_news("refused") {
            tracing::error!(domain = %self.config.domain, "{text}");
        }
        Err(FetchProblem::new(FetchFailure::BindRefused, text))
    }

    /// Whether this was not the last that was said.
    fn is_news(&mut self, what: &str) -> bool {
        let news = self.said.as_deref() != Some(what);
        self.said = Some(what.to_owned());
        news
    }

    fn note_refusal(&mut self, why: &str) {
        if let SyncLogin::Password { name, .. } = &self.config.login {
            self.refused.note(name, why, clock::to_unix(clock::now()));
        }
    }
}

/// A table that a panic has left is as it was before: what is put into it is put whole.
pub(super) fn lock(table: &Mutex<DomainTable>) -> std::sync::MutexGuard<'_, DomainTable> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}
