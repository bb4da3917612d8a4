//! A handshake that made no session.

use std::error::Error;

use dtls_session::ConnectError;

use crate::watch::Watch;

/// Why there is no session, and what was seen of the server.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: ConnectError,
    /// None where no datagram could be sent.
    pub(crate) watch: Option<Watch>,
}

impl Failure {
    /// The error with its causes.
    pub(crate) fn describe(&self) -> String {
        let mut text = self.error.to_string();
        let mut cause = self.error.source();
        while let Some(error) = cause {
            text += &format!(": {error}");
            cause = error.source();
        }
        text
    }
}
