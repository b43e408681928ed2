//! `table!`: one declaration a key gives the key, the field of the checked type and how it is read; its form prints it, and
//! manual and schema are made of it.

/// Declares a table of the file.
///
/// ```text
/// table! {
///     /// What the table is for.
///     pub struct LimitsConfig, keys LimitsKeys;
///     at LIMITS, KEYS = "limits", Presence::Optional;
///     fields {
///         /// What the key means and where its number comes from: the manual's text.
///         idle: Duration = Span => Span { … }, default("\"1h\"");
///     }
/// }
/// ```
///
/// - `field as "key"` where the file's word is not the field's.
/// - `default("…")` (TOML), `required`, or `optional`: then the field is an `Option`.
/// - `again NAME, KEYS = "pattern", "What it is for.", as "first.pattern";` where the same table stands in another place too.
macro_rules! table {
    (
        $(#[doc = $doc:literal])+
        pub struct $Config:ident, keys $Keys:ident;
        at $AT:ident, $KEYS:ident = $pattern:literal, $presence:expr;
        $(again $AGAIN:ident, $AGAIN_KEYS:ident = $again:literal, $again_doc:literal, as $first:literal;)*
        fields $fields:tt
    ) => {
        $crate::one_declaration::table! { @types [$(#[doc = $doc])+] $Config $Keys $fields }
        $crate::one_declaration::table! { @at $Keys $AT $KEYS $pattern [concat!($($doc, "\n"),+)] [$presence] $fields }
        $($crate::one_declaration::table! { @again $Keys $AGAIN $AGAIN_KEYS $again $again_doc $first $fields })*
    };
    (@types [$(#[doc = $doc:literal])+] $Config:ident $Keys:ident {
        $($(#[doc = $text:literal])+
        $field:ident $(as $key:literal)?: $type:ty = $form:ty => $value:expr, $mode:ident $(($default:literal))?;)+
    }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, Eq, PartialEq)]
        pub struct $Config {
            $($(#[doc = $text])+ pub $field: $crate::one_declaration::table!(@type $mode $type),)+
        }

        /// The keys of the table in one place.
        pub(crate) struct $Keys {
            /// The table itself.
            pub(crate) table: $crate::declare::Key<$crate::forms::Section>,
            $($(#[doc = $text])+ pub(crate) $field: $crate::declare::Key<$form>,)+
        }

        impl $Config {
            /// Reads every key, whatever comes of the others.
            fn read_keys(table: &$crate::table::Table<'_>, keys: &'static $Keys) -> Option<$Config> {
                $(let $field = table.read(&keys.$field).and_then(|value| <$type>::try_from(value).ok());)+
                Some($Config { $($field: $crate::one_declaration::table!(@value $mode $field),)+ })
            }
        }
    };
    (@at $Keys:ident $AT:ident $KEYS:ident $pattern:literal [$doc:expr] [$presence:expr] {
        $($(#[doc = $text:literal])+
        $field:ident $(as $key:literal)?: $type:ty = $form:ty => $value:expr, $mode:ident $(($default:literal))?;)+
    }) => {
        pub(crate) static $AT: $Keys = $Keys {
            table: $crate::one_declaration::table!(@key $pattern, $crate::forms::Section::TABLE, $presence, $doc),
            $($field: $crate::one_declaration::table!(
                @key concat!($pattern, ".", $crate::one_declaration::table!(@name $field $($key)?)),
                $value,
                $crate::one_declaration::table!(@presence $mode $(($default))?),
                concat!($($text, "\n"),+)
            ),)+
        };
        pub(crate) static $KEYS: &[&dyn $crate::declare::Declared] = &[&$AT.table, $(&$AT.$field),+];
    };
    (@again $Keys:ident $AT:ident $KEYS:ident $pattern:literal $doc:literal $first:literal {
        $($(#[doc = $text:literal])+
        $field:ident $(as $key:literal)?: $type:ty = $form:ty => $value:expr, $mode:ident $(($default:literal))?;)+
    }) => {
        pub(crate) static $AT: $Keys = $Keys {
            table: $crate::one_declaration::table!(
                @key $pattern, $crate::forms::Section::TABLE, $crate::declare::Presence::Optional, concat!($doc, "\n")
            ),
            $($field: $crate::one_declaration::table!(
                @key concat!($pattern, ".", $crate::one_declaration::table!(@name $field $($key)?)),
                $value,
                $crate::one_declaration::table!(@presence $mode $(($default))?),
                concat!(" As `", $first, ".", $crate::one_declaration::table!(@name $field $($key)?), "`.\n")
            ),)+
        };
        pub(crate) static $KEYS: &[&dyn $crate::declare::Declared] = &[&$AT.table, $(&$AT.$field),+];
    };
    (@key $path:expr, $shape:expr, $presence:expr, $doc:expr) => {
        $crate::declare::Key { path: $path, shape: $shape, presence: $presence, doc: $doc }
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $key:literal) => { $key };
    (@type optional $type:ty) => { Option<$type> };
    (@type $mode:ident $type:ty) => { $type };
    (@value optional $field:ident) => { $field };
    (@value $mode:ident $field:ident) => { $field? };
    (@presence default($default:literal)) => { $crate::declare::Presence::Default($default) };
    (@presence optional) => { $crate::declare::Presence::Optional };
    (@presence required) => { $crate::declare::Presence::Required };
}
pub(crate) use table;
