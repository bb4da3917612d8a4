//! Records of either form.

use crate::{Encode, EncodeError, Encoder, Malformed, Record, UnifiedRecord};

/// A record, whichever header it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnyRecord<'a> {
    /// A record with a full header.
    Full(Record<'a>),
    /// A protected record of DTLS 1.3.
    Unified(UnifiedRecord<'a>),
}

impl<'a> AnyRecord<'a> {
    /// Splits the first record off a datagram, and returns what stands behind it.
    ///
    /// # Errors
    ///
    /// No whole record stands there, or one with a connection ID.
    #[inline]
    pub fn split(datagram: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        Self::split_with_cid(datagram, 0)
    }

    /// Splits as [`split`](Self::split), where records may have a connection ID of so many bytes.
    ///
    /// # Errors
    ///
    /// As [`split`](Self::split). A connection ID of no bytes is never sent.
    #[inline]
    pub fn split_with_cid(
        datagram: &'a [u8],
        cid_length: usize,
    ) -> Result<(Self, &'a [u8]), Malformed> {
        if datagram.first().copied().is_some_and(UnifiedRecord::starts) {
            let (record, rest) = UnifiedRecord::split_with_cid(datagram, cid_length)?;
            return Ok((Self::Unified(record), rest));
        }
        let (record, rest) = Record::split_with_cid(datagram, cid_length)?;
        Ok((Self::Full(record), rest))
    }

    /// Returns the receiver's connection ID; empty where there is none.
    pub const fn connection_id(&self) -> &'a [u8] {
        match self {
            Self::Full(record) => record.connection_id,
            Self::Unified(record) => record.connection_id,
        }
    }

    /// Returns what the record carries.
    pub const fn body(&self) -> &'a [u8] {
        match self {
            Self::Full(record) => record.body,
            Self::Unified(record) => record.body,
        }
    }

    /// Returns the length on the wire in bytes, header included.
    #[inline]
    pub const fn wire_len(&self) -> usize {
        match self {
            Self::Full(record) => record.wire_len(),
            Self::Unified(record) => record.wire_len(),
        }
    }
}

impl Encode for AnyRecord<'_> {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<(), EncodeError> {
        match self {
            Self::Full(record) => record.encode(to),
            Self::Unified(record) => record.encode(to),
        }
    }
}
