//! Acknowledgements of DTLS 1.3.

use crate::{Decode, Decoder, Encode, EncodeError, Encoder, List, Malformed};

/// Which records with handshake messages have arrived (RFC 9147 7): the whole body of a record of
/// type [`ContentType::ACK`](crate::ContentType::ACK).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack<'a> {
    /// The records' numbers.
    pub record_numbers: List<'a, RecordNumber>,
}

/// A record's number, unique in its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordNumber {
    /// How many times the keys had changed.
    pub epoch: u64,
    /// The record's number within its epoch.
    pub sequence: u64,
}

impl<'a> Decode<'a> for Ack<'a> {
    fn decode(from: &mut Decoder<'a>) -> Result<Self, Malformed> {
        let bytes = from.vector16("record_numbers")?;
        Ok(Self {
            record_numbers: List::read(from.within(bytes))?,
        })
    }
}

impl Encode for Ack<'_> {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<(), EncodeError> {
        to.nested16("record_numbers", |to| self.record_numbers.encode(to))
    }
}

impl Decode<'_> for RecordNumber {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            epoch: from.u64("epoch")?,
            sequence: from.u64("sequence_number")?,
        })
    }
}

impl Encode for RecordNumber {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<(), EncodeError> {
        to.u64(self.epoch)?;
        to.u64(self.sequence)
    }
}
