//! Extensions as they stand in a hello.

use crate::{
    Decode, Decoder, Encode, EncodeError, Encoder, ExtensionContent, ExtensionType, Hello,
    Malformed,
};

/// One extension: its number, and bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// What it is.
    pub extension_type: ExtensionType,
    /// What it holds: see [`content`](Self::content).
    pub body: &'a [u8],
}

impl<'a> Extension<'a> {
    /// Reads what the extension holds, where that is known here.
    ///
    /// # Errors
    ///
    /// It does not hold what its type has to in that hello; offsets count from the start of the
    /// body.
    pub fn content(&self, hello: Hello) -> Result<ExtensionContent<'a>, Malformed> {
        ExtensionContent::read(*self, hello)
    }
}

impl<'a> Decode<'a> for Extension<'a> {
    fn decode(from: &mut Decoder<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            extension_type: ExtensionType::new(from.u16("extension_type")?),
            body: from.vector16("extension_data")?,
        })
    }
}

impl Encode for Extension<'_> {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.extension_type.encode(to)?;
        to.vector16("extension_data", self.body)
    }
}

/// The extensions of a hello, whole ones only.
///
/// ```
/// use dtls_wire::{ExtensionContent, ExtensionType, Extensions, Hello, ProtocolVersion};
///
/// let extensions = Extensions::parse(&[0, 23, 0, 0, 0, 43, 0, 3, 2, 0xfe, 0xfc])?;
/// let offered = extensions.find(ExtensionType::SUPPORTED_VERSIONS).unwrap();
/// let ExtensionContent::SupportedVersions(versions) = offered.content(Hello::Client)? else {
///     unreachable!("that is what a client's says");
/// };
/// assert!(versions.contains(ProtocolVersion::DTLS_1_3));
/// # Ok::<_, dtls_wire::Malformed>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extensions<'a>(&'a [u8]);

impl<'a> Extensions<'a> {
    /// Reads bytes that are extensions, and nothing else; the length of all is not among them.
    ///
    /// # Errors
    ///
    /// The last one is cut off.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        Self::read(Decoder::new(bytes))
    }

    /// Reads as many extensions as are whole.
    pub fn whole_ones_of(bytes: &'a [u8]) -> Self {
        let mut decoder = Decoder::new(bytes);
        let mut whole = 0;
        while Extension::decode(&mut decoder).is_ok() {
            whole = decoder.offset();
        }
        Self(&bytes[..whole])
    }

    /// Returns them one after the other.
    pub fn iter(&self) -> impl Iterator<Item = Extension<'a>> + use<'a> {
        let mut decoder = Decoder::new(self.0);
        core::iter::from_fn(move || Extension::decode(&mut decoder).ok())
    }

    /// Returns the first of a type.
    pub fn find(&self, extension_type: ExtensionType) -> Option<Extension<'a>> {
        self.iter()
            .find(|extension| extension.extension_type == extension_type)
    }

    /// Returns them as they stand on the wire, without the length of all.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// They end the hello, and were not there before there were extensions (RFC 5246 7.4.1.2).
    pub(crate) fn decode_last(from: &mut Decoder<'a>) -> Result<Option<Self>, Malformed> {
        if from.is_empty() {
            return Ok(None);
        }
        let bytes = from.vector16("extensions")?;
        Self::read(from.within(bytes)).map(Some)
    }

    pub(crate) fn encode_last(
        extensions: Option<Self>,
        to: &mut Encoder<'_>,
    ) -> Result<(), EncodeError> {
        extensions.map_or(Ok(()), |extensions| extensions.encode(to))
    }

    fn read(mut decoder: Decoder<'a>) -> Result<Self, Malformed> {
        let bytes = decoder.rest();
        while !decoder.is_empty() {
            Extension::decode(&mut decoder)?;
        }
        Ok(Self(bytes))
    }
}

/// Writes the length of all, too.
impl Encode for Extensions<'_> {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<(), EncodeError> {
        to.vector16("extensions", self.0)
    }
}
