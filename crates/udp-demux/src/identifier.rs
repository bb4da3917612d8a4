use std::fmt;

/// What a datagram may carry to say which channel it is for, wherever it comes from: 1 to 20 bytes, as a DTLS
/// connection ID (RFC 9146) or a QUIC one (RFC 9000 5.1).
///
/// ```
/// use udp_demux::Identifier;
///
/// let identifier = Identifier::new(&[7, 1, 2]).expect("between 1 and 20 bytes");
/// assert_eq!(identifier.as_ref(), [7, 1, 2]);
/// assert_eq!(Identifier::new(&[]), None);
/// assert_eq!(Identifier::new(&[0; 21]), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier {
    length: u8,
    /// Zeros behind the end, so that equal ones are equal.
    bytes: [u8; Self::MAX],
}

impl Identifier {
    /// The greatest length, in bytes.
    pub const MAX: usize = 20;

    /// Makes one of these bytes; none if there is no byte, or more than [`Self::MAX`].
    pub fn new(identifier: &[u8]) -> Option<Self> {
        let mut bytes = [0; Self::MAX];
        if identifier.is_empty() {
            return None;
        }
        bytes
            .get_mut(..identifier.len())?
            .copy_from_slice(identifier);
        Some(Self {
            length: identifier.len() as u8,
            bytes,
        })
    }
}

impl AsRef<[u8]> for Identifier {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// Its bytes in hexadecimal digits.
impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref()
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identifier({self})")
    }
}
