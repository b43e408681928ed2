//! One conversation with a controller, question by question.

use std::io::{BufReader, Write};
use std::time::{Duration, Instant};

use ravelin_feeds::ldap::{self, LdapResult, Response, Search, SearchEntry};

use super::connect::connect;
use super::message::{expect, malformed, read, send};
use super::refusal;
use super::stream::{ControllerStream, STEP};
use crate::failure::{FetchFailure, FetchProblem};
use crate::order::{FetchOrder, Login};

/// A controller that knows who asks.
pub(super) struct Conversation {
    stream: BufReader<ControllerStream>,
    last_id: i32,
    /// Entries so far.
    entries: usize,
}

/// How a search ended.
pub(super) struct Done {
    pub(super) result: LdapResult,
    /// Of the next page; empty at the last.
    cookie: Option<Vec<u8>>,
}

impl Conversation {
    /// Connects and binds.
    pub(super) fn begin(order: &FetchOrder) -> Result<Conversation, FetchProblem> {
        let mut conversation = Conversation { stream: BufReader::new(connect(order)?), last_id: 0, entries: 0 };
        match &order.login {
            // Bound by the handshake; that it is, the first searches show.
            Login::Certificate { .. } => {}
            Login::Password { name, password } => conversation.bind(name, password)?,
        }
        Ok(conversation)
    }

    fn bind(&mut self, name: &str, password: &[u8]) -> Result<(), FetchProblem> {
        if password.is_empty() {
            return Err(FetchProblem::new(FetchFailure::BindRefused, "the password is empty, which would be nobody's"));
        }
        self.stream.get_mut().set_deadline(Instant::now() + STEP);
        let id = self.next_id();
        send(&mut self.stream, &ldap::bind(id, name, password))?;
        let answer = read(&mut self.stream)?;
        match expect(&answer, id)?.response {
            Response::Bind(result) if result.code == 0 => Ok(()),
            Response::Bind(result) if REFUSALS.contains(&result.code) => {
                Err(FetchProblem::new(FetchFailure::BindRefused, refusal::text_of(&result)))
            }
            Response::Bind(result) => Err(FetchProblem::new(
                FetchFailure::SearchFailed,
                format!("the bind failed with result {}: {}", result.code, result.text),
            )),
            Response::Entry(_) | Response::Reference | Response::Done(_) | Response::Extended(_) => {
                Err(malformed("an answer to a bind that is none"))
            }
        }
    }

    /// Asks, page by page, until the last one. Result codes other than success are errors.
    pub(super) fn search(
        &mut self,
        search: &Search<'_>,
        mut each: impl FnMut(&SearchEntry<'_>) -> Result<(), FetchProblem>,
    ) -> Result<(), FetchProblem> {
        let mut cookie = Vec::new();
        for _ in 0..PAGES_MAX {
            let done = self.page(&Search { page: Some((PAGE_ENTRIES, &cookie)), ..search.clone() }, &mut each)?;
            succeeded(search, &done.result)?;
            cookie = done.cookie.ok_or_else(|| malformed("a page that does not say whether it is the last"))?;
            if cookie.is_empty() {
                return Ok(());
            }
        }
        Err(FetchProblem::new(FetchFailure::TooLarge, format!("{PAGES_MAX} pages and no end")))
    }

    /// Asks once, without pages: for one object.
    pub(super) fn page(
        &mut self,
        search: &Search<'_>,
        each: &mut impl FnMut(&SearchEntry<'_>) -> Result<(), FetchProblem>,
    ) -> Result<Done, FetchProblem> {
        // One deadline a page: a server that drips never gets another.
        self.stream.get_mut().set_deadline(Instant::now() + ANSWER);
        let id = self.next_id();
        send(&mut self.stream, &ldap::search(id, search))?;
        loop {
            let answer = read(&mut self.stream)?;
            let message = expect(&answer, id)?;
            match message.response {
                Response::Entry(entry) => {
                    self.entries += 1;
                    if self.entries > ENTRIES_MAX {
                        return Err(FetchProblem::new(
                            FetchFailure::TooLarge,
                            format!("more than {ENTRIES_MAX} entries"),
                        ));
                    }
                    each(&entry)?;
                }
                // What is elsewhere is fetched where it is, or not at all: whoever could send us on would get our password.
                Response::Reference => {}
                Response::Done(result) => return Ok(Done { result, cookie: message.cookie.map(<[u8]>::to_vec) }),
                Response::Bind(_) | Response::Extended(_) => return Err(malformed("an answer to something else")),
            }
        }
    }

    /// Unbinds and closes. A server that has gone need not hear it.
    pub(super) fn end(mut self) {
        self.stream.get_mut().set_deadline(Instant::now() + Duration::from_secs(1));
        let id = self.next_id();
        let _ = send(&mut self.stream, &ldap::unbind(id));
        if let ControllerStream::Tls(tls) = self.stream.get_mut() {
            tls.conn.send_close_notify();
            let _ = tls.flush();
        }
    }

    fn next_id(&mut self) -> i32 {
        self.last_id = self.last_id.saturating_add(1);
        self.last_id
    }
}

/// Whether a search succeeded; the text of its failure.
pub(super) fn succeeded(search: &Search<'_>, result: &LdapResult) -> Result<(), FetchProblem> {
    let what = match result.code {
        0 => return Ok(()),
        REFERRAL => "is held elsewhere, and nothing is followed".to_owned(),
        code => format!("cannot be searched: result {code}: {}", result.text),
    };
    Err(FetchProblem::new(FetchFailure::SearchFailed, format!("{:?} {what}", search.base)))
}

/// What says that the account or its password is not welcome: inappropriateAuthentication, invalidCredentials,
/// insufficientAccessRights, unwillingToPerform (a password that must be changed, in some versions). Each may count towards a
/// lock-out.
const REFUSALS: [i64; 4] = [48, 49, 50, 53];
const REFERRAL: i64 = 10;
/// Active Directory gives no more than a thousand at once by default (MaxPageSize).
const PAGE_ENTRIES: u16 = 1000;
/// A page of a thousand computers takes a controller some tenths of a second.
const ANSWER: Duration = Duration::from_secs(30);
/// More than five million entries, ten times the largest directory that is planned for.
const ENTRIES_MAX: usize = 5_000_000;
/// A page may be empty; not most of them.
const PAGES_MAX: usize = 100_000;
