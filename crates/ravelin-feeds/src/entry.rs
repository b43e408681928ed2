//! One entry of a directory, as LDAP or LDIF gives it.

use std::collections::HashMap;

/// A distinguished name and its attributes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Entry {
    /// As the server writes it.
    pub dn: String,
    /// Values by attribute, in lower case and without options.
    attributes: HashMap<String, Vec<Vec<u8>>>,
}

impl Entry {
    /// An entry without attributes.
    pub fn new(dn: impl Into<String>) -> Entry {
        Entry { dn: dn.into(), attributes: HashMap::new() }
    }

    /// Adds a value.
    pub fn add(&mut self, attribute: &str, value: impl Into<Vec<u8>>) {
        self.attributes.entry(attribute.to_ascii_lowercase()).or_default().push(value.into());
    }

    /// Every value of an attribute (its name in lower case).
    pub fn values(&self, attribute: &str) -> &[Vec<u8>] {
        self.attributes.get(attribute).map(Vec::as_slice).unwrap_or_default()
    }

    /// The first value.
    pub fn value(&self, attribute: &str) -> Option<&[u8]> {
        self.values(attribute).first().map(Vec::as_slice)
    }

    /// Values that are text.
    pub fn texts(&self, attribute: &str) -> impl Iterator<Item = &str> {
        self.values(attribute).iter().filter_map(|value| std::str::from_utf8(value).ok())
    }

    /// The first value, where it is text.
    pub fn text(&self, attribute: &str) -> Option<&str> {
        self.value(attribute).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Whether it is of this class, in whatever case.
    pub(crate) fn is_a(&self, class: &str) -> bool {
        self.texts("objectclass").any(|one| one.eq_ignore_ascii_case(class))
    }
}
