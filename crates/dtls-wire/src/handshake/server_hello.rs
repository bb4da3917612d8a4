//! ServerHello, and HelloRetryRequest, which is one.

use crate::{
    CipherSuite, CompressionMethod, Decode, Decoder, Encode, EncodeError, Encoder, Extensions,
    Hello, Malformed, ProtocolVersion, handshake::session_id,
};

/// A server's choice (RFC 5246 7.4.1.3), or its wish for another ClientHello (RFC 8446 4.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerHello<'a> {
    /// The version up to DTLS 1.2; a server names 1.3 in an extension.
    pub version: ProtocolVersion,
    /// What makes the handshake unique; in a HelloRetryRequest [`RETRY`](Self::RETRY).
    pub random: &'a [u8; 32],
    /// The session that is resumed, or can be later; in DTLS 1.3 what the client sent.
    pub session_id: &'a [u8],
    /// The suite that was chosen.
    pub cipher_suite: CipherSuite,
    /// The compression that was chosen.
    pub compression_method: CompressionMethod,
    /// The extensions; None where not even their length is written.
    pub extensions: Option<Extensions<'a>>,
}

impl<'a> ServerHello<'a> {
    /// The random by which a HelloRetryRequest is known (RFC 8446 4.1.3).
    pub const RETRY: [u8; 32] = [
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8,
        0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8,
        0x33, 0x9c,
    ];

    /// Reads a first fragment, or a whole message, with as many extensions as are whole.
    ///
    /// # Errors
    ///
    /// The fragment ends before the extensions start, or has an impossible session ID.
    pub fn parse_start(fragment: &'a [u8]) -> Result<Self, Malformed> {
        let mut decoder = Decoder::new(fragment);
        let hello = Self::decode_up_to_extensions(&mut decoder)?;
        let extensions = decoder.rest().get(2..).map(Extensions::whole_ones_of);
        Ok(Self {
            extensions,
            ..hello
        })
    }

    /// Returns which hello this is: by it the extensions are read.
    pub fn hello(&self) -> Hello {
        if *self.random == Self::RETRY {
            Hello::Retry
        } else {
            Hello::Server
        }
    }

    fn decode_up_to_extensions(from: &mut Decoder<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            version: ProtocolVersion::new(from.u16("server_version")?),
            random: from.array("random")?,
            session_id: session_id(from)?,
            cipher_suite: CipherSuite::new(from.u16("cipher_suite")?),
            compression_method: CompressionMethod::new(from.u8("compression_method")?),
            extensions: None,
        })
    }
}

impl<'a> Decode<'a> for ServerHello<'a> {
    fn decode(from: &mut Decoder<'a>) -> Result<Self, Malformed> {
        let hello = Self::decode_up_to_extensions(from)?;
        Ok(Self {
            extensions: Extensions::decode_last(from)?,
            ..hello
        })
    }
}

impl Encode for ServerHello<'_> {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.version.encode(to)?;
        to.bytes(self.random)?;
        to.vector8("session_id", self.session_id)?;
        self.cipher_suite.encode(to)?;
        self.compression_method.encode(to)?;
        Extensions::encode_last(self.extensions, to)
    }
}
