//! Lists of values, as they stand on the wire or as a caller has them.

use core::{fmt, marker::PhantomData};

use crate::{Decode, Decoder, Encode, EncodeError, Encoder, Malformed};

/// A list of values, such as cipher suites: read from the wire without copying, or made of a slice.
///
/// ```
/// use dtls_wire::{CipherSuite, List};
///
/// let read: List<CipherSuite> = List::parse(&[0xc0, 0x2b, 0xc0, 0x2f])?;
/// let made = List::of(&[
///     CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
///     CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
/// ]);
/// assert_eq!(read, made);
/// # Ok::<_, dtls_wire::Malformed>(())
/// ```
#[derive(Clone, Copy)]
pub struct List<'a, T>(Source<'a, T>);

#[derive(Clone, Copy)]
enum Source<'a, T> {
    /// Made sure of: items, and nothing else.
    Wire(&'a [u8], PhantomData<T>),
    Slice(&'a [T]),
}

impl<'a, T> List<'a, T> {
    /// Makes a list of a caller's values.
    pub const fn of(values: &'a [T]) -> Self {
        Self(Source::Slice(values))
    }
}

impl<'a, T: Decode<'a> + Copy> List<'a, T> {
    /// Reads bytes that are items, and nothing else; the list's length is not among them.
    ///
    /// # Errors
    ///
    /// What is wrong with the first bad item.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        Self::read(Decoder::new(bytes))
    }

    pub(crate) fn read(mut decoder: Decoder<'a>) -> Result<Self, Malformed> {
        let bytes = decoder.rest();
        while !decoder.is_empty() {
            T::decode(&mut decoder)?;
        }
        Ok(Self(Source::Wire(bytes, PhantomData)))
    }

    /// Returns the values, one after the other.
    pub fn iter(&self) -> Items<'a, T> {
        Items(match self.0 {
            Source::Wire(bytes, _) => Next::Wire(Decoder::new(bytes)),
            Source::Slice(values) => Next::Slice(values.iter()),
        })
    }

    /// Returns how many values there are.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is no value.
    pub const fn is_empty(&self) -> bool {
        match self.0 {
            Source::Wire(bytes, _) => bytes.is_empty(),
            Source::Slice(values) => values.is_empty(),
        }
    }

    /// Whether a value is among them.
    pub fn contains(&self, value: T) -> bool
    where
        T: PartialEq,
    {
        self.iter().any(|one| one == value)
    }
}

impl<'a, T: Decode<'a> + Copy> IntoIterator for List<'a, T> {
    type Item = T;
    type IntoIter = Items<'a, T>;

    fn into_iter(self) -> Items<'a, T> {
        self.iter()
    }
}

impl<'a, T: Decode<'a> + Copy> IntoIterator for &List<'a, T> {
    type Item = T;
    type IntoIter = Items<'a, T>;

    fn into_iter(self) -> Items<'a, T> {
        self.iter()
    }
}

impl<'a, T: Decode<'a> + Copy + PartialEq> PartialEq for List<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a, T: Decode<'a> + Copy + Eq> Eq for List<'a, T> {}

impl<'a, T: Decode<'a> + Copy + fmt::Debug> fmt::Debug for List<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Writes the items alone; whoever holds the list writes its length.
impl<'a, T: Decode<'a> + Encode + Copy> Encode for List<'a, T> {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<(), EncodeError> {
        match self.0 {
            Source::Wire(bytes, _) => to.bytes(bytes),
            Source::Slice(values) => values.iter().try_for_each(|value| value.encode(to)),
        }
    }
}

/// The values of a [`List`].
#[derive(Clone, Debug)]
pub struct Items<'a, T>(Next<'a, T>);

#[derive(Clone, Debug)]
enum Next<'a, T> {
    Wire(Decoder<'a>),
    Slice(core::slice::Iter<'a, T>),
}

impl<'a, T: Decode<'a> + Copy> Iterator for Items<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        match &mut self.0 {
            Next::Wire(decoder) if decoder.is_empty() => None,
            Next::Wire(decoder) => T::decode(decoder).ok(),
            Next::Slice(values) => values.next().copied(),
        }
    }
}
