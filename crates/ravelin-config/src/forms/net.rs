//! Addresses, host names and request paths.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use serde_json::{Value as Json, json};
use toml::de::DeValue;

use super::form::{Form, read_text};
use crate::declare::Shape;
use crate::place::Place;
use crate::problems::shown;

/// An address to accept TCP on; port 0 lets the system choose.
pub(crate) struct Bind;

/// The address of the admin interface; port 0 lets the system choose.
pub(crate) struct Listen;

/// The address of a DirectAccess server.
pub(crate) struct ServerAddress;

/// A DNS name of a host, compared without case and trailing dot.
pub(crate) struct HostName;

/// The path of the IP-HTTPS request.
pub(crate) struct RequestPath;

impl Shape for Bind {
    fn words(&self) -> String {
        "`\"IP:PORT\"`".to_owned()
    }
    fn schema(&self) -> Json {
        json!({ "type": "string" })
    }
}

impl Form for Bind {
    type Value = SocketAddr;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<SocketAddr> {
        read_text(self, place, value, |text| {
            let address = parse_address(text, "0.0.0.0", "write an address of this machine, or 0.0.0.0 for all")?;
            if address.ip().is_multicast() {
                return Err(format!("{} is a multicast address: nothing can be accepted there", shown(text)));
            }
            Ok(address)
        })
    }
    fn show(&self, value: &Self::Value, _: &Path) -> Json {
        json!(value.to_string())
    }
}

impl Shape for Listen {
    fn words(&self) -> String {
        Bind.words()
    }
    fn schema(&self) -> Json {
        Bind.schema()
    }
}

impl Form for Listen {
    type Value = SocketAddr;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<SocketAddr> {
        let address = Bind.read(place, value)?;
        if !address.ip().is_loopback() {
            place.warn(
                "is not a loopback address: whoever reaches it reads metrics and the names of connected machines, \
                 without a password; keep it on 127.0.0.1 or behind a firewall rule",
            );
        }
        Some(address)
    }
    fn show(&self, value: &Self::Value, _: &Path) -> Json {
        json!(value.to_string())
    }
}

impl Shape for ServerAddress {
    fn words(&self) -> String {
        "`\"IP:PORT\"`".to_owned()
    }
    fn schema(&self) -> Json {
        json!({ "type": "string" })
    }
}

impl Form for ServerAddress {
    type Value = SocketAddr;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<SocketAddr> {
        read_text(self, place, value, |text| {
            let address = parse_address(
                text,
                "10.0.0.11",
                "write the server's IP address: nothing is looked up at run time, so that nobody can redirect tunnels by DNS",
            )?;
            let ip = address.ip();
            if address.port() == 0 {
                return Err("port 0 cannot be connected to; IP-HTTPS is on 443".to_owned());
            }
            if ip.is_unspecified() || ip.is_multicast() || ip == IpAddr::from([255; 4]) {
                return Err(format!("{} is not the address of one server", shown(text)));
            }
            Ok(address)
        })
    }
    fn show(&self, value: &Self::Value, _: &Path) -> Json {
        json!(value.to_string())
    }
}

impl Shape for HostName {
    fn words(&self) -> String {
        "host name".to_owned()
    }
    fn schema(&self) -> Json {
        json!({ "type": "string", "maxLength": NAME_MAX + 1 })
    }
}

impl Form for HostName {
    type Value = String;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<String> {
        read_text(self, place, value, |text| {
            if text.contains('*') {
                return Err(format!(
                    "{} is a pattern: list the names one by one, as clients ask for them",
                    shown(text)
                ));
            }
            host_name(text)
        })
    }
    fn show(&self, value: &Self::Value, _: &Path) -> Json {
        json!(value)
    }
}

impl Shape for RequestPath {
    fn words(&self) -> String {
        "path, beginning with `/`".to_owned()
    }
    fn schema(&self) -> Json {
        json!({ "type": "string", "pattern": "^/[!-~]*$", "maxLength": PATH_MAX })
    }
}

impl Form for RequestPath {
    type Value = String;
    fn read(&self, place: &Place<'_>, value: &DeValue<'_>) -> Option<String> {
        read_text(self, place, value, |text| {
            if !text.starts_with('/') {
                return Err(format!("{} does not begin with `/`: write the path alone, \"/IPHTTPS\"", shown(text)));
            }
            if text.len() > PATH_MAX {
                return Err(format!("is longer than {PATH_MAX} bytes"));
            }
            match text.chars().find(|c| !c.is_ascii_graphic() || matches!(c, '?' | '#' | '"' | '<' | '>' | '\\')) {
                Some(c) => Err(format!("'{}' cannot stand in a path; write it as %XX", c.escape_debug())),
                None => Ok(text.to_owned()),
            }
        })
    }
    fn show(&self, value: &Self::Value, _: &Path) -> Json {
        json!(value)
    }
}

/// `IP:PORT`, or what is wrong with it.
pub(super) fn parse_address(text: &str, example: &str, no_names: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Err(format!("the port is missing: write \"{}\"", SocketAddr::new(ip, 443)));
    }
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    let port_good = port.parse::<u16>().is_ok();
    if host.parse::<IpAddr>().is_ok() && !port_good {
        return Err(format!("{} is no port: wants 0 to 65535", shown(port)));
    }
    if matches!(host, "" | "*") && port_good {
        return Err(format!("write all of IP:PORT: \"{example}:{port}\""));
    }
    if host_name(host).is_ok() {
        return Err(format!("{} is a host name; {no_names}", shown(host)));
    }
    Err(format!("{} is no address: wants IP:PORT, \"{example}:443\" or \"[2001:db8::1]:443\"", shown(text)))
}

/// A host name in lower case and without trailing dot, or what is wrong with it (RFC 1123 §2.1, RFC 5890 §2.3.1).
/// An underscore is let through: Windows lets computer names have one.
pub(super) fn host_name(text: &str) -> Result<String, String> {
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    if name.is_empty() {
        return Err("the name is empty".to_owned());
    }
    if !name.is_ascii() {
        return Err(format!("{} is not ASCII: write it in its xn-- form", shown(text)));
    }
    if name.parse::<IpAddr>().is_ok() || name.starts_with('[') {
        return Err(format!(
            "{} is an IP address: wants a name (Windows refuses an IP-HTTPS URL with an address)",
            shown(text)
        ));
    }
    if name.contains("://") || name.contains('/') {
        return Err(format!("{} is a URL: write the host name alone", shown(text)));
    }
    if let Some((host, port)) = name.split_once(':')
        && port.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Err(format!("{} has a port: write the name alone, {}", shown(text), shown(host)));
    }
    if name.len() > NAME_MAX {
        return Err(format!("the name is longer than {NAME_MAX} bytes"));
    }
    for label in name.split('.') {
        if label.is_empty() || label.len() > LABEL_MAX {
            return Err(format!("{} has an empty label or one longer than {LABEL_MAX} bytes", shown(text)));
        }
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !label.bytes().all(inner) || label.starts_with('-') || label.ends_with('-') {
            return Err(format!(
                "{} is no host name: {} is no label of letters, digits and `-`",
                shown(text),
                shown(label)
            ));
        }
    }
    // RFC 3696 §2: a top label is never all digits; such a name would be taken for a (short) IPv4 address.
    if name.rsplit('.').next().is_some_and(|top| top.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(format!("{} is no host name: its last label is a number", shown(text)));
    }
    Ok(name)
}

/// RFC 1035 §2.3.4, as text without the trailing dot.
const NAME_MAX: usize = 253;
/// RFC 1035 §2.3.4.
const LABEL_MAX: usize = 63;
/// The head a client may send is 8 KiB; a path known to Windows has 8 bytes.
const PATH_MAX: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names() {
        for (text, expected) in [
            ("da-eu.example.com", Some("da-eu.example.com")),
            ("DA-EU.Example.COM.", Some("da-eu.example.com")),
            ("localhost", Some("localhost")),
            ("pc_17.corp", Some("pc_17.corp")),
            ("xn--bcher-kva.example", Some("xn--bcher-kva.example")),
            ("bücher.example", None),
            ("", None),
            (".", None),
            ("a..b", None),
            (".a", None),
            ("-a.b", None),
            ("a-.b", None),
            ("10.0.0.1", None),
            ("10.1", None),
            ("[::1]", None),
            ("::1", None),
            ("a.com:443", None),
            ("https://a.com/", None),
            ("a b", None),
            ("a\0b", None),
        ] {
            assert_eq!(host_name(text).ok().as_deref(), expected, "{text:?}");
        }
        assert!(host_name(&format!("{}.com", "a".repeat(64))).is_err());
        assert!(host_name(&format!("{}com", "a.".repeat(126))).is_err());
    }
}
