//! Records with a full header.

use crate::{
    ContentType, Encode, EncodeError, Encoder, Fault, Fragments, Malformed, ProtocolVersion,
    UnifiedRecord, fragments,
};

/// A record with a full header: all of DTLS 1.2, and the plaintext of DTLS 1.3 (RFC 6347 4.1,
/// RFC 9147 4).
///
/// One of type [`ContentType::TLS12_CID`] has a connection ID (RFC 9146 4), whose length only
/// its receiver knows.
///
/// ```
/// use dtls_wire::{ContentType, Encode, Record};
///
/// let datagram = [23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 5, 0, 2, 7, 8, 22];
/// let (record, rest) = Record::split(&datagram)?;
/// assert_eq!(record.content_type, ContentType::APPLICATION_DATA);
/// assert_eq!((record.epoch, record.sequence), (1, 5));
/// assert_eq!((record.body, rest), (&[7, 8][..], &[22][..]));
/// assert_eq!(record.to_vec().unwrap(), datagram[..15]);
/// # Ok::<_, dtls_wire::Malformed>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// What the body is, or that it has its type within it.
    pub content_type: ContentType,
    /// What DTLS was negotiated, or is to be.
    pub version: ProtocolVersion,
    /// How many times the keys have changed.
    pub epoch: u16,
    /// The record's number within its epoch, of 48 bits.
    pub sequence: u64,
    /// The receiver's connection ID, where the type is [`ContentType::TLS12_CID`]; otherwise
    /// empty.
    pub connection_id: &'a [u8],
    /// What the record carries, protected in any epoch but 0.
    pub body: &'a [u8],
}

impl<'a> Record<'a> {
    /// The length of the header in bytes, without a connection ID.
    pub const HEADER: usize = HEADER;

    /// Splits the first record off a datagram, and returns what stands behind it.
    ///
    /// # Errors
    ///
    /// No whole record stands there, or one with a connection ID or a unified header.
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
        let Some((header, _)) = datagram.split_first_chunk::<HEADER>() else {
            return Err(Malformed::new("header", 0, Fault::CutOff));
        };
        let [content_type, v0, v1, e0, e1, s0, s1, s2, s3, s4, s5, _, _] = *header;
        if UnifiedRecord::starts(content_type) {
            return Err(Malformed::new("type", 0, Fault::Value));
        }
        let content_type = ContentType::new(content_type);
        let cid_length = match (content_type, cid_length) {
            (ContentType::TLS12_CID, 0) => return Err(Malformed::new("cid", CID, Fault::Length)),
            (ContentType::TLS12_CID, length) => length,
            _ => 0,
        };
        let Some((connection_id, behind)) = datagram[CID..].split_at_checked(cid_length) else {
            return Err(Malformed::new("cid", CID, Fault::CutOff));
        };
        let Some(([high, low], behind)) = behind.split_first_chunk() else {
            return Err(Malformed::new("length", CID + cid_length, Fault::CutOff));
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some((body, rest)) = behind.split_at_checked(length) else {
            return Err(Malformed::new(
                "fragment",
                HEADER + cid_length,
                Fault::CutOff,
            ));
        };
        let record = Self {
            content_type,
            version: ProtocolVersion::new(u16::from_be_bytes([v0, v1])),
            epoch: u16::from_be_bytes([e0, e1]),
            sequence: u64::from_be_bytes([0, 0, s0, s1, s2, s3, s4, s5]),
            connection_id,
            body,
        };
        Ok((record, rest))
    }

    /// Gives the record that `bytes` starts with the lower 48 bits of `sequence` for its number; without
    /// a whole header there, nothing is changed.
    #[inline]
    pub const fn set_sequence(bytes: &mut [u8], sequence: u64) {
        let [_, _, s0, s1, s2, s3, s4, s5] = sequence.to_be_bytes();
        if let [_, _, _, _, _, n0, n1, n2, n3, n4, n5, _, _, ..] = bytes {
            (*n0, *n1, *n2, *n3, *n4, *n5) = (s0, s1, s2, s3, s4, s5);
        }
    }

    /// Returns the handshake messages, whole or in parts, in a plaintext record of these; in any other
    /// there are none to be read.
    #[inline]
    pub fn fragments(&self) -> Fragments<'a> {
        let readable = self.epoch == 0 && self.content_type == ContentType::HANDSHAKE;
        fragments(if readable { self.body } else { &[] })
    }

    /// Returns the length on the wire in bytes, header included.
    #[inline]
    pub const fn wire_len(&self) -> usize {
        Self::HEADER + self.connection_id.len() + self.body.len()
    }
}

impl Record<'_> {
    pub(crate) fn encode_up_to_length(&self, to: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.content_type.encode(to)?;
        self.version.encode(to)?;
        to.u16(self.epoch)?;
        to.u48("sequence_number", self.sequence)?;
        to.bytes(self.connection_id)
    }
}

impl Encode for Record<'_> {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.encode_up_to_length(to)?;
        to.vector16("length", self.body)
    }
}

const HEADER: usize = 13;
/// Where a connection ID stands.
const CID: usize = 11;
