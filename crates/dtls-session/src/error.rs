//! What can go wrong, one enum an operation.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use openssl::error::ErrorStack;
use thiserror::Error;

use crate::{alert::Alert, record_layer::Failure, refusal::Refusal, version::Version};

/// Why an acceptor or a connector could not be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The OpenSSL that is linked is too old.
    #[error("OpenSSL 3.0 or newer is needed, but this program is linked with {found}")]
    OpenSslTooOld {
        /// What the linked library says of itself.
        found: &'static str,
    },
    /// The MTU is outside [`SessionConfig::MTU`](crate::SessionConfig::MTU).
    #[error("an MTU of {asked} bytes cannot be used: it has to be from 256 to 16384")]
    Mtu {
        /// What was asked for, in bytes.
        asked: usize,
    },
    /// The OpenSSL that is linked does not have a version that was asked for.
    #[error("{version} needs {needed}, but this program is linked with {found}")]
    VersionUnavailable {
        /// What was asked for.
        version: Version,
        /// Which OpenSSL has it.
        needed: &'static str,
        /// What the linked library says of itself.
        found: &'static str,
    },
    /// The oldest version is newer than the newest.
    #[error("there is no version from {min} to {max}")]
    NoVersion {
        /// The oldest one asked for.
        min: Version,
        /// The newest one asked for.
        max: Version,
    },
    /// Something was asked for that would never happen.
    #[error("{what} has no effect without {needs}")]
    Pointless {
        /// What was asked for.
        what: &'static str,
        /// What is missing.
        needs: &'static str,
    },
    /// A list of preferences leaves nothing that OpenSSL could offer.
    #[error("the {what} list `{list}` has nothing in it that this OpenSSL knows")]
    Unusable {
        /// What is listed.
        what: &'static str,
        /// The list.
        list: String,
    },
    /// A name in a list of preferences means nothing.
    #[error("`{name}` is no {what} that this OpenSSL knows")]
    Unknown {
        /// What is listed.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A list of cipher suites has nothing for the certificates and keys that there are.
    #[error(
        "the cipher suite list `{list}` has nothing in it that goes with the kind of certificate or key that is used"
    )]
    NoSuiteLeft {
        /// The list.
        list: String,
    },
    /// OpenSSL uses no such key for a server before DTLS 1.3.
    #[error("a server of DTLS 1.2 cannot use a key of the kind {kind}: ECDSA or RSA is needed")]
    KeyUnusable {
        /// What the key is.
        kind: &'static str,
    },
    /// A list of cipher suites has some with CCM-8 in it, which were not allowed.
    #[error("the cipher suite list `{list}` has CCM-8 in it, which has to be allowed")]
    Ccm8 {
        /// The list.
        list: String,
    },
    /// OpenSSL refused a setting.
    #[error("OpenSSL refused the configuration")]
    OpenSsl(#[from] ErrorStack),
}

/// Why certificates or a key could not be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PemError {
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no PEM certificate in it.
    #[error(
        "no certificate found: a PEM block that starts with -----BEGIN CERTIFICATE----- is needed"
    )]
    NoCertificate,
    /// A certificate does not parse.
    #[error("a certificate does not parse")]
    Certificate(#[source] ErrorStack),
    /// The private key does not parse.
    #[error(
        "the private key does not parse: an unencrypted PEM key in PKCS#8, SEC1 or PKCS#1 form is needed"
    )]
    Key(#[source] ErrorStack),
    /// Certificate and key do not belong together.
    #[error("the private key does not belong to the first certificate of the chain")]
    Mismatch,
    /// OpenSSL could not go on.
    #[error("OpenSSL failed")]
    OpenSsl(#[from] ErrorStack),
}

/// Why a shared secret could not be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is none in it.
    #[error("there is no secret in it: {NEEDED}")]
    Missing,
    /// A line is something else.
    #[error("line {line} is not an even number of hexadecimal digits: {NEEDED}")]
    NotHex {
        /// Its number, from 1.
        line: usize,
    },
    /// A line's secret is too short.
    #[error("the secret in line {line} has {bytes} bytes: {NEEDED}")]
    ShortLine {
        /// Its number, from 1.
        line: usize,
        /// How long it is.
        bytes: usize,
    },
    /// A secret is too short.
    #[error("a secret of {bytes} bytes is too short: 32 or more are needed")]
    TooShort {
        /// How long it is.
        bytes: usize,
    },
}

const NEEDED: &str =
    "64 or more hexadecimal digits in one line are needed, as `openssl rand -hex 32` prints them";

/// Why a pre-shared key could not be used. Nothing repeats the key.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PskError {
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is none in it.
    #[error("there is no key in it: IDENTITY:KEY is needed, the key in hexadecimal digits")]
    Missing,
    /// A line is no key.
    #[error("line {line} is of no use")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        source: Box<Self>,
    },
    /// The identity of this line stands in an earlier one, too.
    #[error("the identity has a key already")]
    Twice,
    /// There is no colon.
    #[error("IDENTITY:KEY is needed, the key in hexadecimal digits")]
    Form,
    /// The identity is empty or too long, or has a zero byte.
    #[error("the identity has to have from 1 to 255 bytes, none of them zero")]
    Identity,
    /// The key is no even number of hexadecimal digits.
    #[error("the key has to be given in hexadecimal, two hexadecimal digits a byte")]
    NotHex,
    /// The key is empty or too long.
    #[error("the key has to have from 1 to 512 bytes")]
    Key,
}

/// Why bytes are nothing to resume a session by.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ResumptionError {
    /// They are not what was exported.
    #[error("this is no exported session")]
    Malformed(#[source] ErrorStack),
}

/// Why a handshake made no session.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The deadline passed, or every permitted repeat of a flight had gone unanswered.
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
    /// The peer's certificate was refused.
    #[error("the peer's certificate is refused: {0}")]
    CertificateRefused(Box<Refusal>),
    /// The two sides share no cipher suite.
    #[error("the two sides have no cipher suite in common")]
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
    /// The hello that a cookie was good for is no hello to OpenSSL.
    #[error("OpenSSL does not take the client's hello")]
    HelloRefused,
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
    /// The pipe below ended; a channel does so when its peer starts anew.
    #[error("the datagram pipe ended")]
    Pipe(#[source] io::Error),
    /// Anything else that OpenSSL found wrong.
    #[error("OpenSSL ended the handshake")]
    OpenSsl(#[from] ErrorStack),
}

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

impl HandshakeError {
    pub(crate) fn new(failure: Failure, refusal: impl FnOnce() -> Refusal) -> Self {
        let stack = match failure {
            Failure::Pipe(error) => return Self::Pipe(error),
            Failure::OpenSsl(stack) => stack,
        };
        let reasons: Vec<i32> = stack
            .errors()
            .iter()
            .map(|error| error.reason_code())
            .collect();
        let any = |codes: &[i32]| reasons.iter().any(|reason| codes.contains(reason));
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
            Self::CertificateRefused(Box::new(Refusal::missing()))
        } else if let Some(alert) = peer_alert(&stack) {
            Self::from_alert(alert)
        } else {
            Self::OpenSsl(stack)
        }
    }

    pub(crate) fn from_alert(alert: Alert) -> Self {
        match alert {
            Alert::PROTOCOL_VERSION => Self::NoCommonVersion,
            alert => Self::PeerAlert(alert),
        }
    }

    /// Whether OpenSSL gave up on a flight that it had repeated as often as it does.
    pub(crate) fn is_exhaustion(&self) -> bool {
        matches!(self, Self::OpenSsl(stack)
            if stack.errors().iter().any(|e| e.reason_code() == reason::TIMEOUT_EXPIRED))
    }
}

impl From<Failure> for RecvError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Pipe(error) => Self::Pipe(Arc::new(error)),
            Failure::OpenSsl(stack) => {
                peer_alert(&stack).map_or(Self::OpenSsl(stack), Self::PeerAlert)
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

fn peer_alert(stack: &ErrorStack) -> Option<Alert> {
    stack.errors().iter().find_map(|error| {
        let description = error.reason_code().checked_sub(reason::ALERT)?;
        u8::try_from(description).ok().map(Alert::new)
    })
}

/// OpenSSL's reason codes (`sslerr.h`).
mod reason {
    /// Added to the description of an alert that the peer sent.
    pub(super) const ALERT: i32 = 1000;
    pub(super) const VERIFY_FAILED: i32 = 134;
    pub(super) const NO_CERTIFICATE: i32 = 199;
    pub(super) const NO_PROTOCOL: i32 = 235;
    pub(super) const NO_PSK: i32 = 223;
    pub(super) const TIMEOUT_EXPIRED: i32 = 312;
    /// No shared cipher, no ciphers available, no suitable signature algorithm, no shared groups.
    pub(super) const CIPHER: [i32; 4] = [193, 181, 118, 410];
    /// Unsupported protocol, version too low or high, wrong version, no protocols available.
    pub(super) const VERSION: [i32; 6] = [258, 396, 166, 266, 267, 191];
}
