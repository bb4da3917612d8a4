//! The key that was fetched for a handshake.

use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

/// A key's bytes, wiped when dropped.
pub(crate) type Key = Zeroizing<Vec<u8>>;

/// Where a handshake finds the key that was fetched for it: a client that came back with a ticket could not
/// be asked about in time.
#[derive(Clone, Default)]
pub(crate) struct Answer(Arc<Mutex<Option<Fetched>>>);

struct Fetched {
    identity: Vec<u8>,
    key: Key,
}

impl Answer {
    pub(crate) fn set(&self, identity: Vec<u8>, key: Key) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Fetched { identity, key });
    }

    /// Takes the key, if it is that of `identity`: whoever forged a fragment gets somebody else's
    /// key no more than his own.
    pub(crate) fn take(&self, identity: &[u8]) -> Option<Key> {
        let answer = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let fetched = answer.filter(|fetched| fetched.identity == identity)?;
        Some(fetched.key)
    }
}
