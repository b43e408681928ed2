//! The status page: one HTML page without script and without anything from elsewhere.

use std::fmt::Write;

use crate::operator::{GatewayStatus, SessionView};
use crate::tables::{self, ViewTable};

/// Nothing is loaded, run, framed or sent; only the style in the page counts.
pub(super) const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Tunnels on the page; all of them are in `/api/sessions`.
const TUNNELS: usize = 200;

/// The page.
pub(super) fn status(status: &GatewayStatus, sessions: &[SessionView]) -> String {
    let mut page = HtmlPage(String::with_capacity(16 * 1024));
    page.raw(HEAD);
    page.raw("<h1>ravelin ").text(&status.version).raw("</h1>\n");
    page.state(status);
    page.list("Not ready", &status.unready);
    let overridden = status.age_override.iter();
    let overridden =
        overridden.map(|order| format!("facts past max_age count until {}: {}", order.until, order.reason));
    page.list("Override in force", &overridden.collect::<Vec<_>>());
    page.list("Warnings", &status.warnings);
    if let Some(reload) = &status.last_reload {
        page.raw("<h2>Last reload</h2>\n<p>").text(&reload.at).raw(", by ").text(&reload.trigger).raw(": ");
        page.raw(if reload.accepted {
            "accepted"
        } else {
            "<strong>refused</strong>, the generation before serves on"
        });
        page.raw("</p>\n");
        page.list("Problems", &reload.problems);
    }
    for ViewTable { title, heads, rows } in tables::of_status(status) {
        page.table(title, heads, rows);
    }
    let title = match sessions.len() {
        all if all > TUNNELS => format!("Tunnels (the oldest {TUNNELS} of {all})"),
        all => format!("Tunnels ({all})"),
    };
    let tunnels = tables::of_sessions(sessions.iter().take(TUNNELS));
    page.table(&title, tunnels.heads, tunnels.rows);
    page.raw("</body></html>\n");
    page.0
}

/// Text with everything but printable ASCII as `\u{…}`; a backslash stays, because much of what comes here is escaped.
pub fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            ' '..='~' => safe.push(character),
            _ => {
                // Writing to a String cannot fail.
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
            }
        }
    }
    safe
}

const HEAD: &str = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>ravelin</title>\n\
    <meta name=\"viewport\" content=\"width=device-width\"><meta http-equiv=\"refresh\" content=\"10\">\n\
    <style>body{font:14px/1.5 system-ui,sans-serif;margin:2em auto;max-width:80em;padding:0 1em}\
    table{border-collapse:collapse;display:block;overflow-x:auto}th,td{text-align:left;padding:.2em 1em .2em 0;\
    border-bottom:1px solid #ccc;vertical-align:top}h2{font-size:1.1em;margin:1.5em 0 .3em}\
    .good{color:#060}.bad{color:#900}</style></head><body>\n";

struct HtmlPage(String);

impl HtmlPage {
    /// Our own markup.
    fn raw(&mut self, markup: &str) -> &mut HtmlPage {
        self.0.push_str(markup);
        self
    }

    /// Anything else.
    fn text(&mut self, text: &str) -> &mut HtmlPage {
        for character in plain(text).chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                _ => self.0.push(character),
            }
        }
        self
    }

    fn state(&mut self, status: &GatewayStatus) {
        self.raw("<p>");
        match (status.draining, status.unready.is_empty()) {
            (true, _) => self.raw("<strong class=\"bad\">draining</strong>"),
            (false, true) => self.raw("<strong class=\"good\">ready</strong>"),
            (false, false) => self.raw("<strong class=\"bad\">not ready</strong>"),
        };
        self.raw(", generation ").text(&status.generation.to_string());
        self.raw(" since ").text(&status.generation_since);
        self.raw(", ").text(&status.tunnels.to_string()).raw(" tunnels, ");
        self.text(&status.handshakes_in_flight.to_string()).raw(" handshakes in flight<br>up since ");
        self.text(&status.started_at).raw(", process ").text(&status.pid.to_string());
        self.raw(", configuration ").text(&status.config_file).raw("</p>\n");
    }

    fn list(&mut self, title: &str, items: &[String]) {
        if items.is_empty() {
            return;
        }
        self.raw("<h2>").text(title).raw("</h2>\n<ul>\n");
        for item in items {
            self.raw("<li>").text(item).raw("</li>\n");
        }
        self.raw("</ul>\n");
    }

    fn table(&mut self, title: &str, heads: &[&str], rows: Vec<Vec<String>>) {
        self.raw("<h2>").text(title).raw("</h2>\n<table><tr>");
        for head in heads {
            self.raw("<th>").text(head).raw("</th>");
        }
        self.raw("</tr>\n");
        for row in rows {
            self.raw("<tr>");
            for cell in row {
                self.raw("<td>").text(&cell).raw("</td>");
            }
            self.raw("</tr>\n");
        }
        self.raw("</table>\n");
    }
}
