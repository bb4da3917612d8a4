//! Why a server that was named could not be connected to.

use std::{io, net::SocketAddr};

use thiserror::Error;

use crate::error::HandshakeError;

/// Why [`Connector::connect_to`](crate::Connector::connect_to) and
/// [`Connector::reconnect`](crate::Connector::reconnect) made no session.
///
/// Where several addresses failed it is the last one that answered anything, or else the first.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The text names no server.
    #[error(
        "{server:?} is no server's address: HOST:PORT is needed, an IPv6 address in brackets, and a port \
         from 1 to 65535"
    )]
    Address {
        /// The text.
        server: String,
    },
    /// The name could not be looked up.
    #[error("cannot resolve {host}")]
    Resolve {
        /// The name.
        host: String,
        /// Why not.
        source: io::Error,
    },
    /// There is no address to try.
    #[error("{host} has no address")]
    NoAddress {
        /// The name.
        host: String,
    },
    /// A server's side of a session has no server to go back to.
    #[error("this session is a server's, which has no server to connect to again")]
    NoServer,
    /// There is no socket to be had for this address.
    #[error("cannot open a socket for {peer}")]
    Socket {
        /// The server's address.
        peer: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The handshake with this address made no session.
    #[error("cannot connect to {peer}")]
    Handshake {
        /// The server's address.
        peer: SocketAddr,
        /// Why not.
        source: HandshakeError,
    },
}

impl ConnectError {
    /// Whether nothing came from the address, so that another one's failure says more.
    pub(crate) fn is_silence(&self) -> bool {
        matches!(
            self,
            Self::Socket { .. }
                | Self::Handshake {
                    source: HandshakeError::TimedOut { heard: false, .. },
                    ..
                }
        )
    }
}
