//! Metrics, health and status over HTTP/1: GET of a fixed list of paths, nothing that changes anything.
//!
//! Management interfaces are how appliances of this kind were taken over (CVE-2020-5902, CVE-2022-1388,
//! CVE-2023-46747, CVE-2024-1212). This one has no parameter, no body, no login and no action.

use std::convert::Infallible;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use super::page;
use super::worker::{self, StopSignal};
use crate::log::ascii_json;
use crate::metrics::Metrics;
use crate::operator::Operator;

/// What is served: an answer for each path.
pub trait Pages: Send + Sync + 'static {
    /// The answer to a GET of this path; `None`: there is no such page.
    fn answer(&self, path: &str) -> impl Future<Output = Option<Page>> + Send;
}

/// One answer.
pub struct Page {
    /// 200, or what else it is.
    pub status: StatusCode,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

impl Page {
    /// Plain text.
    pub fn text(status: StatusCode, body: impl Into<String>) -> Page {
        Page { status, content_type: TEXT, body: body.into() }
    }

    /// A page of another type.
    pub fn of(content_type: &'static str, body: String) -> Page {
        Page { status: StatusCode::OK, content_type, body }
    }

    /// What `/healthz` says: the process is alive, and no more. One that is not ready must not be restarted for it.
    pub fn alive() -> Page {
        Page::text(StatusCode::OK, "ok\n")
    }

    /// What `/readyz` says: the reasons why not, else notes.
    pub fn ready(reasons: &[String], notes: impl Iterator<Item = String>) -> Page {
        let lines = |texts: &mut dyn Iterator<Item = String>| -> String {
            texts.map(|text| format!("{}\n", page::plain(&text))).collect()
        };
        match reasons {
            [] => Page::text(StatusCode::OK, format!("ready\n{}", lines(&mut { notes }))),
            reasons => {
                let reasons = lines(&mut reasons.iter().cloned());
                Page::text(StatusCode::SERVICE_UNAVAILABLE, format!("not ready\n{reasons}"))
            }
        }
    }
}

/// Serves until it is stopped.
pub(super) async fn serve(listener: StdListener, pages: Arc<impl Pages>, stop: StopSignal) {
    let listener = match listener.set_nonblocking(true).and_then(|()| TcpListener::from_std(listener)) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "admin listener cannot be used"),
    };
    let accept = async || listener.accept().await.map(|(stream, _)| stream);
    worker::serve(CONNECTIONS, stop, accept, |stream| {
        let connection = connection(stream, Arc::clone(&pages));
        async move {
            // Too slow, or gone: there is nobody to tell.
            let _ = tokio::time::timeout(CONNECTION_DEADLINE, connection).await;
        }
    })
    .await;
}

/// Connections at once: a few Prometheus servers, probes and browsers.
const CONNECTIONS: usize = 32;

/// From accept to the head of the request.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);

/// From accept to the last byte of the answer, which may be some megabytes of sessions.
const CONNECTION_DEADLINE: Duration = Duration::from_secs(30);

/// How long the gateway may take to answer before the answer is 503.
const OPERATOR_DEADLINE: Duration = Duration::from_secs(10);

/// A browser sends about twenty.
const HEADERS: usize = 64;

/// Request line and headers together.
const HEAD_BYTES: usize = 16 * 1024;

async fn connection(stream: TcpStream, pages: Arc<impl Pages>) -> hyper::Result<()> {
    let service = service_fn(|request: Request<Incoming>| {
        let pages = Arc::clone(&pages);
        async move {
            if request.method() == Method::GET && !request.body().is_end_stream() {
                return Ok::<_, Infallible>(respond(StatusCode::BAD_REQUEST, TEXT, "no body is taken\n".to_owned()));
            }
            Ok(answer(request.method(), request.uri().path(), &*pages).await)
        }
    });
    // One request a connection: then every limit is a limit of the connection.
    http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

async fn answer(method: &Method, path: &str, pages: &impl Pages) -> Response<Full<Bytes>> {
    if method != Method::GET {
        let mut refusal = respond(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET\n".to_owned());
        refusal.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
        return refusal;
    }
    match pages.answer(path).await {
        Some(page) => respond(page.status, page.content_type, page.body),
        None => respond(StatusCode::NOT_FOUND, TEXT, "not found\n".to_owned()),
    }
}

/// The gateway's pages: its whole interface.
pub(super) struct GatewayPages {
    pub(super) operator: Arc<dyn Operator>,
    pub(super) metrics: Arc<Metrics>,
}

impl Pages for GatewayPages {
    async fn answer(&self, path: &str) -> Option<Page> {
        let operator = Arc::clone(&self.operator);
        Some(match path {
            "/" => {
                let asked = ask(move || page::status(&operator.status(), &operator.sessions())).await;
                asked.map_or_else(no_answer, |page| Page::of(HTML, page))
            }
            "/api/sessions" => {
                let asked = ask(move || ascii_json(&operator.sessions())).await;
                asked.map_or_else(no_answer, |json| Page::of(JSON, json))
            }
            "/api/status" => {
                let asked = ask(move || ascii_json(&operator.status())).await;
                asked.map_or_else(no_answer, |json| Page::of(JSON, json))
            }
            "/healthz" => Page::alive(),
            "/metrics" => {
                let asked = ask(move || (operator.unready(), operator.directories())).await;
                self.metrics.set_ready(asked.as_ref().is_some_and(|(reasons, _)| reasons.is_empty()));
                if let Some((_, directories)) = &asked {
                    self.metrics.update_directories(directories);
                }
                match self.metrics.render() {
                    page if page.is_empty() => no_answer(),
                    page => Page::of(Metrics::CONTENT_TYPE, page),
                }
            }
            "/readyz" => match ask(move || (operator.unready(), operator.directories())).await {
                Some((reasons, directories)) => {
                    Page::ready(&reasons, directories.iter().flat_map(|directory| directory.alarms(false)))
                }
                None => no_answer(),
            },
            _ => return None,
        })
    }
}

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";

/// Asks the gateway on a thread that may wait; `None` where it does not answer in time, or panicked.
async fn ask<T: Send + 'static>(question: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::time::timeout(OPERATOR_DEADLINE, tokio::task::spawn_blocking(question)).await.ok()?.ok()
}

fn no_answer() -> Page {
    Page::text(StatusCode::SERVICE_UNAVAILABLE, "the gateway does not answer\n")
}

fn respond(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, page::CONTENT_SECURITY_POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
