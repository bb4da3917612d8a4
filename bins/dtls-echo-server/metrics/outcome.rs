//! Words for how handshakes, sessions and reloads end.

use dtls_session::{Closed, ClosedBy, HandshakeError};
use metrics::{Counter, counter};

/// How a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    ClosedByPeer,
    Idle,
    Replaced,
    Stopped,
    Failed,
}

impl From<&Closed> for Ending {
    fn from(closed: &Closed) -> Self {
        match closed.by {
            ClosedBy::Peer => Self::ClosedByPeer,
            ClosedBy::Us => Self::Stopped,
            ClosedBy::Replaced => Self::Replaced,
            ClosedBy::Idle(_) => Self::Idle,
            _ => Self::Failed,
        }
    }
}

pub(super) fn session(ending: Ending) -> Counter {
    let reason = match ending {
        Ending::ClosedByPeer => "closed_by_peer",
        Ending::Idle => "idle",
        Ending::Replaced => "replaced",
        Ending::Stopped => "stopped",
        Ending::Failed => "failed",
    };
    counter!("dtls_sessions_ended_total", "reason" => reason)
}

/// Why a handshake has made no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure(&'static str);

impl Failure {
    /// The server stopped before the handshake had ended.
    pub(crate) const STOPPED: Self = Self("stopped");

    const ALL: [Self; 14] = [
        Self("timed_out"),
        Self("peer_alert"),
        Self("certificate_refused"),
        Self("no_common_cipher"),
        Self("no_common_protocol"),
        Self("no_common_version"),
        Self("psk_unproven"),
        Self("evicted"),
        Self("replaced"),
        Self("no_longer_welcome"),
        Self::STOPPED,
        Self("pipe"),
        Self("openssl"),
        Self("other"),
    ];
}

impl From<&HandshakeError> for Failure {
    fn from(error: &HandshakeError) -> Self {
        Self(match error {
            HandshakeError::TimedOut { .. } | HandshakeError::MessageTooLong { .. } => "timed_out",
            HandshakeError::PeerAlert(_) => "peer_alert",
            HandshakeError::CertificateRefused { .. } => "certificate_refused",
            HandshakeError::NoCommonCipher => "no_common_cipher",
            HandshakeError::NoCommonProtocol => "no_common_protocol",
            HandshakeError::NoCommonVersion => "no_common_version",
            HandshakeError::PskUnproven { .. } => "psk_unproven",
            HandshakeError::Evicted => "evicted",
            HandshakeError::Replaced => "replaced",
            HandshakeError::NoLongerWelcome => "no_longer_welcome",
            HandshakeError::Pipe(_) => "pipe",
            HandshakeError::OpenSsl(_) => "openssl",
            _ => "other",
        })
    }
}

pub(super) fn failed_handshake(Failure(reason): Failure) -> Counter {
    counter!("dtls_handshakes_failed_total", "reason" => reason)
}

pub(super) fn reload(succeeded: bool) -> Counter {
    let outcome = if succeeded { "success" } else { "failure" };
    counter!("dtls_reloads_total", "outcome" => outcome)
}

/// Starts at zero what would otherwise be missing until it happens first.
pub(super) fn start() {
    use Ending::*;
    for ending in [ClosedByPeer, Idle, Replaced, Stopped, Failed] {
        session(ending).increment(0);
    }
    for failure in Failure::ALL {
        failed_handshake(failure).increment(0);
    }
    for succeeded in [true, false] {
        reload(succeeded).increment(0);
    }
}
