//! Where plaintext goes.

use bytes::BytesMut;

/// Room for a record's plaintext that the caller lends.
pub(crate) enum Room<'a> {
    Slice(&'a mut [u8]),
    /// A buffer that is empty before, and holds the plaintext and nothing else afterwards.
    Bytes(&'a mut BytesMut),
}

impl Room<'_> {
    /// Returns so many bytes, if there is room for them.
    pub(crate) fn lend(&mut self, length: usize) -> Option<&mut [u8]> {
        match self {
            Self::Slice(slice) => slice.get_mut(..length),
            // A record that is forged must not make the buffer long.
            Self::Bytes(_) if length > MAX_LENT => None,
            Self::Bytes(bytes) => {
                bytes.resize(length, 0);
                Some(bytes)
            }
        }
    }

    /// Takes note of how many bytes of what was lent are plaintext.
    pub(crate) fn fill(&mut self, length: usize) {
        if let Self::Bytes(bytes) = self {
            bytes.truncate(length);
        }
    }
}

/// What is longer hardly comes in one datagram.
const MAX_LENT: usize = 2048;
