use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::control::{REQUEST_BYTES_MAX, Request};
use super::*;
use crate::operator::KillSelector;
use crate::samples::{FakeOperator, report, session_view, status};

const PATIENCE: Duration = Duration::from_secs(20);

struct Bench {
    handle: AdminHandle,
    operator: Arc<FakeOperator>,
    metrics: Arc<Metrics>,
    folder: tempfile::TempDir,
}

fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let config =
        AdminConfig { listen: Some("127.0.0.1:0".parse().unwrap()), control: Some(folder.path().join("control.sock")) };
    let (operator, metrics) = (Arc::new(FakeOperator::default()), Arc::new(Metrics::new()));
    let handle = serve(&config, operator.clone(), metrics.clone()).unwrap();
    Bench { handle, operator, metrics, folder }
}

impl Bench {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.handle.listen().unwrap()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// The whole answer to some bytes.
    fn http(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn get(&self, path: &str) -> (u16, String) {
        let answer = self.http(&format!("GET {path} HTTP/1.1\r\nHost: admin\r\n\r\n"));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    fn control(&self) -> UnixStream {
        let stream = UnixStream::connect(self.handle.control().unwrap()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// The answer to some bytes on the control socket.
    fn ask(&self, request: &[u8]) -> Value {
        let mut stream = self.control();
        stream.write_all(request).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer.matches('\n').count(), 1, "one line: {answer:?}");
        serde_json::from_str(&answer).unwrap()
    }
}

#[test]
fn the_fixed_paths() {
    let bench = bench();
    assert_eq!(bench.get("/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(bench.get("/readyz"), (200, "ready\n".to_owned()));
    let (code, metrics) = bench.get("/metrics");
    assert_eq!(code, 200);
    assert!(metrics.contains("\nravelin_ready 1\n") && metrics.contains("ravelin_build_info"), "{metrics}");
    let (code, page) = bench.get("/");
    assert_eq!(code, 200);
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("pc17.corp.example.com"), "{page}");
    let (_, text) = bench.get("/api/status");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), serde_json::to_value(status()).unwrap());
    let (_, text) = bench.get("/api/sessions");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!([session_view()]));
}

#[test]
fn not_ready_is_reported_with_every_reason() {
    let bench = bench();
    *bench.operator.unready.lock().unwrap() = vec!["no server of pool \"eu\" is up".to_owned(), "a\nb".to_owned()];
    assert_eq!(bench.get("/readyz"), (503, "not ready\nno server of pool \"eu\" is up\na\\u{a}b\n".to_owned()));
    assert_eq!(bench.get("/healthz").0, 200, "alive all the same");
    assert!(bench.get("/metrics").1.contains("\nravelin_ready 0\n"));
}

/// Covers: docs/traps.md row 71.
#[test]
fn everything_else_is_refused_and_changes_nothing() {
    let bench = bench();
    for path in [
        "/metrics/",
        "/Metrics",
        "//metrics",
        "/metrics/..",
        "/%6detrics",
        "/api",
        "/api/",
        "/api/reload",
        "/api/kill",
        "/api/status/x",
        "/..%2f..%2fetc/passwd",
        "/../etc/passwd",
        "/mgmt/tm/util/bash",
        "/tmui/login.jsp",
        "/favicon.ico",
        "/index.html",
        "/debug/pprof/",
        "/;/metrics",
        "/metrics;x",
    ] {
        assert_eq!(bench.get(path).0, 404, "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "PROPFIND"] {
        for path in ["/", "/metrics", "/api/sessions", "/elsewhere"] {
            let answer = bench.http(&format!("{method} {path} HTTP/1.1\r\nHost: admin\r\nContent-Length: 0\r\n\r\n"));
            assert!(answer.starts_with("HTTP/1.1 405 "), "{method} {path}: {answer}");
            assert!(answer.to_lowercase().contains("\r\nallow: get\r\n"), "{answer}");
        }
    }
    for bytes in [
        "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{0}\u{5}hello\r\n\r\n",
    ] {
        let answer = bench.http(bytes);
        assert!(!answer.starts_with("HTTP/1.1 2"), "{bytes:?}: {answer}");
    }
    assert_eq!(*bench.operator.calls(), [""; 0], "nobody asked the operator for anything");
    assert_eq!(bench.get("/healthz").0, 200, "and the next one is served");
}

#[test]
fn answers_carry_what_keeps_a_browser_safe() {
    let bench = bench();
    for path in ["/", "/api/sessions", "/metrics", "/elsewhere"] {
        let answer = bench.http(&format!("GET {path} HTTP/1.1\r\nHost: admin\r\n\r\n")).to_lowercase();
        for header in [
            "content-security-policy: default-src 'none'",
            "cache-control: no-store",
            "x-content-type-options: nosniff",
        ] {
            assert!(answer.contains(&format!("\r\n{header}")), "{path}: {answer}");
        }
        assert!(!answer.contains("\r\nserver:"), "{answer}");
    }
}

#[test]
fn the_page_escapes_what_it_shows_and_loads_nothing() {
    let mut hostile = status();
    hostile.warnings = vec!["<script>alert(1)</script> & \"x\" 'y' \u{202e}".to_owned()];
    let mut tunnel = session_view();
    tunnel.identity = "<img src=x onerror=alert(1)>".to_owned();
    let page = page::status(&hostile, &[tunnel]);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;x&quot; &#39;y&#39; \\u{202e}"), "{page}");
    for forbidden in ["<script", "<img", "<link", "href=", "http://", "https://", "url(", "@import"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(page.is_ascii());
    let many = vec![session_view(); 1000];
    let page = page::status(&status(), &many);
    assert!(page.contains("Tunnels (the oldest 200 of 1000)") && page.len() < 200 * 1024, "{}", page.len());
}

#[test]
fn a_head_that_is_too_long_is_refused() {
    let bench = bench();
    let many: String = (0..100).map(|n| format!("X-{n}: 1\r\n")).collect();
    for head in [many, format!("X-Long: {}\r\n", "a".repeat(64 * 1024))] {
        let mut stream = bench.connect();
        // The gateway may close before all is written.
        let _ = stream.write_all(format!("GET /metrics HTTP/1.1\r\nHost: a\r\n{head}\r\n").as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&answer));
    }
}

#[test]
fn silent_connections_are_bounded_in_number_and_time() {
    let bench = bench();
    let begin = Instant::now();
    let mut silent: Vec<_> = (0..60).map(|_| bench.connect()).collect();
    let mut buffer = [0; 16];
    // Those beyond the bound are closed at once, those within it at the deadline of the head.
    for stream in silent.iter_mut().rev() {
        let _ = stream.write_all(b"GET /me");
        assert!(matches!(stream.read(&mut buffer), Ok(0) | Err(_)));
    }
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    assert_eq!(bench.get("/healthz").0, 200);
}

#[test]
fn control_requests_and_answers() {
    let bench = bench();
    assert_eq!(bench.ask(b"{\"command\":\"status\"}\n"), json!({ "ok": status() }));
    assert_eq!(bench.ask(b"{\"command\":\"sessions\"}\n"), json!({ "ok": [session_view()] }));
    assert_eq!(bench.ask(b"{\"command\":\"kill\",\"selector\":{\"session\":7}}\n"), json!({ "ok": 3 }));
    assert_eq!(bench.ask(b"{\"command\":\"kill\",\"selector\":\"all\"}\n"), json!({ "ok": 3 }));
    assert_eq!(bench.ask(b"{\"command\":\"drain\"}\n"), json!({ "ok": null }));
    assert_eq!(bench.ask(b"{\"command\":\"reload\",\"dry_run\":true}\n"), json!({ "ok": report(true) }));
    assert_eq!(bench.ask(b"{\"command\":\"reload\"}\n"), json!({ "ok": report(false) }));
    assert_eq!(*bench.operator.calls(), ["kill Session(7)", "kill All", "drain", "reload true", "reload false"]);
}

#[test]
fn bad_control_requests_get_a_reason_and_do_nothing() {
    let bench = bench();
    for (request, part) in [
        (&b"\n"[..], "not a request"),
        (b"hello\n", "not a request"),
        (b"{}\n", "command"),
        (b"{\"command\":\"kil\"}\n", "unknown variant `kil`"),
        (b"{\"command\":\"kill\"}\n", "selector"),
        (b"{\"command\":\"kill\",\"selector\":{\"sesion\":7}}\n", "sesion"),
        (b"{\"command\":\"kill\",\"selector\":{\"session\":-1}}\n", "-1"),
        (b"{\"command\":\"kill\",\"selector\":{\"identity\":\"\"}}\n", "empty name"),
        (b"{\"command\":\"drain\",\"now\":true}\n", "unknown field `now`"),
        (b"{\"command\":\"status\",\"x\":1}\n", "unknown field `x`"),
        (b"{\"command\":\"reload\",\"dryrun\":true}\n", "unknown field `dryrun`"),
        (b"{\"command\":\"reload\",\"dry_run\":\"yes\"}\n", "expected a boolean"),
        (b"{\"command\":\"status\"} {\"command\":\"drain\"}\n", "trailing"),
        (b"\xff\xfe\n", "not a request"),
    ] {
        let answer = bench.ask(request);
        let error = answer["error"].as_str().unwrap_or_else(|| panic!("{answer}"));
        assert!(error.contains(part), "{}: {error}", String::from_utf8_lossy(request));
    }
    let long = [vec![b' '; REQUEST_BYTES_MAX + 1], b"{\"command\":\"drain\"}\n".to_vec()].concat();
    let mut stream = bench.control();
    let _ = stream.write_all(&long);
    let mut answer = Vec::new();
    // What was not read may reset the connection behind the answer.
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty() || String::from_utf8_lossy(&answer).contains("longer than"));
    let mut stream = bench.control();
    stream.write_all(b"{\"command\":\"drain\"}").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("no line end"), "{answer}");
    assert_eq!(*bench.operator.calls(), [""; 0]);
}

#[test]
fn a_request_in_pieces_is_one_request() {
    let bench = bench();
    let mut stream = bench.control();
    for byte in b"{\"command\":\"drain\"}\n" {
        stream.write_all(&[*byte]).unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "{\"ok\":null}\n");
}

#[test]
fn a_request_that_never_ends_is_closed() {
    let bench = bench();
    let mut stream = bench.control();
    stream.write_all(b"{").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("no request within 5 s"), "{answer}");
}

#[test]
fn a_reload_that_takes_long_holds_up_nobody_else() {
    let bench = bench();
    bench.operator.hang(true);
    let mut stream = bench.control();
    stream.write_all(b"{\"command\":\"reload\",\"dry_run\":true}\n").unwrap();
    let deadline = Instant::now() + PATIENCE;
    while bench.operator.calls().is_empty() {
        assert!(Instant::now() < deadline, "the reload was asked for");
        std::thread::sleep(Duration::from_millis(2));
    }
    let begin = Instant::now();
    assert_eq!(bench.get("/metrics").0, 200);
    assert_eq!(bench.ask(b"{\"command\":\"status\"}\n"), json!({ "ok": status() }));
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    bench.operator.hang(false);
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\"ok\""), "{answer}");
}

#[test]
fn a_defect_in_the_gateway_is_an_answer() {
    let bench = bench();
    let answer = bench.ask(b"{\"command\":\"kill\",\"selector\":{\"site\":\"panic\"}}\n");
    assert!(answer["error"].as_str().unwrap().contains("its log says why"), "{answer}");
    assert_eq!(bench.ask(b"{\"command\":\"drain\"}\n"), json!({ "ok": null }));
}

/// Covers: docs/traps.md row 70. There is one level: whoever may open the socket may do everything.
#[test]
fn the_socket_is_for_owner_and_group_and_goes_with_the_gateway() {
    let bench = bench();
    let path = bench.handle.control().unwrap().to_owned();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    bench.handle.shutdown();
    assert!(!path.exists());
    drop(bench.folder);
    drop(bench.metrics);
}

/// The interface ends while the drain is being asked for; the answer comes a little later, within the moment that
/// answers under way are given. On a busy machine that moment may pass, hence several tries.
#[test]
fn whoever_asked_for_a_drain_hears_of_it_even_if_it_is_over_at_once() {
    let heard = |_| {
        let bench = bench();
        bench.operator.hang(true);
        let mut stream = bench.control();
        stream.write_all(b"{\"command\":\"drain\"}\n").unwrap();
        let deadline = Instant::now() + PATIENCE;
        while bench.operator.calls().is_empty() {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(1));
        }
        let handle = bench.handle;
        let gateway = std::thread::spawn(move || handle.shutdown());
        std::thread::sleep(Duration::from_millis(20));
        bench.operator.hang(false);
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer);
        gateway.join().unwrap();
        read.is_ok() && answer == "{\"ok\":null}\n"
    };
    assert!((0..10).any(heard));
}

#[test]
fn the_end_waits_for_nobody_long() {
    let bench = bench();
    bench.operator.hang(true);
    let _silent = (bench.connect(), bench.control());
    let mut hanging = bench.control();
    hanging.write_all(b"{\"command\":\"reload\"}\n").unwrap();
    let deadline = Instant::now() + PATIENCE;
    while bench.operator.calls().is_empty() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(2));
    }
    let begin = Instant::now();
    bench.handle.shutdown();
    // Twice a tenth of a second, on a machine that may be busy.
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    bench.operator.hang(false);
}

#[test]
fn a_stale_socket_is_replaced_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let at = |path: &PathBuf| {
        let config = AdminConfig { listen: None, control: Some(path.clone()) };
        serve(&config, Arc::new(FakeOperator::default()), Arc::new(Metrics::new()))
    };
    // A dead process left it.
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let first = at(&path).unwrap();
    let error = at(&path).err().unwrap();
    assert!(error.to_string().contains("a running gateway answers there"), "{error}");
    assert!(path.exists() && first.control() == Some(&path));
    drop(first);

    std::fs::write(&path, "precious").unwrap();
    let error = at(&path).err().unwrap();
    assert!(error.to_string().contains("no socket lies there"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");

    let error = at(&folder.path().join("missing/control.sock")).err().unwrap();
    assert!(error.to_string().contains("the folder is missing"), "{error}");
}

#[test]
fn a_socket_of_a_successor_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let first = ControlSocket::bind(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let second = ControlSocket::bind(&path).unwrap();
    drop(first);
    assert!(path.exists());
    drop(second);
    assert!(!path.exists());
}

#[test]
fn an_address_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let config = AdminConfig { listen: Some(address), control: None };
    let error = serve(&config, Arc::new(FakeOperator::default()), Arc::new(Metrics::new())).err().unwrap();
    assert!(error.to_string().contains(&format!("admin.listen {address}")), "{error}");
}

#[test]
fn requests_read_as_they_are_written() {
    for request in [
        Request::Status {},
        Request::Sessions {},
        Request::Drain {},
        Request::Reload { dry_run: true },
        Request::Kill { selector: KillSelector::All },
        Request::Kill { selector: KillSelector::Identity("pc17".to_owned()) },
    ] {
        let text = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), request, "{text}");
    }
}
