//! Datagrams that do not come or go.

use std::io;

use thiserror::Error;

use super::closed::Closed;

/// Why nothing could be received.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum RecvError {
    /// Nothing is there. Only [`Session::try_recv`](crate::Session::try_recv), which never waits, returns
    /// this.
    #[error("no datagram is there")]
    WouldBlock,
    /// The buffer is shorter than the datagram, which is still there for the next call.
    #[error("a datagram of {needed} bytes does not fit the buffer of {capacity}")]
    BufferTooShort {
        /// The datagram's length in bytes.
        needed: usize,
        /// The buffer's length in bytes.
        capacity: usize,
    },
    /// The session has ended without a close_notify.
    #[error(transparent)]
    Closed(Closed),
}

/// Why a session keeps its MTU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an MTU of {asked} bytes cannot be used: this session's has to be from {least} to {most}")]
#[non_exhaustive]
pub struct MtuError {
    /// What was asked for, in bytes.
    pub asked: usize,
    /// The least that OpenSSL works with, in bytes.
    pub least: usize,
    /// What the session was configured with, in bytes.
    pub most: usize,
}

/// Why a datagram was not sent.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum SendError {
    /// The pipe takes nothing at the moment. Only [`Session::try_send`](crate::Session::try_send), which
    /// never waits, returns this.
    #[error("the pipe takes nothing at the moment")]
    WouldBlock,
    /// The datagram would not fit the MTU; the session is as it was.
    #[error("a datagram of {size} bytes is too large: this session carries up to {max}")]
    TooLarge {
        /// The datagram's length in bytes.
        size: usize,
        /// The most that fits, in bytes.
        max: usize,
    },
    /// DTLS cannot carry an empty datagram in a way that peers would notice.
    #[error("an empty datagram cannot be sent")]
    Empty,
    /// The session has ended.
    #[error(transparent)]
    Closed(Closed),
}

impl From<RecvError> for io::Error {
    fn from(error: RecvError) -> Self {
        let kind = match error {
            RecvError::Closed(closed) => return closed.into(),
            RecvError::WouldBlock => io::ErrorKind::WouldBlock,
            RecvError::BufferTooShort { .. } => io::ErrorKind::InvalidInput,
        };
        Self::new(kind, error)
    }
}

impl From<SendError> for io::Error {
    fn from(error: SendError) -> Self {
        let kind = match error {
            SendError::Closed(closed) => return closed.into(),
            SendError::WouldBlock => io::ErrorKind::WouldBlock,
            SendError::TooLarge { .. } | SendError::Empty => io::ErrorKind::InvalidInput,
        };
        Self::new(kind, error)
    }
}
