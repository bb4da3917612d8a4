//! What is protected, where its type is protected too.

use crate::{ContentType, Decode, Decoder, Encode, EncodeError, Encoder, Fault, Malformed};

/// What a protected record of DTLS 1.3, or one with a connection ID, has within it: content, its
/// type, and zeros that hide its length (RFC 9146 4, RFC 8446 5.2).
///
/// ```
/// use dtls_wire::{ContentType, Decode, InnerPlaintext};
///
/// let inner = InnerPlaintext::parse(&[1, 0, 21, 0, 0, 0])?;
/// assert_eq!(inner.content_type, ContentType::ALERT);
/// assert_eq!((inner.content, inner.padding), (&[1, 0][..], 3));
/// # Ok::<_, dtls_wire::Malformed>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InnerPlaintext<'a> {
    /// What is carried.
    pub content: &'a [u8],
    /// What the content is; never 0.
    pub content_type: ContentType,
    /// How many zeros follow, in bytes.
    pub padding: usize,
}

impl<'a> Decode<'a> for InnerPlaintext<'a> {
    fn decode(from: &mut Decoder<'a>) -> Result<Self, Malformed> {
        let whole = from.take_rest();
        let last = whole.iter().rposition(|byte| *byte != 0);
        let Some((place, (content, behind))) =
            last.and_then(|place| Some((place, whole.split_at_checked(place)?)))
        else {
            return Err(from.fault("type", whole.len(), Fault::Value));
        };
        Ok(Self {
            content,
            content_type: ContentType::new(whole[place]),
            padding: behind.len() - 1,
        })
    }
}

impl Encode for InnerPlaintext<'_> {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<(), EncodeError> {
        to.bytes(self.content)?;
        self.content_type.encode(to)?;
        (0..self.padding).try_for_each(|_| to.u8(0))
    }
}
