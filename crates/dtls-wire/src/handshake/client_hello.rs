//! ClientHello.

use crate::{
    CipherSuite, CompressionMethod, Decode, Decoder, Encode, EncodeError, Encoder, Extensions,
    List, Malformed, ProtocolVersion, handshake::session_id,
};

/// A client's offer (RFC 6347 4.2.1, RFC 9147 5.3).
///
/// ```
/// use dtls_wire::*;
///
/// let mut extensions = Vec::new();
/// ExtensionContent::SupportedGroups(List::of(&[NamedGroup::X25519])).append_to(&mut extensions)?;
/// ExtensionContent::ExtendedMasterSecret.append_to(&mut extensions)?;
/// let hello = ClientHello {
///     version: ProtocolVersion::DTLS_1_2,
///     random: &[7; 32],
///     session_id: &[],
///     cookie: &[],
///     cipher_suites: List::of(&[CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]),
///     compression_methods: List::of(&[CompressionMethod::NULL]),
///     extensions: Some(Extensions::parse(&extensions)?),
/// };
/// let bytes = hello.to_vec()?;
/// assert_eq!(ClientHello::parse(&bytes)?, hello);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientHello<'a> {
    /// The highest version up to DTLS 1.2; a client of 1.3 offers that in an extension.
    pub version: ProtocolVersion,
    /// What makes the handshake unique.
    pub random: &'a [u8; 32],
    /// The session to be resumed; empty for none.
    pub session_id: &'a [u8],
    /// The cookie of a HelloVerifyRequest; empty in a first hello, and always in DTLS 1.3.
    pub cookie: &'a [u8],
    /// What is offered, the best first.
    pub cipher_suites: List<'a, CipherSuite>,
    /// What is offered besides no compression.
    pub compression_methods: List<'a, CompressionMethod>,
    /// The extensions; None where not even their length is written.
    pub extensions: Option<Extensions<'a>>,
}

impl<'a> Decode<'a> for ClientHello<'a> {
    fn decode(from: &mut Decoder<'a>) -> Result<Self, Malformed> {
        let version = ProtocolVersion::new(from.u16("client_version")?);
        let random = from.array("random")?;
        let session_id = session_id(from)?;
        let cookie = from.vector8("cookie")?;
        let suites = from.vector16("cipher_suites")?;
        let cipher_suites = List::read(from.within(suites))?;
        let methods = from.vector8("compression_methods")?;
        let compression_methods = List::read(from.within(methods))?;
        Ok(Self {
            version,
            random,
            session_id,
            cookie,
            cipher_suites,
            compression_methods,
            extensions: Extensions::decode_last(from)?,
        })
    }
}

impl Encode for ClientHello<'_> {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.version.encode(to)?;
        to.bytes(self.random)?;
        to.vector8("session_id", self.session_id)?;
        to.vector8("cookie", self.cookie)?;
        to.nested16("cipher_suites", |to| self.cipher_suites.encode(to))?;
        to.nested8("compression_methods", |to| {
            self.compression_methods.encode(to)
        })?;
        Extensions::encode_last(self.extensions, to)
    }
}
