//! How a server finds the key of an identity.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use zeroize::Zeroizing;

use crate::{
    credentials::psk::PskKey,
    openssl::{
        context::ContextBuilder,
        hmac::HmacKey,
        psk::{Asked, Given},
        scope::Scope,
    },
    record_layer::inquiry::{LookLater, PskInquiry},
};

/// A map or a function that knows keys, at once or some time later.
#[derive(Clone)]
pub(crate) enum PskLookup {
    Now(Arc<LookNow>),
    Later(Arc<LookLater>),
}

pub(crate) type LookNow = dyn Fn(&[u8]) -> Option<PskKey> + Send + Sync;

impl PskLookup {
    pub(crate) fn now(lookup: impl Fn(&[u8]) -> Option<PskKey> + Send + Sync + 'static) -> Self {
        Self::Now(Arc::new(lookup))
    }

    pub(crate) fn later<F>(lookup: impl Fn(Vec<u8>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Option<PskKey>> + Send + 'static,
    {
        Self::Later(Arc::new(move |identity| Box::pin(lookup(identity))))
    }

    /// Finds a key at once, if that can be done. A panic must not get into OpenSSL, which would
    /// abort the process.
    pub(crate) fn find(&self, identity: &[u8]) -> Option<PskKey> {
        match self {
            Self::Now(lookup) => {
                catch_unwind(AssertUnwindSafe(|| lookup(identity))).unwrap_or_default()
            }
            Self::Later(_) => None,
        }
    }

    /// Strangers get a key nobody has, and fail where those with a wrong key do: who guesses
    /// identities learns nothing (RFC 4279 2).
    pub(crate) fn install(self, context: &mut ContextBuilder, decoy: &[u8; 32]) {
        let decoy = Decoy::new(decoy);
        context.give_psk(move |asked| {
            let found = self.look(asked);
            let known = found.is_some();
            let (key, mark) = decoy.answer(asked.identity, found);
            Given {
                key: key.0,
                mark,
                known,
            }
        });
    }

    /// Finds the key of the identity that OpenSSL knows, if it is what the client has sent.
    fn look(&self, asked: &Asked<'_>) -> Option<PskKey> {
        let found = match self {
            Self::Now(_) => self.find(asked.identity),
            Self::Later(_) => asked.answer?.take(asked.identity).map(PskKey),
        };
        found.filter(|_| asked.is_whole)
    }

    /// Lets no session be resumed here that could not be asked about.
    pub(crate) fn narrow(&self, scope: Scope) -> Scope {
        match self {
            Self::Now(_) => scope,
            Self::Later(_) => scope.with(b"fetch"),
        }
    }

    /// Starts what has to be known before OpenSSL asks for it; None if it need not wait.
    pub(crate) fn inquire(&self) -> Option<PskInquiry> {
        match self {
            Self::Now(_) => None,
            Self::Later(lookup) => Some(PskInquiry::new(Arc::clone(lookup))),
        }
    }
}

impl fmt::Debug for PskLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PskLookup").finish_non_exhaustive()
    }
}

/// Makes a key for everybody and takes it for strangers, so that both cost the same.
struct Decoy {
    secret: HmacKey,
    /// How long the key was that was found last: a longer one may take the key derivation more time.
    length: AtomicUsize,
}

impl Decoy {
    fn new(secret: &[u8; 32]) -> Self {
        Self {
            secret: HmacKey::new(secret),
            length: AtomicUsize::new(PskKey::ADVISED),
        }
    }

    /// Returns the key to go on with, and its mark.
    fn answer(&self, identity: &[u8], found: Option<PskKey>) -> (PskKey, [u8; 32]) {
        let usual = self.length.load(Relaxed);
        let length = found.as_ref().map_or(usual, |key| key.0.len());
        self.length.store(length, Relaxed);
        let seed = Zeroizing::new(self.secret.sign(&[identity]));
        let decoy: Vec<u8> = seed.iter().copied().cycle().take(length).collect();
        let decoy = PskKey(Zeroizing::new(decoy));
        let key = found.unwrap_or(decoy);
        let mark = key.mark();
        (key, mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openssl::hmac::count;

    #[test]
    fn a_stranger_costs_what_an_acquaintance_does() {
        for length in [1, 16, 32, 64, 65, 512] {
            let decoy = Decoy::new(&[1; 32]);
            let known = || Some(PskKey::new(vec![7; length]).unwrap());
            let before = count();
            let (key, mark) = decoy.answer(b"acquaintance", known());
            let once = count() - before;
            let known = known().unwrap();
            assert_eq!((key.0, mark), (known.0.clone(), known.mark()));
            let before = count();
            let (key, _) = decoy.answer(b"stranger", None);
            assert_eq!(count() - before, once, "{length}");
            assert_eq!(key.0.len(), length);
            assert_eq!(decoy.answer(b"stranger", None).0.0, key.0);
        }
    }
}
