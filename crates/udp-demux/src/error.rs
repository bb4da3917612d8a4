use std::{io, net::SocketAddr};

use thiserror::Error;

use crate::identifier::Identifier;

/// Why [`Endpoint::open`](crate::Endpoint::open) made no channel.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The peer has a channel already.
    #[error("{0} has a channel already")]
    AlreadyOpen(SocketAddr),
    /// As many channels as [`Config::max_channels`](crate::Config::max_channels) allows are live.
    #[error("the limit of live channels is reached")]
    LimitReached,
    /// The socket cannot reach an address of that family.
    #[error("the socket cannot reach the address family of {0}")]
    AddressFamily(SocketAddr),
    /// The address names no peer: its IP address is unspecified or its port is zero.
    #[error("{0} is no peer's address")]
    Unspecified(SocketAddr),
    /// The socket is dead.
    #[error("the socket is closed")]
    SocketClosed,
}

/// Why an [`Incoming`](crate::Incoming) became no channel.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// As many channels as [`Config::max_channels`](crate::Config::max_channels) allows are live.
    #[error("the limit of live channels is reached")]
    LimitReached,
    /// The socket is dead.
    #[error("the socket is closed")]
    SocketClosed,
}

/// Why a channel did not get an [identifier](crate::Channel::add_identifier).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdentifierError {
    /// Another channel has it.
    #[error("another channel has the identifier {0}")]
    InUse(Identifier),
    /// The channel has as many as [`Config::max_identifiers`](crate::Config::max_identifiers) allows.
    #[error("the channel has as many identifiers as it may")]
    LimitReached,
    /// Another channel of the same peer took this one's place. Final.
    #[error("another channel of the same peer replaced this one")]
    Replaced,
    /// The socket is dead. Final.
    #[error("the socket is closed")]
    SocketClosed,
}

/// Why a channel did not get another [peer's address](crate::Channel::set_peer).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SetPeerError {
    /// Another channel has the address, and could not be reached without it.
    #[error("another channel has the address {0}")]
    InUse(SocketAddr),
    /// The socket cannot reach an address of that family.
    #[error("the socket cannot reach the address family of {0}")]
    AddressFamily(SocketAddr),
    /// The address names no peer: its IP address is unspecified or its port is zero.
    #[error("{0} is no peer's address")]
    Unspecified(SocketAddr),
    /// Another channel of the same peer took this one's place. Final.
    #[error("another channel of the same peer replaced this one")]
    Replaced,
    /// The socket is dead. Final.
    #[error("the socket is closed")]
    SocketClosed,
}

/// Why a channel yielded no datagram.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecvError {
    /// The datagram does not fit; it stays for the next call.
    #[error("a datagram of {needed} bytes does not fit a buffer of {capacity} bytes")]
    BufferTooShort {
        /// The length of the datagram, in bytes.
        needed: usize,
        /// The length of the buffer, in bytes.
        capacity: usize,
    },
    /// Another channel of the same peer took this one's place. Final.
    #[error("another channel of the same peer replaced this one")]
    Replaced,
    /// The socket is dead. Final.
    #[error("the socket is closed")]
    SocketClosed,
}

/// Why a datagram was not sent.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SendError {
    /// The socket's send buffer is full. Only the calls that never wait return this.
    #[error("the send buffer of the socket is full")]
    WouldBlock,
    /// Another channel of the same peer took this one's place. Final.
    #[error("another channel of the same peer replaced this one")]
    Replaced,
    /// The socket is dead. Final.
    #[error("the socket is closed")]
    SocketClosed,
    /// The system refused this datagram; a later one may pass.
    #[error("the system did not send the datagram")]
    Io(#[source] io::Error),
}

impl From<OpenError> for io::Error {
    fn from(error: OpenError) -> Self {
        let kind = match error {
            OpenError::AlreadyOpen(_) => io::ErrorKind::AddrInUse,
            OpenError::LimitReached => io::ErrorKind::QuotaExceeded,
            OpenError::AddressFamily(_) => io::ErrorKind::Unsupported,
            OpenError::Unspecified(_) => io::ErrorKind::InvalidInput,
            OpenError::SocketClosed => io::ErrorKind::NotConnected,
        };
        Self::new(kind, error)
    }
}

impl From<AcceptError> for io::Error {
    fn from(error: AcceptError) -> Self {
        let kind = match error {
            AcceptError::LimitReached => io::ErrorKind::QuotaExceeded,
            AcceptError::SocketClosed => io::ErrorKind::NotConnected,
        };
        Self::new(kind, error)
    }
}

impl From<IdentifierError> for io::Error {
    fn from(error: IdentifierError) -> Self {
        let kind = match error {
            IdentifierError::InUse(_) => io::ErrorKind::AlreadyExists,
            IdentifierError::LimitReached => io::ErrorKind::QuotaExceeded,
            IdentifierError::Replaced => io::ErrorKind::ConnectionReset,
            IdentifierError::SocketClosed => io::ErrorKind::NotConnected,
        };
        Self::new(kind, error)
    }
}

impl From<SetPeerError> for io::Error {
    fn from(error: SetPeerError) -> Self {
        let kind = match error {
            SetPeerError::InUse(_) => io::ErrorKind::AddrInUse,
            SetPeerError::AddressFamily(_) => io::ErrorKind::Unsupported,
            SetPeerError::Unspecified(_) => io::ErrorKind::InvalidInput,
            SetPeerError::Replaced => io::ErrorKind::ConnectionReset,
            SetPeerError::SocketClosed => io::ErrorKind::NotConnected,
        };
        Self::new(kind, error)
    }
}

impl From<RecvError> for io::Error {
    fn from(error: RecvError) -> Self {
        let kind = match error {
            RecvError::BufferTooShort { .. } => io::ErrorKind::InvalidInput,
            RecvError::Replaced => io::ErrorKind::ConnectionReset,
            RecvError::SocketClosed => io::ErrorKind::NotConnected,
        };
        Self::new(kind, error)
    }
}

impl From<SendError> for io::Error {
    fn from(error: SendError) -> Self {
        let kind = match error {
            // The caller wants the system's error number, not our wrapping of it.
            SendError::Io(error) => return error,
            SendError::WouldBlock => io::ErrorKind::WouldBlock,
            SendError::Replaced => io::ErrorKind::ConnectionReset,
            SendError::SocketClosed => io::ErrorKind::NotConnected,
        };
        Self::new(kind, error)
    }
}
