//! Buffers that are lent for one call, so that no session has to own one.

use std::{cell::RefCell, thread::LocalKey};

use crate::records::layout::MAX_PLAINTEXT;

/// Lends a buffer that any datagram fits.
pub(crate) fn with_datagram<T>(f: impl FnOnce(&mut [u8]) -> T) -> T {
    thread_local!(static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
    lend(&BUFFER, |buffer| f(filled(buffer, MAX_DATAGRAM)))
}

/// Lends a buffer that any record's plaintext fits.
pub(crate) fn with_plaintext<T>(f: impl FnOnce(&mut [u8]) -> T) -> T {
    thread_local!(static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
    lend(&BUFFER, |buffer| f(filled(buffer, MAX_PLAINTEXT)))
}

/// Lends an empty buffer to make a record in.
pub(crate) fn with_record<T>(f: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    thread_local!(static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
    lend(&BUFFER, |record| {
        record.clear();
        f(record)
    })
}

fn filled(buffer: &mut Vec<u8>, length: usize) -> &mut [u8] {
    buffer.resize(length, 0);
    buffer
}

/// The buffer is taken and put back rather than borrowed: `f` may come here again, for a session
/// over a session. A thread that ends has no buffer any more, but may still have sessions to close.
fn lend<T>(owner: &'static LocalKey<RefCell<Vec<u8>>>, f: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let mut buffer = owner.try_with(RefCell::take).unwrap_or_default();
    let outcome = f(&mut buffer);
    let _ = owner.try_with(|owner| owner.replace(buffer));
    outcome
}

/// What UDP can carry.
const MAX_DATAGRAM: usize = 65_536;
