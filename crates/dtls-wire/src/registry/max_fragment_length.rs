//! How long records may be.

use super::registry;

registry! {
    /// How much a record may carry: MaxFragmentLength (RFC 6066 4).
    MaxFragmentLength(u8), "max_fragment_length {}";
    1 BYTES_512 "512",
    2 BYTES_1024 "1024",
    3 BYTES_2048 "2048",
    4 BYTES_4096 "4096",
}

impl MaxFragmentLength {
    /// Returns how much a record may carry in bytes; None for a number that means nothing.
    pub const fn bytes(self) -> Option<usize> {
        match self.0 {
            number @ 1..=4 => Some(256 << number),
            _ => None,
        }
    }
}
