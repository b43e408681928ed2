//! A look at the plaintext on its way, for whoever wants one.

/// Which way bytes go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// From the server.
    ToClient,
    /// From the client.
    ToServer,
}

/// Sees the plaintext of a tunnel, in order and once, before it is sealed for the other side.
///
/// Pieces are cut wherever a read was: an inspector that wants packets keeps its own place. It is called on the hot
/// path, and must neither wait nor allocate by habit. [`NoInspector`] compiles to nothing.
///
/// It cannot hold bytes back: a rule that ends a tunnel does so through the `stop` that the caller passes to the
/// relay, and at present the piece in hand still goes out.
pub trait Inspect: Send {
    /// Looks at the next piece of `direction`.
    fn inspect(&mut self, direction: Direction, plaintext: &[u8]);
}

/// Looks at nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoInspector;

impl Inspect for NoInspector {
    #[inline(always)]
    fn inspect(&mut self, _direction: Direction, _plaintext: &[u8]) {}
}
