//! What is wrong with bytes, and where.

use core::{error::Error, fmt};

/// Bytes that are not what they should be.
///
/// The offset counts from the start of what was given to the function that failed.
///
/// ```
/// use dtls_wire::{Fault, Record};
///
/// let malformed = Record::split(&[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 1]).unwrap_err();
/// assert_eq!((malformed.field(), malformed.offset()), ("fragment", 13));
/// assert_eq!(malformed.fault(), Fault::CutOff);
/// assert_eq!(malformed.to_string(), "fragment at byte 13: cut off");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Malformed {
    field: &'static str,
    offset: usize,
    fault: Fault,
}

impl Malformed {
    /// Makes the error of a field, named as its RFC names it, that starts at an offset in bytes.
    #[inline]
    pub const fn new(field: &'static str, offset: usize, fault: Fault) -> Self {
        Self {
            field,
            offset,
            fault,
        }
    }

    /// Returns the same error for bytes that stand `offset` bytes behind the start of others.
    #[must_use]
    pub const fn behind(self, offset: usize) -> Self {
        Self {
            offset: self.offset + offset,
            ..self
        }
    }

    /// Returns the field, by its RFC's name.
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// Returns where the field starts, in bytes.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Returns what is wrong with the field.
    pub const fn fault(&self) -> Fault {
        self.fault
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}: {}", self.field, self.offset, self.fault)
    }
}

impl Error for Malformed {}

/// What can be wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The bytes end before the field does.
    CutOff,
    /// The field has a length that it cannot have.
    Length,
    /// The field has a value that it cannot have.
    Value,
    /// Something stands behind the field, where nothing may.
    Trailing,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CutOff => "cut off",
            Self::Length => "impossible length",
            Self::Value => "impossible value",
            Self::Trailing => "followed by more",
        })
    }
}
