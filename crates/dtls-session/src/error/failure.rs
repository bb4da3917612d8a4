//! What ends a record layer.

use std::io;

use super::{OpenSslError, reason};
use crate::alert::Alert;

/// Why the record layer can go no further.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The peer has started anew, and its datagrams go to the session's successor.
    Replaced,
    Pipe(io::Error),
    OpenSsl(OpenSslError),
    /// The peer's fatal alert.
    Alert(Alert),
    /// The keys have sealed, or borne of forgeries, as much as they may.
    KeyLimit,
}

impl Failure {
    /// Makes a failure of what the pipe reports of itself.
    pub(crate) fn of_pipe(error: io::Error) -> Self {
        let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
        match cause {
            Some(udp_demux::RecvError::Replaced) => Self::Replaced,
            _ => Self::Pipe(error),
        }
    }

    /// Whether the peer has said goodbye, if by an alert of the wrong level.
    pub(crate) fn is_close_notify(&self) -> bool {
        matches!(self, Self::OpenSsl(error) if reason::peer_alert(error) == Some(Alert::CLOSE_NOTIFY))
    }
}
