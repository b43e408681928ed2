//! One ClientHello in words and as JSON.

use std::fmt::Write as _;
use std::net::SocketAddr;

use ravelin_policy::escape;
use ravelin_tls::hello::{ClientHello, ServerName};
use serde_json::{Value, json};

use super::advice::{Advice, Advisor};
use ravelin_ops::iana;
use ravelin_ops::process::clock;

/// A hello with what is to be said of it.
pub(super) struct Report<'a> {
    time: String,
    client: SocketAddr,
    hello: ClientHello,
    advice: Vec<Advice<'a>>,
}

impl<'a> Report<'a> {
    pub(super) fn new(client: SocketAddr, hello: ClientHello, advisor: &'a Advisor) -> Report<'a> {
        Report { time: clock::rfc3339(clock::utc()), client, advice: advisor.ask(&hello), hello }
    }

    pub(super) fn to_text(&self) -> String {
        let hello = &self.hello;
        let server_name = match &hello.server_name {
            ServerName::Absent => "none sent".to_owned(),
            ServerName::Dns(name) => name.clone(),
            ServerName::Unusable(name) => format!("{} (unusable)", escape(name)),
        };
        let mut text = format!("{} {}\n", self.time, self.client);
        let mut line = |title: &str, value: &str| _ = writeln!(text, "  {title:<13}{value}");
        line("server name", &server_name);
        for (title, numbers, name) in self.lists() {
            let shown: Vec<String> = numbers.iter().take(LISTED_MAX).map(|number| name(*number)).collect();
            line(title, &if shown.is_empty() { "none sent".to_owned() } else { shown.join(" ") });
            if numbers.len() > LISTED_MAX {
                line("", &format!("and {} more", numbers.len() - LISTED_MAX));
            }
        }
        if hello.null_only() {
            line("null only", "it offers suites without encryption and nothing else");
        }
        for advice in &self.advice {
            match &advice.engine {
                Ok(engine) => line("taken", &format!("by {engine}: {}", advice.title)),
                Err(why) => {
                    line("not taken", &format!("{}: {why}", advice.title));
                    let cures = match advice.served_with.join(" or ") {
                        none if none.is_empty() => "no switch there is".to_owned(),
                        cures => cures,
                    };
                    line("", &format!("would be with: {cures}"));
                }
            }
        }
        text.push('\n');
        text
    }

    pub(super) fn to_json(&self) -> Value {
        let hello = &self.hello;
        let list = |numbers: &[u16], name: fn(u16) -> String| -> Value {
            let item = |number: &u16| json!({ "number": format!("0x{number:04x}"), "name": name(*number) });
            numbers.iter().take(LISTED_MAX).map(item).collect()
        };
        let (server_name, usable) = match &hello.server_name {
            ServerName::Absent => (Value::Null, true),
            ServerName::Dns(name) => (json!(name), true),
            ServerName::Unusable(name) => (json!(escape(name)), false),
        };
        let advice = |advice: &Advice<'_>| {
            json!({
                "asked": advice.title,
                "engine": advice.engine.as_ref().ok(),
                "why": advice.engine.as_ref().err(),
                "served_with": advice.served_with,
            })
        };
        json!({
            "time": self.time,
            "client": self.client.to_string(),
            "server_name": server_name,
            "server_name_usable": usable,
            "versions": list(&hello.versions, iana::version),
            "suites": list(&hello.suites, iana::suite),
            "groups": list(&hello.groups, iana::group),
            "signature_schemes": list(&hello.signature_schemes, iana::scheme),
            "null_only": hello.null_only(),
            "engines": self.advice.iter().map(advice).collect::<Vec<_>>(),
        })
    }

    fn lists(&self) -> [List<'_>; 4] {
        let hello = &self.hello;
        [
            ("versions", &hello.versions, iana::version),
            ("suites", &hello.suites, iana::suite),
            ("groups", &hello.groups, iana::group),
            ("signatures", &hello.signature_schemes, iana::scheme),
        ]
    }
}

/// Title, numbers, and who names them.
type List<'a> = (&'static str, &'a [u16], fn(u16) -> String);

/// Three times what any Windows offers; a hello may hold thousands.
const LISTED_MAX: usize = 64;
