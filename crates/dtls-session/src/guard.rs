//! A handshake's, and later a session's, place in the limits of whoever serves it.

use std::{
    sync::Weak,
    task::{Context, Poll},
};

/// What can be told to close.
pub(crate) trait Close: Send + Sync {
    fn close(&self);
}

/// A place, which is free again when this is dropped.
pub(crate) trait Guard: Send {
    /// Whether the same client has failed a short while ago.
    fn repeats(&self) -> bool;

    /// Waits until the place was given to another.
    fn poll_evicted(&self, cx: &Context<'_>) -> Poll<()>;

    /// The record number in which the client's hello has come again, or 0.
    fn hello(&self) -> u64;

    /// Makes this a session's place; false if it was given to another in the last moment.
    fn establish(&mut self, resumed: bool) -> bool;

    /// Lets the session be closed by its listener; false if it is to close at once.
    #[must_use]
    fn closes(&self, session: Weak<dyn Close>) -> bool;
}
