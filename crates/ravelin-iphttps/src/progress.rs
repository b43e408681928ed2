//! How far a head parser has come.

/// What a parser made of a push.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Progress<Head> {
    /// Every byte of the push was taken; the head goes on.
    NeedMore,
    /// The head is whole. Only the first so many bytes of this push belong to it; the rest is the tunnel's. A push after
    /// this one takes nothing and returns the same head with 0.
    Complete(Head, usize),
}
