//! One declaration per key: path, shape, default and what it means. The parser, the reference page, the JSON Schema and
//! the printed configuration all read it here, so that they cannot drift apart.

use serde_json::Value as Json;

/// Every key by table, in the order of the reference page.
pub(crate) type Keys = &'static [&'static [&'static dyn Declared]];

/// A key of the file. `F` is its shape: what may stand there.
pub(crate) struct Key<F> {
    /// `pools.NAME.servers[].address`: `NAME` stands for a name the administrator chooses, `[]` for a place in a list.
    pub path: &'static str,
    /// What may stand there.
    pub shape: F,
    /// What holds where the key is absent.
    pub presence: Presence,
    /// What it means and where its number comes from, Markdown.
    pub doc: &'static str,
}

/// What holds where a key is absent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Presence {
    /// A value, as TOML.
    Default(&'static str),
    /// Nothing: the feature is not used, or the text of the key says what is.
    Optional,
    /// An error.
    Required,
}

/// What kind of thing stands at a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Tables under names the administrator chooses.
    Named,
    /// Known, and never accepted: the text says why and what to do.
    Refused(&'static str),
    /// A list of tables.
    Rows,
    /// A table.
    Section,
    /// A value.
    Value,
}

/// What may stand at a key, in words and as JSON Schema.
pub(crate) trait Shape: Sync {
    /// Its kind.
    fn kind(&self) -> Kind {
        Kind::Value
    }
    /// For the reference page: `duration from "1s" to "1h"`.
    fn words(&self) -> String;
    /// For a value: its JSON Schema. For the others: what is accepted beside a table (`Null`: nothing).
    fn schema(&self) -> Json;
    /// Words and what each means.
    fn options(&self) -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }
    /// Words of the design that are refused as not supported yet.
    fn not_yet(&self) -> &'static [&'static str] {
        &[]
    }
}

/// A key without its type: what the reference page, the schema and the search for unknown keys need.
pub(crate) trait Declared: Sync {
    /// See [`Key::path`].
    fn path(&self) -> &'static str;
    /// See [`Key::presence`].
    fn presence(&self) -> Presence;
    /// See [`Key::doc`].
    fn doc(&self) -> &'static str;
    /// See [`Key::shape`].
    fn shape(&self) -> &dyn Shape;
}

impl<F: Shape> Declared for Key<F> {
    fn path(&self) -> &'static str {
        self.path
    }
    fn presence(&self) -> Presence {
        self.presence
    }
    fn doc(&self) -> &'static str {
        self.doc
    }
    fn shape(&self) -> &dyn Shape {
        &self.shape
    }
}

impl<F> Key<F> {
    /// The last part of the path: what is written before the `=`.
    pub(crate) fn name(&self) -> &'static str {
        last_part(self.path)
    }
}

/// `address` of `pools.NAME.servers[].address`.
pub(crate) fn last_part(path: &'static str) -> &'static str {
    path.rsplit('.').next().unwrap_or(path)
}

/// `pools.NAME.servers[]` of `pools.NAME.servers[].address`; empty for a key of the top.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(parent, _)| parent)
}

/// Every key, in the order of the reference page.
pub(crate) fn all(keys: Keys) -> impl Iterator<Item = &'static dyn Declared> {
    keys.iter().flat_map(|keys| keys.iter().copied())
}

/// The keys of one table, by its pattern (`""`, `limits`, `pools.NAME`, `pools.NAME.servers[]`).
pub(crate) fn children(keys: Keys, pattern: &str) -> impl Iterator<Item = &'static dyn Declared> {
    all(keys).filter(move |key| parent(key.path()) == pattern)
}

/// Declares keys and gathers them in `KEYS`, in order. The doc comment is the text of the reference page.
macro_rules! keys {
    ($($(#[doc = $doc:literal])+ $name:ident: $shape:ty = $path:literal, $value:expr, $presence:expr;)+) => {
        $(
            $(#[doc = $doc])+
            pub(crate) static $name: $crate::declare::Key<$shape> = $crate::declare::Key {
                path: $path,
                shape: $value,
                presence: $presence,
                doc: concat!($($doc, "\n"),+),
            };
        )+
        /// The keys declared here, in order.
        pub(crate) static KEYS: &[&dyn $crate::declare::Declared] = &[$(&$name),+];
    };
}
pub(crate) use keys;
