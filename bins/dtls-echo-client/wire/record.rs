//! Records (RFC 6347 4.1).

use std::borrow::Cow;

use dtls_session::Alert;
use serde::Serialize;

use super::{Message, Unparsed, names, reader::Reader};

/// One record: its header, and what is in it while there are no keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Record {
    #[serde(skip)]
    pub(crate) content: u8,
    pub(crate) content_type: Cow<'static, str>,
    pub(crate) version: Cow<'static, str>,
    /// Of DTLS 1.3's protected records only the two lowest bits.
    pub(crate) epoch: u16,
    /// None where it is encrypted, too.
    pub(crate) sequence: Option<u64>,
    /// Of what stands behind the header.
    pub(crate) length: usize,
    pub(crate) encrypted: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) messages: Vec<Message>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) alert: Option<AlertRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unparsed: Option<Unparsed>,
}

/// What an alert says (RFC 5246 7.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct AlertRecord {
    #[serde(skip)]
    pub(crate) number: Alert,
    pub(crate) level: Cow<'static, str>,
    pub(crate) description: String,
}

impl Record {
    /// Takes the first record off a datagram; None, and nothing is taken, where no whole one of DTLS
    /// stands.
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let mut ahead = *reader;
        let content = ahead.u8()?;
        if content >> 5 == 0b001 {
            return Self::decode_unified(reader);
        }
        let version = ahead.u16()?;
        let epoch = ahead.u16()?;
        let sequence = ahead.number(6)?;
        let body = ahead.vector(2)?.rest();
        let mut record = Self {
            content,
            content_type: names::content_type(content)?,
            version: names::version(version),
            epoch,
            sequence: Some(sequence),
            length: body.len(),
            encrypted: epoch > 0,
            messages: Vec::new(),
            alert: None,
            unparsed: None,
        };
        if epoch == 0 {
            record.read(body);
        }
        *reader = ahead;
        Some(record)
    }

    /// Takes a protected record of DTLS 1.3 (RFC 9147 4), whose first byte is 001CSLEE. Where it has a
    /// connection ID (C), nobody can tell how long that is.
    fn decode_unified(reader: &mut Reader<'_>) -> Option<Self> {
        let mut ahead = *reader;
        let first = ahead.u8()?;
        let bit = |bit: u8| first & bit != 0;
        if bit(0b1_0000) {
            return None;
        }
        ahead.take(if bit(0b1000) { 2 } else { 1 })?;
        let length = if bit(0b100) {
            ahead.vector(2)?.rest().len()
        } else {
            // It ends with its datagram.
            let length = ahead.rest().len();
            ahead.take(length)?.len()
        };
        *reader = ahead;
        Some(Self {
            content: first,
            content_type: Cow::Borrowed("ciphertext"),
            version: names::version(0xfefc),
            epoch: u16::from(first & 0b11),
            sequence: None,
            length,
            encrypted: true,
            messages: Vec::new(),
            alert: None,
            unparsed: None,
        })
    }

    fn read(&mut self, body: &[u8]) {
        let rest = match (self.content, body) {
            (content::HANDSHAKE, _) => {
                let mut reader = Reader::new(body);
                while let Some(message) = Message::decode(&mut reader) {
                    self.messages.push(message);
                }
                reader.rest()
            }
            (content::ALERT, [_, _]) => {
                self.alert = AlertRecord::decode(body);
                &[]
            }
            (content::CHANGE_CIPHER_SPEC, [1]) => &[],
            _ => body,
        };
        self.unparsed = Unparsed::of(rest);
    }

    /// Whether it is encrypted, and OpenSSL tells what is in it.
    pub(crate) fn may_be_opened(&self) -> bool {
        self.encrypted && matches!(self.content, content::ALERT | content::HANDSHAKE)
    }

    pub(crate) fn is_change_cipher_spec(&self) -> bool {
        self.content == content::CHANGE_CIPHER_SPEC
    }
}

impl AlertRecord {
    /// Reads a level and a description.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let [level, description] = *bytes else {
            return None;
        };
        let number = Alert::new(description);
        Some(Self {
            number,
            level: names::alert_level(level),
            description: number.to_string(),
        })
    }
}

/// Content types (RFC 5246 6.2.1).
pub(crate) mod content {
    pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
    pub(crate) const ALERT: u8 = 21;
    pub(crate) const HANDSHAKE: u8 = 22;
}
