//! Words for how handshakes, sessions and reloads end.

use std::io;

use dtls_session::HandshakeError;
use echo_codec::ServeError;
use metrics::{Counter, counter};

/// How a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    ClosedByPeer,
    Idle,
    Stopped,
    Failed,
}

impl From<&ServeError<io::Error>> for Ending {
    fn from(error: &ServeError<io::Error>) -> Self {
        match error {
            ServeError::Recv(error) if error.kind() == io::ErrorKind::TimedOut => Self::Idle,
            _ => Self::Failed,
        }
    }
}

pub(super) fn session(ending: Ending) -> Counter {
    let reason = match ending {
        Ending::ClosedByPeer => "closed_by_peer",
        Ending::Idle => "idle",
        Ending::Stopped => "stopped",
        Ending::Failed => "failed",
    };
    counter!("dtls_sessions_ended_total", "reason" => reason)
}

pub(super) fn failed_handshake(error: &HandshakeError) -> Counter {
    let reason = match error {
        HandshakeError::TimedOut { .. } => "timed_out",
        HandshakeError::CertificateRefused { .. } => "certificate_refused",
        HandshakeError::NoCommonCipher => "no_common_cipher",
        HandshakeError::NoCommonProtocol => "no_common_protocol",
        HandshakeError::NoCommonVersion => "no_common_version",
        HandshakeError::PeerAlert(_) => "peer_alert",
        HandshakeError::HelloRefused => "hello_refused",
        HandshakeError::Evicted => "evicted",
        HandshakeError::NoLongerWelcome => "no_longer_welcome",
        HandshakeError::Pipe(_) => "pipe",
        HandshakeError::OpenSsl(_) => "openssl",
        _ => "other",
    };
    counter!("dtls_handshakes_failed_total", "reason" => reason)
}

pub(super) fn reload(succeeded: bool) -> Counter {
    let outcome = if succeeded { "success" } else { "failure" };
    counter!("dtls_reloads_total", "outcome" => outcome)
}

/// Starts at zero what would otherwise be missing until it happens first.
pub(super) fn start() {
    use Ending::*;
    for ending in [ClosedByPeer, Idle, Stopped, Failed] {
        session(ending).increment(0);
    }
    failed_handshake(&HandshakeError::Evicted).increment(0);
    for succeeded in [true, false] {
        reload(succeeded).increment(0);
    }
}
