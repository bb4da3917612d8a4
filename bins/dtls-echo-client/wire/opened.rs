//! What is encrypted on the wire, and what the library says is in it.

use std::fmt;

use dtls_wire::{ContentType, Fragment, HandshakeType};
use serde::Serialize;

use super::{AlertRecord, Message};

/// A decrypted message or alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Opened {
    Message(Message),
    Alert(AlertRecord),
}

impl Opened {
    /// Takes what DTLS 1.2 encrypts, and leaves what stands on the wire for all to read: of the
    /// handshake only Finished is encrypted.
    pub(crate) fn of(content_type: u8, bytes: &[u8]) -> Option<Self> {
        match ContentType::new(content_type) {
            ContentType::HANDSHAKE => {
                let (fragment, _) = Fragment::split(bytes).ok()?;
                let finished = fragment.handshake_type == HandshakeType::FINISHED;
                finished.then(|| Self::Message(Message::of(&fragment)))
            }
            ContentType::ALERT => AlertRecord::of(bytes).map(Self::Alert),
            _ => None,
        }
    }
}

impl fmt::Display for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(message) => write!(
                f,
                "{} {} bytes, message {}",
                message.name, message.length, message.sequence
            ),
            Self::Alert(alert) => write!(f, "alert {} {}", alert.level, alert.description),
        }
    }
}
