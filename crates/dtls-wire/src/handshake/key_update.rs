//! KeyUpdate.

use crate::{Decode, Decoder, Encode, EncodeError, Encoder, Fault, Malformed};

/// The sign that the sender's next records have new keys (RFC 8446 4.6.3, RFC 9147 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyUpdate {
    /// Whether the receiver has to change its own keys, too.
    pub update_requested: bool,
}

impl Decode<'_> for KeyUpdate {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        let update_requested = match from.u8("request_update")? {
            0 => false,
            1 => true,
            _ => return Err(from.fault("request_update", 1, Fault::Value)),
        };
        Ok(Self { update_requested })
    }
}

impl Encode for KeyUpdate {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<(), EncodeError> {
        to.u8(self.update_requested.into())
    }
}
