//! What some extensions list.

use core::{fmt, str};

use crate::{Decode, Decoder, Encode, EncodeError, Encoder, Malformed, NamedGroup};

/// A public key for one group (RFC 8446 4.2.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyShareEntry<'a> {
    /// What the key is for.
    pub group: NamedGroup,
    /// The key, as the group writes it.
    pub key_exchange: &'a [u8],
}

impl<'a> Decode<'a> for KeyShareEntry<'a> {
    fn decode(from: &mut Decoder<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            group: NamedGroup::new(from.u16("group")?),
            key_exchange: from.vector16("key_exchange")?,
        })
    }
}

impl Encode for KeyShareEntry<'_> {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.group.encode(to)?;
        to.vector16("key_exchange", self.key_exchange)
    }
}

/// The name of an application's protocol, such as `coap` (RFC 7301 3.1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ProtocolName<'a>(pub &'a [u8]);

impl<'a> Decode<'a> for ProtocolName<'a> {
    fn decode(from: &mut Decoder<'a>) -> Result<Self, Malformed> {
        from.vector8("protocol_name").map(Self)
    }
}

impl Encode for ProtocolName<'_> {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<(), EncodeError> {
        to.vector8("protocol_name", self.0)
    }
}

impl fmt::Debug for ProtocolName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match str::from_utf8(self.0) {
            Ok(name) => write!(f, "{name:?}"),
            Err(_) => write!(f, "{:02x?}", self.0),
        }
    }
}
