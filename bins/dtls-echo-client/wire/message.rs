//! Handshake messages (RFC 6347 4.2.2), as they are shown.

use std::borrow::Cow;

use dtls_wire::{Fragment, HandshakeType};
use serde::Serialize;

use super::{Hello, names};

/// One message, or a fragment of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Message {
    #[serde(skip)]
    pub(crate) kind: HandshakeType,
    pub(crate) name: Cow<'static, str>,
    /// Of the whole message, without its header.
    pub(crate) length: usize,
    pub(crate) sequence: u16,
    pub(crate) fragment_offset: usize,
    pub(crate) fragment_length: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hello: Option<Hello>,
}

impl Message {
    pub(super) fn of(fragment: &Fragment<'_>) -> Self {
        let kind = fragment.handshake_type;
        let hello = (fragment.offset == 0).then(|| Hello::of(fragment));
        Self {
            kind,
            name: names::shown(&kind, kind.name()),
            length: fragment.message_length,
            sequence: fragment.message_sequence,
            fragment_offset: fragment.offset,
            fragment_length: fragment.body.len(),
            hello: hello.flatten(),
        }
    }
}
