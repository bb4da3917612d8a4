//! Bytes that are taken from the front.

/// Takes fields off a slice; None where it ends too early, and nothing is taken then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of up to eight bytes, the highest first.
    pub(crate) fn number(&mut self, bytes: usize) -> Option<u64> {
        let digits = self.take(bytes)?;
        Some(
            digits
                .iter()
                .fold(0, |number, digit| number << 8 | u64::from(*digit)),
        )
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|b| u16::from_be_bytes([b[0], b[1]]))
    }

    pub(crate) fn u24(&mut self) -> Option<usize> {
        self.number(3).and_then(|number| number.try_into().ok())
    }

    /// What stands behind its own length of `bytes` bytes.
    pub(crate) fn vector(&mut self, bytes: usize) -> Option<Self> {
        let mut ahead = *self;
        let length = ahead.number(bytes)?.try_into().ok()?;
        let content = ahead.take(length)?;
        *self = ahead;
        Some(Self(content))
    }

    /// All numbers of two bytes up to the end.
    pub(crate) fn u16s(mut self) -> impl Iterator<Item = u16> {
        std::iter::from_fn(move || self.u16())
    }
}
