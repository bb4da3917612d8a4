//! ChangeCipherSpec.

use crate::{Decode, Decoder, Encode, EncodeError, Encoder, Fault, Malformed};

/// The sign that what follows is protected by new keys (RFC 5246 7.1): a record with the byte 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ChangeCipherSpec;

impl Decode<'_> for ChangeCipherSpec {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        match from.u8("type")? {
            1 => Ok(Self),
            _ => Err(from.fault("type", 1, Fault::Value)),
        }
    }
}

impl Encode for ChangeCipherSpec {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<(), EncodeError> {
        to.u8(1)
    }
}
