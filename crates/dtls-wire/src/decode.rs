//! Values read from bytes.

use crate::{Fault, Malformed};

/// A value that can be read from the wire; it borrows from the bytes, and copies none.
pub trait Decode<'a>: Sized {
    /// Takes the value off the front.
    ///
    /// # Errors
    ///
    /// What is wrong, and where.
    fn decode(from: &mut Decoder<'a>) -> Result<Self, Malformed>;

    /// Reads bytes that are the value, and nothing else.
    ///
    /// # Errors
    ///
    /// What is wrong, and where.
    fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut decoder = Decoder::new(bytes);
        let value = Self::decode(&mut decoder)?;
        decoder.end()?;
        Ok(value)
    }
}

/// Bytes that fields are taken off, from the front.
///
/// ```
/// use dtls_wire::Decoder;
///
/// let mut decoder = Decoder::new(&[0, 2, 7, 8, 9]);
/// assert_eq!(decoder.vector16("cookie")?, [7, 8]);
/// assert_eq!((decoder.offset(), decoder.rest()), (4, &[9][..]));
/// # Ok::<_, dtls_wire::Malformed>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Decoder<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Decoder<'a> {
    /// Starts at the first of the bytes.
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// Takes so many bytes off.
    ///
    /// # Errors
    ///
    /// [`Fault::CutOff`], with the field's name, where fewer are left; none is taken then.
    #[inline]
    pub fn take(&mut self, length: usize, field: &'static str) -> Result<&'a [u8], Malformed> {
        let Some((taken, rest)) = self.bytes.split_at_checked(length) else {
            return Err(Malformed::new(field, self.offset, Fault::CutOff));
        };
        self.bytes = rest;
        self.offset += length;
        Ok(taken)
    }

    /// Takes a field of a fixed length off.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    #[inline]
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<&'a [u8; N], Malformed> {
        let Some((taken, rest)) = self.bytes.split_first_chunk() else {
            return Err(Malformed::new(field, self.offset, Fault::CutOff));
        };
        self.bytes = rest;
        self.offset += N;
        Ok(taken)
    }

    /// Takes a number of one byte off.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    #[inline]
    pub fn u8(&mut self, field: &'static str) -> Result<u8, Malformed> {
        self.array(field).map(|[byte]| *byte)
    }

    /// Takes a number of two bytes off.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    #[inline]
    pub fn u16(&mut self, field: &'static str) -> Result<u16, Malformed> {
        self.array(field).map(|bytes| u16::from_be_bytes(*bytes))
    }

    /// Takes a number of three bytes off.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    #[inline]
    pub fn u24(&mut self, field: &'static str) -> Result<usize, Malformed> {
        let [a, b, c] = *self.array(field)?;
        Ok(usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c))
    }

    /// Takes a number of six bytes off.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    #[inline]
    pub fn u48(&mut self, field: &'static str) -> Result<u64, Malformed> {
        let [a, b, c, d, e, f] = *self.array(field)?;
        Ok(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }

    /// Takes a number of eight bytes off.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    #[inline]
    pub fn u64(&mut self, field: &'static str) -> Result<u64, Malformed> {
        self.array(field).map(|bytes| u64::from_be_bytes(*bytes))
    }

    /// Takes a field off behind its length, which has one byte.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    #[inline]
    pub fn vector8(&mut self, field: &'static str) -> Result<&'a [u8], Malformed> {
        let length = self.u8(field)?;
        self.take(length.into(), field)
    }

    /// Takes a field off behind its length, which has two bytes.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    #[inline]
    pub fn vector16(&mut self, field: &'static str) -> Result<&'a [u8], Malformed> {
        let length = self.u16(field)?;
        self.take(length.into(), field)
    }

    /// Takes a field off behind its length, which has three bytes.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    #[inline]
    pub fn vector24(&mut self, field: &'static str) -> Result<&'a [u8], Malformed> {
        let length = self.u24(field)?;
        self.take(length, field)
    }

    /// Makes a decoder for bytes that were just taken off the end of what was read, so that its
    /// offsets count from where this one's do.
    #[inline]
    pub const fn within(&self, taken: &'a [u8]) -> Self {
        Self {
            bytes: taken,
            offset: self.offset - taken.len(),
        }
    }

    /// Takes all that is left.
    #[inline]
    pub fn take_rest(&mut self) -> &'a [u8] {
        let rest = core::mem::take(&mut self.bytes);
        self.offset += rest.len();
        rest
    }

    /// Makes sure that nothing is left.
    ///
    /// # Errors
    ///
    /// [`Fault::Trailing`] where something is.
    pub const fn end(&self) -> Result<(), Malformed> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        Err(Malformed::new("end", self.offset, Fault::Trailing))
    }

    /// Makes the error of a field of so many bytes that was just taken off.
    pub const fn fault(&self, field: &'static str, length: usize, fault: Fault) -> Malformed {
        Malformed::new(field, self.offset.saturating_sub(length), fault)
    }

    /// Returns what is left.
    #[inline]
    pub const fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// Returns how many bytes were taken.
    #[inline]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Whether nothing is left.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}
