//! Where a datagram belongs, by its connection ID.

use crate::{ContentType, UnifiedRecord};

/// Returns the first `length` bytes of the connection ID in a datagram's first record; None if
/// there is none, or not so much of it.
///
/// It looks at fixed places only, as a router has to do for each datagram, and makes sure of
/// nothing behind them. A router whose servers put a node's number into the first byte asks for one
/// byte, whatever the length of the whole.
///
/// ```
/// use dtls_wire::connection_id;
///
/// let datagram = [25, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 5, 3, 0xaa, 0xbb, 0, 0];
/// assert_eq!(connection_id(&datagram, 1), Some(&[3][..]));
/// assert_eq!(connection_id(&[23, 0xfe, 0xfd], 1), None);
/// ```
#[inline]
pub fn connection_id(datagram: &[u8], length: usize) -> Option<&[u8]> {
    let first = *datagram.first()?;
    let place = if ContentType::new(first) == ContentType::TLS12_CID {
        11
    } else if UnifiedRecord::starts(first) && first & 0b1_0000 != 0 {
        1
    } else {
        return None;
    };
    datagram.get(place..)?.get(..length)
}
