//! HelloVerifyRequest.

use crate::{Decode, Decoder, Encode, EncodeError, Encoder, Malformed, ProtocolVersion};

/// A server's wish to see its cookie again (RFC 6347 4.2.1). DTLS 1.3 has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelloVerifyRequest<'a> {
    /// DTLS 1.0, whatever will be negotiated.
    pub version: ProtocolVersion,
    /// What the client has to repeat.
    pub cookie: &'a [u8],
}

impl<'a> Decode<'a> for HelloVerifyRequest<'a> {
    fn decode(from: &mut Decoder<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            version: ProtocolVersion::new(from.u16("server_version")?),
            cookie: from.vector8("cookie")?,
        })
    }
}

impl Encode for HelloVerifyRequest<'_> {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.version.encode(to)?;
        to.vector8("cookie", self.cookie)
    }
}
