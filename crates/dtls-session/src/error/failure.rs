//! What ends a record layer.

use std::io;

use openssl::error::ErrorStack;

/// Why the record layer can go no further.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The peer has started anew, and its datagrams go to the session's successor.
    Replaced,
    Pipe(io::Error),
    OpenSsl(ErrorStack),
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
}
