//! A pre-shared key that a handshake waits for.

pub(crate) mod inquiry;
