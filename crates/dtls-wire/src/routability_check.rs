//! Whether a peer receives at its new address.

use crate::{Decode, Decoder, Encode, EncodeError, Encoder, Malformed, RoutabilityCheckType};

/// A message of the return routability check (RFC 9853): the whole body of a protected record of
/// type [`ContentType::RETURN_ROUTABILITY_CHECK`](crate::ContentType::RETURN_ROUTABILITY_CHECK).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RoutabilityCheck {
    /// Whether it asks, answers or refuses.
    pub check_type: RoutabilityCheckType,
    /// What an answer repeats.
    pub cookie: [u8; 8],
}

impl Decode<'_> for RoutabilityCheck {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            check_type: RoutabilityCheckType::new(from.u8("msg_type")?),
            cookie: *from.array("cookie")?,
        })
    }
}

impl Encode for RoutabilityCheck {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.check_type.encode(to)?;
        to.bytes(&self.cookie)
    }
}
