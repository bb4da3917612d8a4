//! Handshake messages, whole or in parts.

use crate::{Decode, Decoder, Encode, EncodeError, Encoder, HandshakeType, Malformed};

/// A handshake message, or a part of it (RFC 6347 4.2.2).
///
/// ```
/// use dtls_wire::{Encode, Fragment, HandshakeType};
///
/// let whole = Fragment::whole(HandshakeType::SERVER_HELLO_DONE, 5, &[]);
/// let bytes = whole.to_vec().unwrap();
/// assert_eq!(bytes, [14, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0]);
/// assert_eq!(Fragment::split(&bytes)?, (whole, &[][..]));
/// # Ok::<_, dtls_wire::Malformed>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// What the message is.
    pub handshake_type: HandshakeType,
    /// The length of the whole message in bytes, without its header.
    pub message_length: usize,
    /// The message's number in its handshake.
    pub message_sequence: u16,
    /// Where in the message the part starts, in bytes.
    pub offset: usize,
    /// The part.
    pub body: &'a [u8],
}

impl<'a> Fragment<'a> {
    /// The length of the header in bytes.
    pub const HEADER: usize = 12;

    /// Makes the only fragment of a message.
    pub const fn whole(
        handshake_type: HandshakeType,
        message_sequence: u16,
        message: &'a [u8],
    ) -> Self {
        Self {
            handshake_type,
            message_length: message.len(),
            message_sequence,
            offset: 0,
            body: message,
        }
    }

    /// Splits the first fragment off a record's body, and returns what stands behind it.
    ///
    /// # Errors
    ///
    /// No whole fragment stands there. Whether it lies [within](Self::is_within) its message is
    /// not asked.
    #[inline]
    pub fn split(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        let mut decoder = Decoder::new(bytes);
        let fragment = Self::decode(&mut decoder)?;
        Ok((fragment, decoder.rest()))
    }

    /// Whether this is a whole message.
    #[inline]
    pub const fn is_whole(&self) -> bool {
        self.offset == 0 && self.body.len() == self.message_length
    }

    /// Whether the part lies within its message, as it has to.
    #[inline]
    pub const fn is_within(&self) -> bool {
        self.offset + self.body.len() <= self.message_length
    }
}

impl<'a> Decode<'a> for Fragment<'a> {
    #[inline]
    fn decode(from: &mut Decoder<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            handshake_type: HandshakeType::new(from.u8("msg_type")?),
            message_length: from.u24("length")?,
            message_sequence: from.u16("message_seq")?,
            offset: from.u24("fragment_offset")?,
            body: from.vector24("fragment")?,
        })
    }
}

impl Encode for Fragment<'_> {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.handshake_type.encode(to)?;
        to.u24("length", self.message_length)?;
        to.u16(self.message_sequence)?;
        to.u24("fragment_offset", self.offset)?;
        to.vector24("fragment_length", self.body)
    }
}

/// Returns the fragments in the body of a plaintext handshake record, one after the other.
///
/// What is no fragment ends them with an error, whose offset counts from the start of the body.
#[inline]
pub const fn fragments(body: &[u8]) -> Fragments<'_> {
    Fragments {
        decoder: Decoder::new(body),
        ended: false,
    }
}

/// The fragments in a record: see [`fragments`].
#[derive(Clone, Debug)]
pub struct Fragments<'a> {
    decoder: Decoder<'a>,
    ended: bool,
}

impl<'a> Fragments<'a> {
    /// Returns what has not been split yet; after an error, all that is no fragment.
    pub const fn rest(&self) -> &'a [u8] {
        self.decoder.rest()
    }
}

impl<'a> Iterator for Fragments<'a> {
    type Item = Result<Fragment<'a>, Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.ended || self.decoder.is_empty() {
            return None;
        }
        let mut ahead = self.decoder;
        let fragment = Fragment::decode(&mut ahead);
        match fragment {
            Ok(_) => self.decoder = ahead,
            Err(_) => self.ended = true,
        }
        Some(fragment)
    }
}
