//! The stateless cookie exchange (RFC 6347 4.2.1), without I/O: it may use `credentials` and what that may use.

pub(crate) mod clock;
pub(crate) mod gate;
pub(crate) mod hello;
pub(crate) mod key;
pub(crate) mod opening;
