//! What one hello has that others have not.

/// Which hello starts a handshake.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening {
    pub(crate) random: [u8; 32],
    /// The number of its message: it grows where the client was asked for another cookie.
    pub(crate) message: u16,
}

impl Opening {
    /// Whether a client that has sent this hello has no use any more for an answer to the other.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self.random == other.random && self.message >= other.message
    }
}
