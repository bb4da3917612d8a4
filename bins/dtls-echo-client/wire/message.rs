//! Handshake messages (RFC 6347 4.2.2).

use std::borrow::Cow;

use serde::Serialize;

use super::{Hello, names, reader::Reader};

/// One message, or a fragment of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Message {
    #[serde(skip)]
    pub(crate) kind: u8,
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
    /// Takes the first fragment off a record; None, and nothing is taken, where none stands.
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let mut ahead = *reader;
        let kind = ahead.u8()?;
        let length = ahead.u24()?;
        let sequence = ahead.u16()?;
        let fragment_offset = ahead.u24()?;
        let body = ahead.vector(3)?.rest();
        *reader = ahead;
        let hello = (fragment_offset == 0).then(|| Hello::decode(kind, body, length));
        Some(Self {
            kind,
            name: names::message(kind),
            length,
            sequence,
            fragment_offset,
            fragment_length: body.len(),
            hello: hello.flatten(),
        })
    }
}

/// Message types (RFC 5246 7.4, RFC 6347 4.3.2).
pub(crate) mod kind {
    pub(crate) const CLIENT_HELLO: u8 = 1;
    pub(crate) const SERVER_HELLO: u8 = 2;
    pub(crate) const HELLO_VERIFY_REQUEST: u8 = 3;
    pub(crate) const FINISHED: u8 = 20;
}
