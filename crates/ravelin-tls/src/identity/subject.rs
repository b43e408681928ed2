//! Distinguished names as text.

use x509_parser::objects::{oid_registry, oid2abbrev};
use x509_parser::x509::X509Name;

/// RFC 4514: the last part first, special characters escaped. Control and non-ASCII characters of string types that
/// cannot be read as text are shown as hex.
pub(super) fn rfc4514(name: &X509Name<'_>) -> String {
    let mut parts = Vec::new();
    for rdn in name.iter() {
        let attributes: Vec<String> = rdn
            .iter()
            .map(|attribute| {
                let kind = attribute.attr_type();
                let label = oid2abbrev(kind, oid_registry()).map_or_else(|_| kind.to_id_string(), str::to_owned);
                match attribute.as_str() {
                    Ok(value) => format!("{label}={}", escaped(value)),
                    Err(_) => format!("{label}={}", hex(attribute.as_slice())),
                }
            })
            .collect();
        parts.push(attributes.join("+"));
    }
    parts.reverse();
    parts.join(",")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("#".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// Spec: RFC 4514 §2.4.
fn escaped(value: &str) -> String {
    let mut text = String::new();
    let last = value.chars().count().saturating_sub(1);
    for (index, character) in value.chars().enumerate() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '=' => {
                text.push('\\');
                text.push(character);
            }
            ' ' | '#' if index == 0 => {
                text.push('\\');
                text.push(character);
            }
            ' ' if index == last => text.push_str("\\ "),
            character if character.is_control() => {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    text.push_str(&format!("\\{byte:02x}"));
                }
            }
            character => text.push(character),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn special_characters_are_escaped() {
        for (value, text) in [
            ("da.example.com", "da.example.com"),
            ("Contoso, Ltd.", "Contoso\\, Ltd."),
            ("x,CN=admin", "x\\,CN\\=admin"),
            (" # ", "\\ #\\ "),
            ("#1", "\\#1"),
            ("a\nb", "a\\0ab"),
        ] {
            assert_eq!(escaped(value), text);
        }
    }
}
