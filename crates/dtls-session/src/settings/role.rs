//! The two sides of a handshake.

/// Which side of the handshake this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

impl Role {
    /// How many bytes a message of the peer may have.
    pub(crate) fn max_message(self) -> usize {
        match self {
            // Above any certificate chain that is accepted.
            Self::Server => 32 * 1024,
            // OpenSSL's own limit, for a CertificateRequest may name authorities in 64 KiB.
            Self::Client => 100 * 1024,
        }
    }
}
