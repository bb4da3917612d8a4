//! Records with the unified header of DTLS 1.3.

use crate::{Decoder, Encode, EncodeError, Encoder, Fault, Malformed};

/// A protected record of DTLS 1.3 (RFC 9147 4): a short header, whose first byte is 001CSLEE.
///
/// ```
/// use dtls_wire::UnifiedRecord;
///
/// let (record, rest) = UnifiedRecord::split(&[0x2e, 9, 8, 0, 2, 7, 7, 1])?;
/// assert_eq!((record.epoch, record.sequence), (2, &[9, 8][..]));
/// assert_eq!((record.body, rest), (&[7, 7][..], &[1][..]));
/// # Ok::<_, dtls_wire::Malformed>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnifiedRecord<'a> {
    /// The two lowest bits of the epoch.
    pub epoch: u8,
    /// The receiver's connection ID; empty where there is none.
    pub connection_id: &'a [u8],
    /// The lowest one or two bytes of the record's number, encrypted (RFC 9147 4.2.3).
    pub sequence: &'a [u8],
    /// Whether the length is written; otherwise the record ends with its datagram.
    pub has_length: bool,
    /// What is protected, of at least one byte.
    pub body: &'a [u8],
}

impl<'a> UnifiedRecord<'a> {
    /// Whether a record that starts with this byte has a unified header.
    #[inline]
    pub const fn starts(first: u8) -> bool {
        first >> 5 == 0b001
    }

    /// Splits the first record off a datagram, and returns what stands behind it.
    ///
    /// # Errors
    ///
    /// No whole record stands there, or one with a connection ID or a full header.
    #[inline]
    pub fn split(datagram: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        Self::split_with_cid(datagram, 0)
    }

    /// Splits as [`split`](Self::split), where records may have a connection ID of so many bytes.
    ///
    /// # Errors
    ///
    /// As [`split`](Self::split). A connection ID of no bytes is never sent.
    pub fn split_with_cid(
        datagram: &'a [u8],
        cid_length: usize,
    ) -> Result<(Self, &'a [u8]), Malformed> {
        let mut decoder = Decoder::new(datagram);
        let first = decoder.u8("unified_hdr")?;
        if !Self::starts(first) {
            return Err(Malformed::new("unified_hdr", 0, Fault::Value));
        }
        let connection_id = match (first & CONNECTION_ID, cid_length) {
            (0, _) => &[][..],
            (_, 0) => return Err(Malformed::new("cid", 1, Fault::Length)),
            (_, length) => decoder.take(length, "cid")?,
        };
        let digits = if first & LONG_SEQUENCE == 0 { 1 } else { 2 };
        let sequence = decoder.take(digits, "sequence_number")?;
        let has_length = first & LENGTH != 0;
        let body = if has_length {
            decoder.vector16("encrypted_record")?
        } else {
            decoder.take_rest()
        };
        if body.is_empty() {
            return Err(decoder.fault("encrypted_record", 0, Fault::Length));
        }
        let record = Self {
            epoch: first & EPOCH,
            connection_id,
            sequence,
            has_length,
            body,
        };
        Ok((record, decoder.rest()))
    }

    /// Returns the length on the wire in bytes, header included.
    #[inline]
    pub const fn wire_len(&self) -> usize {
        let length = if self.has_length { 2 } else { 0 };
        1 + self.connection_id.len() + self.sequence.len() + length + self.body.len()
    }
}

/// A sequence number that has not one or two bytes is [`EncodeError::TooLong`], as is an epoch
/// beyond two bits.
impl Encode for UnifiedRecord<'_> {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<(), EncodeError> {
        let long = match self.sequence.len() {
            1 => 0,
            2 => LONG_SEQUENCE,
            _ => {
                return Err(EncodeError::TooLong {
                    field: "sequence_number",
                });
            }
        };
        if self.epoch > EPOCH {
            return Err(EncodeError::TooLong { field: "epoch" });
        }
        let cid = if self.connection_id.is_empty() {
            0
        } else {
            CONNECTION_ID
        };
        let length = if self.has_length { LENGTH } else { 0 };
        to.u8(0b10_0000 | cid | long | length | self.epoch)?;
        to.bytes(self.connection_id)?;
        to.bytes(self.sequence)?;
        if self.has_length {
            to.vector16("length", self.body)
        } else {
            to.bytes(self.body)
        }
    }
}

/// Restores a record's number from its lowest 8 or 16 bits: of all that end in them the one
/// nearest to what is expected next (RFC 9147 4.2.2).
///
/// ```
/// use dtls_wire::restore_sequence;
///
/// assert_eq!(restore_sequence(0x1_0002, 0xffff, 16), 0xffff);
/// assert_eq!(restore_sequence(0xfffe, 0x0001, 16), 0x1_0001);
/// ```
#[inline]
pub const fn restore_sequence(expected: u64, low: u16, bits: u32) -> u64 {
    let span = 1_u64 << bits;
    let candidate = (expected & !(span - 1)) | (low as u64 & (span - 1));
    if candidate + span / 2 < expected {
        candidate + span
    } else if candidate >= span && candidate > expected + span / 2 {
        candidate - span
    } else {
        candidate
    }
}

const CONNECTION_ID: u8 = 0b1_0000;
const LONG_SEQUENCE: u8 = 0b1000;
const LENGTH: u8 = 0b100;
const EPOCH: u8 = 0b11;
