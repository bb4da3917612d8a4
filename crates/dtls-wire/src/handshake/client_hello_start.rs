//! A ClientHello's first fragment.

use crate::{
    CipherSuite, Decoder, Extensions, List, Malformed, ProtocolVersion, handshake::session_id,
};

/// A ClientHello as far as its first fragment shows it, up to the cookie at least.
///
/// A server without a state has to judge a hello that came in parts by the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientHelloStart<'a> {
    /// As in [`ClientHello`](crate::ClientHello).
    pub version: ProtocolVersion,
    /// What makes the handshake unique.
    pub random: &'a [u8; 32],
    /// The session to be resumed; empty for none.
    pub session_id: &'a [u8],
    /// The cookie of a HelloVerifyRequest; empty in a first hello.
    pub cookie: &'a [u8],
    /// Cipher suites and compression methods as they stand on the wire, their lengths included;
    /// None where the fragment ends before the end of these.
    pub offers: Option<&'a [u8]>,
    /// As many extensions as are whole.
    pub extensions: Extensions<'a>,
}

impl<'a> ClientHelloStart<'a> {
    /// Reads a first fragment, or a whole message.
    ///
    /// # Errors
    ///
    /// The fragment ends before the cookie does, or has an impossible session ID.
    pub fn parse(fragment: &'a [u8]) -> Result<Self, Malformed> {
        let mut decoder = Decoder::new(fragment);
        let version = ProtocolVersion::new(decoder.u16("client_version")?);
        let random = decoder.array("random")?;
        let session_id = session_id(&mut decoder)?;
        let cookie = decoder.vector8("cookie")?;
        let offers = take_offers(&mut decoder).ok();
        let extensions = match offers {
            Some(_) => Extensions::whole_ones_of(decoder.rest().get(2..).unwrap_or_default()),
            None => Extensions::default(),
        };
        Ok(Self {
            version,
            random,
            session_id,
            cookie,
            offers,
            extensions,
        })
    }

    /// Returns the cipher suites; None where [`offers`](Self::offers) is, or they are no list.
    pub fn cipher_suites(&self) -> Option<List<'a, CipherSuite>> {
        let suites = Decoder::new(self.offers?).vector16("cipher_suites");
        List::parse(suites.ok()?).ok()
    }
}

fn take_offers<'a>(decoder: &mut Decoder<'a>) -> Result<&'a [u8], Malformed> {
    let start = decoder.rest();
    decoder.vector16("cipher_suites")?;
    decoder.vector8("compression_methods")?;
    Ok(&start[..start.len() - decoder.rest().len()])
}
