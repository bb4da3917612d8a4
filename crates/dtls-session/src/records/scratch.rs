//! Buffers that are lent for one call, so that no session has to own one.

use std::{cell::RefCell, thread::LocalKey};

use crate::records::layout::MAX_PLAINTEXT;

/// Lends a buffer that any datagram fits.
pub(crate) fn with_datagram<T>(f: impl FnOnce(&mut [u8]) -> T) -> T {
    thread_local!(static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
    lend(&BUFFER, MAX_DATAGRAM, f)
}

/// Lends a buffer that any record's plaintext fits.
pub(crate) fn with_plaintext<T>(f: impl FnOnce(&mut [u8]) -> T) -> T {
    thread_local!(static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
    lend(&BUFFER, MAX_PLAINTEXT, f)
}

/// Lends an empty buffer to make a record in.
pub(crate) fn with_record<T>(f: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    thread_local!(static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
    let mut record = BUFFER.take();
    record.clear();
    let outcome = f(&mut record);
    BUFFER.set(record);
    outcome
}

/// The buffer is taken and put back rather than borrowed: `f` may come here again, for a session
/// over a session.
fn lend<T>(
    owner: &'static LocalKey<RefCell<Vec<u8>>>,
    length: usize,
    f: impl FnOnce(&mut [u8]) -> T,
) -> T {
    let mut buffer = owner.take();
    buffer.resize(length, 0);
    let outcome = f(&mut buffer);
    owner.set(buffer);
    outcome
}

/// What UDP can carry.
const MAX_DATAGRAM: usize = 65_536;
