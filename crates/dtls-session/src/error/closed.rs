//! Why a session has ended.

use std::{error::Error, fmt, io, sync::Arc, time::Duration};

use super::{failure::Failure, reason};
use crate::alert::Alert;

/// Why a session has ended.
///
/// ```
/// use dtls_session::{Closed, ClosedBy};
///
/// /// Whether the client goes on with a new session.
/// fn reconnects(closed: &Closed) -> bool {
///     !matches!(closed.by, ClosedBy::Us | ClosedBy::Replaced)
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Closed {
    /// Who or what has ended it.
    pub by: ClosedBy,
}

/// Who or what has ended a session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClosedBy {
    /// The peer, by its close_notify (RFC 5246 7.2.1).
    ///
    /// A client sees it at once after a resumed handshake if the server has taken back its key or certificate:
    /// its next try should not resume. It also follows the peer's idle timeout.
    Peer,
    /// This side, by [`Session::close`](crate::Session::close) or by dropping it.
    Us,
    /// The peer's next session from the same address (RFC 6347 4.2.8).
    Replaced,
    /// The [idle timeout](crate::SessionConfig::idle_timeout): nothing authentic came for so long.
    Idle(Duration),
    /// The peer, by a fatal alert.
    Alert(Alert),
    /// The pipe below, which has ended.
    Pipe(Arc<io::Error>),
    /// The keys, which may protect no more records, or have met too many forged records (RFC 9147 4.5.3).
    ///
    /// Only a new session has new keys. [`Session::key_usage`](crate::Session::key_usage) tells how near the limit
    /// is, so that the next session can begin before this one ends.
    KeyLimit,
    /// An error of the records after which the session cannot go on.
    Records(Arc<dyn Error + Send + Sync>),
}

impl Closed {
    pub(crate) fn by(by: ClosedBy) -> Self {
        Self { by }
    }

    /// Whether it ended as it should: with a close_notify.
    pub fn is_orderly(&self) -> bool {
        matches!(self.by, ClosedBy::Peer | ClosedBy::Us)
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.by {
            ClosedBy::Peer => f.write_str("the peer has closed the session"),
            ClosedBy::Us => f.write_str("the session is closed"),
            ClosedBy::Replaced => f.write_str("the peer has started a new session"),
            ClosedBy::Idle(time) => write!(f, "the peer was silent for {time:?}"),
            ClosedBy::Alert(alert) => {
                write!(f, "the peer ended the session with the alert {alert}")
            }
            ClosedBy::Pipe(_) => f.write_str("the datagram pipe ended"),
            ClosedBy::KeyLimit => f.write_str(
                "the session's keys have protected as much as they may: a new session has new ones",
            ),
            ClosedBy::Records(_) => f.write_str("OpenSSL ended the session"),
        }
    }
}

impl Error for Closed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.by {
            ClosedBy::Pipe(error) => Some(&**error),
            ClosedBy::Records(error) => Some(&**error),
            _ => None,
        }
    }
}

impl From<Failure> for Closed {
    fn from(failure: Failure) -> Self {
        Self::by(match failure {
            Failure::Replaced => ClosedBy::Replaced,
            Failure::Alert(alert) => ClosedBy::Alert(alert),
            Failure::KeyLimit => ClosedBy::KeyLimit,
            Failure::Pipe(error) => ClosedBy::Pipe(Arc::new(error)),
            Failure::OpenSsl(error) => match reason::peer_alert(&error) {
                Some(alert) => ClosedBy::Alert(alert),
                None => ClosedBy::Records(Arc::new(error)),
            },
        })
    }
}

impl From<Closed> for io::Error {
    fn from(closed: Closed) -> Self {
        let kind = match &closed.by {
            ClosedBy::Peer | ClosedBy::Us => io::ErrorKind::BrokenPipe,
            ClosedBy::Replaced => io::ErrorKind::ConnectionReset,
            ClosedBy::Idle(_) => io::ErrorKind::TimedOut,
            ClosedBy::Alert(_) => io::ErrorKind::ConnectionAborted,
            ClosedBy::Pipe(error) => error.kind(),
            ClosedBy::KeyLimit => io::ErrorKind::QuotaExceeded,
            ClosedBy::Records(_) => io::ErrorKind::InvalidData,
        };
        Self::new(kind, closed)
    }
}
