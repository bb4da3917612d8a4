//! The records of a datagram.

use crate::{AnyRecord, Malformed};

/// Returns the records of a datagram, one after the other.
///
/// What is no record ends them with an error, whose offset counts from the start of the datagram.
///
/// ```
/// use dtls_wire::{AnyRecord, records};
///
/// let datagram = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 99];
/// let mut records = records(&datagram);
/// assert!(matches!(records.next(), Some(Ok(AnyRecord::Full(alert))) if alert.body == [1, 0]));
/// assert_eq!(records.next().unwrap().unwrap_err().offset(), 15);
/// assert_eq!((records.next(), records.rest()), (None, &[99][..]));
/// ```
#[inline]
pub const fn records(datagram: &[u8]) -> Records<'_> {
    records_with_cid(datagram, 0)
}

/// Returns the records of a datagram where they may have a connection ID of so many bytes.
#[inline]
pub const fn records_with_cid(datagram: &[u8], cid_length: usize) -> Records<'_> {
    Records {
        rest: datagram,
        offset: 0,
        cid_length,
        ended: false,
    }
}

/// The records of a datagram: see [`records`].
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rest: &'a [u8],
    offset: usize,
    cid_length: usize,
    ended: bool,
}

impl<'a> Records<'a> {
    /// Returns what has not been split yet; after an error, all that is no record.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<AnyRecord<'a>, Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.ended || self.rest.is_empty() {
            return None;
        }
        match AnyRecord::split_with_cid(self.rest, self.cid_length) {
            Ok((record, rest)) => {
                self.offset += self.rest.len() - rest.len();
                self.rest = rest;
                Some(Ok(record))
            }
            Err(malformed) => {
                self.ended = true;
                Some(Err(malformed.behind(self.offset)))
            }
        }
    }
}
