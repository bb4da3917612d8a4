//! Buffers that are lent for one call, so that no session has to own one.

use std::cell::RefCell;

/// Lends a buffer that any datagram fits.
pub(crate) fn with_datagram<T>(f: impl FnOnce(&mut [u8]) -> T) -> T {
    thread_local!(static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
    let mut buffer = BUFFER.take();
    buffer.resize(MAX_DATAGRAM, 0);
    let outcome = f(&mut buffer);
    // Taken and put back rather than borrowed: `f` may come here again, for a session over a
    // session.
    BUFFER.set(buffer);
    outcome
}

/// Lends a buffer that any record's plaintext fits.
pub(crate) fn with_plaintext<T>(f: impl FnOnce(&mut [u8]) -> T) -> T {
    thread_local!(static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
    let mut buffer = BUFFER.take();
    buffer.resize(MAX_PLAINTEXT, 0);
    let outcome = f(&mut buffer);
    BUFFER.set(buffer);
    outcome
}

/// What UDP can carry.
const MAX_DATAGRAM: usize = 65_536;

/// What a record can carry (RFC 5246 6.2.1).
pub(crate) const MAX_PLAINTEXT: usize = 1 << 14;
