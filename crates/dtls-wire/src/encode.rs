//! Values written as bytes.

use alloc::vec::Vec;
use core::{error::Error, fmt};

/// A value that can be written as it stands on the wire.
///
/// ```
/// use dtls_wire::{Alert, AlertDescription, AlertLevel, Encode};
///
/// let alert = Alert {
///     level: AlertLevel::WARNING,
///     description: AlertDescription::CLOSE_NOTIFY,
/// };
/// assert_eq!(alert.to_vec()?, [1, 0]);
/// let mut buffer = [0; 16];
/// assert_eq!(alert.write_to(&mut buffer)?, 2);
/// # Ok::<_, dtls_wire::EncodeError>(())
/// ```
pub trait Encode {
    /// Writes the value behind what was written before.
    ///
    /// # Errors
    ///
    /// [`EncodeError`]; part of the value may have been written.
    fn encode(&self, to: &mut Encoder<'_>) -> Result<(), EncodeError>;

    /// Writes the value to the start of a buffer, and returns its length in bytes.
    ///
    /// # Errors
    ///
    /// [`EncodeError`]; what the buffer holds is not defined then.
    fn write_to(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        let mut encoder = Encoder::over(buffer);
        self.encode(&mut encoder)?;
        Ok(encoder.len())
    }

    /// Appends the value to a vector.
    ///
    /// # Errors
    ///
    /// [`EncodeError`]; the vector is as it was before then.
    fn append_to(&self, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
        let before = bytes.len();
        let written = self.encode(&mut Encoder::behind(bytes));
        if written.is_err() {
            bytes.truncate(before);
        }
        written
    }

    /// Writes the value to a vector of its own.
    ///
    /// # Errors
    ///
    /// [`EncodeError::TooLong`].
    fn to_vec(&self) -> Result<Vec<u8>, EncodeError> {
        let mut bytes = Vec::new();
        self.append_to(&mut bytes)?;
        Ok(bytes)
    }
}

/// Where values are written to: a caller's buffer, or the end of a vector.
///
/// ```
/// use dtls_wire::Encoder;
///
/// let mut bytes = Vec::new();
/// let mut encoder = Encoder::behind(&mut bytes);
/// encoder.u8(7)?;
/// encoder.nested16("extensions", |inner| inner.vector8("cookie", &[1, 2]))?;
/// assert_eq!(bytes, [7, 0, 3, 2, 1, 2]);
/// # Ok::<_, dtls_wire::EncodeError>(())
/// ```
#[derive(Debug)]
pub struct Encoder<'a>(Place<'a>);

#[derive(Debug)]
enum Place<'a> {
    Buffer {
        bytes: &'a mut [u8],
        length: usize,
    },
    Vector {
        bytes: &'a mut Vec<u8>,
        start: usize,
    },
}

impl<'a> Encoder<'a> {
    /// Writes over a buffer, from its start.
    pub const fn over(bytes: &'a mut [u8]) -> Self {
        Self(Place::Buffer { bytes, length: 0 })
    }

    /// Writes behind what a vector holds.
    pub const fn behind(bytes: &'a mut Vec<u8>) -> Self {
        let start = bytes.len();
        Self(Place::Vector { bytes, start })
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    ///
    /// [`EncodeError::BufferFull`].
    pub fn bytes(&mut self, written: &[u8]) -> Result<(), EncodeError> {
        match &mut self.0 {
            Place::Vector { bytes, .. } => bytes.extend_from_slice(written),
            Place::Buffer { bytes, length } => {
                let end = *length + written.len();
                let place = bytes.get_mut(*length..end);
                place
                    .ok_or(EncodeError::BufferFull)?
                    .copy_from_slice(written);
                *length = end;
            }
        }
        Ok(())
    }

    /// Writes a number of one byte.
    ///
    /// # Errors
    ///
    /// [`EncodeError::BufferFull`].
    pub fn u8(&mut self, number: u8) -> Result<(), EncodeError> {
        self.bytes(&[number])
    }

    /// Writes a number of two bytes.
    ///
    /// # Errors
    ///
    /// [`EncodeError::BufferFull`].
    pub fn u16(&mut self, number: u16) -> Result<(), EncodeError> {
        self.bytes(&number.to_be_bytes())
    }

    /// Writes a number of three bytes.
    ///
    /// # Errors
    ///
    /// [`EncodeError`].
    pub fn u24(&mut self, field: &'static str, number: usize) -> Result<(), EncodeError> {
        self.number(field, 3, number as u64)
    }

    /// Writes a number of six bytes.
    ///
    /// # Errors
    ///
    /// [`EncodeError`].
    pub fn u48(&mut self, field: &'static str, number: u64) -> Result<(), EncodeError> {
        self.number(field, 6, number)
    }

    /// Writes a number of eight bytes.
    ///
    /// # Errors
    ///
    /// [`EncodeError::BufferFull`].
    pub fn u64(&mut self, number: u64) -> Result<(), EncodeError> {
        self.bytes(&number.to_be_bytes())
    }

    /// Writes a field behind its length, which has one byte.
    ///
    /// # Errors
    ///
    /// [`EncodeError`].
    pub fn vector8(&mut self, field: &'static str, content: &[u8]) -> Result<(), EncodeError> {
        self.number(field, 1, content.len() as u64)?;
        self.bytes(content)
    }

    /// Writes a field behind its length, which has two bytes.
    ///
    /// # Errors
    ///
    /// [`EncodeError`].
    pub fn vector16(&mut self, field: &'static str, content: &[u8]) -> Result<(), EncodeError> {
        self.number(field, 2, content.len() as u64)?;
        self.bytes(content)
    }

    /// Writes a field behind its length, which has three bytes.
    ///
    /// # Errors
    ///
    /// [`EncodeError`].
    pub fn vector24(&mut self, field: &'static str, content: &[u8]) -> Result<(), EncodeError> {
        self.number(field, 3, content.len() as u64)?;
        self.bytes(content)
    }

    /// Writes what `write` does behind its length, which has one byte.
    ///
    /// # Errors
    ///
    /// [`EncodeError`].
    pub fn nested8(
        &mut self,
        field: &'static str,
        write: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.nested(field, 1, write)
    }

    /// Writes what `write` does behind its length, which has two bytes.
    ///
    /// # Errors
    ///
    /// [`EncodeError`].
    pub fn nested16(
        &mut self,
        field: &'static str,
        write: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.nested(field, 2, write)
    }

    /// Returns how many bytes were written.
    pub const fn len(&self) -> usize {
        match &self.0 {
            Place::Buffer { length, .. } => *length,
            Place::Vector { bytes, start } => bytes.len() - *start,
        }
    }

    /// Whether nothing was written.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn nested(
        &mut self,
        field: &'static str,
        size: usize,
        write: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let place = self.len();
        self.number(field, size, 0)?;
        write(self)?;
        let length = self.len() - place - size;
        self.set(field, place, size, length)
    }

    /// Writes a number over one that was written at a place.
    pub(crate) fn set_u24(
        &mut self,
        field: &'static str,
        place: usize,
        number: usize,
    ) -> Result<(), EncodeError> {
        self.set(field, place, 3, number)
    }

    fn set(
        &mut self,
        field: &'static str,
        place: usize,
        size: usize,
        number: usize,
    ) -> Result<(), EncodeError> {
        let digits = digits(field, size, number as u64)?;
        self.written()[place..place + size].copy_from_slice(&digits[8 - size..]);
        Ok(())
    }

    fn number(&mut self, field: &'static str, size: usize, number: u64) -> Result<(), EncodeError> {
        let digits = digits(field, size, number)?;
        self.bytes(&digits[8 - size..])
    }

    fn written(&mut self) -> &mut [u8] {
        match &mut self.0 {
            Place::Buffer { bytes, length } => &mut bytes[..*length],
            Place::Vector { bytes, start } => &mut bytes[*start..],
        }
    }
}

fn digits(field: &'static str, size: usize, number: u64) -> Result<[u8; 8], EncodeError> {
    if size < 8 && number >> (8 * size) != 0 {
        return Err(EncodeError::TooLong { field });
    }
    Ok(number.to_be_bytes())
}

/// Why a value could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncodeError {
    /// The caller's buffer has no room for it.
    BufferFull,
    /// A field, or its length, is larger than its place on the wire.
    TooLong {
        /// The field, by its RFC's name.
        field: &'static str,
    },
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BufferFull => f.write_str("the buffer is full"),
            Self::TooLong { field } => write!(f, "{field} is too long for its place"),
        }
    }
}

impl Error for EncodeError {}
