//! Datagrams that do not come or go.

use std::{io, sync::Arc, time::Duration};

use openssl::error::ErrorStack;
use thiserror::Error;

use super::reason;
use crate::{alert::Alert, record_layer::Failure};

/// Why nothing could be received.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum RecvError {
    /// The buffer is shorter than the datagram, which is still there for the next call.
    #[error("a datagram of {needed} bytes does not fit the buffer of {capacity}")]
    BufferTooShort {
        /// The datagram's length in bytes.
        needed: usize,
        /// The buffer's length in bytes.
        capacity: usize,
    },
    /// Nothing authentic came for the whole idle timeout.
    #[error("the peer was silent for {0:?}")]
    IdleTimedOut(Duration),
    /// The peer ended the session with a fatal alert.
    #[error("the peer ended the session with the alert {0}")]
    PeerAlert(Alert),
    /// The pipe below ended; a channel does so when its peer starts anew.
    #[error("the datagram pipe ended")]
    Pipe(#[source] Arc<io::Error>),
    /// OpenSSL found the session beyond repair.
    #[error("OpenSSL ended the session")]
    OpenSsl(#[from] ErrorStack),
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
    /// This side has been closed, or the peer has closed its own.
    #[error("the session is closed")]
    Closed,
    /// The session had ended, for the reason that receiving reports too.
    #[error("the session has ended")]
    Ended(#[source] RecvError),
}

impl From<Failure> for RecvError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Pipe(error) => Self::Pipe(Arc::new(error)),
            Failure::OpenSsl(stack) => {
                reason::peer_alert(&stack).map_or(Self::OpenSsl(stack), Self::PeerAlert)
            }
        }
    }
}

impl From<RecvError> for io::Error {
    fn from(error: RecvError) -> Self {
        let kind = match &error {
            RecvError::BufferTooShort { .. } => io::ErrorKind::InvalidInput,
            RecvError::IdleTimedOut(_) => io::ErrorKind::TimedOut,
            RecvError::PeerAlert(_) => io::ErrorKind::ConnectionAborted,
            RecvError::Pipe(error) => error.kind(),
            RecvError::OpenSsl(_) => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

impl From<SendError> for io::Error {
    fn from(error: SendError) -> Self {
        let kind = match &error {
            SendError::TooLarge { .. } | SendError::Empty => io::ErrorKind::InvalidInput,
            SendError::Closed | SendError::Ended(_) => io::ErrorKind::BrokenPipe,
        };
        Self::new(kind, error)
    }
}
