//! The key that was fetched for a handshake.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use openssl::{
    error::ErrorStack,
    ex_data::Index,
    ssl::{Ssl, SslRef},
};

use crate::psk::PskKey;

/// Where a handshake finds the key that was fetched for it.
#[derive(Clone, Default)]
pub(crate) struct Answer(Arc<Mutex<Option<Fetched>>>);

struct Fetched {
    identity: Vec<u8>,
    key: PskKey,
}

impl Answer {
    /// Makes `ssl` look for its key here.
    pub(crate) fn attach(&self, ssl: &mut SslRef) -> Result<(), ErrorStack> {
        ssl.set_ex_data(index()?, self.clone());
        Ok(())
    }

    pub(crate) fn set(&self, identity: Vec<u8>, key: PskKey) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Fetched { identity, key });
    }

    /// Takes the key, if it is that of `identity`: whoever forged a fragment gets somebody else's
    /// key no more than his own.
    pub(crate) fn of(ssl: &SslRef, identity: &[u8]) -> Option<PskKey> {
        let Self(answer) = ssl.ex_data(index().ok()?)?;
        let answer = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let fetched = answer.filter(|fetched| fetched.identity == identity)?;
        Some(fetched.key)
    }
}

/// Whether `ssl`'s keys are fetched: a client that came back with a ticket could not be asked about
/// in time.
pub(crate) fn is_fetched(ssl: &SslRef) -> bool {
    index().is_ok_and(|index| ssl.ex_data(index).is_some())
}

fn index() -> Result<Index<Ssl, Answer>, ErrorStack> {
    static INDEX: LazyLock<Result<Index<Ssl, Answer>, ErrorStack>> =
        LazyLock::new(Ssl::new_ex_index);
    INDEX.clone()
}
