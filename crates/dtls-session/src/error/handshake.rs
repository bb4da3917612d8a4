//! Handshakes that make no session.

use std::{io, time::Duration};

use thiserror::Error;

use super::{OpenSslError, failure::Failure, reason};
use crate::{alert::Alert, certificate::refusal::CertificateRefusal};

/// Why a handshake made no session.
///
/// Some causes, such as OpenSSL's own words, are in [`source`](std::error::Error::source), so print the whole
/// chain: with `anyhow`, `{:#}` does so.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The deadline passed, or every permitted repeat of a flight had gone unanswered.
    ///
    /// For a client with a pre-shared key and `heard: true`, the key may be wrong, or the server may not know the
    /// identity: DTLS servers answer both with silence. A client also sees it when the server is full or
    /// does not accept new clients.
    #[error(
        "the handshake was not finished within {after:?}: {}",
        if *.heard { "the peer stopped answering" } else { "nothing came back at all" }
    )]
    TimedOut {
        /// How long it had gone on.
        after: Duration,
        /// Whether any datagram had come from the peer.
        heard: bool,
    },
    /// The network refuses what is sent: most likely nobody listens on the peer's port.
    ///
    /// Anybody could have forged such messages (ICMP), so they are believed only once several
    /// datagrams in a row were refused, and the peer has been silent for a while.
    #[error("the peer cannot be reached")]
    Unreachable(#[source] io::Error),
    /// The handshake was not finished in time, and the peer had sent a longer message than is taken.
    #[error("the peer sends a message of {length} bytes, and up to {limit} are taken")]
    MessageTooLong {
        /// How many bytes the message has, as its header says; nothing vouches for that.
        length: usize,
        /// How many bytes are taken.
        limit: usize,
    },
    /// The peer's certificate was refused.
    #[error("the peer's certificate is refused: {0}")]
    CertificateRefused(Box<CertificateRefusal>),
    /// The two sides share no cipher suite, or no group or signature algorithm that one could be used with:
    /// OpenSSL tells these apart only now and then.
    #[error(
        "the two sides have no cipher suite in common, or no group or signature algorithm for one"
    )]
    NoCommonCipher,
    /// The client offers application protocols (ALPN), and the server has none of them.
    #[error("the two sides have no application protocol in common")]
    NoCommonProtocol,
    /// This client has no pre-shared key for the server's hint.
    #[error("there is no pre-shared key for this server")]
    NoPsk,
    /// The two sides share no protocol version.
    #[error("the two sides have no protocol version in common")]
    NoCommonVersion,
    /// The peer ended the handshake.
    ///
    /// Before there are keys an alert is not authenticated, so it is believed only once the peer
    /// has been silent for a while.
    #[error("the peer refused the handshake with the alert {0}")]
    PeerAlert(Alert),
    /// The client named a pre-shared key and has not proved that it has it.
    ///
    /// DTLS answers a wrong key with silence, as it does a lost message (RFC 6347 4.1.2.7).
    #[error(
        "{}",
        if *.known {
            "the client did not finish: it has another pre-shared key, or its last message was lost"
        } else {
            "there is no pre-shared key for the client's identity"
        }
    )]
    PskUnproven {
        /// The client's identity, any bytes.
        identity: Vec<u8>,
        /// Whether there is a key for it: then the client has another, or its last message was lost.
        known: bool,
    },
    /// Its place was given to another: the client had started anew, or it was the oldest of too
    /// many handshakes.
    #[error("the handshake had to make room for another")]
    Evicted,
    /// The client has resumed a session, but its key is not known any more, or its certificate is
    /// refused now.
    #[error("the client has resumed a session, and is not welcome any more")]
    NoLongerWelcome,
    /// No server can have the name.
    #[error("{name:?} is no server's name: it has a zero byte in it, or starts with a dot")]
    Name {
        /// The name.
        name: String,
    },
    /// The client has started anew from the same address, and its next handshake took the place.
    #[error("the client has started anew")]
    Replaced,
    /// The pipe below ended.
    #[error("the datagram pipe ended")]
    Pipe(#[source] io::Error),
    /// Anything else that OpenSSL found wrong.
    #[error("OpenSSL ended the handshake")]
    OpenSsl(#[from] OpenSslError),
}

impl HandshakeError {
    pub(crate) fn new(failure: Failure, refusal: impl FnOnce() -> CertificateRefusal) -> Self {
        let error = match failure {
            Failure::Replaced => return Self::Replaced,
            Failure::Pipe(error) => return Self::Pipe(error),
            Failure::Alert(alert) => return Self::from_alert(alert),
            // No handshake comes near it.
            Failure::KeyLimit => OpenSslError::new("no key is left".to_owned(), Vec::new()),
            Failure::OpenSsl(error) => error,
        };
        let any = |codes: &[i32]| error.reasons().iter().any(|reason| codes.contains(reason));
        if any(&reason::VERSION) {
            Self::NoCommonVersion
        } else if any(&reason::CIPHER) {
            Self::NoCommonCipher
        } else if any(&[reason::NO_PROTOCOL]) {
            Self::NoCommonProtocol
        } else if any(&[reason::NO_PSK]) {
            Self::NoPsk
        } else if any(&[reason::VERIFY_FAILED]) {
            Self::CertificateRefused(Box::new(refusal()))
        } else if any(&[reason::NO_CERTIFICATE]) {
            Self::CertificateRefused(Box::new(CertificateRefusal::missing()))
        } else if let Some(alert) = reason::peer_alert(&error) {
            Self::from_alert(alert)
        } else {
            Self::OpenSsl(error)
        }
    }

    pub(crate) fn from_alert(alert: Alert) -> Self {
        match alert {
            Alert::PROTOCOL_VERSION => Self::NoCommonVersion,
            alert => Self::PeerAlert(alert),
        }
    }

    /// Whether nothing came from the peer.
    pub(crate) fn is_silence(&self) -> bool {
        matches!(
            self,
            Self::TimedOut { heard: false, .. } | Self::Unreachable(_)
        )
    }

    /// Whether OpenSSL gave up on a flight that it had repeated as often as it does.
    pub(crate) fn is_exhaustion(&self) -> bool {
        matches!(self, Self::OpenSsl(error) if error.reasons().contains(&reason::TIMEOUT_EXPIRED))
    }
}
