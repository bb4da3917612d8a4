//! Buffers that are lent for one call, so that no session has to own one.

use std::{cell::RefCell, thread::LocalKey};

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

/// What a record can carry (RFC 5246 6.2.1).
pub(crate) const MAX_PLAINTEXT: usize = 1 << 14;
