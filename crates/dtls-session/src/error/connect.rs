//! Servers that cannot be reached.

use std::{io, net::SocketAddr};

use thiserror::Error;

use super::handshake::HandshakeError;

/// Why there is no session with a server that was named.
///
/// The message names only the step that failed, such as `cannot connect to 192.0.2.1:5684`. The cause is in
/// [`source`](std::error::Error::source), so print the whole chain: with `anyhow`, `{:#}` does so.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// What was named is no server.
    #[error("`{server}` is not HOST:PORT, with brackets around an IPv6 address")]
    Form {
        /// What was named.
        server: String,
    },
    /// The name could not be looked up.
    #[error("cannot resolve {host}")]
    Resolve {
        /// The name.
        host: String,
        /// The resolver's error.
        source: io::Error,
    },
    /// There is no address to connect to.
    #[error("there is no address to connect to")]
    NoAddress,
    /// No socket could be opened.
    #[error("cannot open a UDP socket for {peer}")]
    Socket {
        /// The server's.
        peer: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// A handshake failed.
    #[error("cannot connect to {peer}")]
    Handshake {
        /// The server's address.
        peer: SocketAddr,
        /// Why it failed.
        source: HandshakeError,
    },
}

impl ConnectError {
    /// How much it says of the server: what one address answered goes before another's silence, and
    /// both before a network that this machine is not in.
    pub(crate) fn weight(&self) -> u8 {
        match self {
            Self::Handshake { source, .. } if source.is_silence() => 1,
            Self::Handshake { .. } => 2,
            _ => 0,
        }
    }
}
