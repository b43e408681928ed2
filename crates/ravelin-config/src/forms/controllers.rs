//! Domain controllers and who reads from them.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value as Json, json};
use toml::de::DeValue;

use super::form::{Form, read_text};
use super::net::{host_name, parse_address};
use crate::declare::Shape;
use crate::place::Place;
use crate::problems::shown;

/// `ldaps://HOST` or `ldap://HOST`, with or without a port.
pub(crate) struct ControllerUrl;

/// The address of a controller.
pub(crate) struct ControllerAddress;

/// Who binds: a user principal name, `DOMAIN\name` or a distinguished name.
pub(crate) struct BindName;

/// The name of a systemd credential.
pub(crate) struct CredentialName;

/// What a URL of a controller says.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Url {
    pub host: String,
    pub port: u16,
    /// From the first byte on.
    pub tls: bool,
}

impl Shape for ControllerUrl {
    fn words(&self) -> String {
        "`\"ldaps://HOST\"` or `\"ldaps://HOST:PORT\"`".to_owned()
    }
    fn schema(&self) -> Json {
        json!({ "type": "string", "pattern": "^ldaps?://[^/]+$" })
    }
}

impl Form for ControllerUrl {
    type Value = Url;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<Url> {
        read_text(self, place, value, parse_url)
    }
    fn show(&self, value: &Self::Value, _: &Path) -> Json {
        json!(url_text(&value.host, value.port, value.tls))
    }
}

fn parse_url(text: &str) -> Result<Url, String> {
    let example = "write \"ldaps://dc1.corp.example.com\"";
    let (scheme, rest) = text.split_once("://").ok_or_else(|| format!("{} is no URL: {example}", shown(text)))?;
    let (tls, usual) = match scheme.to_ascii_lowercase().as_str() {
        "ldaps" => (true, 636),
        "ldap" => (false, 389),
        _ => return Err(format!("{} is not of LDAP: {example}", shown(text))),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = match rest.split_once(':') {
        None => (rest, usual),
        Some((host, port)) => {
            let number = port.parse::<u16>().ok().filter(|port| *port > 0);
            (host, number.ok_or_else(|| format!("{} is no port: wants 1 to 65535", shown(port)))?)
        }
    };
    Ok(Url { host: host_name(host)?, port, tls })
}

/// The URL that reads back as this.
pub(crate) fn url_text(host: &str, port: u16, tls: bool) -> String {
    format!("{}://{host}:{port}", if tls { "ldaps" } else { "ldap" })
}

impl Shape for ControllerAddress {
    fn words(&self) -> String {
        "`\"IP:PORT\"`".to_owned()
    }
    fn schema(&self) -> Json {
        json!({ "type": "string" })
    }
}

impl Form for ControllerAddress {
    type Value = SocketAddr;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<SocketAddr> {
        read_text(self, place, value, |text| {
            let address = parse_address(text, "10.0.0.5", "take the key out, and the name of `url` is looked up")?;
            let ip = address.ip();
            if address.port() == 0 {
                return Err("port 0 cannot be connected to; LDAPS is on 636".to_owned());
            }
            if ip.is_unspecified() || ip.is_multicast() {
                return Err(format!("{} is not the address of one controller", shown(text)));
            }
            Ok(address)
        })
    }
    fn show(&self, value: &Self::Value, _: &Path) -> Json {
        json!(value.to_string())
    }
}

impl Shape for BindName {
    fn words(&self) -> String {
        "name of an account".to_owned()
    }
    fn schema(&self) -> Json {
        json!({ "type": "string", "minLength": 1, "maxLength": BIND_NAME_BYTES_MAX })
    }
}

impl Form for BindName {
    type Value = String;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<String> {
        read_text(self, place, value, |text| {
            if text.trim() != text || text.is_empty() || text.len() > BIND_NAME_BYTES_MAX {
                return Err(format!(
                    "{} cannot be an account: wants 1 to {BIND_NAME_BYTES_MAX} bytes, no blanks at its ends",
                    shown(text)
                ));
            }
            if text.contains(char::is_control) || !text.contains(['@', '=', '\\']) {
                return Err(format!("{} is no account: write \"reader@corp.example.com\"", shown(text)));
            }
            Ok(text.to_owned())
        })
    }
    fn show(&self, value: &Self::Value, _: &Path) -> Json {
        json!(value)
    }
}

impl Shape for CredentialName {
    fn words(&self) -> String {
        "name of a systemd credential".to_owned()
    }
    fn schema(&self) -> Json {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]{1,255}$" })
    }
}

impl Form for CredentialName {
    type Value = String;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<String> {
        read_text(self, place, value, |text| {
            let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
            if (1..=255).contains(&text.len()) && text.bytes().all(good) && !text.starts_with('.') {
                return Ok(text.to_owned());
            }
            Err(format!("{} is no name of a credential: wants letters, digits, `.`, `-` and `_`", shown(text)))
        })
    }
    fn show(&self, value: &Self::Value, _: &Path) -> Json {
        json!(value)
    }
}

/// A distinguished name of a dozen levels has half of it.
const BIND_NAME_BYTES_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let url = |host: &str, port, tls| Some(Url { host: host.to_owned(), port, tls });
        for (text, expected) in [
            ("ldaps://DC1.corp.example.com", url("dc1.corp.example.com", 636, true)),
            ("LDAPS://dc1.corp.example.com.:6360/", url("dc1.corp.example.com", 6360, true)),
            ("ldap://dc1.corp.example.com", url("dc1.corp.example.com", 389, false)),
            ("dc1.corp.example.com", None),
            ("https://dc1.corp.example.com", None),
            ("ldaps://", None),
            ("ldaps://dc1:0", None),
            ("ldaps://dc1:65536", None),
            ("ldaps://10.0.0.5", None),
            ("ldaps://[::1]:636", None),
            ("ldaps://dc1/DC=corp", None),
            ("ldaps://user@dc1", None),
        ] {
            assert_eq!(parse_url(text).ok(), expected, "{text}");
        }
    }
}
