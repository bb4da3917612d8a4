//! What is encrypted on the wire, and what OpenSSL says is in it.

use std::fmt;

use serde::Serialize;

use super::{AlertRecord, Message, content, kind, reader::Reader};

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
        match content_type {
            content::HANDSHAKE => {
                let message = Message::decode(&mut Reader::new(bytes))?;
                (message.kind == kind::FINISHED).then_some(Self::Message(message))
            }
            content::ALERT => AlertRecord::decode(bytes).map(Self::Alert),
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
