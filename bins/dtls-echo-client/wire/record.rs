//! Records (RFC 6347 4.1), as they are shown.

use std::borrow::Cow;

use dtls_session::Alert;
use dtls_wire::{
    AnyRecord, ChangeCipherSpec, ContentType, Decode, ProtocolVersion, UnifiedRecord, fragments,
};
use serde::Serialize;

use super::{Message, Unparsed, names};

/// One record: its header, and what is in it while there are no keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Record {
    /// None where it is hidden, as in DTLS 1.3's protected records.
    #[serde(skip)]
    pub(crate) content: Option<ContentType>,
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
    /// Reads a record; None where its type is none of DTLS.
    pub(super) fn of(record: &AnyRecord<'_>) -> Option<Self> {
        match record {
            AnyRecord::Full(record) => Self::of_full(record),
            AnyRecord::Unified(record) => Some(Self::of_unified(record)),
        }
    }

    fn of_full(full: &dtls_wire::Record<'_>) -> Option<Self> {
        let mut record = Self {
            content: Some(full.content_type),
            content_type: Cow::Borrowed(full.content_type.name()?),
            version: names::shown(&full.version, full.version.name()),
            epoch: full.epoch,
            sequence: Some(full.sequence),
            length: full.body.len(),
            encrypted: full.epoch > 0,
            messages: Vec::new(),
            alert: None,
            unparsed: None,
        };
        if full.epoch == 0 {
            record.read(full.content_type, full.body);
        }
        Some(record)
    }

    fn of_unified(unified: &UnifiedRecord<'_>) -> Self {
        Self {
            content: None,
            content_type: Cow::Borrowed("ciphertext"),
            version: Cow::Owned(ProtocolVersion::DTLS_1_3.to_string()),
            epoch: unified.epoch.into(),
            sequence: None,
            length: unified.body.len(),
            encrypted: true,
            messages: Vec::new(),
            alert: None,
            unparsed: None,
        }
    }

    fn read(&mut self, content: ContentType, body: &[u8]) {
        let rest = match content {
            ContentType::HANDSHAKE => {
                let mut fragments = fragments(body);
                let whole = fragments.by_ref().map_while(Result::ok);
                self.messages = whole.map(|fragment| Message::of(&fragment)).collect();
                fragments.rest()
            }
            ContentType::ALERT => {
                self.alert = AlertRecord::of(body);
                if self.alert.is_some() { &[] } else { body }
            }
            ContentType::CHANGE_CIPHER_SPEC if ChangeCipherSpec::parse(body).is_ok() => &[],
            _ => body,
        };
        self.unparsed = Unparsed::of(rest);
    }

    /// Whether it is encrypted, and OpenSSL tells what is in it.
    pub(crate) fn may_be_opened(&self) -> bool {
        let told = [ContentType::ALERT, ContentType::HANDSHAKE];
        self.encrypted && self.content.is_some_and(|content| told.contains(&content))
    }

    pub(crate) fn is_change_cipher_spec(&self) -> bool {
        self.content == Some(ContentType::CHANGE_CIPHER_SPEC)
    }

    /// Whether only handshakes have such.
    pub(crate) fn is_of_handshake(&self) -> bool {
        self.content == Some(ContentType::HANDSHAKE) || self.is_change_cipher_spec()
    }
}

impl AlertRecord {
    /// Reads a level and a description.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let alert = dtls_wire::Alert::parse(bytes).ok()?;
        Some(Self {
            number: Alert::new(alert.description.number()),
            level: names::shown(&alert.level, alert.level.name()),
            description: alert.description.to_string(),
        })
    }
}
